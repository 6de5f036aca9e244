"""Files are written beside a folder and moved in once all are complete; the next run repairs an interrupted move.

A scratch folder holds `lock`, which its process holds as long as it lives, `files`, and during the move `moves.json`
with `earlier`, the files that were replaced. Without `moves.json` nothing was moved, or everything was.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from features.base import MlriskError

LOCK, FILES, MOVES, EARLIER = "lock", "files", "moves.json", "earlier"
# Scratch folders of this process, so that a signal handler can remove them.
_OPEN: set[Path] = set()


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """An empty folder for files that `move_in` brings into `folder`; it is always removed at the end.

    Scratch folders of processes that were killed are removed first, and a move that one of them did not end is undone.
    Raises MlriskError if it cannot be created.
    """
    # Listed before it is created, because a signal may come at any time.
    root = folder.parent / f".{folder.name}-{uuid4().hex[:12]}"
    _OPEN.add(root)
    lock = FileLock(root / LOCK)
    try:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(folder)
            root.mkdir(mode=0o700)
            lock.acquire()
            (root / FILES).mkdir()
        except OSError as error:
            raise MlriskError(f"output.folder ({folder}) cannot be written: {error.strerror or error}") from error
        yield root / FILES
    finally:
        lock.release()
        shutil.rmtree(root, ignore_errors=True)
        _OPEN.discard(root)


def move_in(files: Path, folder: Path, order: list[str]) -> None:
    """Move files of a scratch folder into `folder` in this order, all or none.

    Replaced files are kept until the last one is in. Raises OSError, with every earlier file restored, if the disk is
    full, a file is locked by another program, or a folder has the name of a file.
    """
    root = files.parent
    taken = [name for name in order if (folder / name).is_dir() and not (folder / name).is_symlink()]
    if taken:
        raise OSError(0, f"a folder stands where {taken[0]} goes: move it away", str(folder / taken[0]))
    folder.mkdir(exist_ok=True)
    (root / EARLIER).mkdir()
    _write_through(root / MOVES, json.dumps(order))
    try:
        # A summary vouches for all files of a map, so it leaves first and comes last.
        for name in reversed(order):
            if os.path.lexists(folder / name):
                (folder / name).replace(root / EARLIER / name)
        for name in order:
            (files / name).replace(folder / name)
    except BaseException:
        _undo(root, folder)
        raise
    (root / MOVES).unlink()


def remove_abandoned(folder: Path) -> None:
    """Remove the scratch folders beside `folder` whose processes were killed; undo their moves first."""
    for root in folder.parent.glob(f".{folder.name}-*"):
        if not (root / LOCK).is_file() or root in _OPEN:
            continue
        lock = FileLock(root / LOCK)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        try:
            _undo(root, folder)
        finally:
            lock.release()
        shutil.rmtree(root, ignore_errors=True)


def abandon() -> None:
    """Remove the scratch folders of this process at once; one whose move is under way is left to the next run."""
    for root in list(_OPEN):
        if not (root / MOVES).exists():
            shutil.rmtree(root, ignore_errors=True)


def _undo(root: Path, folder: Path) -> None:
    """Restore the files that an unfinished move replaced and remove those that it brought; nothing if there is none."""
    if not (root / MOVES).is_file():
        return
    try:
        names = json.loads((root / MOVES).read_text(encoding="utf-8"))
    except ValueError:
        # The run was killed while writing moves.json: nothing had been moved.
        names = []
    for name in names:
        if os.path.lexists(root / EARLIER / name):
            (root / EARLIER / name).replace(folder / name)
        elif not (root / FILES / name).exists() and (folder / name).is_file():
            (folder / name).replace(root / FILES / name)
    with suppress(OSError):
        (root / MOVES).unlink()


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
