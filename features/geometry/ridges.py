"""Ridges of the density of points: how sharply a Gaussian kernel sum falls off to the sides of its crest.

Points that line up raise a crest. The second derivatives of the sum are exact at the nodes of the lattice of
`densities`, in whole units, and interpolated in between as the sum is; so values do not depend on tiles.
"""

import numba
import numpy as np

from features.base import Floats, Grid, Integers
from features.geometry.densities import REACH, ROUNDING, UNITS, reached, widened_m
from features.geometry.lattices import lattice

# Added to the density per km2 in the denominator, so that nearly empty land has no ridge.
LEAST_DENSITY = 4e-6


def ridge_strengths(tile: Grid, places: Floats, error_m: Floats, bandwidth_m: float) -> Floats:
    """-l s^2 / (f + LEAST_DENSITY) and -l s^2 per km2, for l the least eigenvalue of the Hessian: (2, *tile.shape).

    s is the bandwidth, f the density per km2 of places (n, 2), widened by `error_m` (n,). The first is 1 on the crest
    of a straight row and at the centre of a lone point whose place is exact, and negative in a hollow. Lindeberg 1998
    normalises by s^2 too.
    """
    nodes = lattice(tile, bandwidth_m)
    sums = np.zeros((4, len(nodes.souths), len(nodes.eastings)))
    _add_points(nodes.eastings, nodes.souths, places, widened_m(bandwidth_m, error_m), bandwidth_m, sums)
    scale = 1e6 / (2 * np.pi * bandwidth_m**2) / UNITS
    found = np.empty((2, *tile.shape))
    _strengths(sums, nodes.top, nodes.down, nodes.left, nodes.across, scale, found)
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_points(
    eastings: Floats, souths: Floats, places: Floats, sigmas: Floats, bandwidth: float, sums: Floats
) -> None:
    """Add the kernel of every point and its derivatives twice east, twice south, and once each, times bandwidth^2."""
    bell, away = np.empty(len(eastings)), np.empty(len(eastings))
    for point in range(len(places)):
        east, south, sigma = places[point, 0], -places[point, 1], sigmas[point]
        left, right = reached(eastings, east, REACH * sigma)
        top, bottom = reached(souths, south, REACH * sigma)
        narrow = bandwidth * bandwidth / (sigma * sigma)
        for column in range(left, right):
            away[column] = (eastings[column] - east) / sigma
            bell[column] = np.exp(-0.5 * away[column] * away[column])
        for row in range(top, bottom):
            down = (souths[row] - south) / sigma
            part = UNITS * narrow * np.exp(-0.5 * down * down)
            for column in range(left, right):
                density = part * bell[column]
                bent = density * narrow
                sums[0, row, column] += (density + ROUNDING) - ROUNDING
                sums[1, row, column] += (bent * (away[column] * away[column] - 1) + ROUNDING) - ROUNDING
                sums[2, row, column] += (bent * (down * down - 1) + ROUNDING) - ROUNDING
                sums[3, row, column] += (bent * away[column] * down + ROUNDING) - ROUNDING


@numba.njit(cache=True, nogil=True)
def _strengths(
    nodes: Floats, top: Integers, down: Floats, left: Integers, across: Floats, scale: float, found: Floats
) -> None:
    """Interpolate the four sums, rows before columns, and take the eigenvalue at each cell."""
    lines = np.empty((nodes.shape[2], 4))
    sums = np.empty(4)
    for row in range(found.shape[1]):
        lines[:] = 0.0
        for step in range(down.shape[1]):
            for column in range(nodes.shape[2]):
                for which in range(4):
                    lines[column, which] += down[row, step] * nodes[which, top[row] + step, column]
        for column in range(found.shape[2]):
            sums[:] = 0.0
            for step in range(across.shape[1]):
                for which in range(4):
                    sums[which] += across[column, step] * lines[left[column] + step, which]
            mean, half = (sums[1] + sums[2]) / 2, (sums[1] - sums[2]) / 2
            strength = (np.sqrt(half * half + sums[3] * sums[3]) - mean) * scale
            found[0, row, column] = strength / (max(sums[0], 0.0) * scale + LEAST_DENSITY)
            found[1, row, column] = strength
