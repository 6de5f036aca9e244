from .dataset import FEWEST_FOUND, Study, cell_blocks, growing_features, held_back_study, study_at
from .judging import MODEL, Judgement, earlier_trials, judge_contamination, learned_by, trials_of
from .learning_set import Side, side_of
from .neighbour_outcomes import features_of_outcomes
from .recipe import Recipe, boosting_params, fit_side, recipe_of
from .survey_bias import FEWEST_AUDIT_FOUND, SurveyBias, audited, away_from, dealt, unlabelled_land

__all__ = [
    "FEWEST_AUDIT_FOUND",
    "FEWEST_FOUND",
    "MODEL",
    "Judgement",
    "Recipe",
    "Side",
    "Study",
    "SurveyBias",
    "audited",
    "away_from",
    "boosting_params",
    "cell_blocks",
    "dealt",
    "earlier_trials",
    "features_of_outcomes",
    "fit_side",
    "growing_features",
    "held_back_study",
    "judge_contamination",
    "learned_by",
    "recipe_of",
    "side_of",
    "study_at",
    "trials_of",
    "unlabelled_land",
]
