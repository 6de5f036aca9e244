"""Branch and bound on a tile: the segments nearest to every cell, without comparing each cell with all of them.

A window of cells with centre c and half diagonal h has the k nearest segments of each of its cells within d_k(c) + 2 h
of c, where d_k(c) is the distance of the k-th nearest from c: each quarter of a window inherits only those. The final
comparison uses the plain point-to-segment formula in double precision, so no value depends on the windows.
"""

from typing import Any

import numba
import numpy as np

from features.base import LONGEST_DISTANCE_M, Flags, Floats, Floats32, Grid, Integers

# Windows of this few cells are compared with all remaining segments; smaller ones gain less than they cost.
LEAF_CELLS = 36
# With this few segments left a window of any size is compared at once.
FEW_SEGMENTS = 2
# Bounds are this much wider than necessary, so that rounding never drops the nearest segment.
SLACK_M = 1e-3
# A single rank: the nearest alone.
NEAREST = np.array([1])


def packed(start: Floats, end: Floats) -> Floats:
    """(n, 5) easting and northing of the start, those of the vector to the end, and 1 / its squared length (or 0).

    The numbers for a distance to a segment, adjacent in memory.
    """
    along = end - start
    squared = (along**2).sum(axis=1)
    inverse = np.divide(1.0, squared, out=np.zeros_like(squared), where=squared > 0)
    return np.column_stack([start, along, inverse])


def nearest_segments(tile: Grid, start: Floats, end: Floats, which: bool) -> tuple[Floats, Integers]:
    """Squared distance to the nearest segment and its index (tile.shape); infinite and -1 where none is in reach.

    Among equals the first. Without `which` the second array is empty.
    """
    squared = np.full(tile.shape, np.inf)
    segment = np.full(tile.shape if which else (0, 0), -1, dtype=np.int64)
    if len(start) and tile.mask.any():
        none = np.empty((0, 0, 0), dtype=np.float32)
        _descend(tile.eastings_m, tile.northings_m, tile.mask, packed(start, end), NEAREST, squared, segment, none)
    return squared, segment


def ranked_distances_m(tile: Grid, start: Floats, end: Floats, ranks: Integers) -> Floats32:
    """Distance to the k-th nearest segment for every k of `ranks`, ascending: (len(ranks), *tile.shape).

    The longest distance where there are fewer than k in reach. Cells outside the area may have any value.
    """
    found = np.full((len(ranks), *tile.shape), LONGEST_DISTANCE_M, dtype=np.float32)
    if len(start) and tile.mask.any():
        none = np.empty((0, 0)), np.empty((0, 0), dtype=np.int64)
        _descend(tile.eastings_m, tile.northings_m, tile.mask, packed(start, end), ranks, *none, found)
    return found


@numba.njit(cache=True, nogil=True)
def _descend(
    eastings: Floats,
    northings: Floats,
    mask: Flags,
    segments: Floats,
    ranks: Integers,
    squared: Floats,
    segment: Integers,
    ranked: Floats32,
) -> None:
    """Fill `ranked`, or without it `squared` and `segment`, from the whole tile down to windows of few cells."""
    n_rows, n_columns = mask.shape
    depth = 4 + int(np.ceil(np.log2(max(n_rows, n_columns))))
    # A window writes its candidates behind its parent's; all its quarters read them before they are overwritten.
    lists = np.empty(len(segments) * 2 + 1024, np.int64)
    lists[: len(segments)] = np.arange(len(segments))
    gap = np.empty(len(segments), np.float64)
    waiting = np.empty((4 * depth, 6), np.int64)
    waiting[0] = np.array([0, n_rows, 0, n_columns, 0, len(segments)])
    n_waiting, most = 1, ranks[-1]
    while n_waiting:
        n_waiting -= 1
        top, bottom, left, right, first, last = waiting[n_waiting]
        if not _any(mask, top, bottom, left, right):
            continue
        if last + (last - first) > len(lists):
            longer = np.empty(2 * (last + (last - first)), np.int64)
            longer[:last] = lists[:last]
            lists = longer
        count = _may_be_nearest(eastings, northings, top, bottom, left, right, segments, most, lists, first, last, gap)
        if count == 0:
            continue
        if (bottom - top) * (right - left) <= LEAF_CELLS or count <= max(FEW_SEGMENTS, most):
            found = lists[last : last + count]
            if len(ranked):
                _rank(eastings, northings, top, bottom, left, right, segments[found], ranks, ranked)
            else:
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
def _any(mask: Flags, top: int, bottom: int, left: int, right: int) -> bool:
    for row in range(top, bottom):
        for column in range(left, right):
            if mask[row, column]:
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _apart(segments: Any, index: int, east: float, north: float) -> Any:
    """Squared distance of a place from a segment."""
    along_east, along_north = segments[index, 2], segments[index, 3]
    across_east, across_north = east - segments[index, 0], north - segments[index, 1]
    share = (across_east * along_east + across_north * along_north) * segments[index, 4]
    share = min(max(share, 0.0), 1.0)
    across_east -= share * along_east
    across_north -= share * along_north
    return across_east * across_east + across_north * across_north


@numba.njit(cache=True, nogil=True)
def _may_be_nearest(
    eastings: Floats,
    northings: Floats,
    top: int,
    bottom: int,
    left: int,
    right: int,
    segments: Floats,
    most: int,
    lists: Integers,
    first: int,
    last: int,
    gap: Floats,
) -> int:
    """Write behind `last` the candidates that may be among the `most` nearest of some cell; return how many."""
    east, north = (eastings[left] + eastings[right - 1]) / 2, (northings[top] + northings[bottom - 1]) / 2
    half = np.hypot(eastings[right - 1] - eastings[left], northings[top] - northings[bottom - 1]) / 2
    least = np.inf
    for place in range(first, last):
        apart = _apart(segments, lists[place], east, north)
        gap[place - first] = apart
        least = min(least, apart)
    if most > 1:
        least = np.partition(gap[: last - first], most - 1)[most - 1] if last - first > most else np.inf
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
def _rank(
    eastings: Floats,
    northings: Floats,
    top: int,
    bottom: int,
    left: int,
    right: int,
    near: Floats,
    ranks: Integers,
    ranked: Floats32,
) -> None:
    """Sort the candidates for each cell, starting from the order of the cell before: a neighbour's hardly differs."""
    order, gaps = np.arange(len(near)), np.empty(len(near))
    for row in range(top, bottom):
        for step in range(right - left):
            column = left + step if (row - top) % 2 == 0 else right - 1 - step
            for number in range(len(gaps)):
                gaps[number] = _apart(near, order[number], eastings[column], northings[row])
            for number in range(1, len(gaps)):
                if gaps[number] < gaps[number - 1]:
                    _insert(gaps, order, number)
            for number in range(len(ranks)):
                if ranks[number] <= len(gaps):
                    distance = min(np.sqrt(gaps[ranks[number] - 1]), LONGEST_DISTANCE_M)
                    ranked[number, row, column] = distance


@numba.njit(cache=True, nogil=True)
def _insert(gaps: Floats, order: Integers, number: int) -> None:
    """Move one candidate forward to its place in the order."""
    gap, index = gaps[number], order[number]
    while number > 0 and gaps[number - 1] > gap:
        gaps[number], order[number] = gaps[number - 1], order[number - 1]
        number -= 1
    gaps[number], order[number] = gap, index
