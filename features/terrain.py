"""Shape of the land from the DEM: slope, aspect, curvature, position in the relief.

Derivatives read the 3 x 3 cells around a cell and are NaN when one of the nine is. Window statistics are taken over
the valid cells of a square and are NaN only where the centre is.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known
from features.sources import RasterSource

FAMILY = "terrain"
TPI_RADII_M = (500.0, 1500.0, 5000.0)
RELIEF_RADII_M = (1500.0, 5000.0)
PERCENTILE_RADIUS_M = 5000.0
# The percentile compares a cell with at most this many others to a side, evenly spread over its window.
PERCENTILE_SIDE = 15
# Neighbouring heights of a global DEM differ by about a metre of noise: a gentler slope than this has no direction.
HEIGHT_NOISE_M = 1.0
# Cells to a side of the aligned squares in which heights at scattered places are read.
READ_SIDE = 64

FEATURES = (
    FeatureInfo("elevation_m", "m", FAMILY, 0, "elevation"),
    FeatureInfo("slope_deg", "degrees", FAMILY, 0, "slope"),
    FeatureInfo("northness", "1", FAMILY, 0, "slope faces north"),
    FeatureInfo("eastness", "1", FAMILY, 0, "slope faces east"),
    FeatureInfo("profile_curvature_per_m", "1/m", FAMILY, 0, "hollow or ridge down the slope"),
    FeatureInfo("plan_curvature_per_m", "1/m", FAMILY, 0, "hollow or ridge across the slope"),
    FeatureInfo("ruggedness_m", "m", FAMILY, 0, "ruggedness of the ground"),
    *(
        FeatureInfo(
            f"height_above_mean_{radius:.0f}m_m", "m", FAMILY, 0, f"height above the land within {radius:.0f} m"
        )
        for radius in TPI_RADII_M
    ),
    *(
        FeatureInfo(f"relief_{radius:.0f}m_m", "m", FAMILY, 0, f"range of heights within {radius:.0f} m")
        for radius in RELIEF_RADII_M
    ),
    *(
        FeatureInfo(f"elevation_std_{radius:.0f}m_m", "m", FAMILY, 0, f"spread of heights within {radius:.0f} m")
        for radius in RELIEF_RADII_M
    ),
    FeatureInfo(
        f"elevation_percentile_{PERCENTILE_RADIUS_M:.0f}m",
        "share",
        FAMILY,
        0,
        f"share of the land within {PERCENTILE_RADIUS_M:.0f} m that lies lower",
    ),
)

Floats = NDArray[np.float64]


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Terrain features of every cell of the tile; none without a DEM."""
    sources = known.sources
    dem = sources.rasters.get("dem")
    if dem is None:
        return {}
    size = tile.cell_size_m
    halo = max(_cells(radius, size) for radius in (*TPI_RADII_M, *RELIEF_RADII_M, PERCENTILE_RADIUS_M))
    height = dem.read(tile.expanded(halo))
    inner = np.s_[halo:-halo, halo:-halo]
    close = derivatives(height[halo - 1 : height.shape[0] - halo + 1, halo - 1 : height.shape[1] - halo + 1], size)
    columns = {"elevation_m": height[inner], **{name: array[1:-1, 1:-1] for name, array in close.items()}}
    for radius in TPI_RADII_M:
        mean, _ = window_mean_std(height, _cells(radius, size))
        columns[f"height_above_mean_{radius:.0f}m_m"] = (height - mean)[inner]
    for radius in RELIEF_RADII_M:
        half = _cells(radius, size)
        columns[f"relief_{radius:.0f}m_m"] = window_range(height, half)[inner]
        columns[f"elevation_std_{radius:.0f}m_m"] = window_mean_std(height, half)[1][inner]
    name = f"elevation_percentile_{PERCENTILE_RADIUS_M:.0f}m"
    columns[name] = window_percentile(height, _cells(PERCENTILE_RADIUS_M, size), halo)
    return {name: array.astype(np.float32) for name, array in columns.items()}


def derivatives(height: Floats, cell_size_m: float) -> dict[str, Floats]:
    """Slope, aspect, curvature and ruggedness of every cell; the outermost rows and columns are NaN.

    Slope and aspect by Horn (1981); aspect as the unit vector down the slope, 0 where the slope is within the noise.
    Curvature from the surface of Zevenbergen & Thorne (1987): second derivative of height along the slope line
    (profile) and across it (plan), positive in a hollow, 0 where there is no slope. Ruggedness: root of the summed
    squares of the differences to the eight neighbours (Riley et al. 1999).

    >>> import numpy as np
    >>> plane = 30.0 * np.arange(3.0) * np.ones((3, 1))
    >>> found = derivatives(plane, 30.0)
    >>> float(found["slope_deg"][1, 1]), float(found["eastness"][1, 1])
    (45.0, -1.0)
    """
    northwest, north, northeast = height[:-2, :-2], height[:-2, 1:-1], height[:-2, 2:]
    west, centre, east = height[1:-1, :-2], height[1:-1, 1:-1], height[1:-1, 2:]
    southwest, south, southeast = height[2:, :-2], height[2:, 1:-1], height[2:, 2:]
    around = (northwest, north, northeast, west, east, southwest, south, southeast)
    to_east = ((northeast + 2 * east + southeast) - (northwest + 2 * west + southwest)) / (8 * cell_size_m)
    to_north = ((northwest + 2 * north + northeast) - (southwest + 2 * south + southeast)) / (8 * cell_size_m)
    steepness = np.hypot(to_east, to_north)
    profile, plan = _curvatures(around, centre, cell_size_m)
    # Every derivative is NaN where any of the nine heights is.
    hole = np.where(np.isnan(sum(around) + centre), np.nan, 0.0)
    inner = {
        "slope_deg": np.degrees(np.arctan(steepness)),
        "northness": _ratio(-to_north, steepness, HEIGHT_NOISE_M / (2 * cell_size_m)),
        "eastness": _ratio(-to_east, steepness, HEIGHT_NOISE_M / (2 * cell_size_m)),
        "profile_curvature_per_m": profile,
        "plan_curvature_per_m": plan,
        "ruggedness_m": np.sqrt(np.sum([(neighbour - centre) ** 2 for neighbour in around], axis=0)),
    }
    return {name: np.pad(array + hole, 1, constant_values=np.nan) for name, array in inner.items()}


def window_mean_std(height: Floats, half: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the valid cells within `half` cells to each side, cut at the array's edge.

    Heights are summed as whole centimetres: integer sums are exact in any order, so a value does not depend on where
    the running sums began.
    """
    valid = np.isfinite(height)
    centimetres = np.where(valid, np.rint(height * 100.0), 0.0).astype(np.int64)
    count = _window_sum(valid.astype(np.int64), half)
    total, squares = _window_sum(centimetres, half), _window_sum(centimetres**2, half)
    safe = np.maximum(count, 1)
    # Deviations from a whole number near the mean keep the squares exact too.
    pivot = total // safe
    spread = (squares - 2 * pivot * total + safe * pivot**2) / safe - (total / safe - pivot) ** 2
    mean = np.where(valid, total / safe / 100.0, np.nan)
    return mean, np.where(valid, np.sqrt(np.maximum(spread, 0.0)) / 100.0, np.nan)


def window_range(height: Floats, half: int) -> Floats:
    """Greatest minus least height of the valid cells within `half` cells to each side."""
    valid = np.isfinite(height)
    high = ndimage.maximum_filter(np.where(valid, height, -np.inf), 2 * half + 1, mode="nearest")
    low = ndimage.minimum_filter(np.where(valid, height, np.inf), 2 * half + 1, mode="nearest")
    return np.where(valid, np.where(valid, high, 0.0) - np.where(valid, low, 0.0), np.nan)


def window_percentile(height: Floats, half: int, halo: int) -> Floats:
    """Share of valid cells within `half` cells that lie lower than the centre, ties counted by half, in 0..1.

    The window is sampled on an even lattice. The outer `halo` rows and columns, at least `half`, are left out.
    """
    rows, columns = height.shape[0] - 2 * halo, height.shape[1] - 2 * halo
    centre = height[halo : halo + rows, halo : halo + columns]
    stride = max(1, -(-2 * half // (PERCENTILE_SIDE - 1)))
    steps = np.arange(-(half // stride), half // stride + 1) * stride
    score, count = np.zeros(centre.shape, np.int32), np.zeros(centre.shape, np.int32)
    for down in steps:
        for right in steps:
            if down or right:
                other = height[halo + down : halo + down + rows, halo + right : halo + right + columns]
                score += other < centre
                score += other <= centre
                count += np.isfinite(other)
    share = np.divide(score, 2.0 * count, out=np.full(centre.shape, 0.5), where=count > 0)
    return np.where(np.isnan(centre), np.nan, share)


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
        window = dem.read(Grid(grid.crs, grid.cell_size_m, int(column), int(row), everywhere))
        inside = square == number
        here = index[inside] - (column, row)
        heights[real[inside]] = window[READ_SIDE - 1 - here[:, 1], here[:, 0]]
    return heights


def _cells(radius_m: float, cell_size_m: float) -> int:
    """Half width in cells of the window with this radius, at least one cell."""
    return max(1, round(radius_m / cell_size_m))


def _ratio(part: Floats, whole: Floats, least: float) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > least)


def _curvatures(around: tuple[Floats, ...], centre: Floats, cell_size_m: float) -> tuple[Floats, Floats]:
    """Profile and plan curvature after Zevenbergen & Thorne (1987), with their letters D to H."""
    northwest, north, northeast, west, east, southwest, south, southeast = around
    d = ((west + east) / 2 - centre) / cell_size_m**2
    e = ((north + south) / 2 - centre) / cell_size_m**2
    f = (northeast - northwest + southwest - southeast) / (4 * cell_size_m**2)
    g, h = (east - west) / (2 * cell_size_m), (north - south) / (2 * cell_size_m)
    steep = g**2 + h**2
    profile = _ratio(2 * (d * g**2 + e * h**2 + f * g * h), steep, 0.0)
    return profile, _ratio(2 * (d * h**2 + e * g**2 - f * g * h), steep, 0.0)


def _window_sum(values: NDArray[np.int64], half: int) -> NDArray[np.int64]:
    """Sum over the cells within `half` to each side, zero beyond the edge; int64 wraps around, so it is exact."""
    return _running(_running(values, half).T, half).T


def _running(values: NDArray[np.int64], half: int) -> NDArray[np.int64]:
    padded = np.pad(values, ((half + 1, half), (0, 0)))
    total = np.cumsum(padded, axis=0)
    return total[2 * half + 1 :] - total[: -2 * half - 1]
