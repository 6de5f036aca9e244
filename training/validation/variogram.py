"""How far the labels of neighbouring cells resemble each other."""

import numpy as np
from scipy.optimize import curve_fit

from features.base import Flags, Floats

# Autocorrelation beyond this distance is a trend across the country, which features express and no buffer can remove.
GREATEST_LAG_M = 30_000.0
LAGS = 30
ANCHORS = 1_500
MOST_POINTS = 20_000
# The exponential variogram reaches 95 % of its sill at the practical range.
PRACTICAL = 3.0


def autocorrelation_range_m(centres_m: Floats, positive: Flags, cell_size_m: float, seed: int) -> float:
    """Practical range in metres of an exponential variogram of the found cells (Cressie 1993, p. 61).

    `centres_m` has shape (n, 2). Between one cell and a third of the extent, at most 30 km; one cell where labels are
    not autocorrelated, or where there are too few to estimate it.
    """
    lag_m, semivariance, pairs = variogram(centres_m, positive.astype(np.float64), cell_size_m, seed)
    greatest_m = lag_m[-1] if len(lag_m) else cell_size_m
    if len(lag_m) < 4 or positive.all() or not positive.any():
        return float(cell_size_m)
    sill = float(np.average(semivariance[len(lag_m) // 2 :], weights=pairs[len(lag_m) // 2 :]))
    if sill <= 0 or semivariance[0] >= sill:
        return float(cell_size_m)

    def curve(lag: Floats, nugget: float, rise: float, range_m: float) -> Floats:
        return nugget + rise * (1 - np.exp(-PRACTICAL * lag / range_m))

    # On land of some ten cells a quarter of the greatest lag is less than a cell, the least range.
    start = (float(semivariance[0]) / 2, sill / 2, max(greatest_m / 4, cell_size_m))
    bounds = ([0, 0, cell_size_m], [sill, 2 * sill, greatest_m])
    # Near lags determine the range: each lag is weighted by its pairs over the square of the lag (Cressie 1985).
    spread = lag_m / np.sqrt(pairs)
    try:
        (_, _, range_m), _ = curve_fit(curve, lag_m, semivariance, start, spread, bounds=bounds)
    except RuntimeError:  # no convergence: take the first lag that reaches the sill
        range_m = lag_m[np.argmax(semivariance >= 0.95 * sill)]
    return float(np.clip(range_m, cell_size_m, greatest_m))


def variogram(centres_m: Floats, values: Floats, cell_size_m: float, seed: int) -> tuple[Floats, Floats, Floats]:
    """Mean lag in metres, semivariance and number of pairs of each lag class that holds a pair (Matheron 1963).

    Pairs are those between a seeded sample of anchors and of points.
    """
    rng = np.random.default_rng(seed)
    points = np.sort(rng.permutation(len(values))[:MOST_POINTS])
    anchors = points[np.sort(rng.permutation(len(points))[:ANCHORS])]
    extent_m = float(np.ptp(centres_m, axis=0).max()) if len(values) else 0.0
    greatest_m = min(GREATEST_LAG_M, extent_m / 3)
    if greatest_m < 2 * cell_size_m:
        return np.empty(0), np.empty(0), np.empty(0)
    # Classes widen with distance, because the range is determined by the near ones.
    edges = np.geomspace(cell_size_m, greatest_m, LAGS + 1)
    sums = np.zeros((3, LAGS))
    for anchor in anchors:
        lag = np.hypot(*(centres_m[points] - centres_m[anchor]).T)
        place = np.searchsorted(edges, lag, "right") - 1
        inside = (place >= 0) & (place < LAGS)
        half = 0.5 * (values[points[inside]] - values[anchor]) ** 2
        for row, weight in enumerate((lag[inside], half, None)):
            sums[row] += np.bincount(place[inside], weight, LAGS)
    kept = sums[2] > 0
    lag_m, semivariance = sums[0, kept] / sums[2, kept], sums[1, kept] / sums[2, kept]
    return lag_m, semivariance, sums[2, kept]
