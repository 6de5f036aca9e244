"""How much of each cell polygons cover: exact shares, for evidence and for released land."""

from math import ceil, floor

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.grid import Grid


def cell_coverage(grid: Grid, polygons: NDArray[np.object_]) -> pd.DataFrame:
    """Every (cell, polygon) pair that overlaps, inside or outside the area.

    `polygons` are valid (multi)polygons in the CRS of the grid. Returns the columns `cell` (flat index into an array
    of the grid), `polygon` (index into `polygons`) and `share` of the cell's area in (0, 1]; overlapping polygons each
    have their full share. A polygon that only touches a cell's edge has no row.
    """
    parts = [_one_polygon(grid, polygon, index) for index, polygon in enumerate(polygons)]
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame({"cell": np.array([], np.int64), "polygon": np.array([], np.int64), "share": np.array([])})
    return pd.concat(filled, ignore_index=True)


def covered_share(grid: Grid, polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """Share of each cell that the union of the polygons covers, shape `grid.shape`, 0 where nothing does."""
    share = np.zeros(grid.shape)
    if len(polygons):
        merged = shapely.get_parts(shapely.union_all(polygons))
        pairs = cell_coverage(grid, merged)
        # Parts of a union never overlap, so their shares add up.
        np.add.at(share.reshape(-1), pairs["cell"].to_numpy(), pairs["share"].to_numpy())
    return np.minimum(share, 1.0)


def _one_polygon(grid: Grid, polygon: shapely.Geometry, index: int) -> pd.DataFrame:
    size, (n_rows, n_columns) = grid.cell_size_m, grid.shape
    left, bottom, right, top = polygon.bounds
    columns = np.arange(
        max(floor(left / size) - grid.column_min, 0), min(ceil(right / size) - grid.column_min, n_columns)
    )
    row_top = grid.row_min + n_rows
    rows = np.arange(max(row_top - ceil(top / size), 0), min(row_top - floor(bottom / size), n_rows))
    if not len(columns) or not len(rows):
        return pd.DataFrame()
    row, column = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
    west, south = (grid.column_min + column) * size, (row_top - 1 - row) * size
    shapely.prepare(polygon)
    boxes = shapely.box(west, south, west + size, south + size)
    share = np.ones(len(boxes))
    cut = ~shapely.contains(polygon, boxes)
    # Only cells that the border cuts need an intersection; the inside of a district is one predicate.
    share[cut] = shapely.area(shapely.intersection(polygon, boxes[cut])) / size**2
    kept = share > 0
    return pd.DataFrame({"cell": (row * n_columns + column)[kept], "polygon": index, "share": share[kept]})
