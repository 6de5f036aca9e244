"""A logistic regression on ranks with a quadratic term: the simpler and steadier half of the blend."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from features.base import Flags, Floats, Floats32, Integers
from models.rank_terms import RankTable

N_KNOTS = 101
# More searched rows than this cost minutes and sharpen no coefficient.
MOST_ROWS = 30_000
# Inverse strength of the ridge penalty: with two inputs a feature, weak enough to bend, strong enough to transfer.
STRENGTH = 0.02
# Number of rows whose terms are in memory at a time.
BLOCK_ROWS = 1 << 12


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
    def _table(self) -> RankTable:
        return RankTable.of(self.knots)

    def raw(self, values: Floats32) -> Floats:
        """Log-odds of each row of `values`, shape (n_rows, n_features); never NaN."""
        sums = np.empty(len(values))
        for start in range(0, len(values), BLOCK_ROWS):
            block = values[start : start + BLOCK_ROWS]
            sums[start : start + BLOCK_ROWS] = self._terms(block).sum(axis=1)
        return self.intercept + sums

    def contributions(self, values: Floats32) -> Floats:
        """SHAP values on the log-odds, (n_rows, n_features): a term against its mean (Lundberg & Lee 2017, cor. 1)."""
        return np.asarray(self._terms(values) - np.array(self.centre))

    def _terms(self, values: Floats32) -> Floats:
        return self._table.terms(values, np.array(self.slope), np.array(self.bend))

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
    knots = [quantiles(column) for column in values.T]
    rows, weight = _some(found, weight, seed)
    rank = RankTable.of(knots).ranks(values[rows])
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


def quantiles(column: Floats32) -> Floats:
    """N_KNOTS quantiles of the known values, the bits of np.quantile; zeros if none is known.

    np.quantile parts the values once for each quantile: to sort float32 takes a third of the time.
    """
    # The sum makes -0 and 0 one: which of two equal values comes first is not said.
    known = np.sort(column[np.isfinite(column)]) + np.float32(0)
    if not len(known):
        return np.zeros(N_KNOTS)
    at = np.linspace(0, 1, N_KNOTS) * (len(known) - 1)
    below = np.floor(at).astype(np.int64)
    low, high = (known[np.minimum(place, len(known) - 1)].astype(np.float64) for place in (below, below + 1))
    part = at - below
    return np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))


def _some(found: Flags, weight: Floats, seed: int) -> tuple[Integers, Floats]:
    others = np.flatnonzero(~found)
    room = max(MOST_ROWS - int(found.sum()), MOST_ROWS // 3)
    drawn = np.random.default_rng(seed).permutation(len(others))[:room]
    rows = np.sort(np.concatenate([np.flatnonzero(found), others[drawn]]))
    return rows, np.where(found[rows], 1.0, len(others) / len(drawn)) * weight[rows]
