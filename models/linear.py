"""A logistic regression on ranks with a quadratic term: the simpler and steadier half of the blend."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from features.base import Flags, Floats, Floats32, Integers

N_KNOTS = 101
# More searched rows than this cost minutes and sharpen no coefficient.
MOST_ROWS = 30_000
# Inverse strength of the ridge penalty: with two inputs a feature, weak enough to bend, strong enough to transfer.
STRENGTH = 0.02
# Number of rows that are turned into ranks at a time.
BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Log-odds as a sum over features of `slope * (r - 1/2) + bend * (r - 1/2)^2`.

    r in [0, 1] is the rank of a value among the training rows, read from `knots` (n_features, N_KNOTS quantiles) and
    held at its ends, so that values beyond the training range count as its ends. An unknown value counts as the median.
    `centre` (n_features) is the mean term of each feature over the training rows, from which contributions are taken.
    """

    features: tuple[str, ...]
    knots: tuple[tuple[float, ...], ...]
    slope: tuple[float, ...]
    bend: tuple[float, ...]
    intercept: float
    centre: tuple[float, ...]

    @cached_property
    def _tables(self) -> list[tuple[Floats, Floats]]:
        return [_rising(np.array(knots)) for knots in self.knots]

    def raw(self, values: Floats32) -> Floats:
        """Log-odds of each row of `values`, shape (n_rows, n_features); never NaN."""
        return np.asarray(self.intercept + self._terms(values).sum(axis=1))

    def contributions(self, values: Floats32) -> Floats:
        """SHAP values on the log-odds, (n_rows, n_features): a term against its mean (Lundberg & Lee 2017, cor. 1)."""
        return np.asarray(self._terms(values) - np.array(self.centre))

    def _terms(self, values: Floats32) -> Floats:
        terms = np.empty(values.shape)
        slope, bend = np.array(self.slope), np.array(self.bend)
        for start in range(0, len(values), BLOCK_ROWS):
            rank = ranks(values[start : start + BLOCK_ROWS], self._tables) - 0.5
            terms[start : start + BLOCK_ROWS] = rank * slope + rank**2 * bend
        return terms

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "Linear":
        """The inverse of `as_dict`."""
        lists = {name: tuple(tree[name]) for name in ("features", "slope", "bend", "centre")}
        return cls(knots=tuple(tuple(row) for row in tree["knots"]), intercept=float(tree["intercept"]), **lists)


def fit_linear(
    values: Floats32,
    target: Floats,
    weight: Floats,
    features: Sequence[str],
    seed: int,
) -> Linear:
    """Fit on rows (n, n_features) whose target is at least 1/2 where something was found.

    All found rows and a seeded draw of the others are used; each drawn row gets the weight of the rows that it
    represents. Raises ValueError when one of the classes is missing.
    """
    found = target >= 0.5
    if found.all() or not found.any():
        raise ValueError(f"a logistic regression needs found and searched rows, got {int(found.sum())} of {len(found)}")
    knots = [_quantiles(column) for column in values.T]
    tables = [_rising(row) for row in knots]
    rows, weight = _some(found, weight, seed)
    rank = ranks(values[rows], tables) - 0.5
    fitted = LogisticRegression(C=STRENGTH, max_iter=2000, tol=1e-3)
    fitted.fit(np.hstack([rank, rank**2]), found[rows], weight)
    slope, bend = np.split(fitted.coef_[0], 2)
    centre = np.average(rank * slope + rank**2 * bend, axis=0, weights=weight)
    return Linear(
        features=tuple(features),
        knots=tuple(tuple(row.tolist()) for row in knots),
        slope=tuple(slope.tolist()),
        bend=tuple(bend.tolist()),
        intercept=float(fitted.intercept_[0]),
        centre=tuple(centre.tolist()),
    )


def ranks(values: Floats32, tables: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Rank in [0, 1] of each value in its column, 1/2 where it is NaN."""
    rank = np.empty(values.shape)
    for number, (knot, level) in enumerate(tables):
        column = values[:, number]
        rank[:, number] = np.where(np.isfinite(column), np.interp(column, knot, level), 0.5)
    return rank


def _quantiles(column: Floats32) -> Floats:
    known = column[np.isfinite(column)].astype(np.float64)
    return np.quantile(known, np.linspace(0, 1, N_KNOTS)) if len(known) else np.zeros(N_KNOTS)


def _rising(knots: Floats) -> tuple[Floats, Floats]:
    """Distinct knots, each with the mean of the ranks that it has."""
    knot, first, times = np.unique(knots, return_index=True, return_counts=True)
    return knot, (first + (times - 1) / 2) / (len(knots) - 1)


def _some(found: Flags, weight: Floats, seed: int) -> tuple[Integers, Floats]:
    others = np.flatnonzero(~found)
    room = max(MOST_ROWS - int(found.sum()), MOST_ROWS // 3)
    drawn = np.random.default_rng(seed).permutation(len(others))[:room]
    rows = np.sort(np.concatenate([np.flatnonzero(found), others[drawn]]))
    return rows, np.where(found[rows], 1.0, len(others) / len(drawn)) * weight[rows]
