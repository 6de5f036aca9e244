"""Folders for temporary files, which may hold records: those of killed processes are removed by the next one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX, LOCK, FILES = "mlrisk-temporary-", "lock", "files"
# Folders that last as long as the process: the stack removes them at its end.
_LASTING = ExitStack()


@contextmanager
def temporary_folder(place: Path | None = None) -> Iterator[Path]:
    """An empty folder, removed at the end of the block; a killed process leaves it to the next one.

    It lies in `place`, or in the folder of the system for temporary files.
    """
    parent = tempfile.gettempdir() if place is None else str(place)
    _remove_abandoned_once(parent)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent, ignore_cleanup_errors=True) as name:
        lock = FileLock(Path(name) / LOCK)
        # Locked before there is anything to remove: who sees `files` sees the lock.
        with lock:
            files = Path(name) / FILES
            files.mkdir()
            yield files


def lasting_folder() -> Path:
    """An empty folder that is removed when the process ends."""
    import atexit

    atexit.register(_LASTING.close)
    return _LASTING.enter_context(temporary_folder())


@cache
def _remove_abandoned_once(place: str) -> None:
    remove_abandoned(Path(place))


def remove_abandoned(place: Path) -> None:
    """Remove the temporary folders in a place whose processes hold their locks no longer."""
    for root in place.glob(f"{PREFIX}*"):
        with suppress(Timeout, OSError):
            if (root / FILES).is_dir():
                with FileLock(root / LOCK).acquire(timeout=0):
                    shutil.rmtree(root / FILES, ignore_errors=True)
                shutil.rmtree(root, ignore_errors=True)
