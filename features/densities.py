"""Gaussian kernel sums of points and lines around every cell.

A Gaussian is smooth: it is summed exactly at the nodes of a lattice a quarter of a bandwidth apart, aligned to the CRS
origin, and interpolated in between by cubic polynomials (error below 3e-4 of a point's peak). Where cells are larger
than that the nodes are the cell centres, and nothing is interpolated. A node adds its points in the order of the table,
so a value does not depend on the tile. A kernel ends at 6 bandwidths to each side, at 2e-8 of its peak.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from features.grid import Grid
from features.layers import Layer
from features.ownership import Owned, Ownership

# Standard deviations after which a kernel is cut off, to each side in easting and northing.
REACH = 6.0
NODES_PER_BANDWIDTH = 4.0
# Three-point Gauss-Legendre nodes and weights on [0, 1].
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
NODE_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
# Segments below this share of the bandwidth count as one point in their middle (error below 1e-3 at a line's end).
SHORT = 0.125

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def widened_m(bandwidth_m: float, location_error_m: Floats) -> Floats:
    """Bandwidth of each record: an uncertain place spreads its record over a wider kernel (variances add).

    >>> import numpy as np
    >>> widened_m(3000.0, np.array([0.0, 4000.0])).tolist()
    [3000.0, 5000.0]
    """
    return np.sqrt(bandwidth_m**2 + np.asarray(location_error_m, dtype=np.float64) ** 2)


def point_densities(
    tile: Grid,
    places: Floats,
    weights: Floats,
    bandwidth_m: float,
    error_m: Floats | None = None,
    own: Owned | None = None,
) -> Floats:
    """Weight per km2 around every cell (k, *tile.shape) for weights (n, k) at places (n, 2).

    `error_m` (n,) widens the kernel of each point. With `own` a cell leaves out the points that it owns: they are
    never added, so they leave no trace in the last digits. Cells outside the area have values too.
    """
    sigma = widened_m(bandwidth_m, np.zeros(len(places)) if error_m is None else error_m)
    out = _densities(tile, places, weights, sigma, bandwidth_m)
    for (top, bottom, left, right), members in own.each() if own is not None else ():
        others = np.ones(len(places), dtype=bool)
        others[members] = False
        part = tile.window(top, bottom, left, right)
        out[:, top:bottom, left:right] = _densities(part, places[others], weights[others], sigma[others], bandwidth_m)
    return out


def event_densities(
    tile: Grid, places: Floats, weights: Floats, bandwidth_m: float, error_m: Floats, ownership: Ownership
) -> Floats:
    """Weight per km2 (k, *tile.shape) of the records that a cell does not own."""
    sums = np.zeros((weights.shape[1], *tile.shape))
    for rows, own in ownership:
        sums += point_densities(tile, places[rows], weights[rows], bandwidth_m, error_m[rows], own)
    return sums


def line_density(tile: Grid, layer: Layer, bandwidth_m: float) -> Floats:
    """Kilometres of line per km2 around every cell (tile.shape), the Gaussian-weighted mean with that bandwidth.

    The integral along each segment is a Gauss-Legendre sum with three nodes for every bandwidth: relative error below
    4e-4 for a straight line, whatever the cell size.
    """
    places, lengths_km = line_points(layer, bandwidth_m)
    return points_density(tile, places, lengths_km, bandwidth_m)


def points_density(tile: Grid, places: Floats, weights: Floats, bandwidth_m: float) -> Floats:
    """`point_densities` of one weight (n,) a point, for points without location error."""
    return np.asarray(point_densities(tile, places, weights[:, None], bandwidth_m)[0])


def line_points(layer: Layer, sigma_m: float) -> tuple[Floats, Floats]:
    """Points (n, 2) whose weights (n,) in km stand for the segments under a kernel of bandwidth `sigma_m`."""
    along = layer.end - layer.start
    length = layer.length_m
    short = length <= SHORT * sigma_m
    middles = layer.start[short] + 0.5 * along[short]
    pieces = np.ceil(length[~short] / sigma_m).astype(np.int64)
    segment = np.repeat(np.flatnonzero(~short), pieces)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (number[:, None] + NODES) / np.repeat(pieces, pieces)[:, None]
    nodes = layer.start[segment][:, None, :] + share[..., None] * along[segment][:, None, :]
    weights = (length[segment] / np.repeat(pieces, pieces))[:, None] * NODE_WEIGHTS
    return np.concatenate([middles, nodes.reshape(-1, 2)]), np.concatenate([length[short], weights.ravel()]) / 1000.0


def _densities(tile: Grid, places: Floats, weights: Floats, sigma: Floats, bandwidth_m: float) -> Floats:
    """Sums of all the points: node by node, then interpolated where nodes are wider apart than cells."""
    spacing = bandwidth_m / NODES_PER_BANDWIDTH
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    if spacing <= tile.cell_size_m:
        sums = np.zeros((weights.shape[1], *tile.shape))
        _add_points(tile.eastings_m, -tile.northings_m, places, weights, sigma, sums)
        return sums
    first_east, n_east = _nodes(tile.eastings_m[0], tile.eastings_m[-1], spacing)
    first_north, n_north = _nodes(tile.northings_m[-1], tile.northings_m[0], spacing)
    nodes_east = np.asarray((first_east + np.arange(n_east)) * spacing, dtype=np.float64)
    # Rows run from north to south, as in every array of the grid.
    nodes_south = np.asarray(-((first_north + n_north - 1 - np.arange(n_north)) * spacing), dtype=np.float64)
    sums = np.zeros((weights.shape[1], n_north, n_east))
    _add_points(nodes_east, nodes_south, places, weights, sigma, sums)
    column, across = _cubic(tile.eastings_m, spacing)
    row, down = _cubic(tile.northings_m, spacing)
    out = np.empty((weights.shape[1], *tile.shape))
    # The lower node of a northing lies south of it, three rows of the lattice below the first that counts.
    top = first_north + n_north - 1 - row - 2
    _interpolate(sums, top, down[:, ::-1].copy(), column - first_east - 1, across, out)
    return out


def _nodes(low: float, high: float, spacing: float) -> tuple[int, int]:
    """Index of the first node that positions in [low, high] interpolate from, and the number of nodes."""
    first = int(np.floor(low / spacing)) - 1
    return first, int(np.floor(high / spacing)) + 3 - first


def _cubic(positions: Floats, spacing: float) -> tuple[Integers, Floats]:
    """Index of the node below each position, and the weights (n, 4) of the nodes from one before it to two behind it.

    Lagrange's cubic through four nodes; it depends on the position alone.
    """
    node = np.floor(positions / spacing)
    t = positions / spacing - node
    weights = np.column_stack(
        [
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        ]
    )
    return node.astype(np.int64), weights


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_points(
    nodes_east: Floats, nodes_south: Floats, places: Floats, weights: Floats, sigma: Floats, sums: Floats
) -> None:
    """Add every point's kernel to the nodes that it reaches; both node axes ascend, the second is minus northing."""
    bell_east, bell_south = np.empty(len(nodes_east)), np.empty(len(nodes_south))
    for point in range(len(places)):
        east, south, reach = places[point, 0], -places[point, 1], REACH * sigma[point]
        left, right = np.searchsorted(nodes_east, east - reach), np.searchsorted(nodes_east, east + reach, "right")
        top, bottom = np.searchsorted(nodes_south, south - reach), np.searchsorted(nodes_south, south + reach, "right")
        if left >= right or top >= bottom:
            continue
        for column in range(left, right):
            apart = (nodes_east[column] - east) / sigma[point]
            bell_east[column] = np.exp(-0.5 * apart * apart)
        for row in range(top, bottom):
            apart = (nodes_south[row] - south) / sigma[point]
            bell_south[row] = np.exp(-0.5 * apart * apart)
        peak = 1e6 / (2 * np.pi * sigma[point] * sigma[point])
        for which in range(weights.shape[1]):
            weight = weights[point, which] * peak
            if weight == 0:
                continue
            for row in range(top, bottom):
                part = weight * bell_south[row]
                for column in range(left, right):
                    sums[which, row, column] += part * bell_east[column]


@numba.njit(cache=True, nogil=True)
def _interpolate(nodes: Floats, top: Integers, down: Floats, left: Integers, across: Floats, out: Floats) -> None:
    """Cubic in rows, then in columns; a sum of positive kernels never becomes negative."""
    line = np.empty(nodes.shape[2])
    for which in range(nodes.shape[0]):
        for row in range(out.shape[1]):
            first = top[row]
            for column in range(len(line)):
                line[column] = (
                    down[row, 0] * nodes[which, first, column]
                    + down[row, 1] * nodes[which, first + 1, column]
                    + down[row, 2] * nodes[which, first + 2, column]
                    + down[row, 3] * nodes[which, first + 3, column]
                )
            for column in range(out.shape[2]):
                start = left[column]
                value = (
                    across[column, 0] * line[start]
                    + across[column, 1] * line[start + 1]
                    + across[column, 2] * line[start + 2]
                    + across[column, 3] * line[start + 3]
                )
                out[which, row, column] = max(value, 0.0)
