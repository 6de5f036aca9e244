"""A store that was copied or moved with its project folder: its files are found beside it, whatever the old paths."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from features.base import ConfigError, try_folder
from training.registry.store_errors import TrackingError, store_errors

# Columns in which MLflow stores absolute paths of files.
PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
    "logged_models": ("artifact_location",),
}
WAIT_S = 30.0
# Building the tables takes some seconds on an idle machine.
BUILD_S = 300.0


def database_of(uri: str) -> Path | None:
    """The file of an sqlite store, None for a store of another kind.

    >>> database_of("sqlite:////srv/mlflow.db").as_posix()
    '/srv/mlflow.db'
    """
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def check_there(uri: str) -> None:
    """Raise ConfigError where an sqlite store does not exist: a command that only reads must not make one."""
    database = database_of(uri)
    if database is not None and not database.is_file():
        raise ConfigError(
            f"tracking.uri ({uri}): there is no such store. Run `mlrisk train` first, or correct tracking.uri; a "
            "project folder that was moved needs its mlflow.db beside the config"
        )


def check_writable(uri: str, artifacts: str | None) -> None:
    """Raise an error where an sqlite store or its folder of models cannot be written, or the database is damaged.

    TrackingError for the database and ConfigError for the folder; a store elsewhere is tested by its first run.
    """
    database = database_of(uri)
    if database is not None:
        try_folder("tracking.uri", database.parent)
        with store_errors(uri):
            if database.is_file():
                if not os.access(database, os.W_OK):
                    raise PermissionError(errno.EACCES, "no write access", str(database))
                with closing(sqlite3.connect(database, timeout=WAIT_S, isolation_level=None)) as writer:
                    writer.execute("PRAGMA quick_check(1)")
                    writer.execute("BEGIN IMMEDIATE")
                    writer.execute("ROLLBACK")
    if artifacts is not None and artifacts.startswith("file://"):
        try_folder("tracking.artifacts", Path(artifacts.removeprefix("file://")))


@contextmanager
def creation_lock(uri: str) -> Iterator[None]:
    """Let one process at a time build the tables of a new sqlite store: if two do, one of them fails."""
    database = database_of(uri)
    path = None if database is None else database.with_name(f".{database.name}.first.lock")
    # A process that arrives while another builds waits for the end, not for the first table.
    if database is None or path is None or (database.is_file() and not path.exists() and _has_tables(database)):
        yield
        return
    lock = FileLock(path)
    try:
        lock.acquire(timeout=BUILD_S)
    except Timeout as error:
        raise TrackingError(f"tracking store ({uri}): another process builds it for {BUILD_S:.0f} s already") from error
    try:
        yield
        path.unlink(missing_ok=True)
    finally:
        lock.release()


def _opened(database: Path) -> sqlite3.Connection:
    """Open an existing database for writing, because the transaction of a killed writer has to be rolled back first."""
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True, timeout=WAIT_S)


def _has_tables(database: Path) -> bool:
    """Whether MLflow has started to build its tables."""
    with closing(_opened(database)) as reader:
        tables = {name for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {"alembic_version", "experiments"} <= tables


def relocate_store(uri: str, artifacts: str | None) -> tuple[str, ...]:
    """Point a copied or moved sqlite store at the files beside it; returns its old paths.

    MLflow keeps absolute paths: the copy of a project would read and write the files of the original. A path is changed
    only where files of the same country lie under `artifacts`. Raises TrackingError where the database cannot be
    written.
    """
    database = database_of(uri)
    if database is None or artifacts is None or not artifacts.startswith("file://") or not database.is_file():
        return ()
    root = Path(artifacts.removeprefix("file://"))
    with store_errors(uri):
        with closing(_opened(database)) as reader:
            if reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone() is None:
                return ()
            listed = reader.execute("SELECT name, artifact_location FROM experiments").fetchall()
        moved = {
            location.removesuffix(f"/{name}"): artifacts
            for name, location in listed
            if location
            and location.startswith("file://")
            and location != f"{artifacts}/{name}"
            and location.endswith(f"/{name}")
            and (root / name).is_dir()
        }
        if moved:
            _rewrite(database, moved)
    return tuple(moved)


def _rewrite(database: Path, moved: dict[str, str]) -> None:
    with closing(sqlite3.connect(database, timeout=WAIT_S)) as writer, writer:
        tables = {name for (name,) in writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, columns in PLACES.items():
            for column in columns if table in tables else ():
                for old, new in moved.items():
                    # The slash excludes a folder whose name merely has the same beginning.
                    writer.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 names of PLACES alone
                        f"WHERE substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, len(old) + 1, f"{old}/"),
                    )
