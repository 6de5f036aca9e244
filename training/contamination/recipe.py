"""The recipe of a ranker: its parameters, and how a learning set is prepared before the fit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.base import Floats
from models.boosting import BoostingParams
from models.positive_unlabelled import Unlabelled
from models.ranker import Ranker, RankerParams, fit_ranker
from training.contamination.learning_set import LearningSet
from training.contamination.region_weights import INNER_FOLDS, region_weight
from training.contamination.screening import agreeing_features, agreement_of
from training.settings import BoostingSettings, ContaminationSettings, RegionWeights


@dataclass(frozen=True)
class Recipe:
    """Parameters of the ranker, whether monotone directions hold, screening of features and weights of regions."""

    ranker: RankerParams
    constrained: bool = True
    least_agreement: float = 0.0
    region_weights: RegionWeights = "none"

    @property
    def size(self) -> float:
        """Complexity of the recipe: the number of leaves times the share of the trees."""
        return self.ranker.trees.n_trees * self.ranker.trees.num_leaves * (1 - self.ranker.linear_share)


def boosting_params(settings: BoostingSettings) -> BoostingParams:
    """The parameters of the trees from those of the config."""
    return BoostingParams(
        n_trees=settings.n_trees,
        learning_rate=settings.learning_rate,
        num_leaves=settings.num_leaves,
        max_depth=settings.max_depth,
        min_leaf_share=settings.min_leaf_weight_share,
        feature_fraction=settings.feature_fraction,
        bagging_fraction=settings.bagging_fraction,
        lambda_l2=settings.lambda_l2,
        extra_trees=settings.extra_trees,
    )


def recipe_of(settings: ContaminationSettings) -> Recipe:
    """The recipe that the config asks for, before any tuning."""
    ranker = RankerParams(boosting_params(settings.model), settings.linear_share, settings.survey_bias.bags)
    return Recipe(ranker, True, settings.screening.least_agreement, settings.region_weights)


def prepared(
    learning: LearningSet, recipe: Recipe, seed: int, agreement: Mapping[str, float] | None = None
) -> tuple[LearningSet, dict[str, Any]]:
    """The learning set as the recipe prepares it for the ranker, and the choices made, ready for JSON.

    `agreement` is that of `agreement_of(learning)` where it is known already.
    """
    facts: dict[str, Any] = {}
    if recipe.least_agreement > 0:
        kept = agreeing_features(agreement_of(learning) if agreement is None else agreement, recipe.least_agreement)
        facts["screened_out"] = [name for name in learning.names if name not in kept]
        learning = learning.with_features(kept)
    if not recipe.constrained:
        learning = replace(learning, constraints={})
    if recipe.region_weights != "none":
        weight = region_weight(
            recipe.region_weights, learning, lambda weight: _held_out(learning, weight, recipe, seed)
        )
        facts["region_weights"] = _by_region(learning, weight)
        learning = replace(learning, weight=weight)
    return learning, facts


def fit_recipe(learning: LearningSet, recipe: Recipe, seed: int, unlabelled: Unlabelled | None = None) -> Ranker:
    """The ranker of a prepared learning set; `unlabelled` land has the same features."""
    return fit_ranker(
        learning.values, learning.target, learning.weight, learning.names, recipe.ranker, seed=seed,
        constraints=learning.constraints, unlabelled=unlabelled,
    )  # fmt: skip


def _held_out(learning: LearningSet, weight: Floats, recipe: Recipe, seed: int) -> Floats:
    """Log-odds of each row from models fitted without its region, NaN where no region was held out."""
    score = np.full(len(weight), np.nan)
    weighed = replace(learning, weight=weight)
    # Neighbours across borders flatter all regions alike: no buffer is needed to find the worst region.
    for train, test in learning.folds(INNER_FOLDS, 0.0, seed):
        score[test] = fit_recipe(weighed.rows(train), recipe, seed).raw(learning.values[test], 1)
    return score


def _by_region(learning: LearningSet, weight: Floats) -> dict[str, float]:
    """Share of the total weight of each region."""
    names, place = np.unique(learning.regions.astype(str), return_inverse=True)
    total = np.bincount(place, weight) / weight.sum()
    return {str(name): round(float(share), 6) for name, share in zip(names, total, strict=True)}
