"""Which polygon holds each cell centre, by scan lines: exact, and in time that grows with borders, not with areas."""

import numba
import numpy as np

from features.base import Floats, Grid, Integers
from features.geometry.layers import Layer


def first_inside(tile: Grid, layer: Layer, left_out: Integers | None = None) -> Integers:
    """Index of the first geometry whose polygon holds or touches the cell centre, -1 where none does (tile.shape).

    A centre lies inside when a ray from it crosses the border an odd number of times, so holes are outside. The
    geometries `left_out` hold nothing.
    """
    inside = np.full(tile.shape, -1, dtype=np.int64)
    if len(layer.polygon_owner):
        near = layer.polygon_squares.within(tile.bounds, 0.0, *layer.polygon_corners)
        if left_out is not None:
            near = near[~np.isin(layer.polygon_owner[near], left_out)]
        edges, starts = layer.borders(near)
        _scan(tile.eastings_m, tile.northings_m, edges, starts, layer.polygon_owner[near], inside)
    return inside


@numba.njit(cache=True, nogil=True)
def _scan(
    eastings: Floats,
    northings: Floats,
    edges: Floats,
    edge_start: Integers,
    owners: Integers,
    inside: Integers,
) -> None:
    n_rows = len(northings)
    for polygon in range(len(owners)):
        first, last = edge_start[polygon], edge_start[polygon + 1]
        west, east, south, north = np.inf, -np.inf, np.inf, -np.inf
        for edge in range(first, last):
            west, east = min(west, edges[edge, 0]), max(east, edges[edge, 0])
            south, north = min(south, edges[edge, 1]), max(north, edges[edge, 1])
        if east < eastings[0] or west > eastings[-1] or north < northings[-1] or south > northings[0]:
            continue
        top, bottom = _rows_between(northings, south, north)
        for upper in (False, True):
            # A vertex level with a centre belongs to the edge above it in one pass and to the edge below it in the
            # other: together they include both horizontal borders.
            if upper and not _vertex_on_row(northings, edges, first, last, top, bottom):
                break
            _fill_rows(
                eastings, northings, edges, first, last, top, min(bottom, n_rows), upper, owners[polygon], inside
            )


@numba.njit(cache=True, nogil=True)
def _rows_between(northings: Floats, south: float, north: float) -> tuple[int, int]:
    """First row, and the one after the last, of the rows with northings in [south, north]; they run downwards."""
    low, high = 0, len(northings)
    while low < high:
        middle = (low + high) // 2
        if northings[middle] > north:
            low = middle + 1
        else:
            high = middle
    top, high = low, len(northings)
    while low < high:
        middle = (low + high) // 2
        if northings[middle] >= south:
            low = middle + 1
        else:
            high = middle
    return top, low


@numba.njit(cache=True, nogil=True)
def _vertex_on_row(northings: Floats, edges: Floats, first: int, last: int, top: int, bottom: int) -> bool:
    for edge in range(first, last):
        row, _ = _rows_between(northings, edges[edge, 1], edges[edge, 1])
        if top <= row < bottom and northings[row] == edges[edge, 1]:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _fill_rows(  # noqa: C901 one sweep: count, place, sort and fill
    eastings: Floats,
    northings: Floats,
    edges: Floats,
    first: int,
    last: int,
    top: int,
    bottom: int,
    upper: bool,
    owner: int,
    inside: Integers,
) -> None:
    """Cross every row of centres with every edge, then fill between odd and even crossings."""
    if bottom <= top:
        return
    counts = np.zeros(bottom - top + 1, np.int64)
    for edge in range(first, last):
        start, stop = _rows_crossed(northings, edges[edge, 1], edges[edge, 3], upper)
        for row in range(max(start, top), min(stop, bottom)):
            counts[row - top + 1] += 1
    for row in range(bottom - top):
        counts[row + 1] += counts[row]
    crossings, filled = np.empty(counts[-1], np.float64), counts.copy()
    for edge in range(first, last):
        start, stop = _rows_crossed(northings, edges[edge, 1], edges[edge, 3], upper)
        for row in range(max(start, top), min(stop, bottom)):
            share = (northings[row] - edges[edge, 1]) / (edges[edge, 3] - edges[edge, 1])
            crossings[filled[row - top]] = edges[edge, 0] + share * (edges[edge, 2] - edges[edge, 0])
            filled[row - top] += 1
    for row in range(top, bottom):
        line = np.sort(crossings[counts[row - top] : counts[row - top + 1]])
        for pair in range(len(line) // 2):
            column = np.searchsorted(eastings, line[2 * pair])
            while column < len(eastings) and eastings[column] <= line[2 * pair + 1]:
                if inside[row, column] < 0:
                    inside[row, column] = owner
                column += 1


@numba.njit(cache=True, nogil=True)
def _rows_crossed(northings: Floats, one: float, other: float, upper: bool) -> tuple[int, int]:
    """Rows whose northing lies in [low, high), or in (low, high] where `upper`; none for a horizontal edge."""
    low, high = min(one, other), max(one, other)
    if low == high:
        return 0, 0
    start, stop = _rows_between(northings, low, high)
    if upper:
        if stop > start and northings[stop - 1] == low:
            stop -= 1
    elif stop > start and northings[start] == high:
        start += 1
    return start, stop
