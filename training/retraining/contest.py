"""Champion and challenger on the same land: the newest results, and held-out regions of earlier results."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.base import Flags, Floats, Integers
from models.boosting import side_by_side
from models.contamination import ContaminationModel
from models.ranker import Ranker
from training.contamination import (
    CellDataset,
    cells_outside_buffer,
    dataset_at,
    fit_recipe,
    fold_dataset,
    prepare_recipe,
    unlabelled_land,
)
from training.evidence import FOUND, NO_REGION, UNKNOWN, Evidence, Inputs, Ledger
from training.retraining.casualty_contest import CasualtyArena
from training.settings import TrainConfig
from training.train import TrainingResult
from training.validation import Fold, Labels, autocorrelation_range_m, can_judge, deal, leave_region_out

# The standard error of a share of so many cells is under 0.4 per cent.
MOST_LOOKED_AT = 20_000
NEWEST, REGIONS = "newest results", "held-out regions"


@dataclass(frozen=True, eq=False, kw_only=True)
class Arena:
    """Cells on which both models were judged, arrays (n,).

    `champion` and `challenger` are raw scores of models trained without the results by which they are judged; scores
    can be compared within a `fold`. `stated_champion` and `stated_challenger` are probabilities, NaN where the model on
    test is not the registered one. `origin` says who chose a cell (training.evidence.selection), empty if not recorded.
    `area` is the judged share of a cell, `centres_m` (n, 2) its place, `block_m` the side of the squares of land that
    are resampled as a whole.
    """

    name: str
    cell: Integers
    champion: Floats
    challenger: Floats
    stated_champion: Floats
    stated_challenger: Floats
    positive: Flags
    area: Floats
    centres_m: Floats
    block_m: float
    cell_size_m: float
    fold: Integers
    district: NDArray[np.object_]
    origin: NDArray[np.object_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Contest:
    """The comparison: the arenas that could be made, the share of land in the domain of each model, and the features.

    `missing` names features that the champion was trained with and that the sources no longer give; they counted as
    unknown. `now` is the dataset of today, `then` that of the champion's date, None where that is today. `looked_at`
    are cells whose newest results a person has accepted. `casualty` is None if there are no new accidents to judge by.
    """

    arenas: tuple[Arena, ...]
    domain_champion: float
    domain_challenger: float
    missing: tuple[str, ...]
    new: tuple[str, ...]
    now: CellDataset
    casualty: CasualtyArena | None = None
    then: CellDataset | None = None
    looked_at: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def arena(self, name: str) -> Arena | None:
        """The arena of this name, None if it could not be made."""
        return next((arena for arena in self.arenas if arena.name == name), None)


def contest(
    config: TrainConfig,
    inputs: Inputs,
    ledger: Ledger,
    champion: ContaminationModel,
    since: date,
    challenger: ContaminationModel,
    trained: TrainingResult | None = None,
) -> Contest:
    """Judge both on results recorded after `since`, the champion's date, and on held-out regions of earlier results.

    On the newest results the champion is judged as it is, since it was trained on none of them; the challenger's recipe
    is refitted without those of the regions on which it is judged. Both use features as of `since`. On held-out regions
    the same recipe is fitted once to the records known at `since` and once to today's, each time without the region,
    and judged by all that is known of the region today: if the second fit is worse, new records elsewhere are the
    cause. `trained` is the training of the challenger if it belongs to this run: its features and held-out models are
    used again.
    """
    now = trained.dataset if trained else dataset_at(config, inputs, ledger.at(config.as_of))
    held_out = trained.judgement.rankers if trained else {}
    asked = champion.ranker.features
    missing = tuple(name for name in asked if name not in now.table.names)
    new = tuple(name for name in now.learned.names if name not in asked)
    made, then = [], None
    if since < config.as_of:
        then = dataset_at(config, inputs, ledger.at(since))
        fresh = ledger.between(since, config.as_of)
        made = [
            _newest(config, then, now, fresh, ledger.origins(since, config.as_of), champion, challenger),
            _regions(config, then, now, held_out),
        ]
    return Contest(
        arenas=tuple(arena for arena in made if arena is not None),
        domain_champion=_in_domain(config, now, champion),
        domain_challenger=_in_domain(config, now, challenger),
        missing=missing,
        new=new,
        now=now,
        then=then,
    )


def _in_domain(config: TrainConfig, dataset: CellDataset, model: ContaminationModel) -> float:
    """Share of the land in a model's domain, from MOST_LOOKED_AT cells, as its limits are whole per cents."""
    cells, size = dataset.table.reindexed(model.ranker.features), dataset.grid.n_cells
    if size > MOST_LOOKED_AT:
        cells = cells[np.random.default_rng(config.seed).choice(size, MOST_LOOKED_AT, replace=False)]
    return float(model.domain.contains(cells, config.compute.threads).mean())


def _newest(
    config: TrainConfig,
    then: CellDataset,
    now: CellDataset,
    outcome: Evidence,
    origin: NDArray[np.object_],
    champion: ContaminationModel,
    challenger: ContaminationModel,
) -> Arena | None:
    fresh = outcome.labelled
    test = outcome.certain & (then.evidence.state == UNKNOWN) & (now.regions != NO_REGION)
    positive = outcome.state == FOUND
    labels = Labels(
        labelled=test,
        positive=positive,
        regions=now.regions,
        centres_m=now.grid.centres_m(),
        cell_size_m=now.grid.cell_size_m,
    )
    # Results that are all found, or all searched, rank nobody and say much about what was stated.
    if not test.any():
        return None
    buffer_m = _buffer_m(config, then)
    groups = list(deal(labels, config.validation, config.seed).values())
    tests = [np.flatnonzero(test & np.isin(now.regions, members)) for members in groups]
    trains = [np.flatnonzero(now.evidence.labelled & ~_near(now, fresh, rows, buffer_m)) for rows in tests]
    jobs = [
        (rows, train) for rows, train in zip(tests, trains, strict=True) if len(rows) and can_judge(now.labels, train)
    ]
    if not jobs:
        return None
    size = now.grid.cell_size_m
    rankers = side_by_side(lambda job: _ranker(config, now, job[1], job[0], size), jobs, config.compute.threads)
    cell = np.concatenate([rows for rows, _ in jobs])
    ours = np.concatenate([_raw(then, ranker, rows) for ranker, (rows, _) in zip(rankers, jobs, strict=True)])
    theirs = champion.ranker.raw(then.table.reindexed(champion.ranker.features)[cell], 1)
    return Arena(
        name=NEWEST,
        cell=cell,
        champion=theirs,
        challenger=ours,
        stated_champion=champion.calibration(theirs),
        stated_challenger=challenger.calibration(ours),
        positive=positive[cell],
        area=outcome.area[cell],
        centres_m=now.grid.centres_m()[cell],
        block_m=config.contamination.block_m,
        cell_size_m=size,
        fold=np.repeat(np.arange(len(jobs)), [len(rows) for rows, _ in jobs]),
        district=now.regions[cell],
        origin=origin[cell],
    )


def _regions(config: TrainConfig, then: CellDataset, now: CellDataset, held_out: Mapping[str, Ranker]) -> Arena | None:
    folds, books = [], []
    for fold in leave_region_out(now.labels, config.validation, config.seed):
        inside = np.isin(now.regions, fold.facts["regions"])
        near = _near(now, np.ones(len(inside), dtype=bool), np.flatnonzero(inside), fold.facts["buffer_m"])
        before = np.flatnonzero(then.evidence.labelled & ~near & (then.regions != NO_REGION))
        if can_judge(then.labels, before):
            folds.append(fold)
            books.append(before)
    if not folds:
        return None
    jobs: list[tuple[CellDataset, Integers, Fold]] = [
        (then, rows, fold) for rows, fold in zip(books, folds, strict=True)
    ]
    again = [fold for fold in folds if fold.name not in held_out]
    jobs += [(now, fold.train, fold) for fold in again]
    rankers = side_by_side(
        lambda job: _ranker(config, job[0], job[1], job[2].test, job[2].facts["buffer_m"]), jobs, config.compute.threads
    )
    old, made = rankers[: len(folds)], dict(zip((fold.name for fold in again), rankers[len(folds) :], strict=True))
    new = [held_out.get(fold.name) or made[fold.name] for fold in folds]
    cell = np.concatenate([fold.test for fold in folds])
    nothing = np.full(len(cell), np.nan)
    return Arena(
        name=REGIONS,
        cell=cell,
        champion=np.concatenate([_raw(then, ranker, fold.test) for ranker, fold in zip(old, folds, strict=True)]),
        challenger=np.concatenate([_raw(then, ranker, fold.test) for ranker, fold in zip(new, folds, strict=True)]),
        stated_champion=nothing,
        stated_challenger=nothing,
        positive=now.evidence.state[cell] == FOUND,
        area=now.evidence.area[cell],
        centres_m=now.grid.centres_m()[cell],
        block_m=config.contamination.block_m,
        cell_size_m=now.grid.cell_size_m,
        fold=np.repeat(np.arange(len(folds)), [len(fold.test) for fold in folds]),
        district=now.regions[cell],
        origin=np.full(len(cell), "", dtype=object),
    )


def _ranker(config: TrainConfig, dataset: CellDataset, train: Integers, test: Integers, buffer_m: float) -> Ranker:
    """The recipe of the config, fitted to rows of a dataset that are not near the land on test."""
    dataset = fold_dataset(config, dataset, train)
    learning, recipe, _ = prepare_recipe(config, dataset, train, 1)
    away = cells_outside_buffer(test, dataset.grid.centres_m(), buffer_m)
    unlabelled = unlabelled_land(
        dataset.bias, dataset.learned.aligned(learning.names), learning.found, learning.weight, away
    )
    return fit_recipe(learning, recipe, config.seed, unlabelled)


def _raw(dataset: CellDataset, ranker: Ranker, rows: Integers) -> Floats:
    return ranker.raw(dataset.table.reindexed(ranker.features)[rows], 1)


def _near(dataset: CellDataset, which: Flags, rows: Integers, buffer_m: float) -> Flags:
    """Cells among `which` that are one of `rows` or within the buffer of one."""
    near = np.zeros(len(which), dtype=bool)
    some = np.flatnonzero(which)
    if len(rows) and len(some):
        centres = dataset.grid.centres_m()
        apart, _ = cKDTree(centres[rows]).query(centres[some])
        near[some] = apart <= buffer_m * (1 + 1e-9)
    return near


def _buffer_m(config: TrainConfig, then: CellDataset) -> float:
    """The buffer of the config; if it is automatic, the range of autocorrelation of the labels known before."""
    if config.validation.buffer_m != "auto":
        return float(config.validation.buffer_m)
    rows = np.flatnonzero(then.evidence.labelled)
    found = then.evidence.state[rows] == FOUND
    size = then.grid.cell_size_m
    return max(size, autocorrelation_range_m(then.grid.centres_m()[rows], found, size, config.seed))


def arena_table(contest: Contest) -> pd.DataFrame:
    """Every judged cell with both scores, for readers who want to repeat the comparison."""
    return pd.concat([_rows(contest, arena) for arena in contest.arenas], ignore_index=True) if contest.arenas else (
        pd.DataFrame()
    )  # fmt: skip


def statements(contest: Contest) -> pd.DataFrame:
    """What the champion stated of every newest result before it came: cell_id and stated."""
    arena = contest.arena(NEWEST)
    if arena is None:
        return pd.DataFrame({"cell_id": [], "stated": []})
    return pd.DataFrame({"cell_id": contest.now.grid.cell_ids()[arena.cell], "stated": arena.stated_champion})


def _rows(contest: Contest, arena: Arena) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arena": arena.name, "cell_id": contest.now.grid.cell_ids()[arena.cell], "district": arena.district,
            "fold": arena.fold, "chosen_by": arena.origin, "found": arena.positive, "champion": arena.champion,
            "challenger": arena.challenger,
        }
    )  # fmt: skip


def districts_of(arena: Arena) -> Iterator[tuple[str, Flags]]:
    """Each district of an arena with its cells."""
    for name in sorted({str(name) for name in arena.district} - {NO_REGION}):
        yield name, arena.district == name
