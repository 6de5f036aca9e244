"""Layers of maps, read by GDAL: the choice of the layer, its encoding, its curved surfaces and nested tags."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from pyogrio.errors import CRSError, DataLayerError, DataSourceError
from pyproj.exceptions import CRSError as ProjCRSError

from features.base import InputError, read_bytes
from features.sources.geometry_text import geometry_of_wkb, is_surface
from features.sources.kinds import describe
from features.sources.raw_table import RawTable
from features.sources.report import Tally
from features.sources.schema import SCHEMAS
from features.sources.selection import (
    columns_named,
    compared_with_days,
    refuse_other_days,
    refuse_texts_as_days,
    why_nothing,
)
from features.sources.settings import SourceSpec
from features.sources.shapefiles import refuse_lost_index, shapefile_encoding

GDAL_ERRORS = (ValueError, DataSourceError, DataLayerError, RuntimeError)
# OpenStreetMap's own columns are few; other tags of a record are in this one, as "key"=>"value".
OTHER_TAGS = "other_tags"
TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
# A service states at the beginning or the end of its answer that the answer is incomplete.
MORE = re.compile(rb'"exceededTransferLimit"\s*:\s*true')
NEXT = re.compile(rb'"rel"\s*:\s*"next"')
MATCHED = re.compile(rb'"(?:numberMatched|totalFeatures)"\s*:\s*(\d+)')
ENDS_BYTES = 1 << 16
MOST_KML_BYTES = 100_000_000


def read_layer(source: str, path: Path, spec: SourceSpec, tally: Tally, opened: str) -> RawTable:
    """The rows of one layer; GDAL opens `opened`, the path or a place in an archive."""
    if opened == str(path):
        refuse_lost_index(source, path)
    layer = _choose_layer(source, path, spec.one_layer, opened)
    options: dict[str, Any] = {}
    if path.suffix.casefold() == ".shp" or opened.casefold().endswith(".shp"):
        encoding = shapefile_encoding(source, path, opened, layer, spec.encoding, tally)
        options = {} if encoding is None else {"encoding": encoding}
    elif spec.encoding is not None:
        options = {"encoding": spec.encoding}
    if spec.where is not None:
        refuse_other_days(f"sources.{source}: {path}", spec.where)
        _refuse_texts_as_days(f"sources.{source}: {path}", spec.where, opened, layer)
    table = _frame(source, path, spec, opened, layer, options)
    tally.note(f"layer {layer!r}") if spec.one_layer is None and path.suffix.casefold() == ".gpkg" else None
    if spec.where is not None:
        n_rows, why = _count(opened, layer), ""
        if n_rows and table.empty:
            named = columns_named(spec.where, pyogrio.read_info(opened, layer=layer)["fields"])
            values = pyogrio.read_dataframe(opened, layer=layer, columns=named, read_geometry=False) if named else {}
            why = why_nothing(spec.where, {str(name): values[name] for name in values})
        tally.note(f"where selects {len(table):,} of {n_rows:,} rows{why}")
    _note_more(path, _count(opened, layer), tally)
    rows = np.arange(1, len(table) + 1)
    if not isinstance(table, gpd.GeoDataFrame):
        plain = pd.DataFrame(table)
        return RawTable(
            table=_with_tags(source, spec, plain, tally), geometry=None, crs=None, rows=rows, places=rows, unit="record"
        )
    geometry = np.asarray(table.geometry.array, dtype=object)
    if shapely.is_missing(geometry).any():
        geometry = _surfaces(opened, layer, spec.where, geometry, tally)
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    crs = None if table.crs is None else pyproj.CRS(table.crs)
    return RawTable(
        table=_with_tags(source, spec, plain, tally), geometry=geometry, crs=crs, rows=rows, places=rows, unit="record"
    )


def _refuse_texts_as_days(what: str, where: str, opened: str, layer: str) -> None:
    """InputError for a clause that compares texts, such as 15.06.2019, with a day: it would compare letters."""
    try:
        info = pyogrio.read_info(opened, layer=layer)
    except GDAL_ERRORS as error:
        hint = "a column's name is not in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InputError(f"{what} cannot be read as a map or table: {hint}") from error
    wanted = compared_with_days(where)
    pairs = zip(info["fields"], info["dtypes"], strict=True)
    names = [str(name) for name, kind in pairs if kind == "object" and str(name).casefold() in wanted]
    if names:
        table = pyogrio.read_dataframe(opened, layer=layer, columns=names, read_geometry=False)
        refuse_texts_as_days(what, where, {name: table[name] for name in names})


def _frame(
    source: str, path: Path, spec: SourceSpec, opened: str, layer: str, options: Mapping[str, Any]
) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # GDAL warns about faults that are counted here anyway: open rings, odd dates, fields of unknown type.
            warnings.simplefilter("ignore")
            return pyogrio.read_dataframe(
                opened, layer=layer, where=spec.where, datetime_as_string=True, on_invalid="ignore", **options
            )
    except (CRSError, ProjCRSError) as error:
        beside = path.with_suffix(".prj")
        states = f"{beside.name} beside it" if beside.exists() else "the CRS that it states"
        raise InputError(
            f"sources.{source}: {path}: {states} is broken ({error}): correct or delete it, and give crs, e.g. "
            "crs: EPSG:32638"
        ) from error
    except GDAL_ERRORS as error:
        if spec.where is not None:
            raise InputError(f"sources.{source}.where ({spec.where!r}) does not fit {path}: {error}") from error
        raise InputError(f"sources.{source}: {path} cannot be read as a map or table: {error}") from error


def _choose_layer(source: str, path: Path, wanted: str | None, opened: str) -> str:
    """The layer to read: the given one, or the only one with geometry."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layers = pyogrio.list_layers(opened)
    except GDAL_ERRORS as error:
        hint = describe(path) or "check that it is complete and that its suffix fits its content"
        raise InputError(f"sources.{source}: {path} is no file that GDAL can read: {hint}") from error
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


def _count(opened: str, layer: str) -> int:
    return int(pyogrio.read_info(opened, layer=layer, force_feature_count=True)["features"])


def _surfaces(opened: str, layer: str, where: str | None, geometry: Any, tally: Tally) -> Any:
    """Geometries completed by those that GEOS refuses: surfaces of flat faces (TIN, MultiPatch) and open rings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, _, blobs, _ = pyogrio.raw.read(opened, layer=layer, where=where, columns=[])
    missing = np.flatnonzero(shapely.is_missing(geometry))
    filled = geometry.copy()
    found = [blobs[row] for row in missing]
    filled[missing] = geometry_of_wkb(found)
    flat = np.array([blob is not None and is_surface(blob) for blob in found], dtype=bool)
    tally.repair("open ring", int((~flat & ~shapely.is_missing(filled[missing])).sum()))
    return filled


def _with_tags(source: str, spec: SourceSpec, table: pd.DataFrame, tally: Tally) -> pd.DataFrame:
    """The table with a column for each tag of OpenStreetMap that the source reads."""
    if OTHER_TAGS not in table or source not in SCHEMAS:
        return table
    wanted = {spec.columns.get(ours, ours) for ours in SCHEMAS[source].columns} - set(table.columns)
    tags = [dict(TAG.findall(text)) if isinstance(text, str) else {} for text in table[OTHER_TAGS]]
    found = sorted(name for name in wanted if any(name in row for row in tags))
    if found:
        tally.note(f"from {OTHER_TAGS}: {', '.join(found)}")
    return table.assign(**{name: [row.get(name) for row in tags] for name in found})


def _note_more(path: Path, n_rows: int, tally: Tally) -> None:
    """Note a file that says that it is not the whole: a page of a service, or a link to another file."""
    if path.suffix.casefold() == ".kml" and not n_rows and b"<NetworkLink" in read_bytes(path, MOST_KML_BYTES):
        tally.note(f"{path.name} holds only a link to another file (NetworkLink): download that one")
    if path.suffix.casefold() not in (".json", ".geojson", ".esrijson") or not path.is_file():
        return
    with path.open("rb") as stream:
        ends = stream.read(ENDS_BYTES)
        stream.seek(max(path.stat().st_size - ENDS_BYTES, 0))
        ends += b"\n" + stream.read()
    count = MATCHED.search(ends)
    more = "exceededTransferLimit" if MORE.search(ends) else "a next page" if NEXT.search(ends) else ""
    if count is not None and int(count[1]) > n_rows:
        more = f"{int(count[1]):,} records in all"
    if more:
        tally.note(
            f"{path.name} is one page of a service that says there is more ({more}): fetch the other pages and list "
            "them all as path"
        )
