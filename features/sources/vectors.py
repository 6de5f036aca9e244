"""Reading of points, lines and polygons: canonical columns, repaired geometry, one CRS, no duplicates."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import Flags
from features.sources.column_names import shown_names
from features.sources.columns import FAULTS, Faults
from features.sources.coordinates import Home
from features.sources.crosswalk import SourceTerms, with_found_columns
from features.sources.parsing import as_text
from features.sources.placing import (
    make_polygonal,
    mistakes,
    no_numbers,
    place,
    repaired,
    split_points,
    unwrapped,
    wrong_kind,
)
from features.sources.projecting import horizontal, near_home, reprojected
from features.sources.quality import RECORDED_AREAS, note_accidents, note_polygons, repeated_ids
from features.sources.readers import find_file, read_rows
from features.sources.records import (
    Geometry,
    Records,
    joined,
    mark,
    set_aside,
    set_aside_by_reason,
    where_they_stand,
)
from features.sources.report import Part, Tally
from features.sources.schema import DATE, POINT, SCHEMAS
from features.sources.settings import SourceSpec

__all__ = ["make_polygonal", "read_vector"]

# A function that takes the canonical columns and gives the rows with faults that set them aside.
TakeColumns = Callable[[Path, pd.DataFrame, Tally], tuple[pd.DataFrame, Faults]]

# Two records on the same centimetre are the same place: finer than any survey, coarser than rounding in exports.
SAME_PLACE_DECIMALS_M = 2


def read_vector(
    source: str,
    spec: SourceSpec,
    kinds: tuple[str, ...],
    home: Home,
    base: Path,
    take: TakeColumns,
    tally: Tally,
    terms: SourceTerms | None = None,
) -> gpd.GeoDataFrame:
    """The source's records in the CRS of `home`, with the columns that `take` accepts and a RangeIndex.

    Nothing further than `home.keep_m` from the home rectangle is kept. Raises InputError for a file that cannot be
    opened, has no CRS, or whose coordinates as a whole are swapped, unsigned or in another unit than its CRS says.
    """
    parts = []
    for path in spec.paths:
        for layer in spec.layers:
            before = tally.rows_read
            one = spec.model_copy(update={"layer": layer})
            part = _read_part(source, find_file(source, path, base, layer), one, kinds, home, take, tally, terms)
            parts.append(replace(part, rows=part.rows + before))
    records = joined(parts)
    records = set_aside(records, _undated(source, records, tally), "no date", tally)
    away = ~near_home(records.geometry, home)
    if len(away) and away.all():
        nearest_m = float(np.nanmin(home.away_m(records.geometry), initial=np.inf))
        far = (
            f"the nearest {nearest_m / 1000:,.0f} km away" if np.isfinite(nearest_m) else "beyond the reach of its CRS"
        )
        tally.note(f"all {len(away):,} records lie out of area, {far}: check crs and the coordinates")
    records = set_aside(records, away, "out of area", tally)
    if spec.duplicates != "keep":
        records = set_aside(records, _repeated(records), "duplicate", tally)
    if source in SCHEMAS and "record_id" in SCHEMAS[source].columns:
        records = _checked(source, records, tally)
    table = gpd.GeoDataFrame(records.columns, geometry=list(records.geometry), crs=home.crs)
    tally.rows = records.rows
    if table.empty:
        tally.note("no rows: its features are dropped")
    return table


def _checked(source: str, records: Records, tally: Tally) -> Records:
    """The records without repetitions of the same id; other doubts are noted."""
    same, other = repeated_ids(records.columns, _places(records.geometry))
    if source not in RECORDED_AREAS:
        # One accident or find may have a row for each victim or item.
        same, other = np.zeros_like(same), same | other
    tally.remark("id of another record", int(other.sum()))
    if other.any():
        tally.note(f"id of another record, kept: {where_they_stand(records, other, tally)}")
    records = set_aside(records, same, "duplicate id", tally)
    if source == "incidents":
        note_accidents(records.columns, _places(records.geometry), tally)
    if source in RECORDED_AREAS:
        areas = np.isin(shapely.get_type_id(records.geometry), (3, 6))
        twice = areas & pd.Series(_places(records.geometry)).duplicated().to_numpy()
        tally.remark("polygon of another record", int(twice.sum()))
        if twice.any():
            tally.note(f"polygon of another record, kept: {where_they_stand(records, twice, tally)}")
        note_polygons(records.geometry, lambda flags: where_they_stand(records, flags, tally), tally)
    return records


def _undated(source: str, records: Records, tally: Tally) -> Flags:
    """Events without a date among dated ones: they may lie after any as_of, so they are set aside.

    A source in which no event has a date is a snapshot: it is kept, with a note on the consequences. Events whose date
    is not understood were set aside before.
    """
    if source not in SCHEMAS or not SCHEMAS[source].always_dated:
        return np.zeros(len(records.rows), dtype=bool)
    undated = records.columns["date"].isna().to_numpy(dtype=bool)
    if len(undated) and undated.all():
        tally.note("no record carries a date: taken as known at as_of")
        return np.zeros(len(undated), dtype=bool)
    return np.asarray(undated)


def _read_part(
    source: str,
    path: Path,
    spec: SourceSpec,
    kinds: tuple[str, ...],
    home: Home,
    take: TakeColumns,
    tally: Tally,
    terms: SourceTerms | None,
) -> Records:
    """One file or layer in the CRS of `home`, without rows whose own values are faulty."""
    raw = read_rows(source, path, spec, tally)
    suffix = f" of {path.name}" if len(spec.paths) > 1 else ""
    if spec.where is not None and raw.unit == "record":
        suffix = f"{suffix} among those that where selects"
    tally.parts.append(Part(places=raw.places, unit="row" if raw.unit == "record" else raw.unit, suffix=suffix))
    spec = with_found_columns(spec, terms, [str(name) for name in raw.table.columns])
    geometry, crs, used = place(source, path, spec, raw, tally)
    crs = horizontal(crs)
    geometry = unwrapped(geometry, kinds, tally)
    table = raw.table.drop(columns=list(used))
    columns, faults = take(path, table, tally)
    _note_mute(source, columns, table, tally)
    records = Records(
        columns=columns,
        geometry=geometry,
        rows=raw.rows,
        parts=np.full(len(raw.rows), len(tally.parts) - 1),
        places=raw.places,
        prints=_fingerprints(table, columns),
    )
    reasons = np.full(len(geometry), "", dtype="<U60")
    for reason, flags in raw.faults.items():
        # Coordinates in other columns may have replaced the unreadable text.
        mark(reasons, np.where(flags & shapely.is_missing(geometry), reason, ""))
    absent = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    mark(reasons, np.where(absent, "no geometry", ""))
    mark(reasons, no_numbers(geometry))
    mark(reasons, wrong_kind(geometry, kinds))
    mark(reasons, mistakes(source, path, geometry, crs, home, used))
    for reason in FAULTS:
        if reason in faults:
            mark(reasons, np.where(faults[reason], reason, ""))
    records = replace(records, geometry=repaired(geometry, reasons, tally))
    records = set_aside_by_reason(records, reasons, tally)
    if POINT in kinds:
        records = split_points(records, tally)
    return replace(records, geometry=reprojected(records.geometry, crs, home, tally))


def _note_mute(source: str, columns: pd.DataFrame, table: pd.DataFrame, tally: Tally) -> None:
    """Note a source whose records have places but no canonical column."""
    if source not in SCHEMAS or DATE not in SCHEMAS[source].columns.values() or not len(table):
        return
    if columns.drop(columns=["date", "date_precision"], errors="ignore").isna().all(axis=None) and (
        "date" not in columns or columns["date"].isna().all()
    ):
        has = f"it has {shown_names(table.columns)}" if len(table.columns) else "it has no columns"
        tally.note(f"none of {', '.join(SCHEMAS[source].columns)} is in the file ({has}): give columns")


def _fingerprints(table: pd.DataFrame, columns: pd.DataFrame) -> NDArray[np.uint64]:
    """A hash of everything in the file about each dated record, 0 for undated ones.

    Two accidents in one village and year are two accidents: only rows that agree in every column of the file are
    duplicates.
    """
    prints = np.zeros(len(table), dtype=np.uint64)
    if "date" not in columns or table.shape[1] == 0:
        return prints
    dated = columns["date"].notna().to_numpy()
    text = table[dated].apply(as_text).fillna("").astype(str)
    prints[dated] = pd.util.hash_pandas_object(text, index=False).to_numpy(dtype=np.uint64)
    return prints


def _places(geometry: Geometry) -> NDArray[np.object_]:
    """Geometries as bytes, which are equal if the places are."""
    rounded = shapely.transform(geometry, lambda points: np.round(points, SAME_PLACE_DECIMALS_M) + 0.0)
    return np.asarray(shapely.to_wkb(shapely.normalize(rounded)), dtype=object)


def _repeated(records: Records) -> Flags:
    """Rows with the same place and canonical columns as an earlier row (dated ones: the same everything)."""
    contents = records.columns.drop(columns="record_id", errors="ignore")
    keys = contents.assign(mlrisk_place=_places(records.geometry), mlrisk_print=records.prints)
    return np.asarray(keys.duplicated().to_numpy())
