"""Exact distance from cell centres to points, lines and polygons.

The nearest of many segments is found by branch and bound on the tile: a window of cells with centre c and half
diagonal h has all its nearest segments within d(c) + 2 h of c, so each quarter of a window inherits only those. No
halo is needed, and what is compared in the end is the plain point-to-segment formula in double precision, so a value
does not depend on the tile's borders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.grid import Grid
from features.info import LONGEST_DISTANCE_M
from features.inside import first_inside
from features.layers import Layer, segments_near
from features.ownership import Owned, Ownership

# Windows of so few cells are compared with what is left of the segments; smaller ones gain less than they cost.
LEAF_CELLS = 36
# With so few segments left a window of any size is compared at once.
FEW_SEGMENTS = 2
# Bounds are kept this much wider than they need be, so that rounding never drops the nearest segment.
SLACK_M = 1e-3
# How far from the middle of a tile the nearest geometry is expected; where it is further the search widens.
FIRST_REACH_M = 2000.0
# Neighbours asked for at once before a cell's own group gets a tree of everything else.
MOST_NEIGHBOURS = 32

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each cell (tile.shape): distance to the nearest geometry, its index, and the index of its segment.

    Beyond the longest distance: the longest distance, -1 and -1. Outside the area: NaN, -1 and -1. Inside a polygon:
    0, the polygon's index, and the segment of the border that is nearest.
    """

    distance_m: Floats
    owner: Integers
    segment: Integers


def distance_m(tile: Grid, layer: Layer, own: Owned | None = None) -> NDArray[np.float32]:
    """Distance to the nearest geometry, 0 inside a polygon, at most the longest distance; NaN outside the area.

    With `own` a cell leaves out the geometries that it owns.
    """
    distance = _distance(tile, layer)
    if own is not None:
        for window, members in own.each():
            top, bottom, left, right = window
            distance[top:bottom, left:right] = _distance(tile.window(*window), layer, members)
    return distance


def _distance(tile: Grid, layer: Layer, left_out: Integers | None = None) -> NDArray[np.float32]:
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
    """Where on its nearest segment (0 at the start, 1 at the end) the place nearest to each cell lies (tile.shape).

    NaN where there is no segment within the longest distance; 0 on a point.
    """
    share = np.full(tile.shape, np.nan)
    _share_along(tile.eastings_m, tile.northings_m, layer.start, layer.end, found.segment, share)
    return share


def event_distance_m(tile: Grid, parts: Sequence[Layer], ownership: Ownership) -> NDArray[np.float32]:
    """Distance (tile.shape) to the nearest of the points that a cell does not own; NaN outside the area.

    `parts` are the points by the rule that they follow, in the order of `ownership`.
    """
    least = np.where(tile.mask, np.float32(LONGEST_DISTANCE_M), np.float32(np.nan))
    for layer, (_, own) in zip(parts, ownership, strict=True):
        if own is None or own.cells:
            found = distance_m(tile, layer)
            if own is not None:
                _ask_owners_again(tile, found, layer, own)
        else:
            found = distance_m(tile, layer, own)
        np.minimum(least, found, out=least)
    return least


def nearest_other(centres: Floats, groups_of_cells: Integers, layer: Layer, groups_of_points: Integers) -> Floats:
    """Distance (n_cells,) from each centre to the nearest point of another group, at most the longest distance.

    This is the own-event rule: a record that makes the label of a cell must not shorten that cell's distance. Only
    the cells whose nearest point is their own ask further.
    """
    found, points = np.full(len(centres), np.inf), layer.start
    if len(points):
        tree, count = layer.tree, 1
        left = np.arange(len(centres))
        while len(left) and count <= MOST_NEIGHBOURS:
            distance, index = tree.query(centres[left], k=np.arange(1, count + 1))
            there = index < len(points)
            group = groups_of_points[np.where(there, index, 0)]
            other = there & (group != groups_of_cells[left, None])
            found[left] = np.where(other, distance, np.inf).min(axis=1)
            # A cell has its answer when it met another group's point, or every point there is.
            left = left[~other.any(axis=1) & there.all(axis=1)]
            count *= 4
        for group in np.unique(groups_of_cells[left]):
            asking = left[groups_of_cells[left] == group]
            others = points[groups_of_points != group]
            if len(others):
                found[asking] = cKDTree(others).query(centres[asking])[0]
    return np.asarray(np.minimum(found, LONGEST_DISTANCE_M))


def _ask_owners_again(tile: Grid, distance: NDArray[np.float32], layer: Layer, own: Owned) -> None:
    """Cells that own points: the distance to the nearest of the others."""
    rows, columns = own.windows[:, 0], own.windows[:, 2]
    centres = np.column_stack([tile.eastings_m[columns], tile.northings_m[rows]])
    groups = np.full(len(layer.start), -1)
    groups[own.members] = np.repeat(np.arange(len(own.windows)), np.diff(own.starts))
    distance[rows, columns] = nearest_other(centres, np.arange(len(centres)), layer, groups)


def in_reach(tile: Grid, layer: Layer, left_out: Integers | None = None) -> Integers:
    """Indices, ascending, of segments among which is the nearest of every cell, and all equally near, if in reach.

    The nearest of a cell is no further away than the segment nearest to the middle of the tile and the way there.
    The geometries `left_out` are not among them.
    """
    west, south, east, north = tile.bounds
    half = np.hypot(east - west, north - south) / 2
    reach = half + FIRST_REACH_M
    while True:
        near = segments_near(tile, layer, min(reach, LONGEST_DISTANCE_M + SLACK_M))
        if left_out is not None:
            near = near[~np.isin(layer.owner[near], left_out)]
        starts = layer.start[near] - ((west + east) / 2, (south + north) / 2)
        enough = np.hypot(*starts.T).min(initial=np.inf) + half + SLACK_M
        if reach >= min(enough, LONGEST_DISTANCE_M + SLACK_M):
            return near
        reach = 4 * reach if np.isinf(enough) else enough


def _nearest_segments(
    tile: Grid, layer: Layer, left_out: Integers | None = None, which: bool = True
) -> tuple[Floats, Integers]:
    """Squared distance to the nearest segment and its index (tile.shape); infinite and -1 where none is in reach.

    Without `which` the second array is empty.
    """
    squared = np.full(tile.shape, np.inf)
    segment = np.full(tile.shape if which else (0, 0), -1, dtype=np.int64)
    if len(layer.owner) and tile.mask.any():
        near = in_reach(tile, layer, left_out)
        _descend(tile.eastings_m, tile.northings_m, tile.mask, layer.packed, near, squared, segment)
    return squared, segment


@numba.njit(cache=True, nogil=True)
def _descend(
    eastings: Floats,
    northings: Floats,
    mask: NDArray[np.bool_],
    segments: Floats,
    near: Integers,
    squared: Floats,
    segment: Integers,
) -> None:
    """Fill window by window, from the whole tile down to windows with few cells or few segments."""
    n_rows, n_columns = mask.shape
    depth = 4 + int(np.ceil(np.log2(max(n_rows, n_columns))))
    # A window writes its candidates behind its parent's; all its quarters read them before they are overwritten.
    lists = np.empty(len(near) * 2 + 1024, np.int64)
    lists[: len(near)] = near
    gap = np.empty(len(near), np.float64)
    waiting = np.empty((4 * depth, 6), np.int64)
    waiting[0] = np.array([0, n_rows, 0, n_columns, 0, len(near)])
    n_waiting = 1
    while n_waiting:
        n_waiting -= 1
        top, bottom, left, right, first, last = waiting[n_waiting]
        if not _any(mask, top, bottom, left, right):
            continue
        if last + (last - first) > len(lists):
            longer = np.empty(2 * (last + (last - first)), np.int64)
            longer[:last] = lists[:last]
            lists = longer
        count = _may_be_nearest(eastings, northings, top, bottom, left, right, segments, lists, first, last, gap)
        cells = (bottom - top) * (right - left)
        if count == 0:
            continue
        if cells <= LEAF_CELLS or count <= FEW_SEGMENTS:
            found = lists[last : last + count]
            _compare(eastings, northings, top, bottom, left, right, segments, found, squared, segment)
            continue
        middle_row = (top + bottom + 1) // 2 if bottom - top > 1 else bottom
        middle_column = (left + right + 1) // 2 if right - left > 1 else right
        for quarter in range(4):
            low, high = (top, middle_row) if quarter < 2 else (middle_row, bottom)
            west, east = (left, middle_column) if quarter % 2 == 0 else (middle_column, right)
            if low < high and west < east:
                waiting[n_waiting, 0], waiting[n_waiting, 1] = low, high
                waiting[n_waiting, 2], waiting[n_waiting, 3] = west, east
                waiting[n_waiting, 4], waiting[n_waiting, 5] = last, last + count
                n_waiting += 1


@numba.njit(cache=True, nogil=True)
def _any(mask: NDArray[np.bool_], top: int, bottom: int, left: int, right: int) -> bool:
    for row in range(top, bottom):
        for column in range(left, right):
            if mask[row, column]:
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _may_be_nearest(
    eastings: Floats,
    northings: Floats,
    top: int,
    bottom: int,
    left: int,
    right: int,
    segments: Floats,
    lists: Integers,
    first: int,
    last: int,
    gap: Floats,
) -> int:
    """Write behind `last` the candidates that may be nearest to some cell of the window; return how many."""
    east, north = (eastings[left] + eastings[right - 1]) / 2, (northings[top] + northings[bottom - 1]) / 2
    half = np.hypot(eastings[right - 1] - eastings[left], northings[top] - northings[bottom - 1]) / 2
    least = np.inf
    for place in range(first, last):
        index = lists[place]
        along_east, along_north = segments[index, 2], segments[index, 3]
        across_east, across_north = east - segments[index, 0], north - segments[index, 1]
        share = (across_east * along_east + across_north * along_north) * segments[index, 4]
        share = min(max(share, 0.0), 1.0)
        across_east -= share * along_east
        across_north -= share * along_north
        apart = across_east * across_east + across_north * across_north
        gap[place - first] = apart
        least = min(least, apart)
    reach = min(np.sqrt(least) + 2 * half, LONGEST_DISTANCE_M + half) + SLACK_M
    count = 0
    for place in range(first, last):
        if gap[place - first] <= reach * reach:
            lists[last + count] = lists[place]
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _compare(
    eastings: Floats,
    northings: Floats,
    top: int,
    bottom: int,
    left: int,
    right: int,
    segments: Floats,
    candidates: Integers,
    squared: Floats,
    segment: Integers,
) -> None:
    """The nearest of the candidates for each cell of the window; among equals the first."""
    which = segment.size > 0
    for index in candidates:
        from_east, from_north = segments[index, 0], segments[index, 1]
        along_east, along_north, inverse = segments[index, 2], segments[index, 3], segments[index, 4]
        for row in range(top, bottom):
            north = northings[row] - from_north
            part = north * along_north
            # Without a branch around the store the compiler takes several cells at a time.
            for column in range(left, right):
                east = eastings[column] - from_east
                share = min(max((east * along_east + part) * inverse, 0.0), 1.0)
                apart_east, apart_north = east - share * along_east, north - share * along_north
                apart = apart_east * apart_east + apart_north * apart_north
                nearer = apart < squared[row, column]
                squared[row, column] = apart if nearer else squared[row, column]
                if which:
                    segment[row, column] = index if nearer else segment[row, column]


@numba.njit(cache=True, nogil=True)
def _root(squared: Floats, mask: NDArray[np.bool_], distance: NDArray[np.float32]) -> None:
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
