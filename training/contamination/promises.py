"""The promises of the map, learned and tested on held-out land: level, likely range, missed hazards, local ratio."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from features.base import Flags, Floats, Floats32, Integers
from models.calibration import calibrate, cross_calibrated
from models.contamination import ContaminationModel
from models.intervals import HeldOutCells, LikelyRange, coverage, fit_range
from models.level import Level, level_of_as_of, level_of_audit, move_to_level
from models.local_ratio import LocalRatio, fit_local_ratio
from models.missed_share import MissedShare, bound_by_area, share_by_score
from models.soft_labels import split_rows
from training.contamination.dataset import CellDataset
from training.contamination.judging import Judgement, Trial
from training.contamination.later_results import LaterCells, later_cells, level_by_status
from training.contamination.survey_bias import PROPENSITY_PARAMS, propensity
from training.evidence import FOUND, Status
from training.settings import TrainConfig
from training.validation import pooled_score

SHARES = np.linspace(0.005, 1.0, 200)
PROMISED = (0.1, 0.2, 0.3)
# A bound that fails by more than this on other land than it was learned from is not shown.
TOLERANCE = 0.03
# Least share of land left unsurveyed under a promise of 0.3: a random order leaves 0.3 and so promises nothing.
LEAST_GAIN = 0.4
MOST_WEIGHT = 0.99
# From this many found and this many searched cells recorded later on, the curve of the map is fitted to them.
FEWEST_LATER = 20
# More cells would not make the likelihood ratio more precise.
MOST_CELLS = 20_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Promises:
    """The model with its promises, and the tests of these on other land than they were learned from.

    `ranges` has one row for each half of the judged land on which the likely range was tested, `bounds` one for each
    half and promised share, with the share of hazards that was missed; `notes` explain the probability and name
    promises that are not made, for the first lines of a report.
    """

    model: ContaminationModel
    ranges: pd.DataFrame = field(default_factory=pd.DataFrame)
    bounds: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()


def with_promises(
    config: TrainConfig, dataset: CellDataset, judgement: Judgement, trials: Sequence[Trial], model: ContaminationModel
) -> Promises:
    """Give the model its local ratio, its level, its likely range and its bound on missed hazards."""
    evidence = dataset.evidence
    rows = np.flatnonzero(evidence.labelled & np.isfinite(judgement.out_of_fold))
    notes: list[str] = []
    ranges = bounds = pd.DataFrame()
    values = np.ascontiguousarray(dataset.learned.aligned(model.ranker.features))
    raw = model.ranker.raw(values, config.compute.threads)
    unknown = ~evidence.labelled
    found = evidence.state[rows] == FOUND
    chosen = bool(len(rows)) and bool(found.any()) and not bool(found.all())
    if chosen:
        local = _local_ratio(config, dataset, judgement, rows)
        if local is not None:
            model = replace(model, local_ratio=local)
    score = raw + model.by_place(dataset.grid.centres_m(), len(raw))
    mapped = score[unknown] if unknown.any() else score
    later = later_cells(judgement, trials, mapped)
    if later is not None and min((later.target > 0).sum(), (later.target == 0).sum()) >= FEWEST_LATER:
        # Scores of held-out regions lack the effect of their own records: near surveyed land they mean another
        # probability.
        row, label, part = split_rows(later.target)
        curve = calibrate(later.raw[row], label > 0, later.weight[row] * part)
        model = replace(model, calibration=replace(curve, between_regions=model.calibration.between_regions))
    level = level_of(dataset, later, model, score)
    curve = move_to_level(model.calibration, mapped, level.factor) if level.factor != 1 else model.calibration
    if later is not None and level.kind != "index" and unknown.any():
        level = level_by_status(level, later, curve, mapped, evidence.status[unknown] == Status.SUSPECTED)
    if chosen:
        cells = _held_out_cells(config, dataset, judgement, rows, model, values[rows])
        likely = _moved_range(fit_range(cells), model, curve.probability, level)
        ranges = _ranges_between_halves(dataset, rows, cells)
        weight = _like_the_map(config, dataset, rows)
        missed, bounds = _bound(dataset, judgement, rows, weight, mapped)
        model = replace(model, likely_range=likely, missed_share=missed)
        if not missed.blocks:
            notes.append(
                "no bound on missed hazards: it failed between halves of the judged land, or the ranking is no better "
                "than a random order there (missed_share_below is empty)"
            )
    return Promises(
        model=replace(model, calibration=curve, level=level), ranges=ranges, bounds=bounds,
        notes=(level.sentence, *notes),
    )  # fmt: skip


def level_of(dataset: CellDataset, later: LaterCells | None, model: ContaminationModel, score: Floats) -> Level:
    """Level by the audit if it found something, else by later records on unknown land, else an index."""
    level = Level() if later is None else level_of_as_of(model.calibration(later.raw), later.target, later.weight)
    evidence = dataset.evidence
    drawn = np.flatnonzero(evidence.labelled & (evidence.inclusion_prob < 1))
    if not len(drawn):
        return level
    stated = model.calibration(score[drawn])
    return level_of_audit(level, stated, evidence.state[drawn] == FOUND, evidence.inclusion_prob[drawn])


def _local_ratio(config: TrainConfig, dataset: CellDataset, judgement: Judgement, rows: Integers) -> LocalRatio | None:
    settings, evidence = config.contamination, dataset.evidence
    found, area = evidence.state[rows] == FOUND, evidence.share[rows]
    expected = cross_calibrated(judgement.out_of_fold[rows], found, area, judgement.fold[rows])
    known = np.isfinite(expected)
    if not settings.local_width_cells or not known.any():
        return None
    return fit_local_ratio(
        dataset.grid.centres_m()[rows[known]], (area * found)[known], (area * expected)[known],
        dataset.grid.cell_size_m, settings.local_width_cells, settings.local_prior_finds,
    )  # fmt: skip


def _held_out_cells(
    config: TrainConfig,
    dataset: CellDataset,
    judgement: Judgement,
    rows: Integers,
    model: ContaminationModel,
    values: Floats32,
) -> HeldOutCells:
    evidence = dataset.evidence
    found, area = evidence.state[rows] == FOUND, evidence.share[rows]
    stated = cross_calibrated(judgement.out_of_fold[rows], found, area, judgement.fold[rows])
    odds = np.stack([logit(model.calibration(member.raw(values, config.compute.threads))) for member in model.members])
    region = dataset.block[rows]
    cells = HeldOutCells(probability=stated, found=found, area=area, region=region, member_sd=odds.std(axis=0))
    return cells.rows(np.isfinite(stated))


def _moved_range(
    likely: LikelyRange, model: ContaminationModel, levelled_to: Sequence[float], level: Level
) -> LikelyRange:
    """The range for probabilities whose level was changed, widened by the uncertainty of the level."""
    middle = len(levelled_to) // 2
    shift = logit(levelled_to[middle]) - logit(model.calibration.probability[middle])
    edge = tuple(float(expit(logit(edge) + shift)) for edge in likely.edge)
    doubt = np.log(level.high / level.low) / 3.29 if level.kind != "index" and level.low > 0 else 0.0
    return replace(likely, edge=edge, level_sd=float(doubt))


def halves(centres_m: Floats) -> dict[str, Flags]:
    """The two pairs of halves of some cells, by the median of their easting and of their northing."""
    east, north = (centres_m[:, axis] > np.median(centres_m[:, axis]) for axis in (0, 1))
    return {"east": east, "west": ~east, "north": north, "south": ~north}


OPPOSITE = {"east": "west", "west": "east", "north": "south", "south": "north"}


def _ranges_between_halves(dataset: CellDataset, rows: Integers, cells: HeldOutCells) -> pd.DataFrame:
    """Coverage of the likely range in each half, learned in the other."""
    if len(cells.found) != len(rows):
        return pd.DataFrame()
    lines = []
    for name, half in halves(dataset.grid.centres_m()[rows]).items():
        table = coverage(cells.rows(half), fit_range(cells.rows(~half)))
        if len(table):
            lines.append(
                {
                    "learned in": OPPOSITE[name], "tested in": name, "parts of regions": len(table),
                    "covered": table["covered"].mean(), "below the lower end": table["below"].mean(),
                    "above the upper end": table["above"].mean(),
                }
            )  # fmt: skip
    return pd.DataFrame(lines)


def _like_the_map(config: TrainConfig, dataset: CellDataset, rows: Integers) -> Floats:
    """Likelihood ratio of mapped to judged land at each judged cell, (len(rows),), mean 1."""
    labelled = dataset.evidence.labelled
    if labelled.all():
        return np.ones(len(rows))
    rng = np.random.default_rng(config.seed)
    some = np.unique(np.concatenate([rng.permutation(len(labelled))[:MOST_CELLS], rows]))
    # Features from survey results would distinguish judged land by its outcome.
    names = [
        name for name in dataset.learned.names
        if not {"finds", "land_release", "survey", "hazard_areas"}.intersection(dataset.infos[name].sources)
    ]  # fmt: skip
    chance = propensity(
        np.ascontiguousarray(dataset.learned.aligned(names)[some]), labelled[some], dataset.block[some], names,
        seed=config.seed, threads=1, params=replace(PROPENSITY_PARAMS, n_trees=40),
    )[np.searchsorted(some, rows)]  # fmt: skip
    weight = (1 - chance) / chance
    weight = np.minimum(weight, np.quantile(weight, MOST_WEIGHT))
    return np.asarray(weight / weight.mean())


def _bound(
    dataset: CellDataset, judgement: Judgement, rows: Integers, weight: Floats, mapped: Floats
) -> tuple[MissedShare, pd.DataFrame]:
    """The bound on missed hazards by score, none if it fails, and its tests between halves."""
    evidence = dataset.evidence
    found, area = evidence.state[rows] == FOUND, evidence.share[rows] * weight
    left = 1 + pooled_score(judgement.out_of_fold[rows], judgement.fold[rows], area)
    block = dataset.block[rows]
    hazards = area * found

    def learned(chosen: Flags) -> Floats:
        chosen = chosen & found
        return bound_by_area(left[chosen], hazards[chosen], block[chosen], SHARES)

    lines = []
    for name, half in halves(dataset.grid.centres_m()[rows]).items():
        bound = learned(~half)
        for promised in PROMISED:
            held = np.flatnonzero(bound <= promised)
            land = float(SHARES[held[-1]]) if len(held) else 0.0
            there = hazards[half]
            missed = float(there[left[half] <= land].sum() / there.sum()) if there.sum() else float("nan")
            lines.append(
                {
                    "learned in": OPPOSITE[name], "tested in": name, "promised": promised,
                    "land left": land, "missed": missed, "holds": not missed > promised + TOLERANCE,
                }
            )  # fmt: skip
    table = pd.DataFrame(lines)
    bound = learned(np.ones(len(rows), dtype=bool))
    within = np.flatnonzero(bound <= PROMISED[-1])
    gains = len(within) > 0 and SHARES[within[-1]] >= LEAST_GAIN
    if not (gains and table["holds"].all()):
        return MissedShare((), (), 0), table
    return share_by_score(mapped, SHARES, bound, len(np.unique(block[found]))), table
