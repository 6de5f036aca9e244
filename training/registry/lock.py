"""A lock for one retraining at a time, which the operating system releases when its process is killed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from features.base import MlriskError
from training.registry.store_errors import advice_for

POLL_S = 0.2


class BusyError(MlriskError):
    """Another run holds the lock."""


@contextmanager
def only_one(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of a file, waiting up to `wait_s` for the process that holds it.

    Raises BusyError that names that process, and MlriskError if the file cannot be written. A killed process holds no
    lock, so that nothing has to be cleaned up by hand. The holder is named in a second file beside the lock, because
    nobody can read a locked file on Windows.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait_s, poll_interval=POLL_S)
    except Timeout as error:
        raise BusyError(
            f"another retraining runs ({_holder(path)}): wait until it has ended, or let this one wait with "
            "retraining.lock_wait_s"
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _name_holder(path)
        yield
    finally:
        lock.release()


def holder_path(path: Path) -> Path:
    """The file beside a lock that names the process which took it last."""
    return path.with_name(f"{path.name}.holder")


def _name_holder(path: Path) -> None:
    facts = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        holder_path(path).write_text(json.dumps(facts), encoding="utf-8")
    except OSError as error:
        raise _unwritable(holder_path(path), error) from error


def _holder(path: Path) -> str:
    try:
        facts = json.loads(holder_path(path).read_text(encoding="utf-8"))
        return f"process {facts['pid']} since {facts['since']}"
    except (OSError, ValueError, KeyError):
        return "its process is not known"


def _unwritable(path: Path, error: OSError) -> MlriskError:
    return MlriskError(f"lock ({path}) cannot be written: {advice_for(error) or error.strerror}")
