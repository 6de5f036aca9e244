"""One retraining at a time: a lock that the operating system takes back from whoever is killed."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from features.base import MlriskError
from training.registry.store_errors import advice_for

POLL_S = 0.2


class BusyError(MlriskError):
    """Another run holds the lock."""


@contextmanager
def only_one(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of a file, waiting up to `wait_s` for whoever holds it.

    Raises BusyError that names the holder, and MlriskError where the file cannot be written. A process that is killed
    holds no lock: nothing has to be cleaned up by hand.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise MlriskError(f"lock ({path}) cannot be written: {advice_for(error) or error.strerror}") from error
    with file:
        until = time.monotonic() + wait_s
        while not _taken(file):
            if time.monotonic() >= until:
                raise BusyError(
                    f"another retraining runs ({_holder(path)}): wait until it has ended, or let this one wait with "
                    "retraining.lock_wait_s"
                )
            time.sleep(POLL_S)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}))
        file.flush()
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return f"process {told['pid']} since {told['since']}"
    except (OSError, ValueError, KeyError):
        return "its process is not known"
