"""The area of applicability: where cells resemble the land that the model has learned from."""

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from features.base import Flags, Floats, Floats32, Integers
from models.nearness import INSIDE, UNDECIDED, near_any

# More points sharpen neither the index nor the threshold, and cost time in every tile.
MOST_POINTS = 5_000
# A cell whose missing features carry half of the weight or more is outside of the domain.
LEAST_SEEN = 0.5
# A cell is out of domain when it lies more than one whole range beyond the training land, summed over the features. No
# feature counts for more than one range: so at least two features must leave their range, and a single odd column takes
# no land out of the map.
MOST_NOVELTY = 1.0
BLOCK_ROWS = 1 << 13
# Rows whose weighted features are in memory at a time.
SEARCHED_ROWS = 1 << 15


@dataclass(frozen=True, eq=False, kw_only=True)
class Domain:
    """Area of applicability after Meyer and Pebesma (2021), Methods in Ecology and Evolution 12, 1620.

    Features are standardised by `mean` and `scale`, weighted by `weight` (mean |SHAP|, largest 1) and compared with
    `points`, shape (n, n_features), of the training data; the dissimilarity index is the distance to the nearest
    point over `mean_distance`, and a cell is in the domain up to `threshold`.

    SHAP weights alone are blind to what the model could not learn: where all training land is flat, slope explains
    nothing and gets no weight, so that mountains look familiar. Therefore the range of every feature in training,
    `lowest` to `highest` (NaN where it was never known), is a second gate, which uses no weights.
    """

    mean: Floats
    scale: Floats
    weight: Floats
    points: Floats
    mean_distance: float
    threshold: float
    lowest: Floats
    highest: Floats

    def text(self) -> str:
        """The domain as JSON; null stands for NaN, which JSON does not know."""
        return json.dumps(
            {
                name: _without_nan(value) if isinstance(value, np.ndarray) else value
                for name, value in vars(self).items()
                if not name.startswith("_")
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Domain":
        """The domain from its JSON; the inverse of `text`."""
        fields = json.loads(text)
        arrays = {name: np.array(value, dtype=np.float64) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **arrays})

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def dissimilarity(self, values: Floats32, threads: int = 1) -> Floats:
        """Dissimilarity index of each row; a NaN feature counts as its training mean."""
        return self._index(values, threads, np.inf)

    def _index(self, values: Floats32, threads: int, most: float) -> Floats:
        """Dissimilarity index of each row, infinite where it is above `most`."""
        points = _weighted(values, self.mean, self.scale, self.weight)
        distance, _ = self._tree.query(points, distance_upper_bound=most * self.mean_distance, workers=threads)
        return np.asarray(distance) / self.mean_distance

    def novelty(self, values: Floats32) -> Floats:
        """How far each row lies beyond the training ranges, in ranges, summed over features; 0 within all of them.

        NT1 of Mesgaran, Cousens and Webber (2014), Diversity and Distributions 20, 1147, with two changes: no feature
        counts for more than one range, and one that was constant in training counts for one as soon as it differs. A
        feature that is NaN, in the row or throughout training, does not count.
        """
        lowest, highest = self.lowest.astype(np.float32), self.highest.astype(np.float32)
        with np.errstate(divide="ignore"):
            per_range = 1 / (highest - lowest)
        total = np.empty(len(values))
        for start in range(0, len(values), BLOCK_ROWS):
            block = values[start : start + BLOCK_ROWS]
            beyond = np.fmax(np.fmax(lowest - block, block - highest), np.float32(0))
            counted = np.multiply(beyond, per_range, out=np.zeros_like(beyond), where=beyond > 0)
            total[start : start + BLOCK_ROWS] = np.fmin(counted, np.float32(1)).sum(axis=1, dtype=np.float64)
        return total

    def contains(self, values: Floats32, threads: int = 1) -> Flags:
        """True where a row lies inside the area of applicability and within the training ranges.

        Rows whose missing features carry half of the weight or more lie outside.
        """
        seen = np.isfinite(values) @ self.weight / self.weight.sum()
        inside = (self.novelty(values) <= MOST_NOVELTY) & (seen > LEAST_SEEN)
        # The search of a near point is expensive: it runs only for rows that pass the cheap gates.
        rows = np.flatnonzero(inside)
        for start in range(0, len(rows), SEARCHED_ROWS):
            some = rows[start : start + SEARCHED_ROWS]
            inside[some] = self._near(values[some], threads)
        return np.asarray(inside)

    def _near(self, values: Floats32, threads: int) -> Flags:
        """Whether the dissimilarity index of each row is at most the threshold."""
        points = _weighted(values, self.mean, self.scale, self.weight)
        state = near_any(points, self.points, self.threshold * self.mean_distance)
        near, undecided = state == INSIDE, state == UNDECIDED
        # A bound a little beyond the threshold lets the tree give up early on what lies outside anyway.
        near[undecided] = self._index(values[undecided], threads, 1.01 * self.threshold + 1e-9) <= self.threshold
        return np.asarray(near)


def fit_domain(
    values: Floats32,
    importance: Floats,
    folds: Integers,
    seed: int,
    growing: Flags | None = None,
) -> Domain:
    """Learn the domain from training rows.

    Features marked as `growing` (n_features,) pass the gate of ranges whatever their value: they rise as records
    accumulate, so that a year later all land would lie beyond the training ranges.

    `importance` is the mean |SHAP| of each feature. `folds` numbers the held-out group of each row: the threshold
    (upper whisker of the training index) is measured between groups, hence at the distances at which the model was
    judged.
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
    lowest, highest = _ranges(values)
    if growing is not None:
        lowest[growing], highest[growing] = np.nan, np.nan
    return Domain(
        mean=mean,
        scale=scale,
        weight=weight,
        points=points,
        mean_distance=mean_distance,
        threshold=float(inside.max()),
        lowest=lowest,
        highest=highest,
    )


def _without_nan(values: Floats) -> list[object]:
    if values.ndim > 1:
        return list(values.tolist())
    return [None if np.isnan(value) else value for value in values.tolist()]


def _ranges(values: Floats32) -> tuple[Floats, Floats]:
    """Least and greatest value of each feature, NaN where none is known."""
    known = np.where(np.isfinite(values), values, np.nan)
    # fmin and fmax ignore NaN without the warning that nanmin gives for a column that is all NaN.
    return np.fmin.reduce(known).astype(np.float64), np.fmax.reduce(known).astype(np.float64)


def _index_across_folds(points: Floats, group: Integers) -> Floats:
    """Distance of each point to the nearest point of another group."""
    distance = np.zeros(len(points))
    groups = np.unique(group)
    for number in groups:
        own = group == number
        others = points[~own] if len(groups) > 1 else points
        # With a single group the second neighbour is taken, because the first is the point itself.
        nearest, _ = cKDTree(others).query(points[own], k=1 if len(groups) > 1 else [2])
        distance[own] = np.ravel(nearest)
    return distance


def _weighted(values: Floats32, mean: Floats, scale: Floats, weight: Floats) -> Floats:
    standard = (values - mean) / scale
    return np.where(np.isfinite(standard), standard, 0.0) * weight
