"""Positions of the cells of a grid in a raster, interpolated within squares of a lattice."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyproj
from affine import Affine
from rasterio.io import DatasetReader

from features.base import Floats, Grid, Integers

# Sides of the squares within which a projection counts as bilinear.
LATTICE_M = 1000.0


class Positions(NamedTuple):
    """Places of n_points x n_points sample points of every cell of a grid, in pixels of a raster.

    `corners` (squares north, squares east, 8) holds the column at the south-west, south-east, north-west and
    north-east node of a square, then the rows. `square_row` and `up` give the square of each row of sample points,
    north to south, and how far up it lies there in 0..1; `square_column` and `across` the same from west to east.
    Columns are brought into [low, low + turn) where `turn`, the circumference of the Earth in pixels, is not 0.
    `cell_share` is the part of a square that one cell covers.
    """

    corners: Floats
    square_row: Integers
    up: Floats
    square_column: Integers
    across: Floats
    n_points: int
    low: float
    turn: float
    cell_share: float

    def at(self, rows: Integers, columns: Integers) -> tuple[Floats, Floats]:
        """Pixel column and row, shape (rows, columns), of the sample points in these rows and columns."""
        k = self.corners[self.square_row[rows][:, None], self.square_column[columns][None, :]]
        up, across = self.up[rows][:, None], self.across[columns][None, :]
        west, east = k[..., 0:8:4] * (1 - up[..., None]), k[..., 1:8:4] * (1 - up[..., None])
        west, east = west + k[..., 2:8:4] * up[..., None], east + k[..., 3:8:4] * up[..., None]
        place = west + (east - west) * across[..., None]
        column = place[..., 0]
        if self.turn:
            column = np.where(column < self.low, column + self.turn, column)
            column = np.where(column >= self.low + self.turn, column - self.turn, column)
        return column, place[..., 1]

    def extremes(self) -> tuple[Floats, Floats]:
        """Positions at the ends of every square, which include the least and the greatest of all."""
        with np.errstate(invalid="ignore"):
            return self.at(_ends(self.square_row), _ends(self.square_column))


def lay_positions(grid: Grid, crs: pyproj.CRS, dataset: DatasetReader, n_points: int) -> Positions:
    """Positions of n_points x n_points points spread over each cell, in the middle of equal parts of it.

    The projection is evaluated at the nodes of a lattice of whole cells, at most 1 km apart and counted from the
    origin of the grid's CRS; between them a position is bilinear in its own square. So it depends on the cell alone,
    and tiles agree bit for bit. From UTM to degrees the error is at most 0.1 m, a 300th of a pixel
    of 30 m, up to 70 degrees of latitude. Cells of more than 500 m have exact centres (one point) or corners.
    """
    step = max(1, int(LATTICE_M / grid.cell_size_m))
    centred = step == 1 and n_points == 1
    square_column, across = _along(grid.column_min, grid.shape[1], step, n_points, centred)
    square_row, up = _along(grid.row_min, grid.shape[0], step, n_points, centred)
    shift, size = 0.5 if centred else 0.0, grid.cell_size_m
    east_m = (np.arange(square_column[0], square_column[-1] + 2) * step + shift) * size
    north_m = (np.arange(square_row[0], square_row[-1] + 2) * step + shift) * size
    first, second = to_raster(*np.meshgrid(east_m, north_m), grid.crs, crs, dataset)
    firsts, seconds = _corners(first), _corners(second)
    inverse, turn = ~dataset.transform, 0.0
    if crs.is_geographic:
        # A square across the antimeridian stays whole; its positions are brought back one by one.
        firsts = firsts + 360 * np.round((firsts[..., :1] - firsts) / 360)
        turn = abs(360 * inverse.a) if inverse.b == inverse.d == 0 else 0.0
    columns, rows = _pixels(firsts, seconds, inverse)
    return Positions(
        np.ascontiguousarray(np.concatenate([columns, rows], axis=-1)),
        np.ascontiguousarray((square_row - square_row[0])[::-1]),
        np.ascontiguousarray(up[::-1]),
        square_column - square_column[0],
        across,
        n_points,
        (dataset.width - turn) / 2,
        turn,
        1 / step**2,
    )


def to_pixels(
    eastings_m: Floats, northings_m: Floats, crs: pyproj.CRS, raster_crs: pyproj.CRS, dataset: DatasetReader
) -> tuple[Floats, Floats]:
    """Columns and rows, as fractions of pixels, of points in `crs`, exactly."""
    return _pixels(*to_raster(eastings_m, northings_m, crs, raster_crs, dataset), ~dataset.transform)


def to_raster(
    eastings_m: Floats, northings_m: Floats, crs: pyproj.CRS, raster_crs: pyproj.CRS, dataset: DatasetReader
) -> tuple[Floats, Floats]:
    """Points in `crs` in the CRS of the raster, with longitudes on the turn nearest to its middle."""
    if crs.equals(raster_crs, ignore_axis_order=True):
        return eastings_m, northings_m
    first, second = transformer(crs, raster_crs).transform(eastings_m, northings_m)
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if raster_crs.is_geographic:
        # World rasters run from -180 or from 0 degrees.
        west = dataset.transform.c + dataset.transform.a * dataset.width / 2 - 180
        with np.errstate(invalid="ignore"):
            first = west + (first - west) % 360
    return first, second


@lru_cache(maxsize=32)
def transformer(crs: pyproj.CRS, to: pyproj.CRS) -> pyproj.Transformer:
    """The transformation, longitude or easting first, created once."""
    return pyproj.Transformer.from_crs(crs, to, always_xy=True)


def _pixels(first: Floats, second: Floats, inverse: Affine) -> tuple[Floats, Floats]:
    column = inverse.a * first + inverse.b * second + inverse.c
    row = inverse.d * first + inverse.e * second + inverse.f
    return column, row


def _along(first: int, count: int, step: int, n_points: int, centred: bool) -> tuple[Integers, Floats]:
    """Square and place in it of every sample point of `count` cells, in ascending order."""
    index = first + np.arange(count)
    square = index // step
    within = (index - square * step)[:, None] + (np.arange(n_points) + 0.5) / n_points
    place = np.zeros(within.size) if centred else within.ravel() / step
    return np.repeat(square, n_points), place


def _corners(nodes: Floats) -> Floats:
    """South-west, south-east, north-west and north-east node of every square."""
    return np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]], axis=-1)


def _ends(square: Integers) -> Integers:
    """Places where a square begins or ends."""
    change = np.flatnonzero(np.diff(square))
    return np.unique(np.concatenate([[0], change, change + 1, [len(square) - 1]]))
