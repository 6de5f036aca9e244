"""Opening of rasters, with checks of CRS, units, missing values and silent errors."""

from pathlib import Path

import numpy as np
import pyproj

from features.base import Floats, Grid, InputError
from features.sources.digests import digest_files
from features.sources.projecting import datum_note, horizontal, refuse_unusable
from features.sources.raster_doubts import DEM_RANGE_M, note_doubts
from features.sources.raster_files import (
    SENTINELS,
    FileFacts,
    look,
    metres_of_unit,
    opened,
    refuse_unplaced,
    tiles_of,
    undeclared_markers,
)
from features.sources.raster_positions import to_pixels, transformer
from features.sources.rasters import RasterSource, window_around
from features.sources.readers import find_files, stated_crs
from features.sources.report import SourceReport, Tally
from features.sources.settings import SourceSpec

# Number of cells sampled to estimate the share of the area without data.
SAMPLE_CELLS = 20_000


def open_raster(
    source: str, spec: SourceSpec, grid: Grid, base: Path, name: str | None = None
) -> tuple[RasterSource, SourceReport]:
    """The raster of a source and its report; rows_read and rows_kept are 0.

    Raises InputError for a file that is not a raster, has no CRS, holds no band of real numbers, lacks tiles, or does
    not reach the area.
    """
    paths = find_files(source, spec, base)
    tally, digest = Tally(), digest_files(paths)
    crs = _common_crs(source, spec, paths, tally)
    flat = horizontal(crs)
    is_dem, is_classes = source == "dem", source == "land_use"
    facts = tuple(_facts(source, path, crs, flat, grid, tally) for path in paths)
    raster = RasterSource(
        name=name or source,
        paths=paths,
        crs=flat,
        pixel_m=_pixel_side_m(source, paths[0], flat, grid),
        valid_range=DEM_RANGE_M if is_dem else (-np.inf, np.inf),
        categorical=is_classes,
        resampling="average" if spec.resampling == "mean" else spec.resampling,
        facts=facts,
    )
    if not flat.equals(grid.crs, ignore_axis_order=True):
        tally.note(f"warped from {flat.to_string()}, pixels of about {raster.pixel_m:.0f} m")
        doubt = datum_note(flat, grid.crs)
        if doubt:
            tally.note(doubt)
    _note_gaps(source, raster, grid, tally)
    report = tally.report(source, ", ".join(str(path) for path in spec.paths), digest, 0)
    return raster, report


def _facts(source: str, path: Path, crs: pyproj.CRS, flat: pyproj.CRS, grid: Grid, tally: Tally) -> FileFacts:
    """Corrections of the values of a file, with a note if they are not obvious."""
    centres_m = grid.some_centres_m(SAMPLE_CELLS)
    with opened(source, path) as dataset:
        refuse_unplaced(source, path, dataset)
        if dataset.dtypes[0].startswith("complex"):
            raise InputError(f"sources.{source}: {path} holds complex numbers: give a raster of real ones")
        tiles = tiles_of(source, path, dataset)
        stated = dataset.units[0] if source == "dem" else None
        factor, unit = metres_of_unit(dataset, crs) if source == "dem" else (1.0, "")
        column, row = to_pixels(centres_m[:, 0], centres_m[:, 1], grid.crs, flat, dataset)
        window = window_around(dataset, column, row)
        markers: tuple[float, ...] = ()
        seen: Floats = np.zeros(0)
        if window is not None:
            read = look(dataset, window)
            seen = FileFacts(tiles=tiles).masked(read, window).compressed().astype(np.float64)
            markers = undeclared_markers(seen, dataset.dtypes[0], source == "land_use")
            note_doubts(source, path, dataset, seen[~np.isin(seen, [*markers, *SENTINELS])], factor, tally)
    if factor != 1.0:
        tally.note(f"{path.name}: heights in {unit} turned into metres")
    elif stated and not unit:
        tally.note(f"{path.name}: its unit is {stated!r}: taken as metres")
    if tiles is not None:
        tally.note(f"{path.name}: land between its tiles counts as without value")
    for marker in (*markers, *(value for value in SENTINELS if (seen == value).any())):
        tally.note(f"{path.name}: {marker:.10g}, in {(seen == marker).mean():.1%} of its pixels here, read as missing")
    return FileFacts(markers, factor, tiles)


def _common_crs(source: str, spec: SourceSpec, paths: tuple[Path, ...], tally: Tally) -> pyproj.CRS:
    given = stated_crs(source, spec)
    found: list[pyproj.CRS] = []
    for path in paths:
        with opened(source, path) as dataset:
            if dataset.count < 1:
                raise InputError(f"sources.{source}: {path} holds no raster band: name one of its subdatasets")
            if dataset.count > 1:
                tally.note(f"band 1 of {dataset.count} is used")
            own = None if dataset.crs is None else pyproj.CRS.from_wkt(dataset.crs.to_wkt())
        crs = given or own
        if crs is None:
            raise InputError(f"sources.{source}: {path} states no CRS: give crs, e.g. crs: EPSG:4326")
        refuse_unusable(source, path, crs, stated=given is not None)
        if own is not None and not own.equals(crs, ignore_axis_order=True):
            tally.note(f"CRS {crs.to_string()} of the configuration used instead of {own.to_string()} of the file")
        found.append(crs)
    if any(crs != found[0] for crs in found):
        raise InputError(f"sources.{source}: the files of path have different CRS: warp them to one, or name one file")
    return found[0]


def _pixel_side_m(source: str, path: Path, crs: pyproj.CRS, grid: Grid) -> float:
    """Side of a square as large as the pixel at the middle of the grid."""
    with opened(source, path) as dataset:
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
    """Note how many sampled cells of the area have no value, and how many only because of an undeclared marker."""
    centres_m = grid.some_centres_m(SAMPLE_CELLS)
    missing, marked, reached = np.ones(len(centres_m), dtype=bool), np.zeros(len(centres_m), dtype=bool), False
    for path, facts in raster.files():
        with opened(source, path) as dataset:
            column, row = to_pixels(centres_m[:, 0], centres_m[:, 1], grid.crs, raster.crs, dataset)
            inside = (column >= 0) & (column < dataset.width) & (row >= 0) & (row < dataset.height)
            reached = reached or bool(inside.any())
            declared, clean = raster.sample(dataset, facts, column, row)
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
