"""Contiguous groups of cells, grown outward from the best cells without crossing a barrier."""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, Integers, parts_of

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Grown:
    """Cells in tasks: `cell` (m,) is the flat index of each on the grid, ascending, `task` (m,) its task of `count`."""

    cell: Integers
    task: Integers
    count: int


def grow(
    order: Floats, barriers: tuple[Flags, Flags], least: int, most: int, limit: float, number: int, compactness: float
) -> Grown:
    """The tasks on a grid (n_rows, n_columns).

    `order` is 1 for the best cell and inf for cells that no task may hold; `barriers` say which cells may not be
    joined to their neighbour in the east and in the south. A task takes the best cell at its border, nearer ones
    before far ones by `compactness`, up to `most` cells; cells beyond `limit` only until it has `least`. Tasks that
    stay smaller are joined to a neighbour that has room.
    """
    flat = order.ravel()
    limits = np.array([least, most, number], dtype=np.int64)
    pull = compactness / max(most / np.pi, 1.0)
    east, south = (barrier.ravel() for barrier in barriers)
    label, count = _grow(
        flat, _seeds(flat, limit, number * (most + 1)), east, south, order.shape[1], limits, limit, pull
    )
    return _join_small(label, count, barriers, least, most)


def _seeds(flat: Floats, limit: float, enough: int) -> Integers:
    """Cells from which tasks may grow, the best first: `enough` of those within `limit`, for all others are taken."""
    found = [np.zeros(0, dtype=np.int64)]
    for rows in parts_of(len(flat)):
        found.append(np.flatnonzero(flat[rows] <= limit) + rows.start)
        if sum(map(len, found)) > 2 * enough:
            found = [_best(np.concatenate(found), flat, enough)]
    return _best(np.concatenate(found), flat, enough)


def _best(cells: Integers, flat: Floats, enough: int) -> Integers:
    return cells[np.argsort(flat[cells], kind="stable")[:enough]]


@njit(cache=True)
def _is_shut(cell: int, way: int, shut_east: Flags, shut_south: Flags, columns: int) -> bool:
    """Whether a cell may not be joined to its neighbour in the east (0), south (1), west (2) or north (3)."""
    column = cell % columns
    if way == 0:
        return bool(column == columns - 1 or shut_east[cell])
    if way == 1:
        return bool(cell + columns >= shut_south.size or shut_south[cell])
    if way == 2:
        return bool(column == 0 or shut_east[cell - 1])
    return bool(cell < columns or shut_south[cell - columns])


@njit(cache=True)
def _grow(
    order: Floats,
    seeds: Integers,
    shut_east: Flags,
    shut_south: Flags,
    columns: int,
    limits: Integers,
    limit: float,
    pull: float,
) -> tuple[Labels, int]:
    """The task of each cell (n_cells of rectangle), counted from 1, 0 for none, and the number of tasks."""
    least, most, number = limits
    steps = np.array([1, columns, -1, -columns])
    # Zeros, which take memory only where a task comes.
    label = np.zeros(order.size, np.int32)
    queued_by = np.zeros(order.size, np.int32)
    count = 0
    for seed in seeds:
        if count == number:
            break
        if label[seed] > 0:
            continue
        count += 1
        first, taken = order[seed], 0
        heap = [(first, seed)]
        queued_by[seed] = count
        while heap and taken < most:
            _, cell = heappop(heap)
            if order[cell] > limit and taken >= least:
                continue
            label[cell] = count
            taken += 1
            for way in range(4):
                near = cell + steps[way]
                if (
                    _is_shut(cell, way, shut_east, shut_south, columns)
                    or queued_by[near] == count
                    or label[near] > 0
                    or not np.isfinite(order[near])
                ):
                    continue
                queued_by[near] = count
                far2 = (near // columns - seed // columns) ** 2 + (near % columns - seed % columns) ** 2
                heappush(heap, ((order[near] + first) * (1 + pull * far2), near))
    return label, count


def _join_small(label: Labels, count: int, barriers: tuple[Flags, Flags], least: int, most: int) -> Grown:
    """Join tasks under `least` cells to the best-ranked neighbour with room; numbers stay in order of best cell."""
    cell = np.concatenate([np.flatnonzero(label[rows]) + rows.start for rows in parts_of(len(label))])
    task = label[cell].astype(np.int64) - 1
    size = np.bincount(task, minlength=count)
    small = np.flatnonzero(size < least)
    if not len(small):
        return Grown(cell, task, count)
    pairs = _neighbours(cell, task, label, barriers)
    target = np.arange(count)
    for one in small:
        near = np.unique(target[pairs[pairs[:, 0] == one, 1]])
        near = near[(near != target[one]) & (size[near] + size[target[one]] <= most)]
        if len(near):
            gone, kept = max(target[one], near[0]), min(target[one], near[0])
            size[kept] += size[gone]
            target[target == gone] = kept
    names, place = np.unique(target, return_inverse=True)
    return Grown(cell, place[task], len(names))


def _neighbours(cell: Integers, task: Integers, label: Labels, barriers: tuple[Flags, Flags]) -> Integers:
    """Pairs (m, 2) of tasks that share an open edge, each in both orders."""
    rows, columns = barriers[0].shape
    pairs = []
    for step, last, shut in (
        (1, cell % columns == columns - 1, barriers[0]),
        (columns, cell // columns == rows - 1, barriers[1]),
    ):
        at = ~last & ~shut.ravel()[cell]
        first, second = task[at], label[cell[at] + step].astype(np.int64) - 1
        other = (second >= 0) & (first != second)
        pairs += [np.column_stack([first, second])[other], np.column_stack([second, first])[other]]
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
