"""Gaussian kernel sums of points and lines around every cell.

A Gaussian is smooth: it is summed exactly at the nodes of a lattice a quarter of a bandwidth apart, aligned to the CRS
origin, and interpolated in between by cubic polynomials (error below 3e-4 of a point's peak). Where cells are larger
than that the nodes are the cell centres, and nothing is interpolated. Sums are whole numbers of tiny units: they are
the same in any order, and the records that a cell owns are subtracted exactly. A kernel ends at 5 bandwidths to each
side, at 4e-6 of its peak.
"""

import numba
import numpy as np

from features.base import Floats, Floats32, Grid, Integers
from features.geometry.exclusions import OwnRecords, OwnRecordsByRule
from features.geometry.lattices import Densities, Lattice, interpolate, lattice
from features.geometry.layers import Layer, segments_near

# Standard deviations after which a kernel is cut off, to each side in easting and northing.
REACH = 5.0
# Three-point Gauss-Legendre nodes and weights on [0, 1].
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
NODE_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
# Segments below this share of the bandwidth count as one point in their middle (error below 1e-3 at a line's end).
SHORT = 0.125

# A unit of the sums, as a share of the peak of weight 1. Whole numbers up to 2^53 are exact in double precision, so
# sums are exact up to a weight of 5e5 around a node; beyond, they still do not depend on the tile.
UNITS = float(2**34)
# Adding and subtracting this number rounds a number below 2^51 to a whole one.
ROUNDING = float(3 * 2**51)


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
    own: OwnRecords | None = None,
) -> Floats:
    """Weight per km2 around every cell (k, *tile.shape) for weights (n, k) at places (n, 2).

    `error_m` (n,) widens the kernel of each point. With `own` a cell leaves out the points that it owns. Cells outside
    the area have values too. Points that are not finite are ignored.
    """
    out = np.empty((weights.shape[1], *tile.shape))
    _fill(tile, places, weights, bandwidth_m, error_m, own, out)
    return out


def points_density(tile: Grid, places: Floats, weights: Floats, bandwidth_m: float) -> Floats32:
    """`point_densities` for one weight (n,) and points without location error, as float32 for a column."""
    out = np.empty((1, *tile.shape), dtype=np.float32)
    _fill(tile, places, weights[:, None], bandwidth_m, None, None, out)
    return np.asarray(out[0])


def _fill(
    tile: Grid,
    places: Floats,
    weights: Floats,
    bandwidth_m: float,
    error_m: Floats | None,
    own: OwnRecords | None,
    out: Densities,
) -> None:
    sigma = widened_m(bandwidth_m, np.zeros(len(places)) if error_m is None else error_m)
    nodes = lattice(tile, bandwidth_m)
    near, own = _reaching(nodes, places, REACH * sigma, own)
    places, weights, sigma = places[near], weights[near], sigma[near]
    # A wider kernel of the same weight has a lower peak.
    peaks = np.ascontiguousarray(weights * (bandwidth_m**2 / sigma**2)[:, None], dtype=np.float64)
    sums = np.zeros((weights.shape[1], len(nodes.souths), len(nodes.eastings)))
    _add_points(nodes.eastings, nodes.souths, places, peaks, sigma, sums)
    scale = 1e6 / (2 * np.pi * bandwidth_m**2) / UNITS
    interpolate(sums, nodes.top, nodes.down, nodes.left, nodes.across, scale, out)
    if own is not None:
        _leave_out_own(
            nodes.eastings, nodes.souths, nodes.top, nodes.down, nodes.left, nodes.across,
            places, peaks, sigma, sums, own.windows, own.starts, own.members, scale, out,
        )  # fmt: skip


def _reaching(
    nodes: Lattice, places: Floats, reach: Floats, own: OwnRecords | None
) -> tuple[Integers, OwnRecords | None]:
    """Indices of the points (n, 2) that reach the nodes or are owned, with the own records in these indices."""
    east, south, wide = places[:, 0], -places[:, 1], reach + 1.0
    here = (east >= nodes.eastings[0] - wide) & (east <= nodes.eastings[-1] + wide)
    here &= (south >= nodes.souths[0] - wide) & (south <= nodes.souths[-1] + wide)
    if own is None:
        return np.flatnonzero(here), None
    here[own.members] = True
    near = np.flatnonzero(here)
    return near, OwnRecords(own.windows, own.starts, np.searchsorted(near, own.members), own.cells)


def event_densities(
    tile: Grid, places: Floats, weights: Floats, bandwidth_m: float, error_m: Floats, by_rule: OwnRecordsByRule
) -> Floats:
    """Weight per km2 (k, *tile.shape) of the records that a cell does not own."""
    parts = [
        point_densities(tile, places[rows], weights[rows], bandwidth_m, error_m[rows], own) for rows, own in by_rule
    ]
    return parts[0] if len(parts) == 1 else np.asarray(sum(parts, np.zeros((weights.shape[1], *tile.shape))))


def line_density(tile: Grid, layer: Layer, bandwidth_m: float) -> Floats32:
    """Kilometres of line per km2 around every cell (tile.shape), the Gaussian-weighted mean with that bandwidth.

    The integral along each segment is a Gauss-Legendre sum with three nodes for every bandwidth: relative error below
    4e-4 for a straight line, whatever the cell size.
    """
    # The nodes around the tile's border reach a little further than the tile does.
    near = segments_near(tile, layer, (REACH + 1) * bandwidth_m)
    places, lengths_km = line_points(layer.start[near], layer.end[near], bandwidth_m)
    return points_density(tile, places, lengths_km, bandwidth_m)


def line_points(start: Floats, end: Floats, sigma_m: float) -> tuple[Floats, Floats]:
    """Points (n, 2) whose weights (n,) in km stand for segments (m, 2) under a kernel of bandwidth `sigma_m`."""
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    short = length <= SHORT * sigma_m
    middles = start[short] + 0.5 * along[short]
    pieces = np.ceil(length[~short] / sigma_m).astype(np.int64)
    segment = np.repeat(np.flatnonzero(~short), pieces)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (number[:, None] + NODES) / np.repeat(pieces, pieces)[:, None]
    nodes = start[segment][:, None, :] + share[..., None] * along[segment][:, None, :]
    weights = (length[segment] / np.repeat(pieces, pieces))[:, None] * NODE_WEIGHTS
    return np.concatenate([middles, nodes.reshape(-1, 2)]), np.concatenate([length[short], weights.ravel()]) / 1000.0


@numba.njit(cache=True, nogil=True)
def reached(nodes: Floats, place: float, reach: float) -> tuple[int, int]:
    """First of the ascending nodes within `reach` of a place, and the one after the last."""
    return int(np.searchsorted(nodes, place - reach)), int(np.searchsorted(nodes, place + reach, "right"))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bell(nodes: Floats, first: int, last: int, place: float, sigma: float, bell: Floats) -> None:
    for node in range(first, last):
        apart = (nodes[node] - place) / sigma
        bell[node] = np.exp(-0.5 * apart * apart)


@numba.njit(cache=True, nogil=True)
def _add_points(eastings: Floats, souths: Floats, places: Floats, peaks: Floats, sigma: Floats, sums: Floats) -> None:
    """Add every point's kernel, in whole units, to the nodes that it reaches."""
    bell_east, bell_south = np.empty(len(eastings)), np.empty(len(souths))
    for point in range(len(places)):
        _add_point(eastings, souths, places, peaks, sigma, point, 1.0, bell_east, bell_south, sums)


@numba.njit(cache=True, nogil=True)
def _add_point(
    eastings: Floats,
    souths: Floats,
    places: Floats,
    peaks: Floats,
    sigma: Floats,
    point: int,
    sign: float,
    bell_east: Floats,
    bell_south: Floats,
    sums: Floats,
) -> None:
    """Add one point's kernel to the nodes, or take it away; the units are the same for any part of the lattice."""
    east, south, reach = places[point, 0], -places[point, 1], REACH * sigma[point]
    if not (np.isfinite(east) and np.isfinite(south)):
        return
    left, right = reached(eastings, east, reach)
    top, bottom = reached(souths, south, reach)
    if left >= right or top >= bottom:
        return
    _bell(eastings, left, right, east, sigma[point], bell_east)
    _bell(souths, top, bottom, south, sigma[point], bell_south)
    for which in range(peaks.shape[1]):
        peak = sign * peaks[point, which] * UNITS
        if peak == 0:
            continue
        for row in range(top, bottom):
            part = peak * bell_south[row]
            # Slices that begin at 0 let the compiler take several nodes at a time.
            line, bell = sums[which, row, left:right], bell_east[left:right]
            for node in range(len(line)):
                line[node] += (part * bell[node] + ROUNDING) - ROUNDING


@numba.njit(cache=True, nogil=True)
def _leave_out_own(
    eastings: Floats,
    souths: Floats,
    top: Integers,
    down: Floats,
    left: Integers,
    across: Floats,
    places: Floats,
    peaks: Floats,
    sigma: Floats,
    sums: Floats,
    windows: Integers,
    starts: Integers,
    members: Integers,
    scale: float,
    out: Densities,
) -> None:
    """Interpolate each window again from the nodes around it, without the points that its cells own."""
    for number in range(len(windows)):
        row, row_stop, column, column_stop = windows[number]
        north, south = top[row], top[row_stop - 1] + down.shape[1]
        west, east = left[column], left[column_stop - 1] + across.shape[1]
        part = sums[:, north:south, west:east].copy()
        bell_east, bell_south = np.empty(east - west), np.empty(south - north)
        for place in range(starts[number], starts[number + 1]):
            _add_point(
                eastings[west:east], souths[north:south], places, peaks, sigma, members[place], -1.0,
                bell_east, bell_south, part,
            )  # fmt: skip
        interpolate(
            part, top[row:row_stop] - north, down[row:row_stop], left[column:column_stop] - west,
            across[column:column_stop], scale, out[:, row:row_stop, column:column_stop],
        )  # fmt: skip
