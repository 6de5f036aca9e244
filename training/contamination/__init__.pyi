from .dataset import FEWEST_FOUND, CellDataset, accumulating_features, cell_blocks, dataset_at, fold_dataset
from .judging import MODEL, Judgement, Trial, earlier_trials, judge_contamination, prepare_recipe, trials_of
from .learning_set import LearningSet, learning_set_of, learning_weight
from .neighbour_outcomes import features_of_outcomes
from .promises import Promises, with_promises
from .recipe import Recipe, boosting_params, fit_recipe, recipe_of
from .survey_bias import (
    FEWEST_AUDIT_FOUND,
    SurveyBias,
    cells_outside_buffer,
    deal_blocks,
    recalibrate_on_audit,
    unlabelled_land,
)

__all__ = [
    "FEWEST_AUDIT_FOUND",
    "FEWEST_FOUND",
    "MODEL",
    "CellDataset",
    "Judgement",
    "LearningSet",
    "Promises",
    "Recipe",
    "SurveyBias",
    "Trial",
    "accumulating_features",
    "boosting_params",
    "cell_blocks",
    "cells_outside_buffer",
    "dataset_at",
    "deal_blocks",
    "earlier_trials",
    "features_of_outcomes",
    "fit_recipe",
    "fold_dataset",
    "judge_contamination",
    "learning_set_of",
    "learning_weight",
    "prepare_recipe",
    "recalibrate_on_audit",
    "recipe_of",
    "trials_of",
    "unlabelled_land",
    "with_promises",
]
