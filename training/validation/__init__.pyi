from .audit_sample import horvitz_thompson
from .baselines import BASELINES, LEARNERS, RULES, Land, Lesson, Ranking, baselines_of, field_rules
from .block_bootstrap import block_times, bounds, figures_on_draws, gains, pooled_score
from .count_metrics import area_figures, deviance, skill, tenths
from .drift import MOVED_MUCH, population_stability, reference_text
from .feature_baselines import FEATURE_BASELINES
from .held_out import MISSED_COLUMNS, PLACEBO, HeldOut, missed_table, pooled_table, probability_table
from .metrics import judge, mean_by_ranking, prediction_rate, worst_regions
from .polygon_metrics import polygon_figures
from .probability_metrics import calibration_error, reliability
from .ranking_metrics import recall_at
from .splits import PROTOCOLS, Fold, Labels, can_judge, deal, fold_facts, leave_region_out
from .splitter import CellFolds
from .survey_order import order_of
from .variogram import autocorrelation_range_m

__all__ = [
    "BASELINES",
    "FEATURE_BASELINES",
    "LEARNERS",
    "MISSED_COLUMNS",
    "MOVED_MUCH",
    "PLACEBO",
    "PROTOCOLS",
    "RULES",
    "CellFolds",
    "Fold",
    "HeldOut",
    "Labels",
    "Land",
    "Lesson",
    "Ranking",
    "area_figures",
    "autocorrelation_range_m",
    "baselines_of",
    "block_times",
    "bounds",
    "calibration_error",
    "can_judge",
    "deal",
    "deviance",
    "field_rules",
    "figures_on_draws",
    "fold_facts",
    "gains",
    "horvitz_thompson",
    "judge",
    "leave_region_out",
    "mean_by_ranking",
    "missed_table",
    "order_of",
    "polygon_figures",
    "pooled_score",
    "pooled_table",
    "population_stability",
    "prediction_rate",
    "probability_table",
    "recall_at",
    "reference_text",
    "reliability",
    "skill",
    "tenths",
    "worst_regions",
]
