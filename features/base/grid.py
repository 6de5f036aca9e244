"""The grid: square cells in a projected CRS, aligned so that a cell keeps its id when the area changes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import ceil, floor

import numpy as np
import pyproj
from affine import Affine
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from features.base.arrays import Flags, Floats, Integers
from features.base.errors import InputError
from features.base.grid_checks import check_cell_size, check_domain, check_memory, check_scale
from features.base.large_arrays import ROWS_AT_ONCE, leave_memory, new_array
from features.base.memory import free_bytes

# Two signed 26-bit indices fit into 52 bits: ids stay exact in float64, the number type of JavaScript and spreadsheets,
# and 1 m cells reach +-33,554 km, beyond every projected CRS in use.
INDEX_BITS = 26

INDEX_OFFSET = 1 << (INDEX_BITS - 1)

# 500 million cells: a boolean mask of 0.5 GB, the most that a laptop can plan for.
MOST_CELLS = 500_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Grid:
    """A rectangle of cells and the mask of those inside the area.

    `column_min` and `row_min` count cells from the CRS origin to the lower left cell, so the cell with column index
    c and row index r covers eastings [c, c + 1) * cell_size_m and northings [r, r + 1) * cell_size_m.
    Arrays on the grid have shape (n_rows, n_columns) and run from north to south: array row 0 is the northernmost.
    """

    crs: pyproj.CRS
    cell_size_m: float
    column_min: int
    row_min: int
    mask: Flags

    @classmethod
    def from_area(
        cls, area: BaseGeometry, crs: pyproj.CRS, cell_size_m: float, memory_bytes: float | None = None
    ) -> "Grid":
        """The smallest grid that holds every cell touched by `area` (a geometry in `crs`).

        A cell belongs to the area when the area touches any part of it: leaving out the slivers at a border would leave
        land off the map. Raises ConfigError for a cell size below 1 m and InputError for an empty area, an area outside
        the domain of the CRS or where its metre is distorted, and for more cells than `memory_bytes` hold (if not
        given, the free memory of the machine) or than 500 million.
        """
        check_cell_size(cell_size_m)
        if area.is_empty:
            raise InputError("grid.area is empty: give at least one polygon, or points that mark the cells")
        bounds = area.bounds
        check_domain(bounds, crs)
        check_scale(area, crs)
        column_min, row_min = floor(bounds[0] / cell_size_m), floor(bounds[1] / cell_size_m)
        # A border that lies exactly on a cell edge does not open another row of cells.
        column_end = max(ceil(bounds[2] / cell_size_m), column_min + 1)
        row_end = max(ceil(bounds[3] / cell_size_m), row_min + 1)
        shape = (row_end - row_min, column_end - column_min)
        if shape[0] * shape[1] > MOST_CELLS:
            raise InputError(
                f"grid.cell_size_m ({cell_size_m:g}) makes {shape[0]:,} x {shape[1]:,} cells over grid.area, more "
                f"than {MOST_CELLS:,}: use larger cells or a smaller area"
            )
        check_memory(area, shape, cell_size_m, free_bytes() if memory_bytes is None else memory_bytes)
        transform = Affine(cell_size_m, 0, column_min * cell_size_m, 0, -cell_size_m, row_end * cell_size_m)
        mask = rasterize([(area, 1)], shape, transform=transform, all_touched=True, dtype="uint8").astype(bool)
        return cls(crs=crs, cell_size_m=float(cell_size_m), column_min=column_min, row_min=row_min, mask=mask)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        return self.mask.shape[0], self.mask.shape[1]

    @property
    def transform(self) -> Affine:
        """From (column, row) of an array, counted from its upper left corner, to easting and northing."""
        size = self.cell_size_m
        return Affine(size, 0, self.column_min * size, 0, -size, (self.row_min + self.shape[0]) * size)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(easting_min, northing_min, easting_max, northing_max) of the rectangle in metres."""
        size, (rows, columns) = self.cell_size_m, self.shape
        left, bottom = self.column_min * size, self.row_min * size
        return left, bottom, left + columns * size, bottom + rows * size

    @property
    def n_cells(self) -> int:
        """Number of cells inside the area."""
        return int(self.mask.sum())

    @cached_property
    def eastings_m(self) -> Floats:
        """Cell-centre easting of each array column, west to east, in metres."""
        return np.asarray((self.column_min + np.arange(self.shape[1]) + 0.5) * self.cell_size_m, dtype=np.float64)

    @cached_property
    def northings_m(self) -> Floats:
        """Cell-centre northing of each array row, north to south, in metres."""
        rows = self.row_min + self.shape[0] - 1 - np.arange(self.shape[0])
        return np.asarray((rows + 0.5) * self.cell_size_m, dtype=np.float64)

    def centres_m(self) -> Floats:
        """(n_cells, 2) easting and northing of the centres of the cells inside the area, in `cell_ids` order."""
        centres = new_array((self.n_cells, 2), np.float64)
        for band, places in self.bands():
            rows, columns = np.nonzero(band.mask)
            centres[places, 0], centres[places, 1] = band.eastings_m[columns], band.northings_m[rows]
        return centres

    def some_centres_m(self, most: int) -> Floats:
        """(n, 2) centres of at most `most` cells inside the area, evenly spread over them, in `cell_ids` order.

        Needs memory for one row, not for the grid.
        """
        in_row = np.count_nonzero(self.mask, axis=1)
        before = np.concatenate([[0], np.cumsum(in_row)])
        wanted = np.arange(0, before[-1], max(1, -(-int(before[-1]) // most)))
        rows = np.searchsorted(before, wanted, "right") - 1
        columns = np.empty(len(wanted), dtype=np.int64)
        for row in np.unique(rows):
            here = rows == row
            columns[here] = np.flatnonzero(self.mask[row])[wanted[here] - before[row]]
        return np.column_stack([self.eastings_m[columns], self.northings_m[rows]])

    def cell_ids(self) -> Integers:
        """Ids of the cells inside the area, north to south and west to east within a row.

        The id depends on the CRS, the cell size and the place alone, never on the area.
        """
        ids = new_array(self.n_cells, np.int64)
        for band, places in self.bands():
            rows, columns = np.nonzero(band.mask)
            ids[places] = encode_cell_id(band.column_min + columns, band.row_min + band.shape[0] - 1 - rows)
        return ids

    def bands(self) -> Iterator[tuple["Grid", slice]]:
        """Windows of whole rows, north to south, each with the places of its cells in `cell_ids` order.

        A window has a million cells or one row, so that what is computed of one fits into little memory.
        """
        rows, columns = self.shape
        high, start = max(1, ROWS_AT_ONCE // columns), 0
        for row in range(0, rows, high):
            band = self.window(row, min(row + high, rows), 0, columns)
            stop = start + band.n_cells
            yield band, slice(start, stop)
            start = stop
            if row + high < rows:
                leave_memory()

    def positions(self, places: Integers) -> tuple[Integers, Integers]:
        """Array rows and columns of cells, (n,) each, by their places in `cell_ids` order, which ascend."""
        row, column = np.empty((2, len(places)), dtype=np.int64)
        first = 0
        for band, cells in self.bands():
            last = first + int(np.searchsorted(places[first:], cells.stop))
            rows, columns = np.nonzero(band.mask)
            here = places[first:last] - cells.start
            row[first:last] = rows[here] + self.row_min + self.shape[0] - band.row_min - band.shape[0]
            column[first:last], first = columns[here], last
        return row, column

    def places(self, flat: Integers) -> Integers:
        """Places in `cell_ids` order of cells inside the area, (n,), by their flat index into an array of the grid."""
        order = np.argsort(flat, kind="stable")
        rows, columns = np.divmod(np.asarray(flat, dtype=np.int64)[order], self.shape[1])
        in_row = np.count_nonzero(self.mask, axis=1)
        places = (np.cumsum(in_row) - in_row)[rows]
        for start, stop in pairwise([*np.flatnonzero(np.diff(rows, prepend=-1)), len(rows)]):
            places[start:stop] += (np.cumsum(self.mask[rows[start]]) - 1)[columns[start:stop]]
        return np.asarray(places[np.argsort(order)])

    def locate(self, eastings_m: Floats, northings_m: Floats) -> Integers:
        """Flat index into an array of the grid for each point, -1 where the point lies outside the rectangle."""
        rows, columns = self.shape
        column = np.floor(np.asarray(eastings_m) / self.cell_size_m).astype(np.int64) - self.column_min
        row = self.row_min + rows - 1 - np.floor(np.asarray(northings_m) / self.cell_size_m).astype(np.int64)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        return np.where(inside, row * columns + column, -1)

    def window(self, row_start: int, row_stop: int, column_start: int, column_stop: int) -> "Grid":
        """The part with the given array rows and columns, a grid of its own over the same cells."""
        row_min = self.row_min + self.shape[0] - row_stop
        mask = self.mask[row_start:row_stop, column_start:column_stop]
        return replace(self, column_min=self.column_min + column_start, row_min=row_min, mask=mask)

    def coarsened(self, factor: int) -> tuple["Grid", Integers]:
        """A grid of cells `factor` times as large over the same area, and for each cell the place of its coarse cell.

        The place indexes the coarse `cell_ids()`. A coarse cell lies inside the area when any of its cells does.
        """
        column_min, row_min = self.column_min // factor, self.row_min // factor
        row_max = (self.row_min + self.shape[0] - 1) // factor
        shape = (row_max - row_min + 1, (self.column_min + self.shape[1] - 1) // factor - column_min + 1)
        flat = new_array(self.n_cells, np.int64)
        mask = np.zeros(shape, dtype=bool)
        for band, places in self.bands():
            rows, columns = np.nonzero(band.mask)
            row = row_max - (band.row_min + band.shape[0] - 1 - rows) // factor
            flat[places] = row * shape[1] + (band.column_min + columns) // factor - column_min
            mask.ravel()[flat[places]] = True
        order = np.cumsum(mask.ravel()) - 1
        for _, places in self.bands():
            flat[places] = order[flat[places]]
        size_m = self.cell_size_m * factor
        return replace(self, cell_size_m=size_m, column_min=column_min, row_min=row_min, mask=mask), flat

    def expanded(self, n_cells: int) -> "Grid":
        """The rectangle grown by `n_cells` on every side; the new cells lie outside the area."""
        mask = np.pad(self.mask, n_cells)
        return replace(self, column_min=self.column_min - n_cells, row_min=self.row_min - n_cells, mask=mask)

    def tiles(self, tile_cells: int) -> Iterator["Grid"]:
        """Windows of at most `tile_cells` x `tile_cells` cells, north to south, that hold a cell of the area."""
        rows, columns = self.shape
        for row in range(0, rows, tile_cells):
            for column in range(0, columns, tile_cells):
                tile = self.window(row, min(row + tile_cells, rows), column, min(column + tile_cells, columns))
                if tile.mask.any():
                    yield tile


def encode_cell_id(column: Integers, row: Integers) -> Integers:
    """Cell id from column and row index counted from the CRS origin; at most 2**52, exact as a float.

    >>> import numpy as np
    >>> decode_cell_id(encode_cell_id(np.array([-3]), np.array([20])))
    (array([-3]), array([20]))
    """
    return ((np.asarray(row, dtype=np.int64) + INDEX_OFFSET) << INDEX_BITS) | (
        np.asarray(column, dtype=np.int64) + INDEX_OFFSET
    )


def decode_cell_id(cell_id: Integers) -> tuple[Integers, Integers]:
    """(column, row) index from the CRS origin: the inverse of `encode_cell_id`."""
    ids = np.asarray(cell_id, dtype=np.int64)
    return (ids & ((1 << INDEX_BITS) - 1)) - INDEX_OFFSET, (ids >> INDEX_BITS) - INDEX_OFFSET


def geographic_centres(grid: Grid) -> tuple[Floats, Floats]:
    """WGS 84 longitude and latitude of the cell centres, in `grid.cell_ids()` order."""
    to_degrees = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = (new_array(grid.n_cells, np.float64) for _ in range(2))
    for band, places in grid.bands():
        longitude[places], latitude[places] = to_degrees.transform(*band.centres_m().T)
    return longitude, latitude
