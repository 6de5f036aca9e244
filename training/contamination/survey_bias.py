"""Survey bias: propensity of survey, weights, unknown land as background, audit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.special import expit, logit

from features.base import Flags, Floats, Floats32, Integers
from models.boosting import BoostingParams, fit, side_by_side
from models.calibration import LOWEST, Calibration
from models.positive_unlabelled import Unlabelled
from training.settings import SurveyBiasSettings

# No land is certain to be surveyed or to be left out; beyond these limits a weight reflects the propensity's noise.
LEAST_PROPENSITY, MOST_PROPENSITY = 0.02, 0.98

LARGEST_WEIGHTS = 0.99  # quantile at which weights are capped

PROPENSITY_PARAMS = BoostingParams(
    n_trees=100,
    learning_rate=0.1,
    num_leaves=8,
    max_depth=6,
    min_leaf_share=0.002,
    feature_fraction=0.5,
    bagging_fraction=0.7,
    lambda_l2=10.0,
)

FEWEST_AUDIT_FOUND = 5

SLOPE_SPREAD = 0.5


def propensity(
    values: Floats32,
    surveyed: Flags,
    block: Integers,
    features: Sequence[str],
    *,
    seed: int,
    folds: int = 4,
    threads: int = 1,
    params: BoostingParams = PROPENSITY_PARAMS,
    inclusion_prob: Floats | None = None,
) -> Floats:
    """P(surveyed | features) of every cell, from models trained without the cell's block of land.

    Arrays over cells in one order; `values` must hold no feature from survey outcomes. Clipped to [LEAST_PROPENSITY,
    MOST_PROPENSITY]; where `inclusion_prob` is finite (random audit cells) it is used instead, unclipped. If all cells
    are surveyed, or none, that share is given everywhere.
    """
    number = deal_blocks(block, folds, seed)

    def without(fold: int) -> Integers:
        return np.asarray(np.flatnonzero(number != fold), dtype=np.int64)

    used = [fold for fold in np.unique(number) if 0 < surveyed[without(fold)].mean() < 1]
    chance = np.full(len(surveyed), float(surveyed.mean()))
    boosters = side_by_side(
        lambda fold: fit(
            values[without(fold)], surveyed[without(fold)].astype(np.float64), np.ones(len(without(fold))), features,
            "binary", params, seed=seed,
        ),
        used,
        threads,
    )  # fmt: skip
    for fold, booster in zip(used, boosters, strict=True):
        here = number == fold
        chance[here] = expit(booster.raw(values[here], threads))
    chance = np.asarray(np.clip(chance, LEAST_PROPENSITY, MOST_PROPENSITY), dtype=np.float64)
    if inclusion_prob is None:
        return chance
    known = np.isfinite(inclusion_prob)
    if ((inclusion_prob[known] <= 0) | (inclusion_prob[known] > 1)).any():
        raise ValueError(
            f"inclusion_prob (from {inclusion_prob[known].min():g} to {inclusion_prob[known].max():g}) must lie above "
            "0 and up to 1: NaN where people chose the cell"
        )
    return np.asarray(np.where(known, inclusion_prob, chance), dtype=np.float64)


def deal_blocks(block: Integers, folds: int, seed: int) -> Integers:
    """Fold of each cell, by dealing whole blocks of land at random; there are at most as many folds as blocks."""
    blocks, place = np.unique(block, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(blocks))
    return np.asarray(order[place.reshape(-1)] % folds, dtype=np.int64)


def survey_weights(chance: Floats, surveyed: Flags) -> Floats:
    """Stabilised inverse propensity weights of the surveyed cells, their mean 1; 0 where not surveyed.

    Share surveyed over propensity (Robins, Hernan and Brumback 2000, Epidemiology 11, 550), capped at the 99th
    percentile: the surveyed cells then represent all land and not the land that people chose.

    >>> import numpy as np
    >>> survey_weights(np.array([0.75, 0.25, 0.5]), np.array([True, True, False])).tolist()
    [0.5, 1.5, 0.0]
    """
    weight = np.zeros(len(chance))
    if surveyed.any():
        stable = surveyed.mean() / chance[surveyed]
        if len(stable) >= 1 / (1 - LARGEST_WEIGHTS):
            stable = np.minimum(stable, np.quantile(stable, LARGEST_WEIGHTS))
        weight[surveyed] = stable / stable.mean()
    return weight


def effective_sample_size(weight: Floats) -> float:
    """Number of equally weighted rows with as much information (Kish 1965, Survey Sampling): (sum w)^2 / sum w^2.

    >>> import numpy as np
    >>> effective_sample_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class SurveyBias:
    """The correction of training for the choice of surveyed land, arrays over all cells.

    `weight` multiplies the weight of labelled cells and is 0 elsewhere; `effective` is their effective number.
    `background` is the relative chance with which an unknown cell is drawn, 0 for labelled cells, and everywhere if
    unknown land is not used; `background_weight` is the weight of a draw, see `unlabelled_land`. `found_alone` says
    that too little was searched, and that unknown land serves as negatives instead.
    """

    weight: Floats
    background: Floats
    background_weight: float
    effective: float
    found_alone: bool


def survey_bias(
    settings: SurveyBiasSettings,
    labelled: Flags,
    searched: Flags,
    fewest_searched: int,
    chance: Callable[[], Floats],
) -> SurveyBias:
    """The correction that `settings` ask for; `chance()` gives the propensity of every cell, called only if needed.

    With fewer than `fewest_searched` searched cells and `unlabelled: background`, unknown land is drawn by propensity
    and weighs as much as all found cells. The evidence is not changed.
    """
    target_group = int(searched.sum()) < fewest_searched and settings.unlabelled == "background"
    weighted = settings.weights == "propensity"
    known = chance() if target_group or weighted else np.ones(len(labelled))
    weight = survey_weights(known, labelled) if weighted and not target_group else labelled.astype(np.float64)
    beside = target_group or settings.background_weight > 0
    background = background_chance(known, labelled, target_group) if beside else np.zeros(len(labelled))
    share = 1.0 if target_group else settings.background_weight
    effective = effective_sample_size(weight[labelled])
    return SurveyBias(
        weight=weight, background=background, background_weight=share, effective=effective, found_alone=target_group
    )


def unlabelled_land(
    bias: SurveyBias,
    values: Floats32,
    positive: Flags,
    weight: Floats,
    away: Flags | None = None,
) -> Unlabelled | None:
    """Unknown land to draw from, among the cells that are `away` from held-out ones; None if there is none.

    `values` has all cells, `positive` and `weight` the labelled training rows. A draw has as many cells as these; its
    weight is `background_weight` times that of the searched rows, or of the found ones if there are no others.
    """
    rows = np.flatnonzero(bias.background * (1 if away is None else away) > 0)
    if not len(rows):
        return None
    total = bias.background_weight * float(weight[positive if bias.found_alone else ~positive].sum())
    return Unlabelled(
        values=values[rows],
        chance=bias.background[rows],
        total_weight=total,
        per_bag=len(weight),
        alone=bias.found_alone,
    )


def background_chance(chance: Floats, labelled: Flags, target_group: bool) -> Floats:
    """Relative chance of each unknown cell to be drawn as background, 0 for labelled cells.

    Where only found cells exist (`target_group`), unknown land is drawn with the bias that made the records: by the
    propensity of being reported, so that access is not taken for contamination (Phillips et al. 2009, Ecological
    Applications 19, 181). If searched land exists, all unknown cells have the same chance: they represent land that no
    label covers.
    """
    return np.where(labelled, 0.0, chance if target_group else 1.0)


def cells_outside_buffer(held_out: Integers, centres_m: Floats, buffer_m: float) -> Flags:
    """Cells that lie farther than `buffer_m` from every held-out cell, and are not held out; `centres_m` is (n, 2)."""
    distance, _ = cKDTree(centres_m[held_out]).query(centres_m, distance_upper_bound=max(buffer_m, 1e-6))
    return np.asarray(np.isinf(distance))


def recalibrate_on_audit(
    calibration: Calibration,
    raw: Floats,
    found: Flags,
    inclusion_prob: Floats,
) -> Calibration:
    """The calibration corrected on random audit cells: a new intercept and slope of its log-odds.

    Each cell counts by 1 / `inclusion_prob` (Horvitz and Thompson 1952), scaled to their number; the slope has a normal
    prior around 1 (spread SLOPE_SPREAD). Raises ValueError with fewer than FEWEST_AUDIT_FOUND found cells, from which
    no rate can be estimated.
    """
    if int(found.sum()) < FEWEST_AUDIT_FOUND or found.all():
        raise ValueError(
            f"audit ({int(found.sum())} found of {len(found)} cells) must hold at least {FEWEST_AUDIT_FOUND} found "
            "cells and a searched one: draw a larger random sample"
        )
    design = 1 / inclusion_prob
    design = design / design.mean()
    odds = logit(calibration(raw))

    def loss(line: Floats) -> float:
        score = line[0] + line[1] * odds
        fit_loss = (design * (np.logaddexp(0, score) - found * score)).sum()
        return float(fit_loss + 0.5 * ((line[1] - 1) / SLOPE_SPREAD) ** 2)

    intercept, slope = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(None, None), (0.05, None)]).x
    curve = expit(intercept + slope * logit(np.array(calibration.probability)))
    level = tuple(np.clip(curve, LOWEST, 1 - LOWEST).tolist())
    return replace(calibration, method=f"{calibration.method}, audited", probability=level)
