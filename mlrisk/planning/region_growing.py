"""Contiguous groups of cells, grown outward from the best cells without crossing a barrier."""

from heapq import heappop, heappush

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, Integers

Labels = NDArray[np.int32]


def grow(
    order: Floats, barriers: tuple[Flags, Flags], least: int, most: int, limit: float, number: int, compactness: float
) -> tuple[Labels, int]:
    """The task of each cell of a grid (n_rows, n_columns), -1 for none, and the number of tasks.

    `order` is 1 for the best cell and inf for cells that no task may hold; `barriers` say which cells may not be
    joined to their neighbour in the east and in the south. A task takes the best cell at its border, nearer ones
    before far ones by `compactness`, up to `most` cells; cells beyond `limit` only until it has `least`. Tasks that
    stay smaller are joined to a neighbour that has room.
    """
    flat = order.ravel()
    seeds = np.argsort(flat, kind="stable")[: int((flat <= limit).sum())]
    limits = np.array([least, most, number], dtype=np.int64)
    pull = compactness / max(most / np.pi, 1.0)
    label, count = _grow(flat.copy(), seeds, _ways(barriers), order.shape[1], limits, limit, pull)
    return _join_small(label.reshape(order.shape), count, barriers, least, most)


def _ways(barriers: tuple[Flags, Flags]) -> Flags:
    """Whether a cell may be joined to its neighbour in the east, south, west and north, (n_cells of rectangle, 4)."""
    east, south = (~barrier for barrier in barriers)
    east[:, -1:], south[-1:] = False, False
    ways = np.zeros((*east.shape, 4), dtype=bool)
    ways[..., 0], ways[..., 1] = east, south
    ways[:, 1:, 2], ways[1:, :, 3] = east[:, :-1], south[:-1]
    return ways.reshape(-1, 4)


@njit(cache=True)
def _grow(
    order: Floats,
    seeds: Integers,
    ways: Flags,
    columns: int,
    limits: Integers,
    limit: float,
    pull: float,
) -> tuple[Labels, int]:
    least, most, number = limits
    steps = np.array([1, columns, -1, -columns])
    label = np.full(order.size, -1, np.int32)
    queued_by = np.full(order.size, -1, np.int32)
    count = 0
    for seed in seeds:
        if count == number or not np.isfinite(order[seed]):
            continue
        first, taken = order[seed], 0
        heap = [(first, seed)]
        queued_by[seed] = count
        while heap and taken < most:
            _, cell = heappop(heap)
            if order[cell] > limit and taken >= least:
                continue
            label[cell] = count
            order[cell] = np.inf
            taken += 1
            for way in range(4):
                near = cell + steps[way]
                if ways[cell, way] and queued_by[near] != count and np.isfinite(order[near]):
                    queued_by[near] = count
                    far2 = (near // columns - seed // columns) ** 2 + (near % columns - seed % columns) ** 2
                    heappush(heap, ((order[near] + first) * (1 + pull * far2), near))
        count += 1
    return label, count


def _join_small(label: Labels, count: int, barriers: tuple[Flags, Flags], least: int, most: int) -> tuple[Labels, int]:
    """Join tasks under `least` cells to the best-ranked neighbour with room; numbers stay in order of best cell."""
    size = np.bincount(label[label >= 0], minlength=count)
    small = np.flatnonzero(size < least)
    if not len(small):
        return label, count
    pairs = _neighbours(label, barriers)
    target = np.arange(count)
    for task in small:
        near = np.unique(target[pairs[pairs[:, 0] == task, 1]])
        near = near[(near != target[task]) & (size[near] + size[target[task]] <= most)]
        if len(near):
            gone, kept = max(target[task], near[0]), min(target[task], near[0])
            size[kept] += size[gone]
            target[target == gone] = kept
    names, place = np.unique(target, return_inverse=True)
    joined = np.where(label >= 0, place[np.maximum(label, 0)], -1).astype(np.int32)
    return joined, len(names)


def _neighbours(label: Labels, barriers: tuple[Flags, Flags]) -> Integers:
    """Pairs (m, 2) of tasks that share an open edge, each in both orders."""
    pairs = []
    for axis, shut in ((1, barriers[0]), (0, barriers[1])):
        first = label[:, :-1] if axis else label[:-1]
        second = label[:, 1:] if axis else label[1:]
        open_ = ~(shut[:, :-1] if axis else shut[:-1])
        at = (first >= 0) & (second >= 0) & (first != second) & open_
        pairs += [np.column_stack([first[at], second[at]]), np.column_stack([second[at], first[at]])]
    return np.unique(np.concatenate(pairs), axis=0).astype(np.int64)


def no_barriers(shape: tuple[int, int]) -> tuple[Flags, Flags]:
    """Barriers under which every cell may be joined to its neighbours."""
    return np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)


def region_barriers(regions: Integers) -> tuple[Flags, Flags]:
    """Barriers between cells (n_rows, n_columns) of different regions."""
    east, south = no_barriers((regions.shape[0], regions.shape[1]))
    east[:, :-1] = regions[:, :-1] != regions[:, 1:]
    south[:-1] = regions[:-1] != regions[1:]
    return east, south


def line_barriers(grid: Grid, lines: NDArray[np.object_]) -> tuple[Flags, Flags]:
    """Barriers where a line (or the rim of a polygon) crosses the segment between the centres of two cells."""
    parts = shapely.get_parts(lines)
    area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts = np.concatenate([parts[~area], shapely.get_parts(shapely.boundary(parts[area]))])
    points, line = shapely.get_coordinates(parts, return_index=True)
    # Coordinates in cells from the centre of the north-western one: column to the east, row to the south.
    column = points[:, 0] / grid.cell_size_m - grid.column_min - 0.5
    row = grid.row_min + grid.shape[0] - 0.5 - points[:, 1] / grid.cell_size_m
    joined = np.flatnonzero(line[1:] == line[:-1])
    start, stop = (np.column_stack([column, row])[joined + step] for step in (0, 1))
    east, south = no_barriers(grid.shape)
    _mark(east, start[:, ::-1], stop[:, ::-1])
    _mark(south.T, start, stop)
    return east, south


def _mark(barrier: Flags, start: Floats, stop: Floats) -> None:
    """Set [line, place] where a segment crosses the centre line of number `line` between `place` and the next.

    Columns of `start` and `stop` (n, 2): along which the centre lines are counted, and along which places are.
    """
    low, high = np.minimum(start[:, 0], stop[:, 0]), np.maximum(start[:, 0], stop[:, 0])
    # Half open, so that a vertex on a centre line counts once.
    first, last = np.ceil(low), np.ceil(high) - 1
    first, last = np.maximum(first, 0), np.minimum(last, barrier.shape[0] - 1)
    count = np.maximum(last - first + 1, 0).astype(np.int64)
    segment = np.repeat(np.arange(len(start)), count)
    line = first[segment].astype(np.int64) + np.arange(len(segment)) - np.repeat(np.cumsum(count) - count, count)
    run = stop[segment, 0] - start[segment, 0]
    share = (line - start[segment, 0]) / run
    place = np.floor(start[segment, 1] + share * (stop[segment, 1] - start[segment, 1])).astype(np.int64)
    inside = (place >= 0) & (place < barrier.shape[1] - 1)
    barrier[line[inside], place[inside]] = True
