"""The contamination score for the casualty model: as of any date, from models fitted without the region."""

from datetime import date

import numpy as np
from scipy.special import expit

from features.base import Flags, Floats, years_before
from models.boosting import side_by_side
from models.ranker import Ranker
from training.contamination import (
    FEWEST_FOUND,
    CellDataset,
    dataset_at,
    fit_recipe,
    fold_dataset,
    learning_set_of,
    recipe_of,
)
from training.evidence import FOUND, OUTCOME_SOURCES, SEARCHED, Inputs, Ledger
from training.settings import TrainConfig
from training.validation import can_judge, deal

# Number of groups of regions, each scored by a model of the others.
FOLDS = 3


def held_out_score(config: TrainConfig, inputs: Inputs, ledger: Ledger, as_of: date) -> Floats:
    """Score (n_cells,) between 0 and 1 as of a date, for each region from a model fitted without it.

    NaN if too little was known by then. Features of a cell leave out its own accidents, which count as events that make
    labels here.
    """
    evidence = ledger.at(as_of)
    score = np.full(inputs.grid.n_cells, np.nan)
    found, searched = (int((evidence.labelled & (evidence.state == state)).sum()) for state in (FOUND, SEARCHED))
    if min(found, searched) < FEWEST_FOUND:
        return score
    dataset = dataset_at(without_own_accidents(config), inputs, evidence)
    labels, validation = dataset.labels, config.validation.model_copy(update={"folds": FOLDS})
    recipe = recipe_of(config.contamination)

    def one(members: list[str]) -> tuple[Flags, CellDataset, Ranker] | None:
        held = np.isin(labels.regions, members)
        train = np.flatnonzero(~held & labels.labelled)
        positive = labels.positive[train]
        if not can_judge(labels, train) or min(positive.sum(), (~positive).sum()) < FEWEST_FOUND:
            return None
        # The score is to explain accidents: each cell leaves out its own, and the region keeps the others.
        seen = fold_dataset(
            config, dataset, train, sources=OUTCOME_SOURCES & dataset.snapshot.context.own_event_sources
        )
        return held, seen, fit_recipe(learning_set_of(seen, train, config.validation.block_m), recipe, config.seed)

    groups = list(deal(labels, validation, config.seed).values())
    fitted = [one for one in side_by_side(one, groups, config.compute.threads) if one is not None]
    for held, seen, ranker in fitted:
        score[held] = _scored(seen, ranker, held)
    # Regions without a label belong to no group: they get the mean of all models.
    rest = np.isnan(score)
    if rest.any() and fitted:
        score[rest] = np.mean([_scored(seen, ranker, rest) for _, seen, ranker in fitted], axis=0)
    return score


def _scored(dataset: CellDataset, ranker: Ranker, cells: Flags) -> Floats:
    values = np.ascontiguousarray(dataset.learned.aligned(ranker.features)[cells])
    return np.asarray(expit(ranker.raw(values, 1)))


def without_own_accidents(config: TrainConfig) -> TrainConfig:
    """The config under which a cell's features leave out accidents of its own."""
    settings = config.contamination
    events = tuple(dict.fromkeys((*settings.events_in_labels, "incidents")))
    return config.model_copy(update={"contamination": settings.model_copy(update={"events_in_labels": events})})


class HeldOutScores:
    """The score at any date: computed at intervals of some years back from `as_of`, and constant in between."""

    def __init__(self, config: TrainConfig, inputs: Inputs, ledger: Ledger) -> None:
        self.config, self.inputs, self.ledger = config, inputs, ledger
        self._made: dict[date, Floats] = {}

    def __call__(self, day: date) -> Floats:
        """The last score (n_cells,) that was computed for a date up to this day."""
        fresh = self._fresh(day)
        if fresh not in self._made:
            self._made[fresh] = held_out_score(self.config, self.inputs, self.ledger, fresh)
        return self._made[fresh]

    def _fresh(self, day: date) -> date:
        years, as_of = self.config.casualty.contamination_every_years, self.config.as_of
        if day >= as_of:
            return day
        steps = 0
        while years_before(as_of, steps * years) > day:
            steps += 1
        return years_before(as_of, steps * years)
