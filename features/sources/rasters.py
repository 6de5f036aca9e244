"""Rasters read onto the grid, exactly for each cell, so that the result does not depend on where tiles begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import pyproj
from rasterio.io import DatasetReader
from rasterio.windows import Window

from features.base import ConfigError, Floats, Grid
from features.sources.raster_files import SENTINELS, FileFacts, look, opened
from features.sources.raster_positions import Positions, lay_positions, to_pixels
from features.sources.raster_sampling import Picture, Pixels, clean

RESAMPLINGS = ("auto", "average", "sum", "bilinear", "nearest", "mode")
# Points a side that an average takes from a cell: enough to weigh pixels cut by its edges to a few per cent.
FEWEST_POINTS, MOST_POINTS = 8, 64
# Lines of two grids that differ by less than this part of a pixel are the same.
WHOLE = 1e-6
# Pixels or points a side that are in memory at once: 4 million floats.
BLOCK_SIDE = 2000


@dataclass(frozen=True, kw_only=True)
class RasterSource:
    """A raster on disk, read when needed. It holds no open file, so that it can be sent to other processes.

    `pixel_m` is the side of a pixel in metres at the middle of the area. Values outside `valid_range` are missing.
    `resampling` is the meaning of 'auto', unless it is chosen by the sizes of pixel and cell. `facts` has the
    corrections of each file, in the order of `paths`; empty if there are none.
    """

    name: str
    paths: tuple[Path, ...]
    crs: pyproj.CRS
    pixel_m: float
    valid_range: tuple[float, float] = (-np.inf, np.inf)
    categorical: bool = False
    resampling: str = "auto"
    facts: tuple[FileFacts, ...] = ()

    @property
    def path(self) -> Path:
        """The file, the first of several."""
        return self.paths[0]

    def read(self, grid: Grid, resampling: str = "auto") -> Floats:
        """Values of shape grid.shape in the CRS of the grid, NaN where the raster has none or does not reach.

        `auto` averages where pixels are smaller than half a cell and interpolates bilinearly elsewhere; classes take
        the most frequent ('mode') or the nearest. A hole in the raster stays a hole: an interpolated value exists only
        where the pixel under the cell centre has one, an average only where some pixel in the cell has. A `sum` gives a
        cell each pixel's value times the share of the pixel that lies in it, so that a count of people keeps its total.
        If there are several files, the first that has a value gives it.
        """
        if resampling not in RESAMPLINGS:
            raise ConfigError(f"resampling ({resampling!r}) must be one of {', '.join(RESAMPLINGS)}")
        how = self._automatic(grid.cell_size_m) if resampling == "auto" else resampling
        values = np.full(grid.shape, np.nan)
        for path, facts in self.files():
            with opened(self.name, path) as dataset:
                self._fill(values, dataset, facts, grid, how)
        return values

    def files(self) -> Iterator[tuple[Path, FileFacts]]:
        """Each file with the corrections of its values."""
        return zip(self.paths, self.facts or [FileFacts()] * len(self.paths), strict=True)

    def values_at(self, eastings_m: Floats, northings_m: Floats, crs: pyproj.CRS) -> Floats:
        """Values (n,) of the pixels that points in `crs` lie in, NaN where there is none.

        Meant for an overview: a raster of more than 2,000 pixels a side around the points is read thinned out.
        """
        values = np.full(len(eastings_m), np.nan)
        for path, facts in self.files():
            with opened(self.name, path) as dataset:
                column, row = to_pixels(eastings_m, northings_m, crs, self.crs, dataset)
                _, clean = self.sample(dataset, facts, column, row)
            values = np.where(np.isnan(values), clean, values)
        return values

    def _automatic(self, cell_size_m: float) -> str:
        if self.resampling != "auto":
            return self.resampling
        fine = self.pixel_m < cell_size_m / 2
        if self.categorical:
            return "mode" if fine else "nearest"
        return "average" if fine else "bilinear"

    def _fill(self, values: Floats, dataset: DatasetReader, facts: FileFacts, grid: Grid, how: str) -> None:
        per_cell = self._pixels_per_cell(dataset, grid)
        if per_cell == 1 and how in ("bilinear", "nearest"):
            self._copy(values, dataset, facts, grid)
            return
        n_points = 1
        if how in ("average", "sum", "mode"):
            n_points = min(max(ceil(grid.cell_size_m / self.pixel_m), FEWEST_POINTS), MOST_POINTS)
            # If cells consist of whole pixels, one point in each is exact.
            n_points = per_cell if 1 < per_cell < n_points else n_points
        side = max(1, int(BLOCK_SIDE / max(1, grid.cell_size_m / self.pixel_m)))
        for rows, columns in _blocks(grid.shape, side):
            part = grid.window(rows.start, rows.stop, columns.start, columns.stop)
            if not np.isnan(values[rows, columns]).any():
                continue
            positions = lay_positions(part, self.crs, dataset, n_points)
            picture = self._picture(dataset, facts, positions)
            if picture is not None:
                picture.fill(values[rows, columns], positions, how)

    def _pixels_per_cell(self, dataset: DatasetReader, grid: Grid) -> int:
        """Number of pixels along a side of a cell if the grids are aligned, else 0."""
        pixels = dataset.transform
        if pixels.b or pixels.d or pixels.a <= 0 or pixels.e != -pixels.a:
            return 0
        if not self.crs.equals(grid.crs, ignore_axis_order=True):
            return 0
        west, south = grid.bounds[:2]
        counts = grid.cell_size_m / pixels.a, (west - pixels.c) / pixels.a, (pixels.f - south) / pixels.a
        whole = max(abs(count - round(count)) for count in counts) < WHOLE
        return round(counts[0]) if whole else 0

    def _copy(self, values: Floats, dataset: DatasetReader, facts: FileFacts, grid: Grid) -> None:
        """Fill the gaps of `values` from a raster whose pixels are the cells."""
        west, _, _, north = grid.bounds
        left = round((west - dataset.transform.c) / dataset.transform.a)
        top = round((dataset.transform.f - north) / dataset.transform.a)
        columns = slice(max(left, 0), min(left + grid.shape[1], dataset.width))
        rows = slice(max(top, 0), min(top + grid.shape[0], dataset.height))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            return
        window = Window.from_slices(rows, columns)
        read = dataset.read(1, window=window, masked=True)
        here = values[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        np.copyto(here, self._clean(read, dataset, facts, window), where=np.isnan(here))

    def _picture(self, dataset: DatasetReader, facts: FileFacts, positions: Positions) -> Picture | None:
        """The pixels under the given positions with a margin for interpolation; None where there are none."""
        column, row = positions.extremes()
        finite = np.isfinite(column) & np.isfinite(row)
        if not finite.any():
            return None
        left, top = int(np.floor(column[finite].min())) - 1, int(np.floor(row[finite].min())) - 1
        right, bottom = int(np.floor(column[finite].max())) + 2, int(np.floor(row[finite].max())) + 2
        if np.ptp(column[finite]) > positions.turn / 2 > 0:
            # A grid across the antimeridian reads from both ends of the raster.
            left, right = 0, dataset.width
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, dataset.width), min(bottom, dataset.height)
        if left >= right or top >= bottom:
            return None
        window = Window(left, top, right - left, bottom - top)
        read = dataset.read(1, window=window, masked=True)
        return Picture(self._clean(read, dataset, facts, window), left, top)

    def _clean(self, read: np.ma.MaskedArray, dataset: DatasetReader, facts: FileFacts, window: Window) -> Pixels:
        """Values with NaN for declared and undeclared markers of missing data, scaled as the file declares."""
        scale, offset = dataset.scales[0] * facts.factor, dataset.offsets[0] * facts.factor
        return clean(facts.masked(read, window), scale, offset, self.valid_range, SENTINELS)

    def sample(self, dataset: DatasetReader, facts: FileFacts, column: Floats, row: Floats) -> tuple[Floats, Floats]:
        """Values at positions as in the file, and cleaned; a large raster is read thinned out."""
        window = window_around(dataset, column, row)
        if window is None:
            return np.full(column.shape, np.nan), np.full(column.shape, np.nan)
        read = look(dataset, window)
        across = (column - window.col_off) * read.shape[1] / window.width
        down = (row - window.row_off) * read.shape[0] / window.height
        declared = np.ma.filled(read.astype(np.float64), np.nan)
        clean = self._clean(read, dataset, facts, window)
        return Picture(declared, 0, 0).at(across, down), Picture(clean, 0, 0).at(across, down)


def window_around(dataset: DatasetReader, column: Floats, row: Floats) -> Window | None:
    """The window of pixels around all the positions; None if the raster has none there."""
    left, top = max(_least(column), 0), max(_least(row), 0)
    right, bottom = min(1 - _least(-column), dataset.width), min(1 - _least(-row), dataset.height)
    return None if left >= right or top >= bottom else Window(left, top, right - left, bottom - top)


def _blocks(shape: tuple[int, int], side: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, shape[0], side):
        for column in range(0, shape[1], side):
            yield slice(row, min(row + side, shape[0])), slice(column, min(column + side, shape[1]))


def _least(positions: Floats) -> int:
    """The pixel before the least position; beyond every raster where none is finite."""
    return int(np.floor(np.clip(positions[np.isfinite(positions)], -(2.0**40), 2.0**40).min(initial=2.0**40)))
