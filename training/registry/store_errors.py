"""Errors of the tracking store or a disk, as one sentence with advice."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from features.base import MlriskError
from training.settings import masked


class TrackingError(MlriskError):
    """The tracking store cannot be reached or written."""


# Fragments of messages of sqlite, SQLAlchemy or MLflow, each with the advice for the operator.
ADVICE = {
    "database is locked": "another program holds it: wait until it has ended, or use PostgreSQL for many at once",
    "readonly database": "it cannot be written: give this user write access to the file and its folder",
    "disk is full": "the disk is full: free some space and run again, nothing that ranks was changed",
    "no space left": "the disk is full: free some space and run again, nothing that ranks was changed",
    "unable to open database file": "the file cannot be opened: check that its folder exists and may be written",
    "disk i/o error": "the disk does not answer: check it and run again, nothing that ranks was changed",
    "permission denied": "no write access: give this user access to the folder",
    "read-only file system": "the folder cannot be written: give another one in tracking.uri or tracking.artifacts",
    "file is not a database": "the file is no database: bring the one of a backup, or move it away to begin a new one",
    "malformed": "the database is damaged: bring the one of a backup, or move it away to begin a new one",
    "no such table": "it is no store of MLflow: correct tracking.uri",
    "out-of-date database schema": "an older MLflow wrote it: run `mlflow db upgrade` on it once",
    "can't locate revision": "a newer MLflow wrote it: update mlflow, or bring the store of a backup",
    "connection refused": "nobody answers there: start the server or correct tracking.uri",
}
ERRNOS = {
    errno.ENOSPC: "no space left",
    errno.EDQUOT: "no space left",
    errno.EROFS: "read-only file system",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


def advice_for(error: BaseException) -> str | None:
    """Advice for an error, None if it is not an error of the store or a disk.

    >>> advice_for(OSError(errno.ENOSPC, "x"))
    'the disk is full: free some space and run again, nothing that ranks was changed'
    """
    text = str(error).casefold()
    if isinstance(error, OSError) and error.errno in ERRNOS:
        text = ERRNOS[error.errno]
    return next((advice for known, advice in ADVICE.items() if known in text), None)


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Raise errors of the store or its disk as TrackingError with advice; other errors pass."""
    try:
        yield
    except MlriskError:
        raise
    except Exception as error:
        advice = advice_for(error)
        if advice is None and not isinstance(error, sqlite3.Error):
            raise
        raise TrackingError(f"tracking store ({masked(uri)}): {advice or error}") from error
