"""Points, lines and polygons through the border: canonical columns, repaired geometry, one CRS, no duplicates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, InputError, Integers
from features.sources.columns import IMPOSSIBLE_DATE, NEGATIVE_CASUALTIES, NO_OUTCOME, Faults
from features.sources.coordinates import (
    Home,
    check_units,
    coordinate_columns,
    mistaken_axes,
    read_coordinates,
    refuse_whole_file,
)
from features.sources.crosswalk import SourceTerms, named
from features.sources.parsing import as_text
from features.sources.quality import RECORDED_AREAS, few_vertices, note_accidents, note_polygons, repeated_ids
from features.sources.readers import RawTable, find_file, is_table, read_rows, stated_crs
from features.sources.report import Tally, name_rows
from features.sources.schema import LINE, POINT, POLYGON, SCHEMAS
from features.sources.settings import SourceSpec

Geometry = NDArray[np.object_]
# Reads the columns that pass the border, and which rows have faults that set them aside.
TakeColumns = Callable[[Path, pd.DataFrame, Tally], tuple[pd.DataFrame, Faults]]

WGS84 = pyproj.CRS("EPSG:4326")
KINDS = {0: POINT, 1: LINE, 2: LINE, 3: POLYGON, 4: POINT, 5: LINE, 6: POLYGON, 7: "collection"}
# Two records on the same centimetre are the same place: finer than any survey, coarser than rounding in exports.
SAME_PLACE_DECIMALS_M = 2
# Far beyond what is kept, so that no cut edge comes near a distance that counts, and within reach of any projection.
REACH_M = 1_000_000.0


@dataclass(frozen=True)
class Records:
    """Rows on their way in, all of one length: canonical columns, geometry, row numbers, fingerprints of dated rows."""

    columns: pd.DataFrame
    geometry: Geometry
    rows: Integers
    prints: NDArray[np.uint64]

    def without(self, gone: Flags) -> "Records":
        """The rows that are not `gone`."""
        return self.chosen(np.nonzero(~gone)[0])

    def chosen(self, index: Integers) -> "Records":
        """The rows at the given positions, in that order."""
        columns = self.columns.iloc[index].reset_index(drop=True)
        return Records(columns, self.geometry[index], self.rows[index], self.prints[index])


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
    """The source's records in the CRS of `home`, with the columns that `take` lets pass and a RangeIndex.

    Nothing further than `home.keep_m` from the home rectangle is kept. Raises InputError for a file that cannot be
    opened, has no CRS, or whose coordinates as a whole are swapped, unsigned or in another unit than its CRS says.
    """
    parts = []
    for path in spec.paths:
        before = tally.rows_read
        part = _read_part(source, find_file(source, path, base), spec, kinds, home, take, tally, terms)
        parts.append(replace(part, rows=part.rows + before))
    records = _joined(parts)
    records = _aside(records, _undated(source, records, tally), "no date", tally)
    records = _aside(records, ~_near(records.geometry, home), "out of area", tally)
    records = _aside(records, _repeated(records), "duplicate", tally)
    if source in SCHEMAS and "record_id" in SCHEMAS[source].columns:
        records = _checked(source, records, tally)
    table = gpd.GeoDataFrame(records.columns, geometry=list(records.geometry), crs=home.crs)
    tally.rows = records.rows
    if table.empty:
        tally.note("no rows: its features are dropped")
    return table


def _checked(source: str, records: Records, tally: Tally) -> Records:
    """The records without those that say again what another with their id says; what else is doubtful is noted."""
    same, other = repeated_ids(records.columns, _places(records.geometry))
    if source not in RECORDED_AREAS:
        # One accident or find may be listed by victim or by item.
        same, other = np.zeros_like(same), same | other
    tally.remark("id of another record", int(other.sum()))
    if other.any():
        tally.note(f"id of another record, kept: {name_rows(records.rows[other].tolist())}")
    if same.any():
        tally.note(f"duplicate id: {name_rows(records.rows[same].tolist())}")
    records = _aside(records, same, "duplicate id", tally)
    if source == "incidents":
        note_accidents(records.columns, _places(records.geometry), tally)
    if source in RECORDED_AREAS:
        areas = np.isin(shapely.get_type_id(records.geometry), (3, 6))
        twice = areas & pd.Series(_places(records.geometry)).duplicated().to_numpy()
        tally.remark("polygon of another record", int(twice.sum()))
        if twice.any():
            tally.note(f"polygon of another record, kept: {name_rows(records.rows[twice].tolist())}")
        note_polygons(records.geometry, records.rows, tally)
    return records


def _undated(source: str, records: Records, tally: Tally) -> Flags:
    """Events without a date among dated ones: they may lie after any as_of, so nothing may be learned from them.

    A source in which no event has a date is a snapshot: it is kept, and the note says what that means.
    """
    if source not in SCHEMAS or not SCHEMAS[source].always_dated:
        return np.zeros(len(records.rows), dtype=bool)
    undated = records.columns["date"].isna().to_numpy(dtype=bool)
    if len(undated) and undated.all():
        tally.note("no record carries a date: taken as known at as_of")
        return np.zeros(len(undated), dtype=bool)
    return np.asarray(undated)


def _joined(parts: Sequence[Records]) -> Records:
    columns = pd.concat([part.columns for part in parts], ignore_index=True)
    flags = {name for part in parts for name in part.columns if part.columns[name].dtype == bool}
    for name in flags:
        columns[name] = columns[name].eq(True)
    return Records(
        columns,
        np.concatenate([part.geometry for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.prints for part in parts]),
    )


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
    """One file, in the CRS of `home`, with everything set aside that a single row tells about itself."""
    raw = read_rows(source, path, spec, tally)
    spec = named(spec, terms, [str(name) for name in raw.table.columns])
    geometry, crs, used = _place(source, path, spec, raw, tally)
    table = raw.table.drop(columns=list(used))
    columns, faults = take(path, table, tally)
    records = Records(columns, geometry, raw.rows, _fingerprints(table, columns))
    where = f" of {path.name}" if len(spec.paths) > 1 else ""
    if spec.where is not None and not is_table(path):
        where = f"{where} among those that where selects"
    absent = shapely.is_missing(records.geometry) | shapely.is_empty(records.geometry)
    reasons = np.where(absent, "no geometry", "").astype("<U60")
    _mark(reasons, _wrong_kind(records.geometry, kinds))
    _mark(reasons, _mistakes(source, path, records.geometry, crs, home, used))
    for reason in (NO_OUTCOME, IMPOSSIBLE_DATE, NEGATIVE_CASUALTIES):
        if reason in faults:
            _mark(reasons, np.where(faults[reason], reason, ""))
    records = replace(records, geometry=_repaired(records.geometry, reasons, tally))
    records = _aside_all(records, reasons, where, tally)
    if POINT in kinds:
        records = _split_points(records, tally)
    return replace(records, geometry=_reprojected(records.geometry, crs, home, tally))


def _place(
    source: str, path: Path, spec: SourceSpec, raw: RawTable, tally: Tally
) -> tuple[Geometry, pyproj.CRS, tuple[str, ...]]:
    """The geometry of the rows, its CRS, and the names of coordinate columns that made it (empty: it had its own)."""
    given = stated_crs(source, spec)
    crs = given or raw.crs
    if crs is None and raw.geometry is not None and not is_table(path):
        raise InputError(f"sources.{source}: {path} states no CRS: give crs, e.g. crs: EPSG:4326")
    if crs is None:
        tally.note("no CRS stated: coordinates taken as EPSG:4326 (degrees)")
    elif raw.crs is not None and not crs.equals(raw.crs, ignore_axis_order=True):
        tally.note(f"CRS {crs.to_string()} of the configuration used instead of {raw.crs.to_string()} of the file")
    used: tuple[str, ...] = ()
    if raw.geometry is None:
        used = coordinate_columns(source, path, spec, [str(name) for name in raw.table.columns], tally)
        points = read_coordinates(source, path, raw.table, used, tally)
        geometry = np.full(len(points), None, dtype=object)
        known = np.isfinite(points).all(axis=1)
        geometry[known] = shapely.points(points[known])
    else:
        geometry = np.asarray(shapely.force_2d(raw.geometry), dtype=object)
    check_units(source, path, _middles(geometry), crs or WGS84, crs is not None)
    return geometry, crs or WGS84, used


def _middles(geometry: Geometry) -> Floats:
    """(n, 2) middle of each geometry's bounds: one point that tells whether its axes are right. NaN for none."""
    bounds = shapely.bounds(geometry)
    return np.asarray((bounds[:, :2] + bounds[:, 2:]) / 2, dtype=np.float64)


def _mark(reasons: NDArray[np.str_], more: NDArray[np.str_]) -> None:
    """Give rows without a reason the one in `more`: a row is set aside once, by the first reason."""
    empty = reasons == ""
    reasons[empty] = more[empty]


def _wrong_kind(geometry: Geometry, kinds: tuple[str, ...]) -> NDArray[np.str_]:
    """'polygon instead of line' for geometry of a kind that the source cannot use."""
    found = np.array([KINDS.get(kind, "") for kind in shapely.get_type_id(geometry).tolist()], dtype="<U60")
    wanted = " or ".join(kinds)
    return np.array(["" if kind in kinds or kind == "" else f"{kind} instead of {wanted}" for kind in found], "<U60")


def _mistakes(
    source: str, path: Path, geometry: Geometry, crs: pyproj.CRS, home: Home, used: tuple[str, ...]
) -> NDArray[np.str_]:
    middles = _middles(geometry)
    labels = mistaken_axes(middles, crs, home)
    window = home.surroundings(crs, home.keep_m)
    if window is not None:
        # The middle of a long line or a large polygon may lie far away while the shape itself comes near.
        bounds = shapely.bounds(geometry)
        labels[((bounds[:, :2] <= window[2:]) & (bounds[:, 2:] >= window[:2])).all(axis=1)] = ""
    n_placed = int(np.isfinite(middles).all(axis=1).sum())
    refuse_whole_file(source, path, labels, n_placed, used)
    return labels


def _repaired(geometry: Geometry, reasons: NDArray[np.str_], tally: Tally) -> Geometry:
    """Valid polygons in place of invalid ones; a polygon that encloses nothing gets a reason in `reasons`."""
    broken = np.isin(shapely.get_type_id(geometry), (3, 6)) & ~shapely.is_valid(geometry) & (reasons == "")
    tally.repair("invalid polygon", int(broken.sum()))
    mended = geometry.copy()
    mended[broken] = make_polygonal(geometry[broken])
    nothing = broken & shapely.is_empty(mended)
    reasons[nothing] = "polygon without area"
    reasons[np.flatnonzero(nothing)[few_vertices(geometry[nothing])]] = "fewer than 3 vertices"
    return mended


def make_polygonal(geometry: Geometry) -> Geometry:
    """Valid polygons of invalid ones; where a ring runs over itself the land inside stays inside."""
    return np.asarray(shapely.make_valid(geometry, method="structure", keep_collapsed=False), dtype=object)


def _split_points(records: Records, tally: Tally) -> Records:
    """Single points: a record of several places becomes several records."""
    several = shapely.get_type_id(records.geometry) == shapely.GeometryType.MULTIPOINT
    whole = np.flatnonzero(~several)
    parts, owner = shapely.get_parts(records.geometry[several], return_index=True)
    index = np.concatenate([whole, np.flatnonzero(several)[owner]])
    order = np.argsort(index, kind="stable")
    parts, index = np.concatenate([records.geometry[whole], parts])[order], index[order]
    if len(parts) > len(records.geometry):
        tally.note(f"{len(records.geometry)} records of points split into {len(parts)} single points")
    return replace(records.chosen(index), geometry=parts)


def _reprojected(geometry: Geometry, crs: pyproj.CRS, home: Home, tally: Tally) -> Geometry:
    if crs.equals(home.crs, ignore_axis_order=True):
        return geometry
    tally.note(f"reprojected from {crs.to_string()}")
    near = _cut(geometry, crs, home, tally)
    moved = np.asarray(gpd.GeoSeries(list(near), crs=crs).to_crs(home.crs).array, dtype=object)
    broken = np.isin(shapely.get_type_id(moved), (3, 6, 7)) & ~shapely.is_valid(moved)
    moved[broken] = make_polygonal(moved[broken])
    return moved


def _cut(geometry: Geometry, crs: pyproj.CRS, home: Home, tally: Tally) -> Geometry:
    """Lines and polygons that reach over continents, cut to the surroundings of the area.

    The projection of a country turns the far side of the earth into nonsense, which could come to lie on the country.
    """
    window = home.surroundings(crs, REACH_M)
    if window is None:
        return geometry
    bounds = shapely.bounds(geometry)
    wide = (bounds[:, :2] < window[:2]).any(axis=1) | (bounds[:, 2:] > window[2:]).any(axis=1)
    wide &= np.isin(shapely.get_type_id(geometry), (1, 2, 3, 5, 6))
    if not wide.any():
        return geometry
    tally.note(f"cut at {REACH_M / 1000:.0f} km from the area: {int(wide.sum())} lines or polygons")
    cut = geometry.copy()
    cut[wide] = shapely.clip_by_rect(geometry[wide], *window)
    return cut


def _near(geometry: Geometry, home: Home) -> Flags:
    """Which geometries come within `home.keep_m` of the home rectangle."""
    distance_m = shapely.distance(geometry, shapely.box(*home.bounds))
    return np.asarray(np.nan_to_num(distance_m, nan=np.inf) <= home.keep_m)


def _fingerprints(table: pd.DataFrame, columns: pd.DataFrame) -> NDArray[np.uint64]:
    """A hash of everything in the file about each dated record, 0 for undated ones.

    Two accidents in one village and year are two accidents: only what is the same in every column of the file is one
    record twice.
    """
    prints = np.zeros(len(table), dtype=np.uint64)
    if "date" not in columns or table.shape[1] == 0:
        return prints
    dated = columns["date"].notna().to_numpy()
    text = table[dated].apply(as_text).fillna("").astype(str)
    prints[dated] = pd.util.hash_pandas_object(text, index=False).to_numpy(dtype=np.uint64)
    return prints


def _places(geometry: Geometry) -> NDArray[np.object_]:
    """Geometries as bytes that are equal where the places are."""
    rounded = shapely.transform(geometry, lambda points: np.round(points, SAME_PLACE_DECIMALS_M) + 0.0)
    return np.asarray(shapely.to_wkb(shapely.normalize(rounded)), dtype=object)


def _repeated(records: Records) -> Flags:
    """Rows with the same place and canonical columns as an earlier row (dated ones: the same everything)."""
    said = records.columns.drop(columns="record_id", errors="ignore")
    keys = said.assign(mlrisk_place=_places(records.geometry), mlrisk_print=records.prints)
    return np.asarray(keys.duplicated().to_numpy())


def _aside(records: Records, gone: Flags, reason: str, tally: Tally) -> Records:
    tally.put_aside(reason, int(gone.sum()))
    return records.without(gone)


def _aside_all(records: Records, reasons: NDArray[np.str_], where: str, tally: Tally) -> Records:
    """Set rows aside by reason; the rows of reasons that a person would correct in the file are named."""
    for reason in sorted(set(reasons.tolist()) - {""}):
        rows: Sequence[int] = records.rows[reasons == reason].tolist()
        tally.put_aside(reason, len(rows))
        if reason != "no geometry":
            tally.note(f"{reason}: {name_rows(rows)}{where}")
    return records.without(reasons != "")
