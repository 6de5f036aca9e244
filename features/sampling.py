"""Values of a raster's pixels at the cells of a grid, each from its own place alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from features.grid import Grid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """Pixels of a window of a raster and the column and row of its first pixel in the whole."""

    values: Floats
    left: int
    top: int

    def at(self, column: NDArray[np.int64], row: NDArray[np.int64]) -> Floats:
        """Pixel values by column and row of the whole raster, NaN outside the window."""
        height, width = self.values.shape
        across, down = column - self.left, row - self.top
        inside = (across >= 0) & (across < width) & (down >= 0) & (down < height)
        found = self.values[np.where(inside, down, 0), np.where(inside, across, 0)]
        return np.where(inside, found, np.nan)


def pixel_positions(grid: Grid, crs: pyproj.CRS, dataset: DatasetReader, n_points: int) -> tuple[Floats, Floats]:
    """Column and row, as fractions of pixels of the raster, of n_points x n_points points spread over each cell.

    Shape (n_rows, n_columns, n_points ** 2). One point is the cell centre. Several lie in the middle of equal parts;
    their places follow from those of the four corners, which are exact: within a cell a projection is as good as
    straight. Every number depends on the cell alone, which is what makes tiles agree.
    """
    size = grid.cell_size_m
    if n_points == 1:
        eastings_m, northings_m = np.meshgrid(grid.eastings_m, grid.northings_m)
        column, row = to_pixels(eastings_m, northings_m, grid.crs, crs, dataset)
        return column[..., None], row[..., None]
    edges_east_m = (grid.column_min + np.arange(grid.shape[1] + 1)) * size
    edges_north_m = (grid.row_min + np.arange(grid.shape[0], -1, -1)) * size
    eastings_m, northings_m = np.meshgrid(edges_east_m, edges_north_m)
    column, row = to_pixels(eastings_m, northings_m, grid.crs, crs, dataset)
    steps = (np.arange(n_points) + 0.5) / n_points
    down, across = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
    return _between(column, across, down), _between(row, across, down)


def _between(corners: Floats, across: Floats, down: Floats) -> Floats:
    """Values at fractions of each cell, bilinear between its corners."""
    north = corners[:-1, :-1, None] * (1 - across) + corners[:-1, 1:, None] * across
    south = corners[1:, :-1, None] * (1 - across) + corners[1:, 1:, None] * across
    return np.asarray(north * (1 - down) + south * down, dtype=np.float64)


def to_pixels(
    eastings_m: Floats, northings_m: Floats, crs: pyproj.CRS, raster_crs: pyproj.CRS, dataset: DatasetReader
) -> tuple[Floats, Floats]:
    """Columns and rows, as fractions of pixels, of points in `crs`."""
    transform = dataset.transform
    first, second = transformer(crs, raster_crs).transform(eastings_m, northings_m)
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if raster_crs.is_geographic:
        # World rasters run from -180 or from 0 degrees: take the turn that is nearest to the raster's middle.
        west = transform.c + transform.a * dataset.width / 2 - 180
        first = west + (first - west) % 360
    inverse = ~transform
    column = inverse.a * first + inverse.b * second + inverse.c
    row = inverse.d * first + inverse.e * second + inverse.f
    return column, row


@lru_cache(maxsize=32)
def transformer(crs: pyproj.CRS, to: pyproj.CRS) -> pyproj.Transformer:
    """The transformation, longitude or easting first, made once."""
    return pyproj.Transformer.from_crs(crs, to, always_xy=True)


def pixel_of(position: Floats) -> NDArray[np.int64]:
    """The pixel that a position lies in, outside the raster for positions that are not finite."""
    return np.floor(np.where(np.isfinite(position), np.clip(position, -2, 2**31), -2)).astype(np.int64)


def nearest(picture: Picture, column: Floats, row: Floats) -> Floats:
    """The value of the pixel that each position lies in."""
    return picture.at(pixel_of(column), pixel_of(row))


def bilinear(picture: Picture, column: Floats, row: Floats) -> Floats:
    """Between the four pixels around; one without a value gives its weight to the others.

    NaN where the pixel under the position has none.
    """
    left, top = pixel_of(column - 0.5), pixel_of(row - 0.5)
    across, down = column - 0.5 - left, row - 0.5 - top
    total, weight = np.zeros(column.shape), np.zeros(column.shape)
    for step_across, step_down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = (across if step_across else 1 - across) * (down if step_down else 1 - down)
        value = picture.at(left + step_across, top + step_down)
        known = np.isfinite(value) & np.isfinite(share)
        total += np.where(known, share * np.where(known, value, 0), 0)
        weight += np.where(known, share, 0)
    present = np.isfinite(nearest(picture, column, row)) & (weight > 0)
    return np.where(present, total / np.where(weight > 0, weight, 1), np.nan)


def mean_of(samples: Floats) -> Floats:
    """Mean of the values over the last axis, NaN where there is none."""
    known = np.isfinite(samples)
    count = known.sum(axis=-1)
    total = np.where(known, samples, 0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def mode_of(samples: Floats) -> Floats:
    """The most frequent value over the last axis, the smallest of equals, NaN where there is none.

    >>> mode_of(np.array([[3.0, 1.0, 3.0, np.nan], [2.0, 1.0, np.nan, np.nan]]))
    array([3., 1.])
    """
    ordered = np.sort(samples, axis=-1)
    place = np.broadcast_to(np.arange(samples.shape[-1]), samples.shape)
    starts = np.ones(samples.shape, dtype=bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    # The end of the longest run of equals is where most equals lie behind; NaN, sorted last, equals nothing.
    behind = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1)
    longest = np.argmax(np.where(np.isnan(ordered), -1, behind), axis=-1)
    return np.asarray(np.take_along_axis(ordered, longest[..., None], axis=-1)[..., 0], dtype=np.float64)
