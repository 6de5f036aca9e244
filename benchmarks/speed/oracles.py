"""Exact values at a random sample of cells, computed slowly, with which both sides are compared."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from scipy.special import erf

from benchmarks.speed.country import CELL_SIZE_M, SOUTH_M, WEST_M
from features.base import Floats, Integers

SEED = 5
# Cells at the edge of the country are left out, because the tools differ in assumptions on land beyond.
EDGE_CELLS = 20
DENSITY_M = (500, 1000, 2000, 5000)
# Side of the window in which length of road is counted, in cells: 990 m.
WINDOW_CELLS = 33
LINE_BANDWIDTH_M = 1000.0


def sample_cells(side: int, n: int) -> tuple[Integers, Integers]:
    """Array row and column of the first `n` cells of the sample of this side."""
    rng = np.random.default_rng(SEED)
    row, column = rng.integers(EDGE_CELLS, side - EDGE_CELLS, (100_000, 2)).T
    return row[:n], column[:n]


def answers(folder: Path, side: int) -> dict[str, Floats]:
    """Every exact answer by name, each at as many cells of the sample as its cost allows."""
    found = {}
    for name, (n, answer) in ORACLES.items():
        row, column = sample_cells(side, n)
        easting = WEST_M + (column + 0.5) * CELL_SIZE_M
        northing = SOUTH_M + (side - row - 0.5) * CELL_SIZE_M
        found[name] = answer(folder, row, column, np.column_stack([easting, northing]))
    return found


def geometry(folder: Path, source: str) -> NDArray[Any]:
    """The geometries of a source as an array."""
    return np.asarray(gpd.read_file(folder / f"{source}.gpkg", columns=[]).geometry.array)


def _slope(folder: Path, row: Integers, column: Integers, _places: Floats) -> Floats:
    """Slope in degrees (Horn 1981) in double precision."""
    with rasterio.open(folder / "dem.tif") as dataset:
        ground = dataset.read(1)
    near = {(r, c): ground[row + r, column + c].astype(np.float64) for r in (-1, 0, 1) for c in (-1, 0, 1)}
    east = near[-1, 1] + 2 * near[0, 1] + near[1, 1] - near[-1, -1] - 2 * near[0, -1] - near[1, -1]
    north = near[-1, -1] + 2 * near[-1, 0] + near[-1, 1] - near[1, -1] - 2 * near[1, 0] - near[1, 1]
    return np.degrees(np.arctan(np.hypot(east, north) / (8 * CELL_SIZE_M)))


def _distance_to(source: str) -> Callable[[Path, Integers, Integers, Floats], Floats]:
    def distance(folder: Path, _row: Integers, _column: Integers, places: Floats) -> Floats:
        tree = shapely.STRtree(geometry(folder, source))
        _, apart = tree.query_nearest(shapely.points(places), return_distance=True, all_matches=False)
        return np.asarray(apart)

    return distance


def _density_of(bandwidth_m: int) -> Callable[[Path, Integers, Integers, Floats], Floats]:
    def density(folder: Path, _row: Integers, _column: Integers, places: Floats) -> Floats:
        """Incidents per km2 under a Gaussian, every pair added."""
        there = shapely.get_coordinates(geometry(folder, "incidents"))
        peak = 1e6 / (2 * np.pi * bandwidth_m**2)
        apart = ((part[:, None, :] - there[None]) ** 2 for part in np.array_split(places, 1 + len(places) // 100))
        return np.concatenate([peak * np.exp(-part.sum(axis=2) / (2 * bandwidth_m**2)).sum(axis=1) for part in apart])

    return density


def _window_length(folder: Path, _row: Integers, _column: Integers, places: Floats) -> Floats:
    """Kilometres of road per km2 of the window around the cell, each road cut exactly."""
    roads = geometry(folder, "roads")
    half = WINDOW_CELLS * CELL_SIZE_M / 2
    windows = shapely.box(*(places - half).T, *(places + half).T)
    window, road = shapely.STRtree(roads).query(windows)
    cut = shapely.length(shapely.intersection(roads[road], windows[window]))
    return np.bincount(window, cut, len(places)) / (2 * half) ** 2 * 1000.0


def _gaussian_length(folder: Path, _row: Integers, _column: Integers, places: Floats) -> Floats:
    """Kilometres of road per km2 under a Gaussian: the integral along a straight segment has a closed form."""
    coordinates, line = shapely.get_coordinates(geometry(folder, "roads"), return_index=True)
    start = coordinates[:-1][line[1:] == line[:-1]]
    along = coordinates[1:][line[1:] == line[:-1]] - start
    length = np.hypot(*along.T)
    start, along, length = start[length > 0], along[length > 0], length[length > 0]
    unit = along / length[:, None]
    scale = np.sqrt(2) * LINE_BANDWIDTH_M
    found = np.empty(len(places))
    for index, place in enumerate(places):
        east, north = (place - start).T
        ahead, aside = east * unit[:, 0] + north * unit[:, 1], east * unit[:, 1] - north * unit[:, 0]
        spread = (erf(ahead / scale) - erf((ahead - length) / scale)) / (2 * np.sqrt(2 * np.pi) * LINE_BANDWIDTH_M)
        found[index] = 1000.0 * (spread * np.exp(-((aside / scale) ** 2))).sum()
    return found


# By name of the value: number of sample cells, and how it is computed.
ORACLES: dict[str, tuple[int, Callable[[Path, Integers, Integers, Floats], Floats]]] = {
    "slope_deg": (100_000, _slope),
    "road_distance_m": (100_000, _distance_to("roads")),
    "front_line_distance_m": (100_000, _distance_to("front_lines")),
    **{f"incident_density_{bandwidth}m_per_km2": (2_000, _density_of(bandwidth)) for bandwidth in DENSITY_M},
    "road_length_990m_window_km_per_km2": (500, _window_length),
    "road_length_1000m_gaussian_km_per_km2": (500, _gaussian_length),
}
