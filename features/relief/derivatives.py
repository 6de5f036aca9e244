"""Slope, aspect, curvature and ruggedness from the neighbours of a cell; NaN if one of them has no height."""

import numpy as np
from numba import njit

from features.base import Floats
from features.relief.focal_statistics import Heights, moments, to_centimetres

# Neighbouring heights of a global DEM differ by about a metre of noise: a gentler slope than this has no direction.
HEIGHT_NOISE_M = 1.0
DERIVATIVES = (
    "slope_deg", "northness", "eastness", "profile_curvature_per_m", "plan_curvature_per_m", "ruggedness_m",
    "roughness_m",
)  # fmt: skip


def derivatives(height: Heights, cell_size_m: float) -> dict[str, Heights]:
    """Slope, aspect, curvature and ruggedness of every cell; the outermost rows and columns are left out.

    Slope and aspect by Horn (1981); aspect as the unit vector down the slope, 0 where the slope is within the noise.
    Curvature from the surface of Zevenbergen & Thorne (1987): second derivative of height along the slope line
    (profile) and across it (plan), positive in a hollow, 0 where there is no slope. Ruggedness: root of the summed
    squares of the differences to the eight neighbours (Riley et al. 1999). Roughness: range of the nine heights
    (Wilson et al. 2007).

    >>> plane = 30.0 * np.arange(3.0) * np.ones((3, 1))
    >>> found = derivatives(plane, 30.0)
    >>> round(float(found["slope_deg"][0, 0]), 9), float(found["eastness"][0, 0])
    (45.0, -1.0)
    """
    out = np.empty((len(DERIVATIVES), height.shape[0] - 2, height.shape[1] - 2), dtype=height.dtype)
    _derive(height, cell_size_m, HEIGHT_NOISE_M / (2 * cell_size_m), out)
    return dict(zip(DERIVATIVES, out, strict=True))


def vector_ruggedness(height: Heights, cell_size_m: float) -> Heights:
    """Spread of the directions in which nine neighbouring cells face, 0 on any plane to 1; two cells are left out.

    One minus the length of the mean of the unit normals of the land (Sappington et al. 2007). The normals are those of
    Horn (1981), so that the 5 x 5 cells around a cell count.

    >>> plane = 30.0 * np.arange(5.0) * np.ones((5, 1))
    >>> abs(round(float(vector_ruggedness(plane, 30.0)[0, 0]), 9))
    0.0
    """
    out = np.empty((height.shape[0] - 4, height.shape[1] - 4), dtype=height.dtype)
    normals = np.empty((3, 3, height.shape[1] - 2))
    _vector_ruggedness(height, cell_size_m, normals, out)
    return out


def broad_slope(height: Heights, cell_size_m: float, half: int, margin: int) -> tuple[Heights, Heights, Heights]:
    """Slope in degrees, northness and eastness of the land around a cell, without `margin` >= 2 half cells each side.

    The central difference of the mean heights of four squares of 2 half + 1 cells to a side, whose centres lie `half`
    cells north, south, east and west. Means are of the valid cells; NaN where the cell itself has no height. There is
    no direction where the squares differ by less than the noise of heights.
    """
    mean, _ = moments(to_centimetres(height), half, margin - half, gaps=True)
    centre = height[margin : height.shape[0] - margin, margin : height.shape[1] - margin]
    out = np.empty((3, *centre.shape), dtype=height.dtype)
    _gradient(centre, mean, half, cell_size_m, out)
    return out[0], out[1], out[2]


@njit(cache=True, nogil=True, error_model="numpy")
def _horn(height: Heights, i: int, j: int, size: float) -> tuple[float, float]:
    """Rise to the east and to the north at the cell (i, j)."""
    northwest, northeast = np.float64(height[i - 1, j - 1]), np.float64(height[i - 1, j + 1])
    southwest, southeast = np.float64(height[i + 1, j - 1]), np.float64(height[i + 1, j + 1])
    north, south = np.float64(height[i - 1, j]), np.float64(height[i + 1, j])
    west, east = np.float64(height[i, j - 1]), np.float64(height[i, j + 1])
    to_east = ((northeast + 2 * east + southeast) - (northwest + 2 * west + southwest)) * (1 / (8 * size))
    to_north = ((northwest + 2 * north + northeast) - (southwest + 2 * south + southeast)) * (1 / (8 * size))
    return to_east, to_north


@njit(cache=True, nogil=True, error_model="numpy")
def _arctan(x: float) -> float:
    """Arc tangent of x >= 0 to 1e-15, as in Cephes (Moshier 1984): without a library call, so that loops vectorise."""
    far, middle = x > 2.414213562373095, x > 0.66
    base = np.pi / 2 if far else (np.pi / 4 if middle else 0.0)
    w = (-1.0 if far else (x - 1 if middle else x)) / (x if far else (x + 1 if middle else 1.0))
    z = w * w
    p = -8.750608600031904122785e-1 * z - 1.615753718733365076637e1
    p = ((p * z - 7.500855792314704667340e1) * z - 1.228866684490136173410e2) * z - 6.485021904942025371773e1
    q = (z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2
    q = ((q * z + 4.328810604912902668951e2) * z + 4.853903996359136964868e2) * z + 1.945506571482613964425e2
    return base + (w + w * z * p / q)


@njit(cache=True, nogil=True, error_model="numpy")
def _facing(to_east: float, to_north: float, least: float) -> tuple[float, float, float]:
    """Slope in degrees, northness and eastness; no direction up to the slope `least`."""
    steep = np.sqrt(to_east * to_east + to_north * to_north)
    slope = np.degrees(_arctan(steep))
    per_steep = 1 / steep if steep > least else 0.0
    return slope, -to_north * per_steep, -to_east * per_steep


@njit(cache=True, nogil=True, error_model="numpy")
def _curvatures(height: Heights, i: int, j: int, size: float) -> tuple[float, float]:
    """Profile and plan curvature after Zevenbergen & Thorne (1987), with their letters D to H."""
    centre, north, south = np.float64(height[i, j]), np.float64(height[i - 1, j]), np.float64(height[i + 1, j])
    west, east = np.float64(height[i, j - 1]), np.float64(height[i, j + 1])
    corners = np.float64(height[i - 1, j + 1]) - np.float64(height[i - 1, j - 1])
    corners += np.float64(height[i + 1, j - 1]) - np.float64(height[i + 1, j + 1])
    per_size, per_area = 1 / (2 * size), 1 / size**2
    d, e = ((west + east) / 2 - centre) * per_area, ((north + south) / 2 - centre) * per_area
    f, g, h = corners / 4 * per_area, (east - west) * per_size, (north - south) * per_size
    steep = g * g + h * h
    twice = 2 / steep if steep > 0 else 0.0
    along, across, mixed = d * g * g + e * h * h, d * h * h + e * g * g, f * g * h
    return (along + mixed) * twice, (across - mixed) * twice


@njit(cache=True, nogil=True)
def _wider(low: float, high: float, one: float, other: float) -> tuple[float, float]:
    """The range extended by two values; min() and max() would test for NaN at each step."""
    less, more = (one, other) if one < other else (other, one)
    return less if less < low else low, more if more > high else high  # noqa: FURB136


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(height: Heights, i: int, j: int) -> tuple[float, float]:
    """Root of the summed squares of the differences to the neighbours, and range; the first is NaN if one is."""
    centre = np.float64(height[i, j])
    northwest, north = np.float64(height[i - 1, j - 1]) - centre, np.float64(height[i - 1, j]) - centre
    northeast, west = np.float64(height[i - 1, j + 1]) - centre, np.float64(height[i, j - 1]) - centre
    east, southwest = np.float64(height[i, j + 1]) - centre, np.float64(height[i + 1, j - 1]) - centre
    south, southeast = np.float64(height[i + 1, j]) - centre, np.float64(height[i + 1, j + 1]) - centre
    low, high = _wider(0.0, 0.0, northwest, north)
    low, high = _wider(low, high, northeast, west)
    low, high = _wider(low, high, east, southwest)
    low, high = _wider(low, high, south, southeast)
    squares = northwest * northwest + north * north + northeast * northeast + west * west
    squares += east * east + southwest * southwest + south * south + southeast * southeast
    return np.sqrt(squares), high - low


# Each has its own loop, because a compiler vectorises short loops but not a single long one.
@njit(cache=True, nogil=True, error_model="numpy")
def _derive(height: Heights, size: float, least: float, out: Heights) -> None:
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            out[5, i, j], out[6, i, j] = _spread(height, i + 1, j + 1)
        for j in range(out.shape[2]):
            out[3, i, j], out[4, i, j] = _curvatures(height, i + 1, j + 1, size)
        for j in range(out.shape[2]):
            out[2, i, j], out[1, i, j] = _horn(height, i + 1, j + 1, size)
        for j in range(out.shape[2]):
            out[0, i, j], out[1, i, j], out[2, i, j] = _facing(out[2, i, j], out[1, i, j], least)
        for k in (0, 1, 2, 3, 4, 6):
            for j in range(out.shape[2]):
                # A feature is NaN if one of the nine heights is, even one that it does not use.
                out[k, i, j] += out[5, i, j] - out[5, i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _normals_of_row(height: Heights, i: int, size: float, normals: Floats) -> None:
    for j in range(normals.shape[1]):
        to_east, to_north = _horn(height, i, j + 1, size)
        # The slope does not use the height of the cell itself, but is NaN without it.
        own = np.float64(height[i, j + 1])
        up = 1 / np.sqrt(1 + to_east * to_east + to_north * to_north) + (own - own)
        normals[0, j], normals[1, j], normals[2, j] = -to_east * up, -to_north * up, up


@njit(cache=True, nogil=True, error_model="numpy")
def _vector_ruggedness(height: Heights, size: float, normals: Floats, out: Heights) -> None:
    """`normals` keeps three rows (row modulo 3, axis, column) of vectors."""
    for i in range(2):
        _normals_of_row(height, i + 1, size, normals[i])
    for i in range(out.shape[0]):
        _normals_of_row(height, i + 3, size, normals[(i + 2) % 3])
        above, here, below = normals[i % 3], normals[(i + 1) % 3], normals[(i + 2) % 3]
        for j in range(out.shape[1]):
            squares = 0.0
            for axis in range(3):
                upper = above[axis, j] + above[axis, j + 1] + above[axis, j + 2]
                middle = here[axis, j] + here[axis, j + 1] + here[axis, j + 2]
                lower = below[axis, j] + below[axis, j + 1] + below[axis, j + 2]
                squares += ((upper + middle) + lower) * ((upper + middle) + lower)
            out[i, j] = 1 - np.sqrt(squares) / 9 if not np.isnan(squares) else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _gradient(centre: Heights, mean: Floats, half: int, size: float, out: Heights) -> None:
    """`mean` has `half` more rows and columns on every side than `centre`."""
    apart = 2 * half * size
    for i in range(centre.shape[0]):
        for j in range(centre.shape[1]):
            if np.isnan(centre[i, j]):
                out[:, i, j] = np.nan
                continue
            to_east = (mean[i + half, j + 2 * half] - mean[i + half, j]) / apart
            to_north = (mean[i, j + half] - mean[i + 2 * half, j + half]) / apart
            out[0, i, j], out[1, i, j], out[2, i, j] = _facing(to_east, to_north, HEIGHT_NOISE_M / apart)
