"""Layers that the map page draws over the land, thinned so that a country fits into a page."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from features.base import Floats
from mlrisk.risk_map import Package
from training.evidence import closed_hazards

# About 1 MB of coordinates a layer, and still smooth to pan on an office laptop.
MOST_VERTICES = 60_000
MOST_SETTLEMENTS = 500
# Number of names that can be searched: about 100 kB of the page.
MOST_NAMED = 4_000


@dataclass(frozen=True, kw_only=True)
class OverlayStyle:
    """How a layer is drawn, and its name in the legend."""

    key: str
    title: str
    colour: str
    width: float = 1.0
    dash: str = "solid"
    fill_alpha: float = 0.0
    shown: bool = True


# Drawn in this order, with the layers on top that a planner must not overlook.
OVERLAYS = (
    OverlayStyle(key="districts", title="Districts", colour="#6b6459", width=1.0, dash="dotted"),
    OverlayStyle(key="rivers", title="Rivers", colour="#3f78bd", width=1.0),
    OverlayStyle(key="roads", title="Roads", colour="#5d564b", width=0.9),
    OverlayStyle(
        key="settlements",
        title=f"Settlements (the {MOST_SETTLEMENTS} largest)",
        colour="#1f2430",
        width=1.0,
        fill_alpha=0.9,
    ),
    OverlayStyle(key="front_lines", title="Former front lines", colour="#5b2a86", width=2.4, dash="dashed"),
    OverlayStyle(
        key="hazards_past", title="Areas on record, closed or released", colour="#5d564b", width=0.8, shown=False
    ),
    OverlayStyle(key="plan_left", title="Left the plan since the last map", colour="#a3007f", width=2.0, dash="dashed"),
    OverlayStyle(key="plan_came", title="Came into the plan since the last map", colour="#a3007f", width=6.0),
    OverlayStyle(key="hazards_sha", title="Open suspected areas (SHA)", colour="#1f2430", width=1.4, dash="dashed"),
    OverlayStyle(key="hazards_cha", title="Open confirmed areas (CHA)", colour="#1f2430", width=1.8),
)
HATCHED = frozenset({"hazards_sha", "hazards_cha"})


def hazard_areas(package: Package, key: str) -> gpd.GeoDataFrame:
    """Areas on record of one of the three layers: open confirmed, open suspected, closed or released.

    An open area without a record of confirmation is drawn as suspected.
    """
    frame = package.hazards
    past = closed_hazards(frame) if len(frame) else np.zeros(0, dtype=bool)
    confirmed = frame["hazard_type"].astype(str).str.upper().eq("CHA").to_numpy() if len(frame) else past
    wanted = {"hazards_past": past, "hazards_cha": ~past & confirmed, "hazards_sha": ~past & ~confirmed}
    return frame[wanted[key]]


def layer_of(package: Package, key: str) -> gpd.GeoDataFrame | None:
    """The layer, None if it is missing or empty; of settlements only the most populous."""
    frame = hazard_areas(package, key) if key.startswith("hazards_") else package.layers.get(key)
    if frame is None or frame.empty:
        return None
    if key == "settlements" and len(frame) > MOST_SETTLEMENTS:
        # A country has thousands of villages: all of them would hide the map below.
        people = frame["population"].fillna(0) if "population" in frame.columns else None
        return frame.head(MOST_SETTLEMENTS) if people is None else frame.loc[people.nlargest(MOST_SETTLEMENTS).index]
    return frame


def named_places(package: Package) -> list[tuple[str, int, int]]:
    """Name, easting and northing of districts and of settlements, the most populous first, for the search by name.

    At most MOST_NAMED; whole metres.
    """
    west, south, east, north = package.grid.bounds
    found: list[tuple[str, int, int]] = []
    # Districts come first because they are few, and a country has more villages than the list has room for.
    for key in ("districts", "settlements"):
        frame = package.layers.get(key)
        if frame is None or "name" not in frame.columns:
            continue
        named = frame[frame["name"].notna() & frame.geometry.notna() & ~frame.geometry.is_empty]
        if "population" in named.columns:
            named = named.sort_values("population", ascending=False, kind="stable")
        points = shapely.point_on_surface(np.asarray(named.geometry.values, dtype=object))
        places = shapely.get_coordinates(points).round().astype(np.int64)
        found += [
            (str(name), int(x), int(y))
            for name, (x, y) in zip(named["name"], places, strict=True)
            if str(name).strip() and west <= x <= east and south <= y <= north
        ]
    return found[:MOST_NAMED]


def thinned(package: Package, frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Geometries cut to the grid and simplified until they have at most MOST_VERTICES vertices.

    If that is not enough, the smallest are left out.
    """
    west, south, east, north = package.grid.bounds
    shapes = np.asarray(frame.geometry.dropna().values, dtype=object)
    shapes = shapely.get_parts(shapely.clip_by_rect(shapely.make_valid(shapes), west, south, east, north))
    shapes = shapes[~shapely.is_empty(shapes)]
    tolerance = max(east - west, north - south) / 4000
    shapes = shapely.simplify(shapes, tolerance)
    for _ in range(4):
        if shapely.get_num_coordinates(shapes).sum() <= MOST_VERTICES:
            return np.asarray(shapes)
        tolerance *= 2
        shapes = shapely.simplify(shapes, tolerance)
    largest = np.argsort(-np.maximum(shapely.length(shapes), shapely.area(shapes)), kind="stable")
    kept = largest[np.cumsum(shapely.get_num_coordinates(shapes)[largest]) <= MOST_VERTICES]
    return np.asarray(shapes[np.sort(kept)])


def broken_line(shapes: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Eastings and northings of all lines in one list, with NaN between them: one glyph draws faster than thousands."""
    gap = np.full((1, 2), np.nan)
    parts = [part for shape in shapes for part in (shapely.get_coordinates(shape).round(1), gap)]
    lines = np.concatenate([np.empty((0, 2)), *parts])
    return lines[:, 0], lines[:, 1]


Rings = list[list[list[float]]]


def polygon_rings(shape: BaseGeometry) -> tuple[Rings, Rings]:
    """Eastings and northings of a (multi)polygon as Bokeh nests them: polygon, ring (outline first), vertex."""
    eastings: Rings = []
    northings: Rings = []
    for polygon in shapely.get_parts(shape):
        rings = [shapely.get_coordinates(ring).round(1) for ring in (polygon.exterior, *polygon.interiors)]
        eastings.append([ring[:, 0].tolist() for ring in rings])
        northings.append([ring[:, 1].tolist() for ring in rings])
    return eastings, northings
