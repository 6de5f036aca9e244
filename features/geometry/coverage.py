"""How much of each cell polygons cover: exact shares, for evidence and for released land."""

from itertools import pairwise

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import Floats, Grid, Integers

CHUNK_CELLS = 500_000


def cell_coverage(grid: Grid, polygons: NDArray[np.object_]) -> pd.DataFrame:
    """Every (cell, polygon) pair that overlaps, inside or outside the area.

    `polygons` are valid (multi)polygons in the CRS of the grid. Returns the columns `cell` (flat index into an array
    of the grid), `polygon` (index into `polygons`) and `share` of the cell's area in (0, 1]; overlapping polygons each
    have their full share. A polygon that only touches a cell's edge has no row.
    """
    shapely.prepare(polygons)
    parts = [_covered(grid, polygons, chunk) for chunk in _chunks(grid, polygons)]
    return pd.concat([_covered(grid, polygons, slice(0, 0)), *parts], ignore_index=True)


def _chunks(grid: Grid, polygons: NDArray[np.object_]) -> list[slice]:
    """Runs of polygons whose bounds hold about CHUNK_CELLS cells together, so that memory stays bounded."""
    bounds = shapely.bounds(polygons).reshape(-1, 4) / grid.cell_size_m
    cells = np.maximum(bounds[:, 2] - bounds[:, 0] + 1, 1) * np.maximum(bounds[:, 3] - bounds[:, 1] + 1, 1)
    part = (np.cumsum(np.minimum(cells, grid.mask.size)) // CHUNK_CELLS).astype(np.int64)
    edges = [*np.flatnonzero(np.diff(part, prepend=-1)), len(part)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def _covered(grid: Grid, polygons: NDArray[np.object_], chunk: slice) -> pd.DataFrame:
    cells, owners, boxes = _cells_under_bounds(grid, polygons[chunk])
    owners = owners + (chunk.start or 0)
    share = np.ones(len(boxes))
    cut = ~shapely.contains(polygons[owners], boxes)
    # Only cells that a border cuts need an intersection; inside a polygon one predicate for each cell suffices.
    share[cut] = shapely.area(shapely.intersection(polygons[owners[cut]], boxes[cut])) / grid.cell_size_m**2
    kept = share > 0
    return pd.DataFrame({"cell": cells[kept], "polygon": owners[kept], "share": share[kept]})


def covered_share(grid: Grid, polygons: NDArray[np.object_]) -> Floats:
    """Share of each cell that the union of the polygons covers, shape `grid.shape`, 0 where nothing does."""
    share = np.zeros(grid.shape)
    if len(polygons):
        merged = shapely.get_parts(shapely.union_all(polygons))
        pairs = cell_coverage(grid, merged)
        # Parts of a union never overlap, so their shares add up.
        np.add.at(share.reshape(-1), pairs["cell"].to_numpy(), pairs["share"].to_numpy())
    return np.minimum(share, 1.0)


def _cells_under_bounds(grid: Grid, polygons: NDArray[np.object_]) -> tuple[Integers, Integers, NDArray[np.object_]]:
    """Flat cell index, polygon index and square of every cell that a polygon's bounds reach."""
    size, (n_rows, n_columns) = grid.cell_size_m, grid.shape
    bounds = shapely.bounds(polygons).reshape(-1, 4) / size
    row_top = grid.row_min + n_rows
    first_column = np.clip(np.floor(bounds[:, 0]) - grid.column_min, 0, n_columns).astype(np.int64)
    last_column = np.clip(np.ceil(bounds[:, 2]) - grid.column_min, 0, n_columns).astype(np.int64)
    first_row = np.clip(row_top - np.ceil(bounds[:, 3]), 0, n_rows).astype(np.int64)
    last_row = np.clip(row_top - np.floor(bounds[:, 1]), 0, n_rows).astype(np.int64)
    wide = last_column - first_column
    count = wide * (last_row - first_row)
    owner = np.repeat(np.arange(len(polygons)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    row = first_row[owner] + within // wide[owner]
    column = first_column[owner] + within % wide[owner]
    west, south = (grid.column_min + column) * size, (row_top - 1 - row) * size
    return row * n_columns + column, owner, shapely.box(west, south, west + size, south + size)
