"""The area of applicability: where cells resemble the land that the model has learned from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# More points sharpen neither the index nor the threshold, and cost time in every tile.
MOST_POINTS = 5_000
# A cell of which the model cannot see half of what it looks at is no cell it knows.
LEAST_SEEN = 0.5


@dataclass(frozen=True, eq=False)
class Domain:
    """Area of applicability after Meyer and Pebesma (2021), Methods in Ecology and Evolution 12, 1620.

    Features are standardised by `mean` and `scale`, weighted by `weight` (mean |SHAP|, largest 1) and compared with
    `points`, shape (n, n_features), of the training data; the dissimilarity index is the distance to the nearest
    point over `mean_distance`, and a cell is in the domain up to `threshold`.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    points: NDArray[np.float64]
    mean_distance: float
    threshold: float

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def dissimilarity(self, values: NDArray[np.float32], threads: int = 1) -> NDArray[np.float64]:
        """Dissimilarity index of each row; a NaN feature counts as its training mean."""
        distance, _ = self._tree.query(_weighted(values, self.mean, self.scale, self.weight), workers=threads)
        return np.asarray(distance) / self.mean_distance

    def contains(self, values: NDArray[np.float32], threads: int = 1) -> NDArray[np.bool_]:
        """True where a row lies inside the area of applicability.

        Rows that miss features which carry half of the weight or more lie outside.
        """
        seen = np.isfinite(values) @ self.weight / self.weight.sum()
        return np.asarray((self.dissimilarity(values, threads) <= self.threshold) & (seen > LEAST_SEEN))


def fit_domain(
    values: NDArray[np.float32], importance: NDArray[np.float64], folds: NDArray[np.int64], seed: int
) -> Domain:
    """Learn the domain from training rows.

    `importance` is the mean |SHAP| of each feature; `folds` numbers the held-out group of each row, so that the
    threshold (upper whisker of the training index) is measured as far from neighbours as the model was judged.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(values))[:MOST_POINTS])
    sample, group = values[rows], folds[rows]
    known = np.where(np.isfinite(sample), sample, np.nan).astype(np.float64)
    empty = ~np.isfinite(known).any(axis=0)
    known[:, empty] = 0.0
    mean, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    weight = importance / importance.max() if importance.max() > 0 else np.ones(len(importance))
    points = _weighted(sample, mean, scale, weight)
    first, second = rng.integers(0, len(points), (2, 20_000))
    apart = np.linalg.norm(points[first] - points[second], axis=1)[first != second]
    mean_distance = float(apart.mean()) if len(apart) and apart.mean() > 0 else 1.0
    index = _index_across_folds(points, group) / mean_distance
    low, high = np.quantile(index, [0.25, 0.75])
    inside = index[index <= high + 1.5 * (high - low)]
    return Domain(mean, scale, weight, points, mean_distance, float(inside.max()))


def _index_across_folds(points: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distance of each point to the nearest point of another group."""
    distance = np.zeros(len(points))
    groups = np.unique(group)
    for number in groups:
        own = group == number
        others = points[~own] if len(groups) > 1 else points
        # With a single group the nearest other point is the second neighbour: the first is the point itself.
        nearest, _ = cKDTree(others).query(points[own], k=1 if len(groups) > 1 else [2])
        distance[own] = np.ravel(nearest)
    return distance


def _weighted(
    values: NDArray[np.float32], mean: NDArray[np.float64], scale: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    standard = (values - mean) / scale
    return np.where(np.isfinite(standard), standard, 0.0) * weight
