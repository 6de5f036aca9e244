"""Geometry and CRS of records: faults and repairs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, InputError
from features.sources.axis_mistakes import mistaken_axes, refuse_whole_file
from features.sources.coordinates import (
    Home,
    check_units,
    coordinate_columns,
    find_coordinates,
    read_coordinates,
)
from features.sources.places_in_text import points_of
from features.sources.projecting import refuse_unusable
from features.sources.quality import few_vertices
from features.sources.raw_table import RawTable
from features.sources.readers import is_table, stated_crs
from features.sources.records import Geometry, Records
from features.sources.report import Tally
from features.sources.schema import LINE, POINT, POLYGON
from features.sources.settings import SourceSpec

WGS84 = pyproj.CRS("EPSG:4326")
KINDS = {0: POINT, 1: LINE, 2: LINE, 3: POLYGON, 4: POINT, 5: LINE, 6: POLYGON, 7: "collection"}
NO_NUMBER = "vertex that is no number"


def place(
    source: str, path: Path, spec: SourceSpec, raw: RawTable, tally: Tally
) -> tuple[Geometry, pyproj.CRS, tuple[str, ...]]:
    """The geometry of the rows, its CRS, and the names of its coordinate columns (empty if the file has geometry)."""
    given = stated_crs(source, spec)
    crs = given or raw.crs
    if crs is None and raw.geometry is not None and not is_table(path):
        raise InputError(f"sources.{source}: {path} states no CRS: give crs, e.g. crs: EPSG:4326")
    if crs is None:
        tally.note("no CRS stated: coordinates taken as EPSG:4326 (degrees)")
    else:
        refuse_unusable(source, path, crs, stated=given is not None)
        if raw.crs is not None and not crs.equals(raw.crs, ignore_axis_order=True):
            tally.note(f"CRS {crs.to_string()} of the configuration used instead of {raw.crs.to_string()} of the file")
    projected = crs is not None and not crs.is_geographic
    names = [str(name) for name in raw.table.columns]
    used: tuple[str, ...] = ()
    if raw.geometry is None:
        used = coordinate_columns(source, path, spec, raw.table, tally)
        geometry = points_of(read_coordinates(source, path, raw.table, used, tally, projected=projected))
    else:
        geometry = np.asarray(shapely.force_2d(raw.geometry), dtype=object)
        beside = find_coordinates(spec, names)
        gaps = shapely.is_missing(geometry)
        if beside and gaps.any() and not gaps.all() and is_table(path):
            points = points_of(read_coordinates(source, path, raw.table, beside, tally, projected=projected))
            filled = gaps & ~shapely.is_missing(points)
            geometry[filled] = points[filled]
            if filled.any():
                tally.note(f"rows without geometry placed by {' and '.join(map(repr, beside))} ({tally.where(filled)})")
    check_units(source, path, _middles(geometry), crs or WGS84, crs is not None)
    return geometry, crs or WGS84, used


def _middles(geometry: Geometry) -> Floats:
    """(n, 2) middle of each geometry's bounds, by which its axes are checked. NaN without geometry."""
    bounds = shapely.bounds(geometry)
    with np.errstate(all="ignore"):
        return np.asarray((bounds[:, :2] + bounds[:, 2:]) / 2, dtype=np.float64)


def unwrapped(geometry: Geometry, kinds: tuple[str, ...], tally: Tally) -> Geometry:
    """Collections replaced by their parts of the first of `kinds` that they hold; the others stay."""
    several = np.flatnonzero(shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION)
    found = geometry.copy()
    for row in several.tolist():
        found[row] = _parts_of_kind(geometry[row], kinds)
    tally.repair("geometry collection", int((shapely.get_type_id(found[several]) != 7).sum()))
    return found


def _parts_of_kind(collection: shapely.Geometry, kinds: tuple[str, ...]) -> shapely.Geometry:
    parts = shapely.get_parts(collection)
    while (shapely.get_type_id(parts) > 3).any():
        parts = shapely.get_parts(parts)
    for kind in (kind for kind in (POLYGON, LINE, POINT) if kind in kinds):
        chosen = [part for part in parts if KINDS[shapely.get_type_id(part)] == kind and not part.is_empty]
        if chosen:
            joined = {POLYGON: shapely.multipolygons, LINE: shapely.multilinestrings, POINT: shapely.multipoints}[kind]
            return chosen[0] if len(chosen) == 1 else joined(chosen)
    return collection


def no_numbers(geometry: Geometry) -> NDArray[np.str_]:
    """The reason for shapes with a vertex that is infinite or not a number, '' for the others."""
    points, owner = shapely.get_coordinates(geometry, return_index=True)
    broken = np.zeros(len(geometry), dtype=bool)
    broken[owner[~np.isfinite(points).all(axis=1)]] = True
    return np.where(broken, NO_NUMBER, "")


def wrong_kind(geometry: Geometry, kinds: tuple[str, ...]) -> NDArray[np.str_]:
    """'polygon instead of line' for geometry of a kind that the source cannot use."""
    found = np.array([KINDS.get(kind, "") for kind in shapely.get_type_id(geometry).tolist()], dtype="<U60")
    wanted = " or ".join(kinds)
    return np.array(["" if kind in kinds or kind == "" else f"{kind} instead of {wanted}" for kind in found], "<U60")


def mistakes(
    source: str, path: Path, geometry: Geometry, crs: pyproj.CRS, home: Home, used: tuple[str, ...]
) -> NDArray[np.str_]:
    """The mistake by which shapes lie away from home, '' for others; InputError if most of the file has one."""
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


def repaired(geometry: Geometry, reasons: NDArray[np.str_], tally: Tally) -> Geometry:
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
    """Valid polygons of invalid ones; if a ring overlaps itself the land inside stays inside."""
    return np.asarray(shapely.make_valid(geometry, method="structure", keep_collapsed=False), dtype=object)


def split_points(records: Records, tally: Tally) -> Records:
    """Single points: a record of several places becomes several records."""
    several: Flags = shapely.get_type_id(records.geometry) == shapely.GeometryType.MULTIPOINT
    whole = np.flatnonzero(~several)
    parts, owner = shapely.get_parts(records.geometry[several], return_index=True)
    index = np.concatenate([whole, np.flatnonzero(several)[owner]])
    order = np.argsort(index, kind="stable")
    parts, index = np.concatenate([records.geometry[whole], parts])[order], index[order]
    if len(parts) > len(records.geometry):
        tally.note(f"{len(records.geometry)} records of points split into {len(parts)} single points")
    return replace(records.chosen(index), geometry=parts)
