"""Roads by class, bridges, and the places where a road crosses a front line."""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from features.densities import line_density
from features.distances import distance_m, segments_of
from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known
from features.records import known_at, words

FAMILY = "roads"
# Groups of OSM highway values; links count with their road.
CLASSES = {
    "major": frozenset({"motorway", "trunk", "primary", "secondary"}),
    "minor": frozenset({"tertiary", "unclassified", "residential", "living_street", "service", "road"}),
    "track": frozenset({"track", "path", "footway", "bridleway", "cycleway", "pedestrian", "steps"}),
}
DENSITY_KM = (1, 5)
NOT_BRIDGES = ("", "no", "false", "0", "0.0", "none", "nan")

FEATURES = (
    FeatureInfo("road_distance_m", "m", FAMILY, 0, "distance to a road"),
    FeatureInfo("major_road_distance_m", "m", FAMILY, 0, "distance to a main road"),
    FeatureInfo("minor_road_distance_m", "m", FAMILY, 0, "distance to a minor road"),
    FeatureInfo("track_distance_m", "m", FAMILY, 0, "distance to a track or path"),
    *(
        FeatureInfo(f"road_density_{radius}km_km_per_km2", "km/km2", FAMILY, 0, f"length of roads around {radius} km")
        for radius in DENSITY_KM
    ),
    FeatureInfo("bridge_distance_m", "m", FAMILY, 0, "distance to a bridge"),
    FeatureInfo(
        "road_front_line_crossing_distance_m", "m", FAMILY, -1, "distance to where a road crosses the front line"
    ),
)


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Road features of the tile.

    A class group and bridges have their columns only if the source has any, crossings only with front lines.
    """
    sources, context = known.sources, known.context
    if "roads" not in sources.vectors:
        return {}
    roads = known_at(sources.vectors["roads"], context.as_of)
    shapes = np.asarray(roads.geometry.array)
    columns = {"road_distance_m": distance_m(tile, shapes)}
    groups = class_groups(words(roads, "road_class"))
    for group, name in (("major", "major_road"), ("minor", "minor_road"), ("track", "track")):
        if (groups == group).any():
            columns[f"{name}_distance_m"] = distance_m(tile, shapes[groups == group])
    segments = segments_of(shapes)
    for radius in DENSITY_KM:
        columns[f"road_density_{radius}km_km_per_km2"] = line_density(tile, segments, radius * 1000.0)
    bridges = ~np.isin(words(roads, "bridge"), NOT_BRIDGES)
    if bridges.any():
        columns["bridge_distance_m"] = distance_m(tile, shapes[bridges])
    if "front_lines" in sources.vectors:
        crossed = crossings(shapes, _lines(sources.vectors["front_lines"], context.as_of))
        columns["road_front_line_crossing_distance_m"] = distance_m(tile, crossed)
    return {name: array.astype(np.float32) for name, array in columns.items()}


def class_groups(road_class: NDArray[np.str_]) -> NDArray[np.str_]:
    """major, minor, track or empty for each road class.

    Where not one class is an OSM value the authority has names of its own; its network is then taken as main roads.
    """
    base = np.array([name.removesuffix("_link") for name in road_class], dtype=np.str_)
    groups = np.full(len(base), "", dtype="<U5")
    for group, names in CLASSES.items():
        groups[np.isin(base, list(names))] = group
    if not (groups != "").any():
        groups[base != ""] = "major"
    return groups


def crossings(roads: NDArray[Any], lines: NDArray[Any]) -> NDArray[Any]:
    """The places where roads meet lines: points, or the shared stretch where a road runs along a line."""
    line, road = shapely.STRtree(roads).query(lines, predicate="intersects")
    return np.asarray(shapely.intersection(roads[road], lines[line]))


def _lines(table: gpd.GeoDataFrame, as_of: date) -> NDArray[Any]:
    return np.asarray(known_at(table, as_of).geometry.array)
