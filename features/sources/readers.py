"""Finding the file of a source and reading its rows before anything is decided about them."""

import gzip
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pyproj
from pyproj.exceptions import CRSError

from features.base import ConfigError, InputError, Integers, read_bytes, refuse_special
from features.sources.archives import BROKEN_ZIP, choose_member
from features.sources.coordinates import find_coordinates
from features.sources.databases import is_database, is_from_database, note_on, table_file
from features.sources.geometry_text import parse_geometry
from features.sources.json_records import read_records
from features.sources.kinds import (
    HEAD_BYTES,
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    SHEET_SUFFIXES,
    SUFFIX_TEXTS,
    TABLE_SUFFIXES,
    describe_json,
    is_raster,
    is_record_json,
    kind_of,
)
from features.sources.layers import read_layer
from features.sources.parquet_tables import read_parquet
from features.sources.place_hints import place_columns
from features.sources.raw_table import RawTable
from features.sources.regular_parts import refuse_special_parts
from features.sources.report import Tally
from features.sources.selection import select_rows, why_nothing
from features.sources.settings import SourceSpec
from features.sources.sheets import read_sheet
from features.sources.text_tables import read_text

__all__ = ["RawTable", "find_file", "find_files", "is_raster", "is_table", "read_rows", "stated_crs"]

WKT_COLUMNS = ("geometry", "wkt", "the_geom", "geom")
# Tables are read whole; a register of two million accidents has 0.3 GB.
MOST_BYTES = 2_000_000_000
SUFFIX_OF_KIND = {"text": ".csv", "sheet": ".xlsx", "parquet": ".parquet", "records": ".json"}
UNREADABLE = "geometry that cannot be read"


def find_files(source: str, spec: SourceSpec, base: Path) -> tuple[Path, ...]:
    """The files of a source, in order; each layer of a database is one."""
    return tuple(
        find_file(source, path, base, layer)
        for path in spec.paths
        for layer in (spec.layers if is_database(path) else (None,))
    )


def find_file(source: str, given: str, base: Path, layer: str | None = None) -> Path:
    """The path of a source relative to `base`, or of the rows of `layer` where `given` is a database.

    InputError if there is no such file, or it cannot be read.
    """
    if is_database(given):
        return table_file(source, given, layer)
    path = Path(given) if Path(given).is_absolute() else base / given
    try:
        if not path.exists():
            if path.is_symlink():
                raise InputError(f"sources.{source}: {path} is a link to {path.readlink()}, which is not there")
            raise InputError(f"sources.{source}: there is no file {path}{_path_hint(given, base)}")
        refuse_special(path)
        refuse_special_parts(path)
    except (OSError, ValueError) as error:
        raise InputError(f"sources.{source}: {str(path)[:300]} cannot be opened: {_why(error)}") from error
    if path.is_dir() and path.suffix.casefold() != ".gdb":
        raise InputError(f"sources.{source}: {path} is a folder: name a file in it, or list several files")
    return path


def _path_hint(given: str, base: Path) -> str:
    """What would do for a path that names no file, as the end of a sentence."""
    if "://" in given or given.startswith("/vsi"):
        return ": a source is a file on this computer, download it first"
    if given.startswith("~") or "$" in given or "%" in given:
        return ": ~ and variables are not replaced, write the whole path"
    if any(sign in given for sign in "*?["):
        return ": patterns are not expanded, list the files as path: [a, b]"
    return f"; paths are relative to {base}, or give --data DIR"


def stated_crs(source: str, spec: SourceSpec) -> pyproj.CRS | None:
    """The CRS that the configuration gives; ConfigError for an unknown one."""
    if spec.crs is None:
        return None
    try:
        return pyproj.CRS.from_user_input(spec.crs)
    except CRSError as error:
        raise ConfigError(
            f"sources.{source}.crs ({spec.crs!r}) is not a known CRS: give an EPSG code such as 'EPSG:4326'"
        ) from error


def is_table(path: Path) -> bool:
    """Whether the file is a table, whose text may hold the geometry."""
    name = path.name.casefold().removesuffix(".gz")
    return PurePosixPath(name).suffix in TABLE_SUFFIXES | SHEET_SUFFIXES | JSON_SUFFIXES


def read_rows(source: str, path: Path, spec: SourceSpec, tally: Tally) -> RawTable:
    """Every row that `where` selects, from text, a workbook, Parquet, an archive or a map."""
    try:
        raw = _read(source, path, spec, tally)
    except OSError as error:
        raise InputError(f"sources.{source}: {path} cannot be read: {_why(error)}") from error
    if note := note_on(path):
        tally.note(note)
    tally.rows_read += len(raw.table)
    return raw


def _read(source: str, path: Path, spec: SourceSpec, tally: Tally) -> RawTable:
    kind, what = kind_of(path), f"sources.{source}: {path}"
    if kind == "archive":
        return _read_archive(source, path, spec, tally)
    if kind == "gzip":
        inner = PurePosixPath(path.stem).suffix.casefold()
        if inner not in TABLE_SUFFIXES | SHEET_SUFFIXES | PARQUET_SUFFIXES and not _zipped_records(path, inner):
            return read_layer(source, path, spec, tally, f"/vsigzip/{path.resolve()}")
        if inner not in SHEET_SUFFIXES:
            _refuse_layer(what, spec)
        try:
            with gzip.open(path) as stream:
                content = stream.read(MOST_BYTES + 1)
        except (EOFError, zlib.error) as error:
            raise InputError(f"{what} is cut off or damaged: check that the download was complete") from error
        return _read_table(what, _limited(what, content), inner, spec, tally)
    if kind == "map":
        return read_layer(source, path, spec, tally, str(path))
    if kind == "raster":
        return read_layer(source, path, spec, tally, str(path))
    if kind != "sheet" and not is_from_database(path):
        _refuse_layer(what, spec)
    return _read_table(what, read_bytes(path, MOST_BYTES), SUFFIX_OF_KIND[kind], spec, tally)


def _zipped_records(path: Path, suffix: str) -> bool:
    """Whether a compressed file begins as records in JSON."""
    if suffix not in JSON_SUFFIXES:
        return False
    try:
        with gzip.open(path) as stream:
            return is_record_json(stream.read(HEAD_BYTES))
    except (OSError, EOFError, zlib.error):
        return False


def _refuse_layer(what: str, spec: SourceSpec) -> None:
    if spec.one_layer is not None:
        raise InputError(f"{what} has no layers: layer ({spec.one_layer!r}) has no effect, leave it out")


def _read_archive(source: str, path: Path, spec: SourceSpec, tally: Tally) -> RawTable:
    """The one file of a zip archive that holds rows, or the one that `layer` names."""
    what = f"sources.{source}: {path}"
    if path.suffix.casefold() in SUFFIX_TEXTS:
        raise InputError(f"{what} cannot be read: {SUFFIX_TEXTS[path.suffix.casefold()]}")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            member = choose_member(what, names, spec.one_layer)
            if member.suffix in JSON_SUFFIXES:
                with archive.open(member.name) as stream:
                    member = replace(member, records=is_record_json(stream.read(HEAD_BYTES)))
            if not member.is_map:
                if archive.getinfo(member.name).file_size > MOST_BYTES:
                    raise InputError(f"{what}: {member.name} is larger than {MOST_BYTES:,} bytes: unpack and divide it")
                content = archive.read(member.name)
    except (*BROKEN_ZIP, ValueError) as error:
        raise InputError(
            f"{what} cannot be unpacked ({error}): check that it is complete and has no password"
        ) from error
    if member.name:
        tally.note(f"{member.name} of the archive")
        spec = spec.model_copy(update={"layer": None}) if member.named else spec
    if member.is_map:
        inside = f"/{member.name}" if member.name else ""
        return read_layer(source, path, spec, tally, f"/vsizip/{path.resolve()}{inside}")
    return _read_table(f"{what}/{member.name}", content, member.suffix, spec, tally)


def _read_table(what: str, content: bytes, suffix: str, spec: SourceSpec, tally: Tally) -> RawTable:
    """A table with or without geometry, from the bytes of a file."""
    if spec.encoding is not None and suffix in SHEET_SUFFIXES | PARQUET_SUFFIXES:
        raise InputError(f"{what} states its encoding itself: encoding ({spec.encoding!r}) has no effect, leave it out")
    if suffix in PARQUET_SUFFIXES:
        raw = read_parquet(what, content, tally)
    else:
        table, places, unit = _read_cells(what, content, suffix, spec, tally)
        raw = RawTable(
            table=table, geometry=None, crs=None, rows=np.arange(1, len(table) + 1), places=places, unit=unit
        )
    if spec.where is not None:
        chosen = select_rows(what, raw.table, spec.where)
        why = "" if len(chosen) or raw.table.empty else why_nothing(spec.where, dict(raw.table.items()))
        tally.note(f"where selects {len(chosen):,} of {len(raw.table):,} rows{why}")
        raw = RawTable(
            table=raw.table.iloc[chosen].reset_index(drop=True),
            geometry=None if raw.geometry is None else raw.geometry[chosen],
            crs=raw.crs, rows=raw.rows[chosen], places=raw.places[chosen], unit=raw.unit,
        )  # fmt: skip
    return raw if raw.geometry is not None else _with_text_geometry(what, raw, spec, tally)


def _read_cells(
    what: str, content: bytes, suffix: str, spec: SourceSpec, tally: Tally
) -> tuple[pd.DataFrame, Integers, str]:
    """A table of texts, the place of each row, and the unit of the places."""
    if suffix in SHEET_SUFFIXES:
        return *read_sheet(what, content, spec.one_layer, tally), "row"
    if suffix in JSON_SUFFIXES:
        records = read_records(what, content, tally)
        if records is None:
            raise InputError(f"{what} is no file that GDAL can read: {describe_json(content)}")
        return *records, "row"
    return *read_text(what, content, spec.encoding, tally), "line"


def _with_text_geometry(what: str, raw: RawTable, spec: SourceSpec, tally: Tally) -> RawTable:
    """Geometry of a text column, unless longitude and latitude are mapped."""
    if {"longitude", "latitude"} & set(spec.columns):
        return raw
    mapped, table = spec.columns.get("geometry"), raw.table
    names = [name for name in table.columns if name == mapped or (mapped is None and name.casefold() in WKT_COLUMNS)]
    if not names and mapped is None and not _has_coordinates(table, spec):
        # No other column can say where the rows are.
        found = place_columns(table)
        names = found if len(found) == 1 else []
    if not names:
        return raw
    read = parse_geometry(table[names[0]])
    if len(table) and mapped is None and not read.unreadable.any() and all(part is None for part in read.geometry):
        return raw
    if len(read.srids) > 1:
        raise InputError(f"{what}: column {names[0]!r} states several SRIDs ({', '.join(map(str, read.srids))})")
    crs = pyproj.CRS("EPSG:4326") if read.degrees else None
    for words, count in read.degrees.items():
        tally.repair(words, count)
    if read.srids:
        try:
            crs = pyproj.CRS.from_epsg(read.srids[0])
        except CRSError as error:
            raise InputError(f"{what}: SRID {read.srids[0]} is not a known EPSG code: give crs") from error
    tally.note(f"geometry from the text column {names[0]!r}")
    tally.repair("open ring", read.closed)
    faults = {UNREADABLE: read.unreadable} if read.unreadable.any() else {}
    if faults:
        first = int(np.flatnonzero(read.unreadable)[0])
        shown = str(table[names[0]].iloc[first])[:40]
        tally.note(
            f"{UNREADABLE}, such as {shown!r} in {raw.unit} {raw.places[first]}: give WKT, or WKB in hexadecimal"
        )
    return RawTable(
        table=table.drop(columns=names[0]), geometry=read.geometry, crs=crs,
        rows=raw.rows, places=raw.places, unit=raw.unit, faults=faults,
    )  # fmt: skip


def _has_coordinates(table: pd.DataFrame, spec: SourceSpec) -> bool:
    """Whether columns of longitude and latitude are there and hold anything."""
    beside = find_coordinates(spec, [str(name) for name in table])
    # The first value decides: registers have millions of rows.
    return any(not pd.isna(value) and str(value).strip() for name in beside for value in table[name])


def _limited(what: str, content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise InputError(f"{what} unpacks to more than {MOST_BYTES:,} bytes: divide it")
    return content


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
