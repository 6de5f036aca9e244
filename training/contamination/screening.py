"""Screening of features: those whose direction changes from region to region are left out."""

from collections.abc import Mapping

import numpy as np

from features.base import Flags, Floats, Floats32, Integers
from training.contamination.learning_set import FEWEST_REGIONS, LearningSet, comparable_regions


def agreeing_features(agreement: Mapping[str, float], least_agreement: float) -> tuple[str, ...]:
    """Names of the features that agree in at least `least_agreement` of the regions, in their order.

    If none does, those that agree most, because a model needs a feature. All of them if the share is 0 or agreement is
    unknown.

    >>> agreeing_features({"slope": 0.9, "luck": 0.5, "rain": 0.7}, 0.7)
    ('slope', 'rain')
    """
    least = min(least_agreement, max(agreement.values(), default=0.0))
    return tuple(name for name, share in agreement.items() if share >= least)


def agreement_of(learning: LearningSet) -> dict[str, float]:
    """Share of the regions in which each feature has its prevailing direction, by name.

    The direction of a feature in a region is up if the AUC of its values alone is above 1/2, and down if it is below.
    Regions where it is 1/2 are not counted; a feature with 1/2 in all regions has 0. With fewer than FEWEST_REGIONS
    regions that hold enough found and searched cells no feature can be compared: 1 for all.
    """
    telling = comparable_regions(learning.regions, learning.found)
    if len(telling) < FEWEST_REGIONS:
        return dict.fromkeys(learning.names, 1.0)
    excess = np.array([_excess(learning, np.flatnonzero(learning.regions == name)) for name in telling])
    up, down = (excess > 0).sum(axis=0), (excess < 0).sum(axis=0)
    share = np.maximum(up, down) / np.maximum(up + down, 1)
    return dict(zip(learning.names, share.tolist(), strict=True))


def auc_excess(values: Floats32, found: Flags, weight: Floats) -> float:
    """Weighted ROC AUC of one feature minus 1/2, ties by half; NaN values are left out, 0 where a class is missing.

    >>> auc_excess(np.array([1, 2, 3, 3], np.float32), np.array([False, False, True, False]), np.ones(4)).__round__(3)
    0.333
    """
    known = np.isfinite(values)
    place = np.unique(values[known], return_inverse=True)[1]
    if not len(place):
        return 0.0
    hits = np.bincount(place, weight[known] * found[known])
    misses = np.bincount(place, weight[known] * ~found[known])
    pairs = hits.sum() * misses.sum()
    won = (hits * (np.cumsum(misses) - misses / 2)).sum()
    # Rounded, so that a constant feature has no direction from the last bit of a sum.
    return float(np.round(won / pairs - 0.5, 12)) if pairs > 0 else 0.0


def _excess(learning: LearningSet, rows: Integers) -> list[float]:
    found, weight = learning.found[rows], learning.weight[rows]
    return [auc_excess(column, found, weight) for column in learning.values[rows].T]
