from .dataset import FEWEST_FOUND, CellDataset, cell_blocks, dataset_at, growing_features, held_back_dataset
from .judging import MODEL, Judgement, Trial, earlier_trials, judge_contamination, learned_by, trials_of
from .learning_set import LearningSet, learning_set_of, learning_weight
from .neighbour_outcomes import features_of_outcomes
from .promises import Promises, with_promises
from .recipe import Recipe, boosting_params, fit_recipe, recipe_of
from .survey_bias import FEWEST_AUDIT_FOUND, SurveyBias, audited, away_from, dealt, unlabelled_land

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
    "audited",
    "away_from",
    "boosting_params",
    "cell_blocks",
    "dataset_at",
    "dealt",
    "earlier_trials",
    "features_of_outcomes",
    "fit_recipe",
    "growing_features",
    "held_back_dataset",
    "judge_contamination",
    "learned_by",
    "learning_set_of",
    "learning_weight",
    "recipe_of",
    "trials_of",
    "unlabelled_land",
    "with_promises",
]
