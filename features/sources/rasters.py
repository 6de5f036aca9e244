"""Rasters read onto the grid: exact for each cell, so that the result does not depend on where tiles begin."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from features.base import ConfigError, Floats, Grid, InputError
from features.sources.digests import digest_files
from features.sources.raster_positions import Positions, lay_positions, to_pixels, transformer
from features.sources.raster_sampling import Picture, Pixels, clean
from features.sources.readers import find_file, stated_crs
from features.sources.report import SourceReport, Tally
from features.sources.settings import SourceSpec

RESAMPLINGS = ("auto", "average", "sum", "bilinear", "nearest", "mode")
# From the shore of the Dead Sea with room for pits, to Mount Everest: any other value is a marker, not a height.
DEM_RANGE_M = (-1000.0, 9000.0)
# Markers of missing values that files use without declaring them.
SENTINELS = (-32768.0, -32767.0, -9999.0)
# Points a side that an average takes from a cell: enough to weigh pixels cut by its edges to a few per cent.
FEWEST_POINTS, MOST_POINTS = 8, 64
# Lines of two grids that differ by less than this part of a pixel are the same.
WHOLE = 1e-6
# Pixels or points a side that are in memory at once: 4 million floats.
BLOCK_SIDE = 2000
# Cells sampled to tell how much of the area has no data.
SAMPLE_CELLS = 20_000


@dataclass(frozen=True)
class RasterSource:
    """A raster on disk, read where and when it is needed. Holds no open file, so it travels between processes.

    `pixel_m` is the side of a pixel in metres at the middle of the area. Values outside `valid_range` are missing.
    `resampling` is what 'auto' stands for, if not chosen by the sizes of pixel and cell.
    """

    name: str
    paths: tuple[Path, ...]
    crs: pyproj.CRS
    pixel_m: float
    valid_range: tuple[float, float] = (-np.inf, np.inf)
    categorical: bool = False
    resampling: str = "auto"

    @property
    def path(self) -> Path:
        """The file, the first of several."""
        return self.paths[0]

    def read(self, grid: Grid, resampling: str = "auto") -> Floats:
        """Values of shape grid.shape in the CRS of the grid, NaN where the raster has none or does not reach.

        `auto` averages where pixels are smaller than half a cell and interpolates bilinearly elsewhere; classes take
        the most frequent ('mode') or the nearest. A hole in the raster stays a hole: an interpolated value exists only
        where the pixel under the cell centre has one, an average only where some pixel in the cell has. A `sum` gives
        a cell each pixel's value times the share of the pixel that lies in it, so that a count of people keeps its
        total. Of several files the first that has a value gives it.
        """
        if resampling not in RESAMPLINGS:
            raise ConfigError(f"resampling ({resampling!r}) must be one of {', '.join(RESAMPLINGS)}")
        how = self._automatic(grid.cell_size_m) if resampling == "auto" else resampling
        values = np.full(grid.shape, np.nan)
        for path in self.paths:
            with _opened(self.name, path) as dataset:
                self._fill(values, dataset, grid, how)
        return values

    def values_at(self, eastings_m: Floats, northings_m: Floats, crs: pyproj.CRS) -> Floats:
        """Values (n,) of the pixels that points in `crs` lie in, NaN where there is none.

        For a look at the whole: a raster of more than 2,000 pixels a side around the points is read thinned out.
        """
        values = np.full(len(eastings_m), np.nan)
        for path in self.paths:
            with _opened(self.name, path) as dataset:
                column, row = to_pixels(eastings_m, northings_m, crs, self.crs, dataset)
                _, clean = _sample(self, dataset, column, row)
            values = np.where(np.isnan(values), clean, values)
        return values

    def _automatic(self, cell_size_m: float) -> str:
        if self.resampling != "auto":
            return self.resampling
        fine = self.pixel_m < cell_size_m / 2
        if self.categorical:
            return "mode" if fine else "nearest"
        return "average" if fine else "bilinear"

    def _fill(self, values: Floats, dataset: DatasetReader, grid: Grid, how: str) -> None:
        per_cell = self._pixels_per_cell(dataset, grid)
        if per_cell == 1 and how in ("bilinear", "nearest"):
            self._copy(values, dataset, grid)
            return
        n_points = 1
        if how in ("average", "sum", "mode"):
            n_points = min(max(ceil(grid.cell_size_m / self.pixel_m), FEWEST_POINTS), MOST_POINTS)
            # Whole pixels in a cell: one point in each is exact.
            n_points = per_cell if 1 < per_cell < n_points else n_points
        side = max(1, int(BLOCK_SIDE / max(1, grid.cell_size_m / self.pixel_m)))
        for rows, columns in _blocks(grid.shape, side):
            part = grid.window(rows.start, rows.stop, columns.start, columns.stop)
            if not np.isnan(values[rows, columns]).any():
                continue
            positions = lay_positions(part, self.crs, dataset, n_points)
            picture = self._picture(dataset, positions)
            if picture is not None:
                picture.fill(values[rows, columns], positions, how)

    def _pixels_per_cell(self, dataset: DatasetReader, grid: Grid) -> int:
        """Pixels to a side of a cell where both grids share their lines, 0 where they do not."""
        pixels = dataset.transform
        if pixels.b or pixels.d or pixels.a <= 0 or pixels.e != -pixels.a:
            return 0
        if not self.crs.equals(grid.crs, ignore_axis_order=True):
            return 0
        west, south = grid.bounds[:2]
        counts = grid.cell_size_m / pixels.a, (west - pixels.c) / pixels.a, (pixels.f - south) / pixels.a
        whole = max(abs(count - round(count)) for count in counts) < WHOLE
        return round(counts[0]) if whole else 0

    def _copy(self, values: Floats, dataset: DatasetReader, grid: Grid) -> None:
        """Fill the gaps of `values` where pixels are the cells themselves."""
        west, _, _, north = grid.bounds
        left = round((west - dataset.transform.c) / dataset.transform.a)
        top = round((dataset.transform.f - north) / dataset.transform.a)
        columns = slice(max(left, 0), min(left + grid.shape[1], dataset.width))
        rows = slice(max(top, 0), min(top + grid.shape[0], dataset.height))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            return
        read = dataset.read(1, window=Window.from_slices(rows, columns), masked=True)
        here = values[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        np.copyto(here, self.clean(read, dataset), where=np.isnan(here))

    def _picture(self, dataset: DatasetReader, positions: Positions) -> Picture | None:
        """The pixels under the given positions with a margin for interpolation; None where there are none."""
        column, row = positions.extremes()
        finite = np.isfinite(column) & np.isfinite(row)
        if not finite.any():
            return None
        left, top = int(np.floor(column[finite].min())) - 1, int(np.floor(row[finite].min())) - 1
        right, bottom = int(np.floor(column[finite].max())) + 2, int(np.floor(row[finite].max())) + 2
        if np.ptp(column[finite]) > positions.turn / 2 > 0:
            # A grid across the turn of the meridian reads from both ends of the raster.
            left, right = 0, dataset.width
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, dataset.width), min(bottom, dataset.height)
        if left >= right or top >= bottom:
            return None
        read = dataset.read(1, window=Window(left, top, right - left, bottom - top), masked=True)
        return Picture(self.clean(read, dataset), left, top)

    def clean(self, read: np.ma.MaskedArray, dataset: DatasetReader) -> Pixels:
        """Values with NaN for declared and undeclared markers of missing data, scaled as the file says."""
        return clean(read, dataset.scales[0], dataset.offsets[0], self.valid_range, SENTINELS)


@contextmanager
def _opened(source: str, path: Path) -> Iterator[DatasetReader]:
    """The raster, open; whatever GDAL cannot do with it becomes an InputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", NotGeoreferencedWarning)
            dataset = rasterio.open(path)
        with dataset:
            yield dataset
    except NotGeoreferencedWarning as error:
        raise InputError(
            f"sources.{source}: {path} does not say where it lies: give a raster with a geotransform, such as a GeoTIFF"
        ) from error
    except RasterioError as error:
        raise InputError(f"sources.{source}: {path} cannot be read as a raster: {error}") from error


def _blocks(shape: tuple[int, int], side: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, shape[0], side):
        for column in range(0, shape[1], side):
            yield slice(row, min(row + side, shape[0])), slice(column, min(column + side, shape[1]))


def open_raster(
    source: str, spec: SourceSpec, grid: Grid, base: Path, name: str | None = None
) -> tuple[RasterSource, SourceReport]:
    """The raster of a source and its report; rows_read and rows_kept are 0.

    Raises InputError for a file that is no raster, has no CRS, holds no band, or does not reach the area.
    """
    paths = tuple(find_file(source, path, base) for path in spec.paths)
    tally, digest = Tally(), digest_files(paths)
    crs = _common_crs(source, spec, paths, tally)
    is_dem = source == "dem"
    raster = RasterSource(
        name or source,
        paths,
        crs,
        _pixel_side_m(source, paths[0], crs, grid),
        DEM_RANGE_M if is_dem else (-np.inf, np.inf),
        source == "land_use",
        "average" if spec.resampling == "mean" else spec.resampling,
    )
    if not crs.equals(grid.crs, ignore_axis_order=True):
        tally.note(f"warped from {crs.to_string()}, pixels of about {raster.pixel_m:.0f} m")
    _note_gaps(source, raster, grid, tally)
    report = tally.report(source, ", ".join(str(path) for path in spec.paths), digest, 0)
    return raster, report


def _common_crs(source: str, spec: SourceSpec, paths: tuple[Path, ...], tally: Tally) -> pyproj.CRS:
    given = stated_crs(source, spec)
    found: list[pyproj.CRS] = []
    for path in paths:
        with _opened(source, path) as dataset:
            if dataset.count < 1:
                raise InputError(f"sources.{source}: {path} holds no raster band: name one of its subdatasets")
            if dataset.count > 1:
                tally.note(f"band 1 of {dataset.count} is used")
            own = None if dataset.crs is None else pyproj.CRS.from_wkt(dataset.crs.to_wkt())
        crs = given or own
        if crs is None:
            raise InputError(f"sources.{source}: {path} states no CRS: give crs, e.g. crs: EPSG:4326")
        if own is not None and not own.equals(crs, ignore_axis_order=True):
            tally.note(f"CRS {crs.to_string()} of the configuration used instead of {own.to_string()} of the file")
        found.append(crs)
    if any(crs != found[0] for crs in found):
        raise InputError(f"sources.{source}: the files of path have different CRS: warp them to one, or name one file")
    return found[0]


def _pixel_side_m(source: str, path: Path, crs: pyproj.CRS, grid: Grid) -> float:
    """Side of a square as large as the pixel at the middle of the grid."""
    with _opened(source, path) as dataset:
        transform = dataset.transform
        left, bottom, right, top = grid.bounds
        easting_m, northing_m = np.array([(left + right) / 2]), np.array([(bottom + top) / 2])
        column, row = to_pixels(easting_m, northing_m, grid.crs, crs, dataset)
    corners = np.array([[0, 0], [1, 0], [0, 1]]) + np.array([column[0], row[0]])
    first = transform.a * corners[:, 0] + transform.b * corners[:, 1] + transform.c
    second = transform.d * corners[:, 0] + transform.e * corners[:, 1] + transform.f
    easting_m, northing_m = transformer(crs, grid.crs).transform(first, second)
    across = np.array([easting_m[1] - easting_m[0], northing_m[1] - northing_m[0]])
    down = np.array([easting_m[2] - easting_m[0], northing_m[2] - northing_m[0]])
    area = abs(across[0] * down[1] - across[1] * down[0])
    if not np.isfinite(area) or area <= 0:
        raise InputError(
            f"sources.{source}: {path} in {crs.to_string()} has no pixels at the middle of the area: check crs"
        )
    return float(np.sqrt(area))


def _note_gaps(source: str, raster: RasterSource, grid: Grid, tally: Tally) -> None:
    """Sample cells of the area: how many have no value, and how many only because of an undeclared marker."""
    centres_m = grid.some_centres_m(SAMPLE_CELLS)
    missing, marked, reached = np.ones(len(centres_m), dtype=bool), np.zeros(len(centres_m), dtype=bool), False
    for path in raster.paths:
        with _opened(source, path) as dataset:
            column, row = to_pixels(centres_m[:, 0], centres_m[:, 1], grid.crs, raster.crs, dataset)
            inside = (column >= 0) & (column < dataset.width) & (row >= 0) & (row < dataset.height)
            reached = reached or bool(inside.any())
            declared, clean = _sample(raster, dataset, column, row)
        missing &= ~np.isfinite(clean)
        marked |= np.isfinite(declared) & ~np.isfinite(clean)
    if not reached:
        raise InputError(
            f"sources.{source}: {raster.path} in {raster.crs.to_string()} does not overlap the area: check the file, "
            "its crs and grid.area"
        )
    what = "elevation" if source == "dem" else "value"
    tally.note(f"{missing.mean():.1%} of the area without {what}")
    if (marked & missing).any():
        tally.note(
            f"{(marked & missing).mean():.1%} of the area holds undeclared missing-value markers: read as missing"
        )


def _sample(raster: RasterSource, dataset: DatasetReader, column: Floats, row: Floats) -> tuple[Floats, Floats]:
    """Values at positions as the file declares them, and cleaned; read thinned out where the raster is large."""
    left, top = max(_least(column), 0), max(_least(row), 0)
    right, bottom = min(1 - _least(-column), dataset.width), min(1 - _least(-row), dataset.height)
    if left >= right or top >= bottom:
        return np.full(column.shape, np.nan), np.full(column.shape, np.nan)
    thin = max(1, ceil(max(right - left, bottom - top) / BLOCK_SIDE))
    shape = (ceil((bottom - top) / thin), ceil((right - left) / thin))
    read = dataset.read(1, window=Window(left, top, right - left, bottom - top), out_shape=shape, masked=True)
    across = (column - left) * shape[1] / (right - left)
    down = (row - top) * shape[0] / (bottom - top)
    declared = np.ma.filled(read.astype(np.float64), np.nan)
    clean = raster.clean(read, dataset)
    return Picture(declared, 0, 0).at(across, down), Picture(clean, 0, 0).at(across, down)


def _least(positions: Floats) -> int:
    """The pixel before the least position; beyond every raster where none is finite."""
    return int(np.floor(np.clip(positions[np.isfinite(positions)], -(2.0**40), 2.0**40).min(initial=2.0**40)))
