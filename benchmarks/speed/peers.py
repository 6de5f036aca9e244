"""The comparable features with the tools that good practice names: gdaldem, rasterize, EDT, FFT, gdal_viewshed.

Each stage reads its source from the folder of the country: reading is part of it, unlike ours, whose opening is
measured apart; it is below a tenth of any of these.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import scipy.fft
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import from_origin
from scipy import ndimage

from benchmarks.speed.country import CELL_SIZE_M, SOUTH_M, WEST_M
from benchmarks.speed.oracles import DENSITY_M, WINDOW_CELLS, geometry

Arrays = dict[str, NDArray[np.float32]]

GDALDEM_MODES = ("slope", "aspect", "TRI", "TPI", "roughness")
VIEW_M, EYE_M = 5000.0, 2.0
# A line in any direction runs on average pi / (2 sqrt 2) cell sides for each cell that rasterize burns.
CELLS_PER_BURN = np.pi / (2 * np.sqrt(2))


class SkippedError(Exception):
    """A stage that cannot run here, and why."""


@dataclass(frozen=True)
class Result:
    """Arrays of the whole grid by the name of their exact answer; `scale` times the cost is that of the whole stage."""

    arrays: Arrays
    remark: str
    scale: float = 1.0


def terrain(folder: Path, _side: int, _threads: int, _observers: int) -> Result:
    """Five attributes, one run of gdaldem each."""
    tool = _tool("gdaldem")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for mode in GDALDEM_MODES:
            subprocess.run([tool, mode, "-q", str(folder / "dem.tif"), f"{scratch}/{mode}.tif"], check=True)
        with rasterio.open(f"{scratch}/slope.tif") as dataset:
            return Result({"slope_deg": dataset.read(1)}, f"gdaldem {', '.join(GDALDEM_MODES)}")


def road_distance(folder: Path, side: int, _threads: int, _observers: int) -> Result:
    """Distance to the cells that a road touches."""
    return Result({"road_distance_m": _distance(folder, "roads", side)}, "rasterize, distance_transform_edt")


def front_line_distance(folder: Path, side: int, _threads: int, _observers: int) -> Result:
    """Distance to the cells that a front line touches."""
    return Result(
        {"front_line_distance_m": _distance(folder, "front_lines", side)}, "rasterize, distance_transform_edt"
    )


def incident_density(folder: Path, side: int, threads: int, _observers: int) -> Result:
    """Binned counts, smoothed by the exact transform of the Gaussian; padded, so that edges do not wrap around."""
    places = shapely.get_coordinates(geometry(folder, "incidents"))
    row = (SOUTH_M + side * CELL_SIZE_M - places[:, 1]) // CELL_SIZE_M
    column = (places[:, 0] - WEST_M) // CELL_SIZE_M
    counts = np.zeros((side, side), dtype=np.float32)
    np.add.at(counts, (row.astype(np.int64), column.astype(np.int64)), np.float32(1.0))
    # Four bandwidths of padding: beyond them a Gaussian adds less than float32 holds of its peak.
    padded = scipy.fft.next_fast_len(side + int(4 * max(DENSITY_M) / CELL_SIZE_M), real=True)
    spectrum = scipy.fft.rfft2(counts, s=(padded, padded), workers=threads)
    found: Arrays = {}
    for bandwidth in DENSITY_M:
        spread = 2 * (np.pi * bandwidth / CELL_SIZE_M) ** 2
        down = np.exp(-spread * np.fft.fftfreq(padded) ** 2).astype(np.float32)
        across = np.exp(-spread * np.fft.rfftfreq(padded) ** 2).astype(np.float32)
        smooth = scipy.fft.irfft2(spectrum * down[:, None] * across, s=(padded, padded), workers=threads)
        found[f"incident_density_{bandwidth}m_per_km2"] = smooth[:side, :side] * np.float32(1e6 / CELL_SIZE_M**2)
    return Result(found, f"binned counts, FFT at {', '.join(map(str, DENSITY_M))} m")


def road_length(folder: Path, side: int, _threads: int, _observers: int) -> Result:
    """Cells burnt in the window times the length of road that a burnt cell holds on average."""
    roads = rasterize(geometry(folder, "roads"), (side, side), transform=_transform(side), dtype="uint8")
    share = ndimage.uniform_filter(roads.astype(np.float32), WINDOW_CELLS, mode="constant")
    length = share * np.float32(CELLS_PER_BURN / CELL_SIZE_M * 1000.0)
    return Result({"road_length_990m_window_km_per_km2": length}, "rasterize, uniform_filter")


def visibility(folder: Path, side: int, _threads: int, observers: int) -> Result:
    """How many of the first `observers` points on front lines see a cell, one run of gdal_viewshed each."""
    tool = _tool("gdal_viewshed")
    lines = geometry(folder, "front_lines")
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)[:observers]
    seen = np.zeros((side, side), dtype=np.float32)
    north = SOUTH_M + side * CELL_SIZE_M
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        out = f"{scratch}/seen.tif"
        for east_m, north_m in shapely.get_coordinates(middles):
            place = ["-ox", str(east_m), "-oy", str(north_m), "-oz", str(EYE_M), "-tz", "0", "-md", str(VIEW_M)]
            subprocess.run(
                [tool, "-q", *place, "-cc", "0", "-vv", "1", "-iv", "0", "-ov", "0", str(folder / "dem.tif"), out],
                check=True,
            )
            with rasterio.open(out) as dataset:
                top = round((north - dataset.bounds.top) / CELL_SIZE_M)
                left = round((dataset.bounds.left - WEST_M) / CELL_SIZE_M)
                seen[top : top + dataset.height, left : left + dataset.width] += dataset.read(1)
    remark = f"gdal_viewshed, {len(middles)} of {len(lines)} observers measured and scaled"
    return Result({}, remark, len(lines) / len(middles))


STAGES: dict[str, Callable[[Path, int, int, int], Result]] = {
    "terrain": terrain,
    "road_distance": road_distance,
    "front_line_distance": front_line_distance,
    "incident_density": incident_density,
    "road_length": road_length,
    "visibility": visibility,
}


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SkippedError(f"{name} is not installed (Debian and Ubuntu: apt-get install gdal-bin)")
    return os.fspath(found)


def _distance(folder: Path, source: str, side: int) -> NDArray[np.float32]:
    lines = geometry(folder, source)
    empty = rasterize(
        lines, (side, side), fill=1, default_value=0, transform=_transform(side), all_touched=True, dtype="uint8"
    )
    return ndimage.distance_transform_edt(empty, sampling=CELL_SIZE_M).astype(np.float32)


def _transform(side: int) -> rasterio.Affine:
    return from_origin(WEST_M, SOUTH_M + side * CELL_SIZE_M, CELL_SIZE_M, CELL_SIZE_M)
