"""Weights of regions in a fit: by their labelled land, equal, or largest for the region predicted worst."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from features.base import Floats, Integers
from training.contamination.learning_set import LearningSet
from training.settings import RegionWeights

INNER_FOLDS = 3
ROUNDS = 4
STEP = 1.0

Weights = Floats
# Log-odds of every row of a learning set from models fitted without its region, NaN where none held it out.
HeldOutScore = Callable[[Weights], Floats]


def region_weight(kind: RegionWeights, learning: LearningSet, held_out: HeldOutScore) -> Weights:
    """Weight of each row, (n,), with the same total as before.

    `equal`: all regions have the same weight. `worst`: after Sagawa et al. (2020, ICLR, group DRO) the weight of a
    region, at first that of its land, is multiplied by exp(held-out log loss) in each of ROUNDS rounds; `held_out`
    gives the scores under given weights and is called for `worst` alone.
    """
    if kind == "none":
        return learning.weight
    place = np.unique(learning.regions.astype(str), return_inverse=True)[1]
    own = np.bincount(place, learning.weight)
    part = np.full(len(own), 1 / len(own)) if kind == "equal" else own / own.sum()
    if kind == "worst":
        for _ in range(ROUNDS):
            loss = _losses(held_out(_spread(part, place, learning.weight)), learning, place)
            part *= np.exp(STEP * loss)
            part /= part.sum()
    return _spread(part, place, learning.weight)


def _spread(part: Weights, place: Integers, weight: Weights) -> Weights:
    own = np.bincount(place, weight)
    return np.asarray(weight * (part * own.sum() / own)[place])


def _losses(score: Floats, learning: LearningSet, place: Integers) -> Weights:
    """Mean log loss of each region; that of all land if no row of the region was held out."""
    known = np.isfinite(score)
    chance = np.clip(expit(score[known]), 1e-6, 1 - 1e-6)
    loss = -np.log(np.where(learning.found[known], chance, 1 - chance)) * learning.weight[known]
    count = int(place.max()) + 1
    total, weight = (np.bincount(place[known], part, count) for part in (loss, learning.weight[known]))
    mean = total.sum() / weight.sum() if weight.sum() else 0.0
    return np.where(weight > 0, total / np.maximum(weight, 1e-300), mean)
