"""Sensitivity of the ranking of all cells to prevalence and survey weights."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from features.base import Floats
from models.contamination import ContaminationModel
from training.contamination.dataset import CellDataset
from training.contamination.learning_set import LearningSet, learning_weight
from training.contamination.recipe import Recipe, fit_recipe
from training.contamination.survey_bias import unlabelled_land
from training.settings import TrainConfig

TOP_SHARES = (0.01, 0.05, 0.10)

MOST_WEIGHTED_SHARE = 0.95


def ranking_sensitivity(
    config: TrainConfig, dataset: CellDataset, learning: LearningSet, recipe: Recipe, model: ContaminationModel
) -> pd.DataFrame:
    """Change of the ranking of all cells with prevalence and survey weights; empty if one class is missing."""
    if learning.found.all() or not learning.found.any():
        return pd.DataFrame()
    values = np.ascontiguousarray(dataset.learned.aligned(learning.names))

    def score(weight: Floats) -> Floats:
        unlabelled = unlabelled_land(dataset.bias, values, learning.found, weight)
        return fit_recipe(replace(learning, weight=weight), recipe, config.seed, unlabelled).raw(
            values, config.compute.threads
        )

    unweighted = learning_weight(dataset.evidence)[dataset.evidence.labelled]
    return sensitivity(
        score, learning.target, learning.weight, unweighted, model.ranker.raw(values, config.compute.threads)
    )


def sensitivity(
    score_with: Callable[[Floats], Floats],
    target: Floats,
    weight: Floats,
    unweighted: Floats,
    reference: Floats | None = None,
) -> pd.DataFrame:
    """Changes of the ranking when the prevalence is halved or doubled, and without survey weights.

    `score_with(weight)` refits on the labelled rows with other weights and scores all cells, because a prevalence
    applied to finished scores changes no ranking. One row for each variant: Spearman's rank correlation with the
    present ranking, and the share of the best 1, 5 and 10 % of the cells that stays there. `reference` holds the scores
    with the present weights if the caller has them.
    """
    known = score_with(weight) if reference is None else reference
    variants = {
        "prevalence x0.5": with_prevalence(target, weight, 0.5),
        "prevalence x2": with_prevalence(target, weight, 2.0),
        "without survey weights": unweighted,
    }
    # Equal weights change nothing, as when no survey weights were asked for.
    rows = [
        {"variant": name, **agreement(known, known if np.array_equal(other, weight) else score_with(other))}
        for name, other in variants.items()
    ]
    return pd.DataFrame(rows)


def with_prevalence(target: Floats, weight: Floats, factor: float) -> Floats:
    """Weights under which the weighted share of the found is `factor` times what it was, at most 95 %; same total.

    >>> import numpy as np
    >>> with_prevalence(np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4), 2.0).round(3).tolist()
    [2.0, 0.667, 0.667, 0.667]
    """
    share = float(np.average(target, weights=weight))
    wanted = min(factor * share, MOST_WEIGHTED_SHARE)
    if share in (0.0, 1.0):
        return weight
    return weight * (target * wanted / share + (1 - target) * (1 - wanted) / (1 - share))


def agreement(reference: Floats, other: Floats) -> Mapping[str, float]:
    """Spearman's correlation of two rankings of the same cells and the overlap of their tops; ties by cell order."""
    figures = {"spearman": float(spearmanr(reference, other).statistic)}
    first, second = (np.argsort(-score, kind="stable") for score in (reference, other))
    for share in TOP_SHARES:
        count = max(1, round(share * len(reference)))
        figures[f"overlap_{round(100 * share)}"] = len(np.intersect1d(first[:count], second[:count])) / count
    return figures
