"""A store that was copied or moved with its project folder: its files are those beside it, wherever it came from."""

import sqlite3
from contextlib import closing
from pathlib import Path

from features.base import ConfigError
from training.registry.store_errors import store_errors

# Where MLflow writes down the absolute place of files.
PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
    "logged_models": ("artifact_location",),
}
WAIT_S = 30.0


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


def settle_in(uri: str, artifacts: str | None) -> tuple[str, ...]:
    """Point a copied or moved sqlite store at the files beside it; returns the old places that it had.

    MLflow keeps absolute places: the copy of a project would read and write the files of the original. A place is
    changed only where the same country's files lie under `artifacts`. Raises TrackingError where the database cannot
    be written.
    """
    database = database_of(uri)
    if database is None or artifacts is None or not artifacts.startswith("file://") or not database.is_file():
        return ()
    root = Path(artifacts.removeprefix("file://"))
    with store_errors(uri):
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=WAIT_S)) as reader:
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
                    # The slash keeps a folder whose name merely begins alike out of it.
                    writer.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 names of PLACES alone
                        f"WHERE substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, len(old) + 1, f"{old}/"),
                    )
