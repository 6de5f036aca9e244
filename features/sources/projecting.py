"""Projection of shapes into the CRS of the grid, with a note if the shift between two datums is unknown."""

import re
import warnings
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
# Datums of the time of satellites; they differ by centimetres to two metres.
GLOBAL_DATUM = re.compile(
    r"World Geodetic System 1984|WGS ?84|European Terrestrial Reference|ETRS|International Terrestrial|ITRF|SIRGAS|"
    r"NAD83|North American Datum 1983|IGS\d\d|GDA94|GDA2020|CGCS2000|China Geodetic Coordinate"
)
UNKNOWN_SHIFT = "100 m, at most some 400 m"


def refuse_unusable(source: str, path: Path, crs: pyproj.CRS, *, stated: bool) -> None:
    """InputError for a CRS without a place on the earth (engineering, undefined)."""
    flat = horizontal(crs)
    if flat.is_geographic or flat.is_projected:
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
        with warnings.catch_warnings():
            # A finer shift may need a grid that is not installed; the next one is metres off.
            warnings.simplefilter("ignore")
            ways = TransformerGroup(crs, to, always_xy=True).transformers
    except ProjError:
        return ""
    if not ways or "allpark" not in ways[0].description or _of_one_decade(crs, to):
        return ""
    return (
        f"no datum shift known from {crs.name!r} to {to.name!r}: places may be off by {UNKNOWN_SHIFT}; give crs with "
        "its datum, such as an EPSG code"
    )


def _of_one_decade(crs: pyproj.CRS, to: pyproj.CRS) -> bool:
    """Whether both datums agree within metres wherever PROJ's area of use ends: WGS 84, ETRS89, ITRF, SIRGAS."""
    names = [part.datum.name if part.datum is not None else "" for part in (crs, to)]
    return all(GLOBAL_DATUM.search(name) for name in names)


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
    return np.asarray(np.nan_to_num(home.away_m(geometry), nan=np.inf) <= home.keep_m)
