"""Tables of a PostGIS database: each process reads a table once into a file, which is then read like any other."""

import json
import re
from collections.abc import Iterable
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import geopandas as gpd
import pandas as pd
import pyproj
import shapely
from pyproj.exceptions import CRSError

from features.base import ConfigError, InputError, lasting_folder
from features.sources.geometry_text import geometry_of_wkb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

SCHEMES = ("postgresql://", "postgres://")
WAIT_SECONDS = 20
# Address and layer -> the file that holds its rows; removed with the folder when the process ends.
_FILES: dict[tuple[str, str], Path] = {}
# Notes on the rows of such a file.
_NOTES: dict[Path, str] = {}
_FOLDERS: list[Path] = []


def is_database(given: str) -> bool:
    """Whether a path of a source is the address of a PostgreSQL database."""
    return given.casefold().startswith(SCHEMES)


def table_file(source: str, address: str, layer: str | None) -> Path:
    """A Parquet file with the rows of a table or view in a fixed order; EWKB geometry becomes GeoParquet.

    `layer` is the table, with its schema if that is not on the search path. Raises ConfigError for a password in the
    address or no layer, InputError where the database does not answer or has no such table.
    """
    if urlsplit(address).password is not None:
        raise ConfigError(
            f"sources.{source}: the address holds a password, which outputs would repeat: leave it out and set "
            "PGPASSWORD, or write it into ~/.pgpass"
        )
    if layer is None:
        with _connected(source, address) as database:
            names = ", ".join(_tables(database)) or "none"
        raise ConfigError(
            f"sources.{source}: {address} is a database: name a table as layer. With geometry it has {names}"
        )
    if (address, layer) not in _FILES:
        if not _FOLDERS:
            _FOLDERS.append(lasting_folder())
        name = re.sub(r"[^A-Za-z0-9_.]+", "_", f"{urlsplit(address).path.strip('/')}.{layer}")
        path = _FOLDERS[0] / f"{len(_FILES)}.{name}.parquet"
        with _connected(source, address) as database:
            table, _NOTES[path] = _read(source, database, layer)
        table.to_parquet(path, index=False)
        _FILES[address, layer] = path
    return _FILES[address, layer]


@contextmanager
def _connected(source: str, address: str) -> "Iterator[Connection[tuple[Any, ...]]]":
    """A connection that can only read."""
    try:
        import psycopg
    except ImportError as error:
        raise InputError(
            f"sources.{source}: {address} is a database: install the extra `postgres`, or export the table as a file"
        ) from error
    try:
        with psycopg.connect(address, connect_timeout=WAIT_SECONDS) as database:
            database.read_only = True
            yield database
    except psycopg.Error as error:
        why = str(error).strip().splitlines()
        raise InputError(f"sources.{source}: {address}: {why[0] if why else type(error).__name__}") from error


def _tables(database: "Connection[tuple[Any, ...]]") -> list[str]:
    found = database.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.columns WHERE udt_name IN ('geometry', "
        "'geography') AND table_schema NOT IN ('pg_catalog', 'information_schema') GROUP BY 1 ORDER BY 1"
    )
    return [str(row[0]) for row in found]


def _read(source: str, database: "Connection[tuple[Any, ...]]", layer: str) -> tuple[pd.DataFrame, str]:
    """The rows of a table, and a note on what is left out of them."""
    from psycopg import sql

    table = sql.Identifier(*layer.split(".", 1))
    # As an identifier: a name keeps its capital letters, as QGIS and ogr2ogr may write it.
    quoted = table.as_string(database)
    known = database.execute("SELECT to_regclass(%s)", (quoted,)).fetchone()
    if known is None or known[0] is None:
        names = ", ".join(_tables(database)) or "none"
        raise InputError(
            f"sources.{source}.layer ({layer!r}) is no table of the database; with geometry it has {names}"
        )
    kinds, key = _columns(database, quoted), _key(database, quoted)
    shapes = [name for name, kind in kinds if kind in ("geometry", "geography")]
    # PostGIS turns curves into lines; rows without a key are sorted by all their values.
    wanted = sql.SQL(", ").join(
        sql.SQL("ST_AsEWKB(ST_CurveToLine({0}::geometry)) AS {0}").format(sql.Identifier(name))
        if name in shapes else sql.Identifier(name)
        for name, _ in kinds
    )  # fmt: skip
    order = sql.SQL(", ").join(map(sql.Identifier, key)) if key else sql.SQL("t::text")
    rows = database.execute(sql.SQL("SELECT {} FROM {} AS t ORDER BY {}").format(wanted, table, order)).fetchall()
    columns = {name: _plain(row[place] for row in rows) for place, (name, _) in enumerate(kinds)}
    found, note = _with_geometry(source, layer, pd.DataFrame(columns), shapes)
    if len(shapes) > 1:
        note = (
            f"geometry from {shapes[0]!r}; {', '.join(map(repr, shapes[1:]))} left out: a view may choose another{note}"
        )
    return found, note.removeprefix("; ")


def _columns(database: "Connection[tuple[Any, ...]]", quoted: str) -> list[tuple[str, str]]:
    found = database.execute(
        "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        "WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum", (quoted,)
    )  # fmt: skip
    return [(str(name), str(kind)) for name, kind in found]


def _key(database: "Connection[tuple[Any, ...]]", quoted: str) -> list[str]:
    found = database.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        "WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY a.attnum", (quoted,)
    )  # fmt: skip
    return [str(row[0]) for row in found]


def _plain(values: Iterable[object]) -> list[object]:
    """Values as in a file: days and times as ISO text, numbers as numbers, the rest as text."""
    made: list[object] = []
    for value in values:
        if isinstance(value, Decimal):
            made.append(float(value))
        elif isinstance(value, date | datetime | time):
            made.append(value.isoformat())
        elif value is None or isinstance(value, bool | int | float | str | bytes):
            made.append(value)
        else:
            made.append(json.dumps(value, ensure_ascii=False, default=str, sort_keys=True))
    return made


def is_from_database(path: Path) -> bool:
    """Whether the file holds the rows of a table, which its source names as layer."""
    return path in _NOTES


def note_on(path: Path) -> str:
    """A note on the rows of a table that was read into this file; '' for any other file."""
    return _NOTES.get(path, "")


def _with_geometry(source: str, layer: str, table: pd.DataFrame, shapes: list[str]) -> tuple[pd.DataFrame, str]:
    """The table with its first geometry in its CRS, and a note if that is none; other geometry is left out."""
    if not shapes:
        return table, ""
    geometry = geometry_of_wkb(table[shapes[0]].tolist())
    srids = sorted(set(shapely.get_srid(geometry[~shapely.is_missing(geometry)]).tolist()))
    if len(srids) > 1:
        raise InputError(f"sources.{source}.layer ({layer!r}) states several SRIDs ({', '.join(map(str, srids))})")
    crs, note = None, ""
    if srids and srids[0] > 0:
        try:
            crs = pyproj.CRS.from_epsg(srids[0])
        except CRSError:
            # A database may number reference systems of its own.
            note = f"; SRID {srids[0]} is no EPSG code"
    return gpd.GeoDataFrame(table.drop(columns=shapes), geometry=geometry, crs=crs), note
