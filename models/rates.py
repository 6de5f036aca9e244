"""True rates around expected ones: a chance that nothing is there, else a gamma distribution; learned from counts."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln
from scipy.stats import gamma

from features.base import Floats

SHAPES = np.geomspace(0.1, 50, 40)
# Before anything is known: rates lie off by as much as was expected (set on synthetic countries 31 and 32).
USUAL_SHAPE = 1.0
# How far a contamination score is believed as the chance of any danger, the usual one first.
BELIEFS = (1.0, 0.5, 0.25, 0.0)
# Least gain in log-likelihood for which counts may change the score: few counts cannot distinguish little danger from
# none.
CLEARLY = 3.0
# The range leaves out a tenth.
LEFT_OUT = 0.1
# No score is sure: chances of danger are held within these bounds.
LEAST_CHANCE, MOST_CHANCE = 0.01, 0.999


@dataclass(frozen=True)
class RateSpread:
    """How rates lie around expected ones: `shape` of their gamma distribution where there is any danger, and `belief`.

    1 / shape is their squared coefficient of variation. The chance that a unit has any danger is its score to the power
    of `belief`: 1 if counts agree with the score as a probability, 0 if they suggest danger everywhere.
    """

    shape: float = USUAL_SHAPE
    belief: float = 1.0

    def chance(self, score: Floats) -> Floats:
        """Chance of any danger (n,) by scores (n,); 1 where no score is known."""
        known = np.clip(score, LEAST_CHANCE, MOST_CHANCE) ** self.belief
        return np.asarray(np.where(np.isfinite(score), known, 1.0))


def rate_spread(observed: Floats, expected: Floats, score: Floats) -> RateSpread:
    """The spread under which counts of held-out years are likeliest, given expectations and scores, each (n,).

    Zero-inflated negative binomial counts (Greenwood and Yule 1920; Lambert 1992): a unit without danger has no
    accident, so that the mean of the others is expected / chance. The prior is log-normal, of one unit around
    USUAL_SHAPE, because few events cannot distinguish rates that fit exactly from rates that do not.
    """
    rows = expected > 0
    y, m, score = observed[rows], expected[rows], score[rows]
    if not y.sum():
        return RateSpread()
    best, most = RateSpread(), -np.inf
    for belief in BELIEFS if np.isfinite(score).any() else BELIEFS[:1]:
        some = RateSpread(belief=belief).chance(score)
        logs = [_log_likelihood(y, m, some, float(shape)) for shape in SHAPES]
        if max(logs) > most:
            best, most = RateSpread(float(SHAPES[int(np.argmax(logs))]), belief), max(logs) + CLEARLY
    return best


def _log_likelihood(y: Floats, m: Floats, some: Floats, k: float) -> float:
    """An accident of uncertain place is spread over units, so that counts can be fractions."""
    mean, below = m / some, np.floor(y)
    some_log, none = np.log(some), np.log(np.maximum(1 - some, 1e-300))

    def of(count: Floats) -> Floats:
        log = some_log + gammaln(count + k) - gammaln(k) - gammaln(count + 1)
        log += k * np.log(k / (k + mean)) + count * np.log(mean / (k + mean))
        return np.asarray(np.where(count == 0, np.logaddexp(none, log), log))

    part = y - below
    likely = (1 - part) * of(below) + part * of(below + 1)
    return float(likely.sum()) - 0.5 * float(np.log(k / USUAL_SHAPE)) ** 2


def rate_range(expected: Floats, chance: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """A range (low, high), each (n,), that holds 90 % of the distribution of rates.

    If the chance of no danger is 5 % or more, the range begins at 0 and leaves out 10 % above it; otherwise it leaves
    out 5 % at either end. It always holds the expected rate.

    >>> low, high = rate_range(np.array([1.0, 1.0]), np.array([1.0, 0.5]), np.array([1.0, 1.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.051, 0.0], [2.996, 3.219])
    """
    none = 1 - chance
    open_below = none >= LEFT_OUT / 2
    upper = np.where(open_below, 1 - LEFT_OUT, 1 - LEFT_OUT / 2)
    scale = expected / chance / shape
    low = np.where(open_below, 0.0, gamma.ppf(np.clip((LEFT_OUT / 2 - none) / chance, 0, 1), shape) * scale)
    high = gamma.ppf(np.clip((upper - none) / chance, 0, 1), shape) * scale
    return np.minimum(low, expected), np.maximum(high, expected)


def with_spread(shape: float, log_spread: Floats) -> Floats:
    """Shape (n,) of the gamma distribution whose mean is itself unsure by so much on the log scale.

    Squared coefficients of variation of a product: 1 + c^2 = (1 + 1 / shape) (1 + expm1(s^2)).
    """
    unsure = np.expm1(np.minimum(log_spread, 1.0) ** 2)
    return np.asarray(1 / ((1 + 1 / shape) * (1 + unsure) - 1))


def total_range(count: float) -> tuple[float, float]:
    """Ends of the 90 % range of a total over itself, by its count alone (Jeffreys' prior of a Poisson rate).

    >>> tuple(round(5 * end, 2) for end in total_range(5))
    (2.29, 9.84)
    """
    low, high = gamma.ppf([LEFT_OUT / 2, 1 - LEFT_OUT / 2], count + 0.5) / max(count, 1e-9)
    return float(low), float(high)
