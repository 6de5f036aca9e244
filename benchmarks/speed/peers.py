"""The comparable features with the tools that good practice names: gdaldem, rasterize, EDT, FFT, gdal_viewshed.

The DEM is read within a stage, vectors before the clock starts, as for mlrisk.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import scipy.fft
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import from_origin
from scipy import ndimage

from benchmarks.speed.country import CELL_SIZE_M, SOUTH_M, WEST_M
from benchmarks.speed.measure import NOTHING, Cost, measured
from benchmarks.speed.oracles import DENSITY_M, WINDOW_CELLS

Arrays = dict[str, NDArray[Any]]

GDALDEM_MODES = ("slope", "aspect", "TRI", "TPI", "roughness")
VIEW_M, EYE_M = 5000.0, 2.0
# A line in any direction runs on average pi / (2 sqrt 2) cell sides for each cell that rasterize burns.
CELLS_PER_BURN = np.pi / (2 * np.sqrt(2))


class SkippedError(Exception):
    """A stage cannot run here; the message says why."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """The input of a stage; `shapes` are the geometries of its source, empty if it needs none."""

    folder: Path
    side: int
    threads: int
    observers: int
    shapes: NDArray[Any]


@dataclass(frozen=True)
class Result:
    """Arrays of the whole grid by the name of their exact answer; `left_out` is the cost of work scaled, not done."""

    arrays: Arrays
    remark: str
    left_out: Cost = NOTHING


def terrain(task: Task) -> Result:
    """Five attributes, one run of gdaldem each."""
    tool = _tool("gdaldem")
    with tempfile.TemporaryDirectory(dir=task.folder) as scratch:
        for mode in GDALDEM_MODES:
            subprocess.run([tool, mode, "-q", str(task.folder / "dem.tif"), f"{scratch}/{mode}.tif"], check=True)
        with rasterio.open(f"{scratch}/slope.tif") as dataset:
            return Result({"slope_deg": dataset.read(1)}, f"gdaldem {', '.join(GDALDEM_MODES)}")


def road_distance(task: Task) -> Result:
    """Distance to the cells that a road touches."""
    return Result({"road_distance_m": _distance(task)}, "rasterize, distance_transform_edt")


def front_line_distance(task: Task) -> Result:
    """Distance to the cells that a front line touches."""
    return Result({"front_line_distance_m": _distance(task)}, "rasterize, distance_transform_edt")


def incident_density(task: Task) -> Result:
    """Binned counts, smoothed by the exact transform of the Gaussian; padded, so that edges do not wrap around."""
    places = shapely.get_coordinates(task.shapes)
    side = task.side
    row = (SOUTH_M + side * CELL_SIZE_M - places[:, 1]) // CELL_SIZE_M
    column = (places[:, 0] - WEST_M) // CELL_SIZE_M
    counts = np.zeros((side, side), dtype=np.float32)
    np.add.at(counts, (row.astype(np.int64), column.astype(np.int64)), np.float32(1.0))
    # Five bandwidths of padding: there a Gaussian has fallen to 4e-6 of its peak.
    padded = scipy.fft.next_fast_len(side + int(5 * max(DENSITY_M) / CELL_SIZE_M), real=True)
    spectrum = scipy.fft.rfft2(counts, s=(padded, padded), workers=task.threads)
    found: Arrays = {}
    for bandwidth in DENSITY_M:
        spread = 2 * (np.pi * bandwidth / CELL_SIZE_M) ** 2
        down = np.exp(-spread * np.fft.fftfreq(padded) ** 2).astype(np.float32)
        across = np.exp(-spread * np.fft.rfftfreq(padded) ** 2).astype(np.float32)
        smooth = scipy.fft.irfft2(spectrum * down[:, None] * across, s=(padded, padded), workers=task.threads)
        found[f"incident_density_{bandwidth}m_per_km2"] = smooth[:side, :side] * np.float32(1e6 / CELL_SIZE_M**2)
    return Result(found, f"binned counts, FFT at {', '.join(map(str, DENSITY_M))} m")


def road_length(task: Task) -> Result:
    """Cells burnt in the window times the length of road that a burnt cell holds on average."""
    roads = rasterize(task.shapes, (task.side, task.side), transform=_transform(task.side), dtype="uint8")
    share = ndimage.uniform_filter(roads.astype(np.float32), WINDOW_CELLS, mode="constant")
    length = share * np.float32(CELLS_PER_BURN / CELL_SIZE_M * 1000.0)
    return Result({"road_length_990m_window_km_per_km2": length}, "rasterize, uniform_filter")


def visibility(task: Task) -> Result:
    """How many of the first `observers` points on front lines see a cell, one run of gdal_viewshed each."""
    tool, lines = _tool("gdal_viewshed"), task.shapes
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)[: task.observers]
    seen = np.zeros((task.side, task.side), dtype=np.float32)

    def look() -> None:
        with tempfile.TemporaryDirectory(dir=task.folder) as scratch:
            for east_m, north_m in shapely.get_coordinates(middles):
                _add_view(seen, tool, task.folder / "dem.tif", Path(scratch) / "seen.tif", east_m, north_m)

    _, cost = measured(look)
    others = len(lines) / len(middles) - 1
    remark = f"gdal_viewshed, {len(middles)} of {len(lines)} observers measured and scaled"
    return Result({}, remark, Cost(cost.seconds * others, cost.core_seconds * others, 0.0))


STAGES: dict[str, tuple[str | None, Callable[[Task], Result]]] = {
    "terrain": (None, terrain),
    "road_distance": ("roads", road_distance),
    "front_line_distance": ("front_lines", front_line_distance),
    "incident_density": ("incidents", incident_density),
    "road_length": ("roads", road_length),
    "visibility": ("front_lines", visibility),
}


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SkippedError(f"{name} is not installed (Debian and Ubuntu: apt-get install gdal-bin)")
    return os.fspath(found)


def _distance(task: Task) -> NDArray[np.float32]:
    shape, transform = (task.side, task.side), _transform(task.side)
    empty = rasterize(task.shapes, shape, fill=1, default_value=0, transform=transform, all_touched=True, dtype="uint8")
    return np.asarray(ndimage.distance_transform_edt(empty, sampling=CELL_SIZE_M), dtype=np.float32)


def _add_view(seen: NDArray[np.float32], tool: str, dem: Path, out: Path, east_m: float, north_m: float) -> None:
    """Add 1 to the cells that the observer sees."""
    place = ["-ox", str(east_m), "-oy", str(north_m), "-oz", str(EYE_M), "-tz", "0", "-md", str(VIEW_M)]
    values = ["-cc", "0", "-vv", "1", "-iv", "0", "-ov", "0"]
    subprocess.run([tool, "-q", *place, *values, str(dem), str(out)], check=True)
    with rasterio.open(out) as dataset:
        top = round((SOUTH_M + len(seen) * CELL_SIZE_M - dataset.bounds.top) / CELL_SIZE_M)
        left = round((dataset.bounds.left - WEST_M) / CELL_SIZE_M)
        seen[top : top + dataset.height, left : left + dataset.width] += dataset.read(1)


def _transform(side: int) -> rasterio.Affine:
    return from_origin(WEST_M, SOUTH_M + side * CELL_SIZE_M, CELL_SIZE_M, CELL_SIZE_M)
