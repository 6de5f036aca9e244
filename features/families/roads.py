"""Roads by class, junctions, bridges, and the places where a road crosses a front line or a river."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from features.as_of import Snapshot
from features.base import Columns, FeatureInfo, Floats, Grid, words
from features.geometry import Layer, distance_m, layer_of, line_density, part_of, point_layer, points_density
from features.sources import ROAD_CLASSES

FAMILY = "roads"
DENSITY_KM = (1, 5)
MAJOR_KM = 5
JUNCTION_KM = 2
NOT_BRIDGES = ("", "no", "false", "0", "0.0", "none", "nan")
# Ends of roads this near to each other count as one: coordinates are exchanged with seven decimals of a degree.
MEET_DECIMALS_M = 1

ROADS, KERNEL = ("roads",), "Gaussian kernel, Gauss-Legendre along the road"
FEATURES = (
    FeatureInfo(
        name="road_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a road",
        sources=ROADS,
        formula="exact, at most 50 km",
    ),
    FeatureInfo(
        name="major_road_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a main road",
        sources=ROADS,
        formula="exact, by OSM class",
    ),
    FeatureInfo(
        name="minor_road_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a minor road",
        sources=ROADS,
        formula="exact, by OSM class",
    ),
    FeatureInfo(
        name="track_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a track or path",
        sources=ROADS,
        formula="exact, by OSM class",
    ),
    *(
        FeatureInfo(
            name=f"road_density_{km}km_km_per_km2",
            unit="km/km2",
            family=FAMILY,
            trend=0,
            text=f"length of roads around {km} km",
            sources=ROADS,
            formula=KERNEL,
        )
        for km in DENSITY_KM
    ),
    FeatureInfo(
        name=f"major_road_density_{MAJOR_KM}km_km_per_km2",
        unit="km/km2",
        family=FAMILY,
        trend=0,
        text=f"length of main roads around {MAJOR_KM} km",
        sources=ROADS,
        formula=KERNEL,
    ),
    FeatureInfo(
        name="junction_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a junction",
        sources=ROADS,
        formula="exact, where three road ends meet",
    ),
    FeatureInfo(
        name=f"junction_density_{JUNCTION_KM}km_per_km2",
        unit="1/km2",
        family=FAMILY,
        trend=0,
        text=f"junctions around {JUNCTION_KM} km",
        sources=ROADS,
        formula="Gaussian kernel",
    ),
    FeatureInfo(
        name="bridge_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a bridge",
        sources=ROADS,
        formula="exact, roads tagged as bridge",
    ),
    FeatureInfo(
        name="river_crossing_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to where a road crosses a river",
        sources=("roads", "rivers"),
        formula="exact, to the intersections",
    ),
    FeatureInfo(
        name="road_front_line_crossing_distance_m",
        unit="m",
        family=FAMILY,
        trend=-1,
        text="distance to where a road crosses the front line",
        sources=("roads", "front_lines"),
        formula="exact, to the intersections",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Road features of the tile.

    Class groups, junctions and bridges have columns only if the source has any, crossings only with the source that is
    crossed.
    """
    if "roads" not in snapshot.sources.vectors:
        return {}
    layer, parts = snapshot.layer("roads"), snapshot.cached(_parts)
    columns: Columns = {"road_distance_m": distance_m(tile, layer)}
    columns |= {name: distance_m(tile, part) for name, part in parts.items()}
    for km in DENSITY_KM:
        columns[f"road_density_{km}km_km_per_km2"] = line_density(tile, layer, km * 1000.0)
    if "major_road_distance_m" in parts:
        major = line_density(tile, parts["major_road_distance_m"], MAJOR_KM * 1000.0)
        columns[f"major_road_density_{MAJOR_KM}km_km_per_km2"] = major
    if "junction_distance_m" in parts:
        places = parts["junction_distance_m"].start
        density = points_density(tile, places, np.ones(len(places)), JUNCTION_KM * 1000.0)
        columns[f"junction_density_{JUNCTION_KM}km_per_km2"] = density
    for source, name in (("rivers", "river_crossing"), ("front_lines", "road_front_line_crossing")):
        if source in snapshot.sources.vectors:
            columns[f"{name}_distance_m"] = distance_m(tile, snapshot.cached(_crossed, source))
    return columns


def class_groups(road_class: NDArray[np.str_]) -> NDArray[np.str_]:
    """major, minor, track or empty for each road class.

    If no class is an OSM value, the authority uses its own names; its network is then taken as main roads.
    """
    base = np.array([name.removesuffix("_link") for name in road_class], dtype=np.str_)
    groups = np.full(len(base), "", dtype="<U5")
    for group, names in ROAD_CLASSES.items():
        groups[np.isin(base, list(names))] = group
    if not (groups != "").any():
        groups[base != ""] = "major"
    return groups


def crossings(lines: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """The places where two sets of lines meet: points, or the shared stretch where one runs along another."""
    other, line = shapely.STRtree(lines).query(others, predicate="intersects")
    return np.asarray(shapely.intersection(lines[line], others[other]))


def junctions(layer: Layer) -> Floats:
    """(n, 2) places where three or more ends of segments meet.

    >>> star = [shapely.LineString([(0, 0), (9, angle)]) for angle in (1, 2, 3)]
    >>> junctions(layer_of(np.array(star))).tolist()
    [[0.0, 0.0]]
    """
    ends = np.round(np.concatenate([layer.start, layer.end]), MEET_DECIMALS_M)
    # Sorted as complex numbers: the same order as row by row, ten times as fast.
    places, count = np.unique(ends.view(np.complex128).ravel(), return_counts=True)
    return np.asarray(places[count >= 3].view(np.float64).reshape(-1, 2))


def _parts(snapshot: Snapshot) -> dict[str, Layer]:
    """Roads by class group, bridges and junctions, by the name of the distance to them, where there are any."""
    roads = snapshot.table("roads")
    layer, groups = snapshot.layer("roads"), class_groups(words(roads, "road_class"))
    names = {"major": "major_road", "minor": "minor_road", "track": "track"}
    parts = {f"{names[group]}_distance_m": groups == group for group in names}
    parts["bridge_distance_m"] = ~np.isin(words(roads, "bridge"), NOT_BRIDGES)
    layers = {name: part_of(layer, chosen) for name, chosen in parts.items() if chosen.any()}
    places = junctions(layer)
    return layers | ({"junction_distance_m": point_layer(places)} if len(places) else {})


def _crossed(snapshot: Snapshot, source: str) -> Layer:
    roads, other = snapshot.table("roads"), snapshot.table(source)
    return layer_of(crossings(np.asarray(roads.geometry.array), np.asarray(other.geometry.array)))
