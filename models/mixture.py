"""A mixture of spatial patterns: the share of events that follows each, and a test of counts for overdispersion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.base import Floats, Integers

TURNS = 500
# Variance over mean above which the model gets a hurdle: a part for whether there is any accident.
MOST_DISPERSION = 1.5


def shares(pattern: Floats, group: Integers) -> Floats:
    """Columns of `pattern` (n, k) as shares of their sum within each group; a column of zeros is spread evenly.

    >>> shares(np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([0, 0])).tolist()
    [[0.25, 0.5], [0.75, 0.5]]
    """
    out = np.empty_like(pattern, dtype=np.float64)
    for number in np.unique(group):
        rows = group == number
        total = pattern[rows].sum(axis=0)
        even = 1.0 / max(int(rows.sum()), 1)
        out[rows] = np.where(total > 0, pattern[rows] / np.where(total > 0, total, 1.0), even)
    return out


def mixture_weights(share: Floats, count: Floats, prior: float = 1.0) -> Floats:
    """Weights (k,) that sum to 1 and make the mixture of shares (n, k) the likeliest for the counts (n,).

    Superposed Poisson processes by expectation maximisation (Dempster, Laird and Rubin 1977); `prior` events are
    given to every pattern beforehand, so few events leave the weights near even.
    """
    rows = count > 0
    share, count = share[rows], count[rows]
    weights = np.full(share.shape[1], 1.0 / share.shape[1])
    for _ in range(TURNS):
        part = share * weights
        total = part.sum(axis=1, keepdims=True)
        given = count @ np.divide(part, total, out=np.zeros_like(part), where=total > 0)
        fresh = (given + prior) / (given + prior).sum()
        if np.abs(fresh - weights).max() < 1e-7:
            return np.asarray(fresh)
        weights = fresh
    return weights


def prior_by_evidence(share: Floats, count: Floats, group: Integers, candidates: Sequence[float]) -> float:
    """The prior of `mixture_weights` under which each group of events is likeliest, given the weights of the others.

    Empirical Bayes by holding groups (years) out in turn. With a single group it is the greatest candidate, since there
    is no reason to trust few events more.
    """
    groups = np.unique(group)
    if len(groups) < 2:
        return max(candidates)
    best, most = max(candidates), -np.inf
    for prior in candidates:
        likelihood = 0.0
        for number in groups:
            test = (group == number) & (count > 0)
            weights = mixture_weights(share[group != number], count[group != number], prior)
            likelihood += float(count[test] @ np.log(np.maximum(share[test] @ weights, 1e-300)))
        if likelihood > most:
            best, most = prior, likelihood
    return best


@dataclass(frozen=True)
class Dispersion:
    """Pearson chi2 over degrees of freedom, and the t value of Cameron and Trivedi's test (above 1.64: overdispersed).

    For Poisson counts their means are 1 and 0.
    """

    pearson: float
    t: float

    @property
    def is_overdispersed(self) -> bool:
        """Whether a hurdle is called for: far from Poisson, and not by chance."""
        return self.pearson > MOST_DISPERSION and self.t > 1.64


def dispersion(observed: Floats, expected: Floats, parameters: int = 0) -> Dispersion:
    """Deviation of counts from a Poisson distribution about the expectation of a model that was not trained on them.

    Cameron and Trivedi (1990): the regression of ((y - m)^2 - y) / m on m without a constant.
    """
    rows = expected > 0
    y, m = observed[rows], expected[rows]
    pearson = float((((y - m) ** 2) / m).sum() / max(len(y) - parameters, 1))
    z = ((y - m) ** 2 - y) / m
    slope = float((z @ m) / (m @ m)) if len(m) else 0.0
    residual = z - slope * m
    error = float(np.sqrt((residual @ residual) / max(len(m) - 1, 1) / (m @ m))) if len(m) else 0.0
    return Dispersion(pearson, slope / error if error > 0 else 0.0)
