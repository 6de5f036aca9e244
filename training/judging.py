"""Judging the contamination model on land it has not seen, beside the rules of thumb."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.grid import Grid
from features.table import FeatureTable
from models.boosting import Boosted, BoostingParams, fit, side_by_side
from models.pu import fit_beside
from training.baselines import rule_scores
from training.config import BoostingSettings, TrainConfig
from training.evidence import FOUND, Evidence
from training.metrics import block_intervals, judge
from training.regions import Fold, leave_region_out, random_folds
from training.survey_bias import SurveyBias, away_from, unlabelled_land

MODEL = "mlrisk"
# The dishonest protocol only shows the gap: more folds would cost time and tell nothing.
MOST_RANDOM_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Judgement:
    """What validation found.

    `table` has one row for each protocol, fold and ranking. `out_of_fold` is the raw score of each cell from a model
    that had not seen its region (NaN where none was held out) and `fold` numbers that region, -1 where there is none;
    both in `grid.cell_ids()` order.
    """

    table: pd.DataFrame
    out_of_fold: NDArray[np.float64]
    fold: NDArray[np.int64]
    missed: NDArray[np.int64]


def boosting_params(settings: BoostingSettings) -> BoostingParams:
    """The model's parameters from those of the config."""
    return BoostingParams(
        settings.n_trees,
        settings.learning_rate,
        settings.num_leaves,
        settings.max_depth,
        settings.min_leaf_weight_share,
        settings.feature_fraction,
        settings.bagging_fraction,
        settings.lambda_l2,
    )


def judge_contamination(
    config: TrainConfig,
    grid: Grid,
    table: FeatureTable,
    learned: FeatureTable,
    evidence: Evidence,
    regions: NDArray[np.object_],
    constraints: dict[str, int],
    bias: SurveyBias | None = None,
) -> Judgement:
    """Hold regions out one after another, fit without them, and rank them.

    `table` holds every feature, for the rules of thumb; `learned` those that the model may see. Found cells that
    the held-out ranking put into the lower half of their region are listed in `missed` (indices of cells).
    """
    positive = evidence.state == FOUND
    block = cell_blocks(grid, config.contamination.block_m)
    out_of_fold = np.full(len(positive), np.nan)
    fold_number = np.full(len(positive), -1, dtype=np.int64)
    rows: list[dict[str, object]] = []
    missed: list[NDArray[np.int64]] = []
    params = boosting_params(config.contamination.model)

    def without(fold: Fold) -> Boosted:
        weight = evidence.weight[fold.train] * (1.0 if bias is None else bias.weight[fold.train])
        lesson = learned.values[fold.train], positive[fold.train].astype(float), weight, learned.names
        land = None
        if bias is not None:
            away = away_from(fold.test, grid.centres_m(), config.validation.buffer_m)
            land = unlabelled_land(bias, learned.values, positive[fold.train], weight, away)
        if land is None:
            return fit(*lesson, "binary", params, seed=config.seed, constraints=constraints)
        bags = config.contamination.survey_bias.bags
        return fit_beside(*lesson, params, land, bags, seed=config.seed, constraints=constraints)

    folds = list(_folds(config, grid, evidence, positive, regions))
    boosters = side_by_side(without, folds, config.compute.threads)
    for number, (fold, booster) in enumerate(zip(folds, boosters, strict=True)):
        score = booster.raw(learned.values[fold.test], config.compute.threads)
        area = evidence.share[fold.test]
        scores = {MODEL: score} | rule_scores(table.names, table.values[fold.test])
        for ranking, values in scores.items():
            figures = judge(values, positive[fold.test], area)
            figures |= block_intervals(values, positive[fold.test], block[fold.test], config.seed, area=area)
            rows.append({"protocol": fold.protocol, "fold": fold.name, "ranking": ranking, **figures})
        if fold.protocol == "leave_region_out":
            out_of_fold[fold.test], fold_number[fold.test] = score, number
            low = fold.test[positive[fold.test] & (score < np.median(score))]
            missed.append(low[np.argsort(out_of_fold[low], kind="stable")])
    listed = np.concatenate(missed) if missed else np.array([], dtype=np.int64)
    return Judgement(pd.DataFrame(rows), out_of_fold, fold_number, listed)


def cell_blocks(grid: Grid, block_m: float) -> NDArray[np.int64]:
    """Number of the square block, aligned to the CRS origin, in which each cell lies."""
    blocks = np.floor(grid.centres_m() / block_m).astype(np.int64)
    return np.unique(blocks, axis=0, return_inverse=True)[1].reshape(-1)


def _folds(
    config: TrainConfig, grid: Grid, evidence: Evidence, positive: NDArray[np.bool_], regions: NDArray[np.object_]
) -> Iterator[Fold]:
    settings = config.validation
    if "leave_region_out" in settings.protocols:
        yield from leave_region_out(
            regions, evidence.labelled, positive, grid.centres_m(), settings, config.seed, grid.cell_size_m
        )
    if "random" in settings.protocols:
        yield from random_folds(evidence.labelled, positive, min(settings.folds, MOST_RANDOM_FOLDS), config.seed)
