"""Projection of shapes into the CRS of the grid, with a note if the shift between two datums is unknown."""

from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup

from features.base import Flags, InputError
from features.sources.coordinates import Home
from features.sources.records import Geometry
from features.sources.report import Tally

# Far beyond the records that are kept, so that no cut edge affects a distance, and within the range of any projection.
REACH_M = 1_000_000.0
# The size of unknown datum shifts: Pulkovo 1942 to WGS 84 is 60 to 150 m, the largest some 400 m.
UNKNOWN_SHIFT = "100 m, at most some 400 m"


def refuse_unusable(source: str, path: Path, crs: pyproj.CRS, *, stated: bool) -> None:
    """InputError for a CRS without a place on the earth (engineering, undefined)."""
    flat = horizontal(crs)
    if flat.is_geographic or flat.is_projected or flat.is_geocentric:
        return
    whose = "crs of the configuration" if stated else "the CRS in the file"
    raise InputError(
        f"sources.{source}: {path} states no usable CRS: {whose} ({flat.name!r}) is not tied to the earth: give crs, "
        "the one that its coordinates are in, e.g. crs: EPSG:32638"
    )


def horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """The part of a CRS that places points on the map: heights of compound and 3D ones are left out."""
    if crs.is_compound:
        return horizontal(crs.sub_crs_list[0])
    if crs.is_bound and crs.source_crs is not None:
        return crs
    return crs.to_2d() if len(crs.axis_info) == 3 and not crs.is_geocentric else crs


@cache
def datum_note(crs: pyproj.CRS, to: pyproj.CRS) -> str:
    """A note if the shift between the datums of two CRS is unknown; '' if it is known."""
    try:
        ways = TransformerGroup(crs, to, always_xy=True).transformers
    except ProjError:
        return ""
    if not ways or "allpark" not in ways[0].description:
        return ""
    return (
        f"no datum shift known from {crs.name!r} to {to.name!r}: places may be off by {UNKNOWN_SHIFT}; give crs with "
        "its datum, such as an EPSG code"
    )


def reprojected(geometry: Geometry, crs: pyproj.CRS, home: Home, tally: Tally) -> Geometry:
    """The shapes in the CRS of `home`."""
    if crs.equals(home.crs, ignore_axis_order=True):
        return geometry
    tally.note(f"reprojected from {crs.to_string()}")
    doubt = datum_note(crs, home.crs)
    if doubt:
        tally.note(doubt)
    near = _cut(geometry, crs, home, tally)
    moved = np.asarray(gpd.GeoSeries(list(near), crs=crs).to_crs(home.crs).array, dtype=object)
    broken = np.isin(shapely.get_type_id(moved), (3, 6, 7)) & ~shapely.is_valid(moved)
    moved[broken] = shapely.make_valid(moved[broken], method="structure", keep_collapsed=False)
    return moved


def _cut(geometry: Geometry, crs: pyproj.CRS, home: Home, tally: Tally) -> Geometry:
    """Lines and polygons that reach over continents, cut to the surroundings of the area.

    The projection of a country distorts the far side of the earth, which could then overlap the country.
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


def near_home(geometry: Geometry, home: Home) -> Flags:
    """Which geometries come within `home.keep_m` of the home rectangle."""
    distance_m = shapely.distance(geometry, shapely.box(*home.bounds))
    return np.asarray(np.nan_to_num(distance_m, nan=np.inf) <= home.keep_m)
