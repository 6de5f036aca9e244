"""Gaussian kernel sums of points and lines on the grid, and what lies within a radius of each cell.

A Gaussian is separable, so the sum over points is a matrix product (rows x points) @ (points x columns): exact, with
no binning and no interpolation. A kernel ends at 8 bandwidths to each side, where it has fallen to 1e-14 of its peak.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.distances import Segments
from features.grid import Grid
from features.records import Owned

# Standard deviations after which a kernel is cut off, to each side in easting and northing.
REACH = 8.0
# Points in one matrix product: with 256 columns, 8 MB an array.
POINTS_AT_ONCE = 4096
MOST_BLOCK_CELLS = 256
# Three-point Gauss-Legendre nodes and weights on [0, 1].
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
NODE_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
# Segments below this share of the bandwidth count as one point in their middle (error below 1e-3 at a line's end).
SHORT = 0.125

Floats = NDArray[np.float64]


def widened_m(bandwidth_m: float, location_error_m: Floats) -> Floats:
    """Bandwidth of each record: an uncertain place spreads its record over a wider kernel (variances add).

    >>> import numpy as np
    >>> widened_m(3000.0, np.array([0.0, 4000.0])).tolist()
    [3000.0, 5000.0]
    """
    return np.sqrt(bandwidth_m**2 + np.asarray(location_error_m, dtype=np.float64) ** 2)


def point_densities(tile: Grid, places: Floats, weights: Floats, sigma_m: Floats, own: Owned | None = None) -> Floats:
    """Weight per km2 around every cell (k, *tile.shape) for weights (n, k), each point with its own sigma (n,).

    With `own`, which must cover the same n points, a cell leaves out the points that it owns: they are never added,
    so they leave no trace in the last digits. NaN in blocks of cells without any cell of the area.
    """
    out = np.full((weights.shape[1], *tile.shape), np.nan)
    side = _block_side(tile, sigma_m)
    for row in range(0, tile.shape[0], side):
        for column in range(0, tile.shape[1], side):
            rows, columns = slice(row, row + side), slice(column, column + side)
            if tile.mask[rows, columns].any():
                block = tile.eastings_m[columns], tile.northings_m[rows]
                near = _near(*block, places, sigma_m)
                windows = None if own is None else _clipped(own.windows[near], row, column, block)
                out[:, rows, columns] = _kernel_sums(*block, places[near], weights[near], sigma_m[near], windows)
    return out


def event_densities(
    tile: Grid,
    places: Floats,
    weights: Floats,
    sigma_m: Floats,
    ownership: list[tuple[NDArray[np.int64], Owned | None]],
) -> Floats:
    """Weight per km2 (k, *tile.shape) of the records that a cell does not own."""
    sums = np.zeros((weights.shape[1], *tile.shape))
    for rows, own in ownership:
        sums += point_densities(tile, places[rows], weights[rows], sigma_m[rows], own)
    return sums


def line_density(tile: Grid, segments: Segments, sigma_m: float) -> Floats:
    """Kilometres of line per km2 around every cell (tile.shape), the Gaussian-weighted mean with bandwidth `sigma_m`.

    The integral along each segment is a Gauss-Legendre sum with three nodes for every bandwidth: relative error below
    1e-4 for a straight line, whatever the cell size.
    """
    places, lengths_km = line_points(segments, sigma_m)
    return np.asarray(point_densities(tile, places, lengths_km[:, None], np.full(len(places), sigma_m))[0])


def line_points(segments: Segments, sigma_m: float) -> tuple[Floats, Floats]:
    """Points (n, 2) whose weights (n,) in km stand for the segments under a kernel of bandwidth `sigma_m`."""
    along = segments.end - segments.start
    length = np.hypot(along[:, 0], along[:, 1])
    short = length <= SHORT * sigma_m
    middles = segments.start[short] + 0.5 * along[short]
    pieces = np.ceil(length[~short] / sigma_m).astype(np.int64)
    segment = np.repeat(np.flatnonzero(~short), pieces)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (number[:, None] + NODES) / np.repeat(pieces, pieces)[:, None]
    nodes = segments.start[segment][:, None, :] + share[..., None] * along[segment][:, None, :]
    weights = (length[segment] / np.repeat(pieces, pieces))[:, None] * NODE_WEIGHTS
    return np.concatenate([middles, nodes.reshape(-1, 2)]), np.concatenate([length[short], weights.ravel()]) / 1000.0


def count_within(tile: Grid, places: Floats, radius_m: float, own: Owned | None = None) -> NDArray[np.int64]:
    """Number of points within `radius_m` of every cell centre (tile.shape), the cell's own left out."""
    counts = np.zeros(tile.shape, dtype=np.int64)
    for _, window, inside in _discs(tile, places, radius_m, own):
        counts[window] += inside
    return counts


def least_within(tile: Grid, places: Floats, values: Floats, radius_m: float, own: Owned | None = None) -> Floats:
    """Least value of the points within `radius_m` (tile.shape), infinite where there is none."""
    least = np.full(tile.shape, np.inf)
    for index, window, inside in _discs(tile, places, radius_m, own):
        part = least[window]
        np.minimum(part, values[index], out=part, where=inside)
    return least


def _discs(
    tile: Grid, places: Floats, radius_m: float, own: Owned | None
) -> Iterator[tuple[int, tuple[slice, slice], NDArray[np.bool_]]]:
    """For each point its index, the window of cells around it, and which of them lie within the radius."""
    for index, (east, north) in enumerate(places):
        left, right = np.searchsorted(tile.eastings_m, (east - radius_m, east + radius_m), "left")
        top, bottom = np.searchsorted(-tile.northings_m, (-north - radius_m, -north + radius_m), "left")
        right, bottom = min(right + 1, tile.shape[1]), min(bottom + 1, tile.shape[0])
        if left >= right or top >= bottom:
            continue
        across = (tile.eastings_m[left:right] - east) ** 2
        down = (tile.northings_m[top:bottom] - north) ** 2
        inside = down[:, None] + across[None, :] <= radius_m**2
        if own is not None:
            row, row_stop, column, column_stop = own.windows[index]
            rows = slice(max(row - top, 0), max(row_stop - top, 0))
            inside[rows, max(column - left, 0) : max(column_stop - left, 0)] = False
        yield index, (slice(left, right), slice(top, bottom))[::-1], inside


def _block_side(tile: Grid, sigma_m: Floats) -> int:
    """Cells to a side of the blocks in which sums are made: about the reach of a kernel, so little work is wasted."""
    widest = float(np.median(sigma_m)) if len(sigma_m) else tile.cell_size_m
    return int(np.clip(REACH * widest / tile.cell_size_m, 32, MOST_BLOCK_CELLS))


def _near(easting: Floats, northing: Floats, places: Floats, sigma_m: Floats) -> NDArray[np.int64]:
    """Index of the points whose kernels reach the block."""
    reach = REACH * sigma_m
    near = (places[:, 0] >= easting[0] - reach) & (places[:, 0] <= easting[-1] + reach)
    near &= (places[:, 1] >= northing[-1] - reach) & (places[:, 1] <= northing[0] + reach)
    return np.flatnonzero(near)


def _clipped(windows: NDArray[np.int64], row: int, column: int, block: tuple[Floats, Floats]) -> NDArray[np.int64]:
    """Windows of the tile as windows of the block that starts at `row` and `column`."""
    moved = windows - np.array([row, row, column, column])
    most = np.array([len(block[1]), len(block[1]), len(block[0]), len(block[0])])
    return np.asarray(np.clip(moved, 0, most))


def _kernel_sums(
    easting: Floats,
    northing: Floats,
    places: Floats,
    weights: Floats,
    sigma_m: Floats,
    windows: NDArray[np.int64] | None,
) -> Floats:
    """(k, rows, columns) sums over the points in portions, so that memory does not grow with their number."""
    sums = np.zeros((weights.shape[1], len(northing), len(easting)))
    peaks = weights * (1e6 / (2 * np.pi * sigma_m**2))[:, None]
    for start in range(0, len(places), POINTS_AT_ONCE):
        part = slice(start, start + POINTS_AT_ONCE)
        across = _bell(easting, places[part, 0], sigma_m[part])
        down = _bell(northing, places[part, 1], sigma_m[part])
        product = _products(down, across, peaks[part])
        if windows is not None:
            _leave_out_own(product, down, across, peaks[part], windows[part])
        sums += product
    return sums


def _bell(centres: Floats, places: Floats, sigma_m: Floats) -> Floats:
    """exp(-d2 / 2) (points, cells) of the distances in bandwidths, exactly zero beyond the reach."""
    apart = (centres[None, :] - places[:, None]) / sigma_m[:, None]
    return np.where(np.abs(apart) <= REACH, np.exp(-0.5 * apart**2), 0.0)


def _products(down: Floats, across: Floats, peaks: Floats) -> Floats:
    return np.stack([(down * peak[:, None]).T @ across for peak in peaks.T])


def _leave_out_own(product: Floats, down: Floats, across: Floats, peaks: Floats, windows: NDArray[np.int64]) -> None:
    """Sum again, without the points that own them, the windows of `product` that have an owner."""
    real = (windows[:, 0] < windows[:, 1]) & (windows[:, 2] < windows[:, 3])
    distinct, group = np.unique(windows[real], axis=0, return_inverse=True)
    members = np.full(len(windows), -1)
    members[real] = group
    for number, (top, bottom, left, right) in enumerate(distinct):
        others = np.where((members == number)[:, None], 0.0, peaks)
        product[:, top:bottom, left:right] = _products(down[:, top:bottom], across[:, left:right], others)
