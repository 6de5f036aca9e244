"""Exact distance from cell centres to points, lines and polygons.

No halo is needed: the nearest segment of a cell lies no further from it than the one nearest to the middle of its part
of the tile and the way there, and among the segments in that reach the search of `descent` is exact. So a value does
not depend on the tile's borders.
"""

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np

from features.base import LONGEST_DISTANCE_M, Flags, Floats, Floats32, Grid, Integers
from features.geometry.exclusions import OwnRecords
from features.geometry.layers import Layer, segments_near
from features.geometry.nearest_segments import SLACK_M, nearest_segments, ranked_distances_m
from features.geometry.point_in_polygon import first_inside

# Cells to a side of the parts of a tile from whose middles the reach of the tile is found.
PART_CELLS = 64

# Distance from the middle of a part within which the nearest geometry is expected; if there is none the search widens.
FIRST_REACH_M = 1000.0


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each cell (tile.shape): distance to the nearest geometry, its index, and the index of its segment.

    Beyond the longest distance these are the longest distance, -1 and -1; outside the area NaN, -1 and -1; inside a
    polygon 0, the polygon's index, and the nearest segment of the border.
    """

    distance_m: Floats
    owner: Integers
    segment: Integers


def distance_m(tile: Grid, layer: Layer, own: OwnRecords | None = None) -> Floats32:
    """Distance to the nearest geometry, 0 inside a polygon, at most the longest distance; NaN outside the area.

    With `own` a cell leaves out the geometries that it owns.
    """
    distance = _distance(tile, layer)
    if own is not None:
        for window, members in own.each():
            top, bottom, left, right = window
            distance[top:bottom, left:right] = _distance(tile.window(*window), layer, members)
    return distance


def _distance(tile: Grid, layer: Layer, left_out: Integers | None = None) -> Floats32:
    squared, _ = _nearest_segments(tile, layer, left_out, which=False)
    distance = np.empty(tile.shape, dtype=np.float32)
    _root(squared, tile.mask, distance)
    if len(layer.polygon_owner):
        distance[(first_inside(tile, layer, left_out) >= 0) & tile.mask] = 0.0
    return distance


def nearest(tile: Grid, layer: Layer) -> Nearest:
    """The nearest geometry of every cell; among equals the first in the table."""
    squared, segment = _nearest_segments(tile, layer)
    near = (squared <= LONGEST_DISTANCE_M**2) & tile.mask
    segment = np.where(near, segment, -1)
    distance = np.minimum(np.sqrt(squared), LONGEST_DISTANCE_M)
    owner = np.where(near, np.append(layer.owner, -1)[segment], -1)
    within = first_inside(tile, layer)
    inside = (within >= 0) & tile.mask
    distance[inside], owner[inside] = 0.0, within[inside]
    distance[~tile.mask] = np.nan
    return Nearest(distance, owner, segment)


def share_along(tile: Grid, layer: Layer, found: Nearest) -> Floats:
    """Position of the nearest place on the nearest segment of each cell (0 at its start, 1 at its end; tile.shape).

    NaN where there is no segment within the longest distance; 0 on a point.
    """
    share = np.full(tile.shape, np.nan)
    _share_along(tile.eastings_m, tile.northings_m, layer.start, layer.end, found.segment, share)
    return share


def in_reach(tile: Grid, layer: Layer, left_out: Integers | None = None) -> Integers:
    """Indices, ascending, of segments among which is the nearest of every cell, and all equally near, if in reach.

    The nearest of a cell is no further away than the segment nearest to the middle of its part and the way there.
    The geometries `left_out` are not among them.
    """
    middles, half = _parts(tile.shape, tile.cell_size_m)
    west, _, _, north = tile.bounds
    middles = middles + np.array([west, north])
    reach = half + FIRST_REACH_M
    while True:
        near = segments_near(tile, layer, min(reach, LONGEST_DISTANCE_M + SLACK_M))
        if left_out is not None:
            near = near[~np.isin(layer.owner[near], left_out)]
        enough = _furthest(middles, layer.start[near]) + half + SLACK_M
        if reach >= min(enough, LONGEST_DISTANCE_M + SLACK_M):
            return near
        reach = 4 * reach if np.isinf(enough) else enough


@lru_cache(maxsize=64)
def _parts(shape: tuple[int, int], cell_size_m: float) -> tuple[Floats, float]:
    """Middles (k, 2) of the parts of a tile from its northwestern corner, and the half diagonal of a part."""
    rows, columns = np.meshgrid(*(np.arange(0, length, PART_CELLS) for length in shape), indexing="ij")
    # The last parts are as large as the others, or as the tile: they overlap their neighbours instead of the edge.
    high, wide = (min(PART_CELLS, length) for length in shape)
    rows, columns = np.minimum(rows, shape[0] - high), np.minimum(columns, shape[1] - wide)
    middles = np.column_stack([(columns + wide / 2).ravel(), -(rows + high / 2).ravel()]) * cell_size_m
    return middles, float(np.hypot(high, wide)) / 2 * cell_size_m


def _nearest_segments(
    tile: Grid, layer: Layer, left_out: Integers | None = None, which: bool = True
) -> tuple[Floats, Integers]:
    """Squared distance to the nearest segment and its index (tile.shape); infinite and -1 where none is in reach.

    Without `which` the second array is empty.
    """
    near = in_reach(tile, layer, left_out) if len(layer.owner) else np.empty(0, dtype=np.int64)
    squared, segment = nearest_segments(tile, layer.start[near], layer.end[near], which)
    return squared, np.append(near, -1)[segment]


@numba.njit(cache=True, nogil=True)
def _furthest(middles: Floats, places: Floats) -> float:
    """The greatest distance of a middle from the nearest place to it; infinite without places."""
    furthest = 0.0
    for middle in range(len(middles)):
        least = np.inf
        for place in range(len(places)):
            east, north = places[place, 0] - middles[middle, 0], places[place, 1] - middles[middle, 1]
            apart = east * east + north * north
            least = apart if apart < least else least  # noqa: FURB136 min() would ask about NaN at each step
        furthest = max(furthest, least)
    return float(np.sqrt(furthest))


@numba.njit(cache=True, nogil=True)
def _root(squared: Floats, mask: Flags, distance: Floats32) -> None:
    for row in range(squared.shape[0]):
        for column in range(squared.shape[1]):
            root = min(np.sqrt(squared[row, column]), LONGEST_DISTANCE_M)
            distance[row, column] = root if mask[row, column] else np.nan


@numba.njit(cache=True, nogil=True)
def _share_along(
    eastings: Floats, northings: Floats, start: Floats, end: Floats, segment: Integers, share: Floats
) -> None:
    for row in range(segment.shape[0]):
        for column in range(segment.shape[1]):
            index = segment[row, column]
            if index < 0:
                continue
            along_east, along_north = end[index, 0] - start[index, 0], end[index, 1] - start[index, 1]
            length = along_east * along_east + along_north * along_north
            east, north = eastings[column] - start[index, 0], northings[row] - start[index, 1]
            part = (east * along_east + north * along_north) / length if length > 0 else 0.0
            share[row, column] = min(max(part, 0.0), 1.0)


def neighbour_distances_m(tile: Grid, places: Floats, which: tuple[int, ...]) -> Floats32:
    """Distance to the k-th nearest of places (n, 2) for every k of `which`, ascending: (len(which), *tile.shape).

    Points at the same place count separately. The longest distance if there are fewer than k; NaN outside the area.
    """
    found = ranked_distances_m(tile, places, places, np.array(which))
    found[:, ~tile.mask] = np.nan
    return found
