"""Exact distance from every cell centre to the k-th nearest of many points.

Branch and bound on the tile as in `distances`: in a window with centre c and half diagonal h the k nearest points of
every cell lie within d_k(c) + 2 h of c, where d_k(c) is the distance of the k-th nearest from c.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from features.grid import Grid
from features.info import LONGEST_DISTANCE_M

# Windows of so few cells are not cut any further.
LEAF_CELLS = 64
# Bounds are kept this much wider than they need be, so that rounding never drops a neighbour.
SLACK_M = 1e-3

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def neighbour_distances_m(tile: Grid, places: Floats, which: tuple[int, ...]) -> NDArray[np.float32]:
    """Distance to the k-th nearest of places (n, 2) for every k of `which`, ascending: (len(which), *tile.shape).

    Points at one place count each. The longest distance where there are fewer than k; NaN outside the area.
    """
    found = np.full((len(which), *tile.shape), LONGEST_DISTANCE_M, dtype=np.float32)
    if len(places) and tile.mask.any():
        _descend(tile.eastings_m, tile.northings_m, tile.mask, places, np.array(which), found)
    found[:, ~tile.mask] = np.nan
    return found


@numba.njit(cache=True, nogil=True)
def _descend(
    eastings: Floats,
    northings: Floats,
    mask: NDArray[np.bool_],
    places: Floats,
    which: Integers,
    found: NDArray[np.float32],
) -> None:
    """Fill window by window, from the whole tile down; a window writes its candidates behind its parent's."""
    n_rows, n_columns = mask.shape
    depth = 4 + int(np.ceil(np.log2(max(n_rows, n_columns))))
    lists = np.empty(len(places) * 2 + 1024, np.int64)
    lists[: len(places)] = np.arange(len(places))
    waiting = np.empty((4 * depth, 6), np.int64)
    waiting[0] = np.array([0, n_rows, 0, n_columns, 0, len(places)])
    n_waiting = 1
    while n_waiting:
        n_waiting -= 1
        top, bottom, left, right, first, last = waiting[n_waiting]
        if not mask[top:bottom, left:right].any():
            continue
        if last + (last - first) > len(lists):
            longer = np.empty(2 * (last + (last - first)), np.int64)
            longer[:last] = lists[:last]
            lists = longer
        window = eastings[left:right], northings[top:bottom]
        count = _may_be_near(window[0], window[1], places, which[-1], lists, first, last)
        if (bottom - top) * (right - left) <= LEAF_CELLS or count <= which[-1]:
            near = places[lists[last : last + count]]
            _fill(window[0], window[1], near, which, found[:, top:bottom, left:right])
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
def _may_be_near(
    eastings: Floats, northings: Floats, places: Floats, most: int, lists: Integers, first: int, last: int
) -> int:
    """Write behind `last` the candidates that may be among the `most` nearest of some cell; return how many."""
    east, north = (eastings[0] + eastings[-1]) / 2, (northings[0] + northings[-1]) / 2
    half = np.hypot(eastings[-1] - eastings[0], northings[0] - northings[-1]) / 2
    gaps = np.empty(last - first)
    for number in range(last - first):
        place = lists[first + number]
        gaps[number] = np.hypot(places[place, 0] - east, places[place, 1] - north)
    reach = LONGEST_DISTANCE_M + half + SLACK_M
    if len(gaps) > most:
        reach = min(reach, np.partition(gaps, most - 1)[most - 1] + 2 * half + SLACK_M)
    count = 0
    for number in range(last - first):
        if gaps[number] <= reach:
            lists[last + count] = lists[first + number]
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _fill(eastings: Floats, northings: Floats, near: Floats, which: Integers, found: NDArray[np.float32]) -> None:
    """Sort the candidates for each cell, starting from the order of the cell before: a neighbour's hardly differs."""
    across, up, gaps = near[:, 0].copy(), near[:, 1].copy(), np.empty(len(near))
    for row in range(len(northings)):
        for step in range(len(eastings)):
            column = step if row % 2 == 0 else len(eastings) - 1 - step
            east, north = eastings[column], northings[row]
            for number in range(len(gaps)):
                gaps[number] = (across[number] - east) ** 2 + (up[number] - north) ** 2
            for number in range(1, len(gaps)):
                if gaps[number] < gaps[number - 1]:
                    _insert(gaps, across, up, number)
            for number in range(len(which)):
                if which[number] <= len(gaps):
                    distance = min(np.sqrt(gaps[which[number] - 1]), LONGEST_DISTANCE_M)
                    found[number, row, column] = distance


@numba.njit(cache=True, nogil=True)
def _insert(gaps: Floats, across: Floats, up: Floats, number: int) -> None:
    """Move one candidate forward to its place in the order."""
    gap, east, north = gaps[number], across[number], up[number]
    while number > 0 and gaps[number - 1] > gap:
        gaps[number], across[number], up[number] = gaps[number - 1], across[number - 1], up[number - 1]
        number -= 1
    gaps[number], across[number], up[number] = gap, east, north
