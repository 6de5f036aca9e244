"""k-fold nearest neighbour distance matching: folds that are as far from training cells as the land to predict is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from features.base import Floats, Integers

# Distances to this many cells of the land to predict give their distribution to within a per cent.
MOST_AHEAD = 10_000
# Sizes of block that are tried: from single cells to blocks of about a fold each, in steps of a third.
STEP = 1.4


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchedFolds:
    """The folds that match best.

    `fold` numbers the fold of each point. `wasserstein_m` is the distance in metres between the distributions of
    `between_folds_m` (from each point to the nearest one of another fold) and `to_predict_m` (from the land ahead to
    the nearest point). Folds are made of squares of `block_m`, dealt out `scattered` or as `contiguous` strips.
    """

    fold: Integers
    block_m: float
    dealing: str
    wasserstein_m: float
    between_folds_m: Floats
    to_predict_m: Floats


def match_folds(points_m: Floats, ahead_m: Floats, folds: int, least_block_m: float, seed: int) -> MatchedFolds:
    """Deal points (n, 2) into folds whose distances match those from `ahead_m` (m, 2) to the points.

    After Linnenbrink, Milà, Ludwig and Meyer (2024), Geoscientific Model Development 17, 5897, with squares aligned to
    the CRS origin instead of clusters, so that a fold does not depend on the order of the points. Raises ValueError
    where there are fewer points than folds.
    """
    if len(points_m) < folds:
        raise ValueError(f"folds ({folds}) must be at most the number of labelled cells ({len(points_m)})")
    sample = np.random.default_rng(seed).permutation(len(ahead_m))[:MOST_AHEAD]
    to_predict_m = _nearest(points_m, ahead_m[np.sort(sample)])
    best: MatchedFolds | None = None
    for block_m, dealing, fold in _candidates(points_m, folds, least_block_m, seed):
        between_m = _between(points_m, fold)
        apart = float(wasserstein_distance(between_m, to_predict_m))
        if best is None or apart < best.wasserstein_m:
            best = MatchedFolds(
                fold=fold,
                block_m=block_m,
                dealing=dealing,
                wasserstein_m=apart,
                between_folds_m=between_m,
                to_predict_m=to_predict_m,
            )
    if best is None:  # pragma: no cover - points that lie in one place
        raise ValueError("labelled cells lie in one block: they cannot be dealt into folds")
    return best


def _candidates(points_m: Floats, folds: int, least_block_m: float, seed: int) -> Iterator[tuple[float, str, Integers]]:
    extent_m = float(np.ptp(points_m, axis=0).max()) + least_block_m
    block_m = least_block_m
    while block_m < extent_m:
        corners, block = np.unique(np.floor(points_m / block_m).astype(np.int64), axis=0, return_inverse=True)
        if len(corners) < folds:
            return
        cells = np.bincount(block.reshape(-1), minlength=len(corners))
        rng = np.random.default_rng(seed)
        yield block_m, "scattered", _dealt(cells, rng.permutation(len(corners)), folds)[block.reshape(-1)]
        for axis in (0, 1):
            along = np.lexsort((corners[:, 1 - axis], corners[:, axis]))
            yield block_m, "contiguous", _strips(cells, along, folds)[block.reshape(-1)]
        block_m *= STEP


def _dealt(cells: Integers, order: Integers, folds: int) -> Integers:
    """Fold of each block: blocks go, the largest first and equals in random order, to the smallest fold so far."""
    fold, load = np.empty(len(cells), dtype=np.int64), np.zeros(folds)
    for place in order[np.argsort(-cells[order], kind="stable")]:
        fold[place] = int(np.argmin(load))
        load[fold[place]] += cells[place]
    return fold


def _strips(cells: Integers, along: Integers, folds: int) -> Integers:
    """Fold of each block: neighbours in the order `along` share a fold, and folds are of about equal size."""
    middle = np.cumsum(cells[along]) - cells[along] / 2
    fold = np.empty(len(cells), dtype=np.int64)
    fold[along] = np.minimum((middle / cells.sum() * folds).astype(np.int64), folds - 1)
    return fold


def _between(points_m: Floats, fold: Integers) -> Floats:
    """Distance from each point to the nearest one of another fold."""
    distance = np.empty(len(points_m))
    for number in np.unique(fold):
        own = fold == number
        distance[own] = _nearest(points_m[~own], points_m[own]) if not own.all() else np.inf
    return distance


def _nearest(points_m: Floats, from_m: Floats) -> Floats:
    return np.asarray(cKDTree(points_m).query(from_m)[0], dtype=np.float64)
