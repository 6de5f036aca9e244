"""What a random audit says of the land that a map ranked low: the only unbiased estimate of what it missed."""

import numpy as np
from scipy.stats import chi2

from features.base import Flags, Floats

LEVEL = 0.90


def horvitz_thompson(found: Flags, inclusion_prob: Floats) -> dict[str, float]:
    """Estimated number of found units in the land that was audited, with its 90 % interval.

    Units were drawn independently with `inclusion_prob` in (0, 1] (Horvitz and Thompson, 1952); the variance is that
    of Poisson sampling. The interval is that of a weighted sum of counts (Fay and Feuer, 1997), for audits find few:
    a symmetric one would end too low. It never starts under what was found. When nothing was found its upper end is
    the largest number of which none would be drawn in 5 % of audits.

    >>> horvitz_thompson(np.array([True, False]), np.array([0.1, 0.1]))["estimate"]
    10.0
    """
    weight = 1 / inclusion_prob
    estimate = float(weight[found].sum())
    figures = {"audited": float(len(found)), "found": float(found.sum()), "estimate": estimate}
    if not found.any():
        unseen = np.log1p(-inclusion_prob[inclusion_prob < 1])
        upper = float(np.log((1 - LEVEL) / 2) / unseen.mean()) if len(unseen) else 0.0
        return figures | {"estimate_low": 0.0, "estimate_high": upper}
    variance = float(((1 - inclusion_prob) * weight**2)[found].sum())
    rarest = int(np.argmax(weight))
    # One more find, of the unit least likely to be drawn, could have gone the other way.
    more, wider = estimate + weight[rarest], variance + (1 - inclusion_prob[rarest]) * weight[rarest] ** 2
    return figures | {
        "estimate_low": max(float(found.sum()), _gamma_quantile(estimate, variance, (1 - LEVEL) / 2)),
        "estimate_high": estimate if wider == 0 else _gamma_quantile(float(more), float(wider), (1 + LEVEL) / 2),
    }


def _gamma_quantile(mean: float, variance: float, level: float) -> float:
    """Of a gamma distribution with this mean and variance; the mean itself without variance."""
    if variance == 0:
        return mean
    return float(variance / (2 * mean) * chi2.ppf(level, 2 * mean**2 / variance))
