"""Front lines: how far, how long held, how dense, how far above or below."""

from datetime import date

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from features.densities import line_density
from features.distances import distance_m, nearest, segments_of
from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known
from features.records import dates_of, known_at, words, years_between
from features.terrain import heights_at

FAMILY = "front_lines"
KINDS = {
    "line_of_contact": "line of contact",
    "defence_line": "defence line",
    "ceasefire_line": "ceasefire line",
    "withdrawal_route": "withdrawal route",
}
DENSITY_KM = (1, 3, 10)

FEATURES = (
    FeatureInfo("front_line_distance_m", "m", FAMILY, -1, "distance to the front line"),
    *(FeatureInfo(f"{kind}_distance_m", "m", FAMILY, -1, f"distance to the {text}") for kind, text in KINDS.items()),
    FeatureInfo("front_line_years_held", "years", FAMILY, 0, "years that the nearest front line was held"),
    *(
        FeatureInfo(
            f"front_line_density_{radius}km_km_per_km2",
            "km/km2",
            FAMILY,
            1,
            f"length of front lines around {radius} km",
        )
        for radius in DENSITY_KM
    ),
    FeatureInfo("front_line_height_m", "m", FAMILY, 0, "height above the nearest place on the front line"),
)


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Front-line features of the tile.

    A kind has its distance only if some known line is of that kind. Years held and height are NaN beyond the longest
    distance; years held also where the nearest line has no `held_from`, and the column is absent if none has.
    """
    sources, context = known.sources, known.context
    if "front_lines" not in sources.vectors:
        return {}
    lines = known_lines(sources.vectors["front_lines"], context.as_of)
    shapes = np.asarray(lines.geometry.array)
    close = nearest(tile, shapes)
    columns = {"front_line_distance_m": close.distance_m}
    kinds = words(lines, "kind")
    for kind in KINDS:
        if (kinds == kind).any():
            columns[f"{kind}_distance_m"] = distance_m(tile, shapes[kinds == kind])
    held = years_held(lines, context.as_of)
    if np.isfinite(held).any():
        columns["front_line_years_held"] = np.where(close.owner >= 0, held[close.owner], np.nan)
    segments = segments_of(shapes)
    for radius in DENSITY_KM:
        columns[f"front_line_density_{radius}km_km_per_km2"] = line_density(tile, segments, radius * 1000.0)
    dem = sources.rasters.get("dem")
    if dem is not None:
        there = heights_at(dem, tile, close.place_m.reshape(-1, 2)).reshape(tile.shape)
        columns["front_line_height_m"] = dem.read(tile) - there
    return {name: array.astype(np.float32) for name, array in columns.items()}


def known_lines(table: gpd.GeoDataFrame, as_of: date) -> gpd.GeoDataFrame:
    """The lines known at `as_of`: not those held only later."""
    return known_at(table, as_of)


def years_held(lines: gpd.GeoDataFrame, as_of: date) -> NDArray[np.float64]:
    """Years from `held_from` to `held_to`, or to `as_of` where the line was held then or its end is unknown."""
    end, today = dates_of(lines, "held_to"), np.datetime64(as_of, "ns")
    # NaT compares as False: a line without an end is held to this day.
    return years_between(dates_of(lines, "held_from"), np.where(end < today, end, today))
