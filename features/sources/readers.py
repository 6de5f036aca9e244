"""Opening what a source names: finding the file, and its rows before anything is decided about them."""

import csv
import io
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import CRSError

from features.base import ConfigError, InputError, Integers
from features.sources.report import Tally
from features.sources.settings import SourceSpec

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".vrt", ".img", ".asc", ".bil", ".hgt", ".nc", ".dt0", ".dt1", ".dt2"})
SEPARATORS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
# A district as WKT runs to megabytes; the csv module stops at 128 KB unless told.
LONGEST_FIELD = 1 << 28
WKT_COLUMNS = ("geometry", "wkt", "the_geom", "geom")


@dataclass(frozen=True)
class RawTable:
    """The rows of one file: columns as they are, geometry (None: the file has none, a table) in `crs`, row numbers."""

    table: pd.DataFrame
    geometry: NDArray[np.object_] | None
    crs: pyproj.CRS | None
    rows: Integers


def find_file(source: str, given: str, base: Path) -> Path:
    """The path of a source relative to `base`; InputError where there is no such file."""
    path = Path(given) if Path(given).is_absolute() else base / given
    if not path.exists():
        raise InputError(f"sources.{source}: there is no file {path}; paths are relative to {base}, or give --data DIR")
    if path.is_dir() and path.suffix.casefold() != ".gdb":
        raise InputError(f"sources.{source}: {path} is a folder: name a file in it, or list several files")
    return path


def stated_crs(source: str, spec: SourceSpec) -> pyproj.CRS | None:
    """The CRS that the configuration gives; ConfigError for one that nobody knows."""
    if spec.crs is None:
        return None
    try:
        return pyproj.CRS.from_user_input(spec.crs)
    except CRSError as error:
        raise ConfigError(
            f"sources.{source}.crs ({spec.crs!r}) is not a known CRS: give an EPSG code such as 'EPSG:4326'"
        ) from error


def is_table(path: Path) -> bool:
    """Whether the file is read as delimited text."""
    return path.suffix.casefold() in TABLE_SUFFIXES


def is_raster(path: Path) -> bool:
    """Whether the name is that of a raster."""
    return path.suffix.casefold() in RASTER_SUFFIXES


def read_rows(source: str, path: Path, spec: SourceSpec, tally: Tally) -> RawTable:
    """Every row that `where` selects, from delimited text or from a layer that GDAL reads."""
    raw = _read_text(source, path, spec, tally) if is_table(path) else _read_layer(source, path, spec, tally)
    tally.rows_read += len(raw.table)
    return raw


def _read_layer(source: str, path: Path, spec: SourceSpec, tally: Tally) -> RawTable:
    layer = _choose_layer(source, path, spec.layer)
    try:
        with warnings.catch_warnings():
            # GDAL warns of what is counted here anyway: open rings, odd dates, fields it cannot type.
            warnings.simplefilter("ignore")
            table = pyogrio.read_dataframe(
                path, layer=layer, where=spec.where, datetime_as_string=True, on_invalid="ignore"
            )
    except (ValueError, DataSourceError, DataLayerError, RuntimeError) as error:
        if spec.where is not None:
            raise InputError(f"sources.{source}.where ({spec.where!r}) does not fit {path}: {error}") from error
        raise InputError(f"sources.{source}: {path} cannot be read as a map or table: {error}") from error
    tally.note(f"layer {layer!r}") if spec.layer is None and path.suffix.casefold() == ".gpkg" else None
    rows = np.arange(1, len(table) + 1)
    if not isinstance(table, gpd.GeoDataFrame):
        return RawTable(table, None, None, rows)
    crs = None if table.crs is None else pyproj.CRS(table.crs)
    geometry = np.asarray(table.geometry.array, dtype=object)
    return RawTable(pd.DataFrame(table.drop(columns=table.geometry.name)), geometry, crs, rows)


def _choose_layer(source: str, path: Path, wanted: str | None) -> str:
    """The layer to read: the one named, or the only one with geometry."""
    try:
        layers = pyogrio.list_layers(path)
    except DataSourceError as error:
        raise InputError(
            f"sources.{source}: {path} is no file that GDAL can read: check that it is complete and that its "
            "suffix fits its content"
        ) from error
    names = [str(name) for name in layers[:, 0]]
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"sources.{source}.layer ({wanted!r}) is not in {path}: it has {', '.join(names)}")
        return wanted
    mapped = [str(name) for name, kind in layers if kind is not None]
    choice = mapped or names
    if len(choice) != 1:
        found = f"holds {len(choice)} layers ({', '.join(choice)}): give layer" if choice else "holds no layer"
        raise InputError(f"sources.{source}: {path} {found}")
    return choice[0]


def _read_text(source: str, path: Path, spec: SourceSpec, tally: Tally) -> RawTable:
    text, encoding = _decode(path.read_bytes())
    if not text.strip():
        raise InputError(f"sources.{source}: {path} is empty: a table needs a header line")
    if "\x00" in text:
        raise InputError(f"sources.{source}: {path} is no delimited text: save it as CSV in UTF-8")
    separator = find_separator(text)
    if encoding != "utf-8":
        tally.note(f"encoding {encoding}")
    if separator != ",":
        tally.note(f"separator {separator!r}")
    lines = _split(source, path, text, separator)
    header = [name.strip() for name in lines[0]]
    if len(set(header)) < len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        raise InputError(f"sources.{source}: {path} has columns of the same name: {', '.join(map(repr, twice))}")
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            raise InputError(
                f"sources.{source}: row {number} of {path} has {len(line)} fields and the header {len(header)}: "
                "numbers with a decimal comma need quotes or another separator, such as ';'"
            )
    table = pd.DataFrame(lines[1:], columns=header, dtype=object)
    rows = np.arange(1, len(table) + 1)
    if spec.where is not None:
        rows = _select_rows(source, path, table, spec.where)
        table = table.iloc[rows - 1].reset_index(drop=True)
    return _with_wkt(table, spec, rows, tally)


def _split(source: str, path: Path, text: str, separator: str) -> list[list[str]]:
    """Fields of every line that is not blank."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        return [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(line)]
    except csv.Error as error:
        raise InputError(f"sources.{source}: {path} is no delimited text: {error}") from error


def _decode(content: bytes) -> tuple[str, str]:
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        plain = encoding == "utf-8-sig" and not content.startswith(b"\xef\xbb\xbf")
        return text, "utf-8" if plain else encoding
    raise AssertionError("latin-1 decodes every byte")


def find_separator(text: str) -> str:
    r"""The separator that cuts the header and the next lines into the same number of fields, the most there are.

    >>> find_separator('a;"b, c";d\n1,5;2;3\n')
    ';'
    """
    head = text.splitlines(keepends=True)[:50]
    best, most = ",", 1
    for separator in SEPARATORS:
        counts = [len(line) for line in csv.reader(head, delimiter=separator) if any(line)]
        even = counts[:-1] if len(head) == 50 else counts
        if even and min(even) == max(even) > most:
            best, most = separator, even[0]
    if most > 1:
        return best
    return max(SEPARATORS, key=head[0].count)


def _select_rows(source: str, path: Path, table: pd.DataFrame, where: str) -> Integers:
    """Numbers of the rows that a where clause selects, by GDAL, which types the columns by their content."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "table.csv"
        table.assign(mlrisk_row=np.arange(1, len(table) + 1)).to_csv(copy, index=False)
        try:
            chosen = pyogrio.read_dataframe(copy, where=where, read_geometry=False, AUTODETECT_TYPE="YES")
        except (ValueError, DataSourceError, DataLayerError, RuntimeError) as error:
            raise InputError(f"sources.{source}.where ({where!r}) does not fit {path}: {error}") from error
    return np.asarray(chosen["mlrisk_row"], dtype=np.int64)


def _with_wkt(table: pd.DataFrame, spec: SourceSpec, rows: Integers, tally: Tally) -> RawTable:
    """Geometry of a text column in WKT, unless longitude and latitude are mapped."""
    if {"longitude", "latitude"} & set(spec.columns):
        return RawTable(table, None, None, rows)
    mapped = spec.columns.get("geometry")
    names = [name for name in table.columns if name == mapped or (mapped is None and name.casefold() in WKT_COLUMNS)]
    if not names:
        return RawTable(table, None, None, rows)
    geometry = shapely.from_wkt(table[names[0]].to_numpy(dtype=object), on_invalid="ignore")
    if mapped is None and all(part is None for part in geometry):
        return RawTable(table, None, None, rows)
    tally.note(f"geometry from the WKT column {names[0]!r}")
    return RawTable(table.drop(columns=names[0]), geometry, None, rows)
