"""Shape of the land from the DEM: slope, aspect, curvature, position in the relief, at several scales.

Derivatives read the 3 x 3 cells around a cell and are NaN when one of the nine is (vector ruggedness: 5 x 5). Window
statistics are taken over the valid cells of a square and are NaN only where the centre is.
"""

import numpy as np

from features.as_of import Snapshot, height_halo
from features.base import Columns, FeatureInfo, Floats, Floats32, Grid
from features.relief import (
    Heights,
    broad_slope,
    moments,
    to_centimetres,
    vector_ruggedness,
    window_percentile,
    window_range,
)
from features.relief.derivatives import derivatives
from features.sources.opening import RasterSource

FAMILY = "terrain"
TPI_RADII_M = (500.0, 1500.0, 5000.0)
RELIEF_RADII_M = (1500.0, 5000.0)
SLOPE_RADIUS_M = 1500.0
# Cells to a side of the aligned squares in which heights at scattered places are read; to open a file takes as long as
# to read a square half as wide.
READ_SIDE = 512


def _info(name: str, unit: str, text: str, formula: str) -> FeatureInfo:
    return FeatureInfo(name=name, unit=unit, family=FAMILY, trend=0, text=text, sources=("dem",), formula=formula)


HORN = "3 x 3 cells, Horn (1981)"
FACING = f"unit vector down the slope, {HORN}; 0 where the slope is within 1 m of noise over two cells"
CURVED = "3 x 3 cells, Zevenbergen & Thorne (1987); positive in a hollow"
BROAD = "central difference of mean heights of squares 1,500 m wide and 1,500 m apart"

FEATURES = (
    _info("elevation_m", "m", "elevation", "DEM at the cell"),
    _info("slope_deg", "degrees", "slope", HORN),
    _info("northness", "1", "slope faces north", FACING),
    _info("eastness", "1", "slope faces east", FACING),
    _info("profile_curvature_per_m", "1/m", "hollow or ridge down the slope", CURVED),
    _info("plan_curvature_per_m", "1/m", "hollow or ridge across the slope", CURVED),
    _info("ruggedness_m", "m", "ruggedness of the ground", "terrain ruggedness index, Riley et al. (1999)"),
    _info("roughness_m", "m", "range of heights next to the cell", "range of 3 x 3 cells, Wilson et al. (2007)"),
    _info("vector_ruggedness", "1", "slopes face many ways", "3 x 3 unit normals, Sappington et al. (2007)"),
    *(
        _info(
            f"height_above_mean_{radius:.0f}m_m",
            "m",
            f"height above the land within {radius:.0f} m",
            "topographic position index: height minus the mean of the square, Weiss (2001)",
        )
        for radius in TPI_RADII_M
    ),
    *(
        _info(f"relief_{radius:.0f}m_m", "m", f"range of heights within {radius:.0f} m", "range over the square")
        for radius in RELIEF_RADII_M
    ),
    *(
        _info(
            f"elevation_std_{radius:.0f}m_m",
            "m",
            f"spread of heights within {radius:.0f} m",
            "standard deviation over the square",
        )
        for radius in RELIEF_RADII_M
    ),
    *(
        _info(
            f"elevation_percentile_{radius:.0f}m",
            "share",
            f"share of the land within {radius:.0f} m that lies lower",
            "rank among up to 15 x 15 cells spread evenly over the square, Gallant & Wilson (2000)",
        )
        for radius in RELIEF_RADII_M
    ),
    _info("slope_1500m_deg", "degrees", "slope of the land within 1500 m", BROAD),
    _info("northness_1500m", "1", "land within 1500 m faces north", f"unit vector down the slope, {BROAD}"),
    _info("eastness_1500m", "1", "land within 1500 m faces east", f"unit vector down the slope, {BROAD}"),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Terrain features of every cell of the tile; none without a DEM."""
    if "dem" not in snapshot.sources.rasters:
        return {}
    height, halo, size = snapshot.heights(tile), height_halo(tile), tile.cell_size_m
    columns: dict[str, Heights] = {"elevation_m": _inner(height, halo)}
    columns |= derivatives(_inner(height, halo - 1), size)
    columns["vector_ruggedness"] = vector_ruggedness(_inner(height, halo - 2), size)
    columns |= _positions(height, halo, size)
    half = _cells(SLOPE_RADIUS_M / 2, size)
    broad = broad_slope(height, size, half, halo)
    columns |= dict(zip(("slope_1500m_deg", "northness_1500m", "eastness_1500m"), broad, strict=True))
    return {info.name: np.ascontiguousarray(columns[info.name], dtype=np.float32) for info in FEATURES}


def _positions(height: Floats32, halo: int, size: float) -> dict[str, Heights]:
    """Position of the height among the surrounding heights, and their variation."""
    columns: dict[str, Heights] = {}
    centimetres = to_centimetres(height)
    for radius in TPI_RADII_M:
        half = _cells(radius, size)
        mean, std = moments(centimetres, half, halo)
        columns[f"height_above_mean_{radius:.0f}m_m"] = _inner(height, halo) - mean
        if radius in RELIEF_RADII_M:
            columns[f"elevation_std_{radius:.0f}m_m"] = std
            columns[f"relief_{radius:.0f}m_m"] = window_range(height, half, halo)
            columns[f"elevation_percentile_{radius:.0f}m"] = window_percentile(height, half, halo)
    return columns


def _inner(height: Floats32, margin: int) -> Floats32:
    return height[margin : height.shape[0] - margin, margin : height.shape[1] - margin]


def heights_at(dem: RasterSource, grid: Grid, places: Floats) -> Floats:
    """Elevation of the cells that hold the places (n, 2); NaN for a place that is NaN.

    Places may lie far outside the tile: heights are read in squares aligned to the CRS origin, so the answer depends
    on the place alone.
    """
    heights = np.full(len(places), np.nan)
    real = np.flatnonzero(np.isfinite(places).all(axis=1))
    index = np.floor(places[real] / grid.cell_size_m).astype(np.int64)
    squares, square = np.unique(index // READ_SIDE, axis=0, return_inverse=True)
    everywhere = np.ones((READ_SIDE, READ_SIDE), dtype=bool)
    for number, (column, row) in enumerate(squares * READ_SIDE):
        window = dem.read(
            Grid(crs=grid.crs, cell_size_m=grid.cell_size_m, column_min=int(column), row_min=int(row), mask=everywhere)
        )
        inside = square == number
        here = index[inside] - (column, row)
        heights[real[inside]] = window[READ_SIDE - 1 - here[:, 1], here[:, 0]]
    return heights


def _cells(radius_m: float, cell_size_m: float) -> int:
    """Half width in cells of the window with this radius, at least one cell."""
    return max(1, round(radius_m / cell_size_m))
