"""Estimates from a random audit of land that a map ranked low: the only unbiased ones of missed hazards."""

import numpy as np

from features.base import Flags, Floats, Integers

LEVEL = 0.90
# Units whose probabilities differ by less than this factor form one group; hidden finds are estimated for each group.
GROUP_FACTOR = 4.0
DRAWS = 4_000


def horvitz_thompson(found: Flags, inclusion_prob: Floats) -> dict[str, float]:
    """Estimated number of found units in the land that was audited, with its 90 % interval.

    Units were drawn independently with `inclusion_prob` in (0, 1] (Horvitz and Thompson, 1952). The interval is that of
    a posterior: in each group of similar probabilities the number of found units that were not drawn is negative
    binomial given those that were drawn, and the groups add up. The lower end counts the finds, the upper end half a
    unit more in each group (the ends of Garwood, 1936, narrowed after Jeffreys). A group of seldom drawn units in which
    nothing was found can hide many: an interval from the finds alone would end too low. The interval never starts below
    the number of finds, nor above the estimate.

    >>> horvitz_thompson(np.array([True, False]), np.array([0.1, 0.1]))["estimate"]
    10.0
    """
    estimate = float((1 / inclusion_prob)[found].sum())
    figures = {"audited": float(len(found)), "found": float(found.sum()), "estimate": estimate}
    rng = np.random.default_rng(0)
    least, most = (np.full(DRAWS, float(found.sum())) for _ in range(2))
    for rows in _groups(inclusion_prob):
        chance = len(rows) / float((1 / inclusion_prob[rows]).sum())
        if chance < 1:
            seen = int(found[rows].sum())
            unseen = (1 - chance) / chance
            # A group in which nothing was found adds nothing to the lower end, and its worst case to the upper end.
            least += rng.poisson(rng.gamma(seen, unseen, DRAWS)) if seen else 0
            most += rng.poisson(rng.gamma(seen + 0.5, unseen, DRAWS))
    low, high = float(np.quantile(least, (1 - LEVEL) / 2)), float(np.quantile(most, (1 + LEVEL) / 2))
    return figures | {
        "estimate_low": max(float(found.sum()), min(low, estimate)),
        "estimate_high": max(high, estimate),
    }


def _groups(chance: Floats) -> list[Integers]:
    """Rows of units of similar probabilities, the group of the greatest ones first."""
    order = np.argsort(-chance, kind="stable")
    groups: list[Integers] = []
    while len(order):
        near = chance[order] > chance[order[0]] / GROUP_FACTOR
        groups.append(order[near])
        order = order[~near]
    return groups
