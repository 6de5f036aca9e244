"""Validation of the contamination model and the baselines on held-out land and on later results."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from features.base import Floats, Integers
from models.boosting import side_by_side
from models.ranker import Ranker
from training.contamination.bags import spread_bags
from training.contamination.dataset import CellDataset, cell_blocks, dataset_at, fold_dataset
from training.contamination.learning_set import LearningSet, learning_set_of, learning_weight
from training.contamination.placebo import placebo_scores
from training.contamination.recipe import Recipe, fit_recipe, prepared, recipe_of
from training.contamination.survey_bias import cells_outside_buffer, unlabelled_land
from training.contamination.tuning import recipe_for
from training.evidence import FOUND, UNKNOWN, Evidence, Inputs, Ledger
from training.settings import TrainConfig
from training.validation import (
    LEARNERS,
    PLACEBO,
    PROTOCOLS,
    Fold,
    HeldOut,
    Labels,
    Land,
    Lesson,
    Ranking,
    baselines_of,
    bounds,
    can_judge,
    figures_on_draws,
    fold_facts,
    gains,
    judge,
)

LOGGER = logging.getLogger(__name__)

MODEL = "mlrisk"

# Baselines that learn cost as much as the model: they are judged only in the protocols that matter.
HONEST = ("as_of", "leave_region_out")


@dataclass(frozen=True, eq=False)
class Trial:
    """A fold with the dataset to learn from and the evidence to judge by.

    Both are the same dataset, but for `as_of`: there the dataset is that of an earlier date and the outcome is the
    evidence recorded after it.
    """

    fold: Fold
    dataset: CellDataset
    outcome: Evidence

    def land(self, rows: Integers) -> Land:
        """The cells as input of a ranking, with the features of the dataset's date."""
        table, learned = self.dataset.table, self.dataset.learned
        return Land(table.names, table.values[rows], learned.names, self.dataset.grid.centres_m()[rows])

    def lesson(self, seed: int, threads: int) -> Lesson:
        """The labelled cells that a ranking may learn from."""
        rows, evidence = self.fold.train, self.dataset.evidence
        return Lesson(
            land=self.land(rows),
            found=evidence.state[rows] == FOUND,
            weight=learning_weight(evidence)[rows],
            region=self.dataset.regions[rows],
            constraints=self.dataset.constraints,
            seed=seed,
            threads=threads,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Judgement:
    """The results of validation.

    `table` has one row for each protocol, fold and ranking. `out_of_fold` is the raw score of each cell from a model
    fitted without its region (NaN where none was held out) and `fold` numbers that region, -1 where there is none; both
    in `grid.cell_ids()` order. `folds` holds the facts of each fold, `held_out` has an entry for each protocol.
    `rankers` are those fitted without the regions of a fold of leave_region_out, by the name of the fold.
    """

    table: pd.DataFrame
    out_of_fold: Floats
    fold: Integers
    folds: tuple[Fold, ...]
    held_out: Mapping[str, HeldOut]
    rankers: Mapping[str, Ranker] = field(default_factory=dict)


def trials_of(config: TrainConfig, dataset: CellDataset, earlier: Sequence[Trial] = ()) -> list[Trial]:
    """The trials of every protocol of the config, those of earlier dates first."""
    wanted = config.validation.protocols
    trials = list(earlier) if "as_of" in wanted else []
    for protocol, split in PROTOCOLS.items():
        if protocol in wanted:
            folds = split(dataset.labels, config.validation, config.seed)
            trials += [_certain(_held_out_trial(config, dataset, fold)) for fold in folds]
    return trials


def _certain(trial: Trial) -> Trial:
    """The trial without cells whose label is only the expectation of a bag and not an outcome."""
    test = trial.fold.test
    return replace(trial, fold=replace(trial.fold, test=test[trial.outcome.certain[test]]))


def _held_out_trial(config: TrainConfig, dataset: CellDataset, fold: Fold) -> Trial:
    # A region is held out as a whole, because records on its unlabelled land would reveal its labels. Folds of
    # scattered cells hide the block around each, as for undated records, because neighbouring labels are alike.
    if "regions" in fold.facts:
        region = np.flatnonzero(np.isin(dataset.regions, fold.facts["regions"]))
    else:
        block = cell_blocks(dataset.grid, config.contamination.own_block_m)
        region = np.flatnonzero(np.isin(block, block[fold.test]))
    return Trial(fold, fold_dataset(config, dataset, fold.train, region), dataset.evidence)


def judge_contamination(
    config: TrainConfig,
    dataset: CellDataset,
    trials: Sequence[Trial],
    baselines: Mapping[str, Ranking] | None = None,
) -> Judgement:
    """Fit on the training cells of every trial, rank its judged cells, and compare the rankings.

    `baselines` are rankings by name; if None, those of `validation.baselines`.
    """
    if baselines is None:
        baselines = baselines_of(config.validation.baselines, config.prior, config.compute.memory)
    LOGGER.info("judging contamination on %d folds of %s", len(trials), ", ".join(config.validation.protocols))
    made = side_by_side(lambda trial: _without(config, trial), trials, config.compute.threads, part=(1, 2))
    pairs = [(trial, ranker) for trial, (ranker, _) in zip(trials, made, strict=True)]
    judged = side_by_side(lambda pair: (pair[0], _scores(config, *pair, baselines)), pairs, 1, part=(2, 2))
    rows = [row for trial, scores in judged for row in _figures(config, trial, scores)]
    n_cells = dataset.grid.n_cells
    out_of_fold, fold = np.full(n_cells, np.nan), np.full(n_cells, -1, dtype=np.int64)
    for number, (trial, scores) in enumerate(judged):
        if trial.fold.protocol == "leave_region_out":
            test, score = trial.fold.test, scores[MODEL]
            out_of_fold[test], fold[test] = score, number
    folds = tuple(
        replace(trial.fold, facts={**trial.fold.facts, **facts}) for trial, (_, facts) in zip(trials, made, strict=True)
    )
    rankers = {trial.fold.name: ranker for trial, ranker in pairs if trial.fold.protocol == "leave_region_out"}
    return Judgement(
        table=pd.DataFrame(rows),
        out_of_fold=out_of_fold,
        fold=fold,
        folds=folds,
        held_out=dict(_held_out(judged)),
        rankers=rankers,
    )


def prepare_recipe(
    config: TrainConfig, dataset: CellDataset, rows: Integers, threads: int
) -> tuple[LearningSet, Recipe, dict[str, Any]]:
    """The prepared learning set of `rows` (indices of labelled cells), the recipe, and the choices behind both.

    Tuning, screening and region weights all take place here, on those rows alone.
    """
    learning = learning_set_of(dataset, rows, config.validation.block_m)
    learning = spread_bags(learning, recipe_of(config.contamination), config.seed)
    recipe, chosen = recipe_for(learning, config.contamination, config.validation.buffer_m, config.seed, threads)
    learning, facts = prepared(learning, recipe, config.seed)
    return learning, recipe, chosen | facts


def _without(config: TrainConfig, trial: Trial) -> tuple[Ranker, dict[str, Any]]:
    """The ranker fitted without the judged cells of a trial, and the choices behind it."""
    dataset = trial.dataset
    learning, recipe, facts = prepare_recipe(config, dataset, trial.fold.train, 1)
    # Land that is held out, or near it, is not drawn as unknown land either.
    away = cells_outside_buffer(trial.fold.test, dataset.grid.centres_m(), trial.fold.facts.get("buffer_m", 0.0))
    values = dataset.learned.aligned(learning.names)
    unlabelled = unlabelled_land(dataset.bias, values, learning.found, learning.weight, away)
    return fit_recipe(learning, recipe, config.seed, unlabelled), facts


def _scores(config: TrainConfig, trial: Trial, ranker: Ranker, baselines: Mapping[str, Ranking]) -> dict[str, Floats]:
    """Scores of the judged cells by ranking, without rankings that lack their sources."""
    lesson, land = trial.lesson(config.seed, config.compute.threads), trial.land(trial.fold.test)
    asked = np.ascontiguousarray(trial.dataset.learned.aligned(ranker.features)[trial.fold.test])
    scores = {MODEL: ranker.raw(asked, config.compute.threads)}
    for name, ranking in baselines.items():
        if trial.fold.protocol not in HONEST and name in LEARNERS:
            continue
        values = ranking(lesson, land)
        if values is not None:
            scores[name] = values
    if config.validation.placebo_trees:
        scores[PLACEBO] = placebo_scores(config, trial.dataset, trial.fold)
    return scores


def _figures(config: TrainConfig, trial: Trial, scores: Mapping[str, Floats]) -> Iterator[dict[str, object]]:
    fold = trial.fold
    found, area = trial.outcome.state[fold.test] == FOUND, trial.outcome.area[fold.test]
    block = trial.dataset.block[fold.test]
    cell_ha = trial.dataset.grid.cell_size_m**2 / 10_000
    judged = {
        name: figures_on_draws(values, found, block, config.seed, config.validation.draws, area)
        for name, values in scores.items()
    }
    for name, values in scores.items():
        figures = judge(values, found, area, cell_ha) | bounds(judged[name].drawn)
        if name != MODEL:
            figures |= gains(judged[MODEL], judged[name])
        yield {"protocol": fold.protocol, "fold": fold.name, "ranking": name, **figures}


def _held_out(
    judged: Sequence[tuple[Trial, Mapping[str, Floats]]],
) -> Iterator[tuple[str, HeldOut]]:
    """The judged cells of each protocol, fold after fold."""
    for protocol in dict.fromkeys(trial.fold.protocol for trial, _ in judged):
        here = [(trial, scores) for trial, scores in judged if trial.fold.protocol == protocol]
        tests = [(trial, trial.fold.test) for trial, _ in here]
        names = [name for name in here[0][1] if all(name in scores for _, scores in here)]
        scores = {name: np.concatenate([scores[name] for _, scores in here]) for name in names}
        grid = here[0][0].dataset.grid
        cells = np.concatenate([test for _, test in tests])
        centres = grid.centres_m()[cells]
        positive = np.concatenate([trial.outcome.state[test] == FOUND for trial, test in tests])
        area = np.concatenate([trial.outcome.area[test] for trial, test in tests])
        fold = np.repeat(np.arange(len(here)), [len(test) for _, test in tests])
        yield (
            protocol,
            HeldOut(
                cell_id=grid.cell_ids()[cells],
                easting_m=centres[:, 0],
                northing_m=centres[:, 1],
                score=scores.pop(MODEL),
                positive=positive,
                area=area,
                fold=fold,
                fold_names=tuple(trial.fold.name for trial, _ in here),
                block=np.concatenate([trial.dataset.block[test] for trial, test in tests]),
                probability=np.full(len(cells), np.nan),
                rules=scores,
            ),
        )


DAYS_PER_YEAR = 365.25


def earlier_dates(as_of: date, horizon_years: float, rounds: int) -> tuple[tuple[date, date], ...]:
    """The dates (from, until) of each round, the earliest first; the last one ends at `as_of`.

    >>> earlier_dates(date(2024, 12, 31), 1, 2)
    ((datetime.date(2023, 1, 1), datetime.date(2024, 1, 1)), (datetime.date(2024, 1, 1), datetime.date(2024, 12, 31)))
    """
    ends = [as_of - timedelta(days=round(number * horizon_years * DAYS_PER_YEAR)) for number in range(rounds + 1)]
    return tuple((ends[number + 1], ends[number]) for number in reversed(range(rounds)))


def earlier_trials(config: TrainConfig, inputs: Inputs, ledger: Ledger) -> Iterator[Trial]:
    """One trial for each earlier date that has enough labels before it to learn from and after it to judge by.

    Labels and features are those known at the date. The judged cells were unlabelled then and are labelled by results
    recorded until the end of the horizon. A date before which too little was known gives no trial.
    """
    settings = config.validation
    for start, until in earlier_dates(config.as_of, settings.horizon_years, settings.rounds):
        evidence = ledger.at(start)
        outcome = ledger.between(start, until)
        train = np.flatnonzero(evidence.labelled)
        test = np.flatnonzero((evidence.state == UNKNOWN) & outcome.certain)
        found = np.where(evidence.labelled, evidence.state == FOUND, outcome.state == FOUND)
        grid = inputs.grid
        known = Labels(
            labelled=evidence.labelled | outcome.labelled,
            positive=found,
            regions=np.array([], dtype=object),
            centres_m=grid.centres_m(),
            cell_size_m=grid.cell_size_m,
        )
        if can_judge(known, train) and can_judge(known, test):
            facts = fold_facts(known, train, test) | {"from": str(start), "until": str(until)}
            yield Trial(
                Fold(protocol="as_of", name=str(start), train=train, test=test, facts=facts),
                dataset_at(config, inputs, evidence),
                outcome,
            )
