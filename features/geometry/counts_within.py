"""The number of points within a radius of each cell, and the least of their values."""

import numba
import numpy as np

from features.base import Flags, Floats, Grid, Integers
from features.geometry.exclusions import OwnRecords, OwnRecordsByRule


def count_within(tile: Grid, places: Floats, radius_m: float, own: OwnRecords | None = None) -> Integers:
    """Number of points (n, 2) within `radius_m` of every cell centre (tile.shape), the cell's own left out."""
    counts = np.zeros((tile.shape[0], tile.shape[1] + 1), dtype=np.int64)
    _count(tile.eastings_m, -tile.northings_m, places, radius_m, counts)
    found = np.cumsum(counts[:, :-1], axis=1)
    if own is not None:
        _count_less(tile.eastings_m, -tile.northings_m, places, radius_m, own.windows, own.starts, own.members, found)
    return found


def least_within(tile: Grid, places: Floats, values: Floats, radius_m: float, own: OwnRecords | None = None) -> Floats:
    """Least value (n,) of the points within `radius_m` (tile.shape), infinite where there is none.

    With `own` a cell leaves out the points that it owns; a point is owned by one window at most.
    """
    least = np.full(tile.shape, np.inf)
    window, owner = np.full(tile.shape, -1), np.full(len(places), -2)
    if own is not None:
        _number_windows(own.windows, window)
        owner[own.members] = np.repeat(np.arange(len(own.windows)), np.diff(own.starts))
    _least(tile.eastings_m, -tile.northings_m, places, values, radius_m, window, owner, least)
    return least


def event_count(tile: Grid, places: Floats, chosen: Flags, radius_m: float, own: OwnRecordsByRule) -> Floats:
    """Number of the `chosen` points (n,) within the radius that a cell does not own."""
    counts = np.zeros(tile.shape)
    for rows, part in own:
        # Points that are not chosen are moved out of reach, so that the owned ones keep their row numbers.
        there = np.where(chosen[rows, None], places[rows], np.inf)
        counts += count_within(tile, there, radius_m, part)
    return counts


def event_least(tile: Grid, places: Floats, values: Floats, radius_m: float, own: OwnRecordsByRule) -> Floats:
    """Least value within the radius of the points that a cell does not own; NaN values count as none."""
    least = np.full(tile.shape, np.inf)
    for rows, part in own:
        known = np.where(np.isnan(values[rows]), np.inf, values[rows])
        least = np.minimum(least, least_within(tile, places[rows], known, radius_m, part))
    return least


@numba.njit(cache=True, nogil=True)
def _count(eastings: Floats, souths: Floats, places: Floats, radius: float, counts: Integers) -> None:
    """Add one where a disc begins in a row and subtract one after its end; the running sums are the counts."""
    for point in range(len(places)):
        east, south = places[point, 0], -places[point, 1]
        if _misses(eastings, souths, east, south, radius):
            continue
        top, bottom = np.searchsorted(souths, south - radius), np.searchsorted(souths, south + radius, "right")
        for row in range(top, bottom):
            left, right = _chord(eastings, souths[row] - south, east, radius)
            if left < right:
                counts[row, left] += 1
                counts[row, right] -= 1


@numba.njit(cache=True, nogil=True)
def _count_less(
    eastings: Floats,
    souths: Floats,
    places: Floats,
    radius: float,
    windows: Integers,
    starts: Integers,
    members: Integers,
    counts: Integers,
) -> None:
    """Subtract the points that the cells of each window own from their counts."""
    for number in range(len(windows)):
        top, bottom, left, right = windows[number]
        for place in range(starts[number], starts[number + 1]):
            east, south = places[members[place], 0], -places[members[place], 1]
            for row in range(top, bottom):
                for column in range(left, right):
                    if _within(eastings[column] - east, souths[row] - south, radius):
                        counts[row, column] -= 1


@numba.njit(cache=True, nogil=True)
def _misses(eastings: Floats, souths: Floats, east: float, south: float, radius: float) -> bool:
    """True for a point that is not finite or too far from the tile; near the limit it may be False."""
    reach = radius + 1.0
    meets_columns = eastings[0] - reach <= east <= eastings[-1] + reach
    return not (meets_columns and souths[0] - reach <= south <= souths[-1] + reach)


@numba.njit(cache=True, nogil=True)
def _within(across: float, down: float, radius: float) -> bool:
    return across * across + down * down <= radius * radius


@numba.njit(cache=True, nogil=True)
def _number_windows(windows: Integers, window: Integers) -> None:
    for number in range(len(windows)):
        top, bottom, left, right = windows[number]
        window[top:bottom, left:right] = number


@numba.njit(cache=True, nogil=True)
def _least(
    eastings: Floats,
    souths: Floats,
    places: Floats,
    values: Floats,
    radius: float,
    window: Integers,
    owner: Integers,
    least: Floats,
) -> None:
    """Lower the value of every cell in reach of a point, except in the window that owns the point."""
    for point in range(len(places)):
        east, south = places[point, 0], -places[point, 1]
        if _misses(eastings, souths, east, south, radius):
            continue
        top, bottom = np.searchsorted(souths, south - radius), np.searchsorted(souths, south + radius, "right")
        for row in range(top, bottom):
            left, right = _chord(eastings, souths[row] - south, east, radius)
            for column in range(left, right):
                if window[row, column] != owner[point]:
                    least[row, column] = min(least[row, column], values[point])


@numba.njit(cache=True, nogil=True)
def _chord(eastings: Floats, down: float, east: float, radius: float) -> tuple[int, int]:
    """First column, and the one after the last, whose centre lies within the radius."""
    rest = radius * radius - down * down
    if rest < 0:
        return 0, 0
    # Centres are evenly spaced: arithmetic finds both ends to within a column.
    last = len(eastings) - 1
    spacing = (eastings[last] - eastings[0]) / last if last > 0 else 1.0
    half = np.sqrt(rest)
    left = min(max(int(np.ceil((east - half - eastings[0]) / spacing)), 0), last + 1)
    right = min(max(int(np.floor((east + half - eastings[0]) / spacing)) + 1, left), last + 1)
    # Because the root is rounded, the plain formula decides at both ends.
    while left > 0 and (eastings[left - 1] - east) ** 2 + down * down <= radius * radius:
        left -= 1
    while left < right and (eastings[left] - east) ** 2 + down * down > radius * radius:
        left += 1
    while right < len(eastings) and (eastings[right] - east) ** 2 + down * down <= radius * radius:
        right += 1
    while right > left and (eastings[right - 1] - east) ** 2 + down * down > radius * radius:
        right -= 1
    return left, right
