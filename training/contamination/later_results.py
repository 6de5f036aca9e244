"""Later records on land that was unknown at an earlier date, from which the level of the probabilities is estimated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.base import Flags, Floats
from models.calibration import Calibration
from models.level import Level, log_odds_for, times_of_kind
from training.contamination.judging import Judgement, Trial
from training.contamination.learning_set import AREA_KINDS
from training.evidence import FOUND, KIND_NAMES, Status

ACCIDENT = KIND_NAMES.index("accident")


@dataclass(frozen=True, eq=False)
class LaterCells:
    """Cells that survey labelled after an earlier date, (n,): score at that date, result, and weight.

    `target` is 1 for a find, the share of the cell that a hazard area covers, and 0 where nothing was found. `weight`
    is the searched part of the cell (the whole of a found cell) times a factor that makes the scores distributed as on
    the mapped land. `suspected` cells lay in an open suspected area at the earlier date.
    """

    raw: Floats
    target: Floats
    weight: Floats
    suspected: Flags


def later_cells(judgement: Judgement, trials: Sequence[Trial], mapped: Floats) -> LaterCells | None:
    """The cells that as_of was judged by and that survey or clearance labelled; None where there are none.

    Accidents, and finds outside surveyed and released areas (call-outs), label only cells with ordnance, so that they
    give no share of finds. A cell counts by its searched part, because a search of half of a cell finds half of its
    ordnance; a hazard area counts by its share, as in the curve.
    """
    later = [trial for trial in trials if trial.fold.protocol == "as_of"]
    if "as_of" not in judgement.held_out or not later:
        return None
    state, kind, status, share, area = (
        np.concatenate([getattr(trial.outcome, name)[trial.fold.test] for trial in later])
        for name in ("state", "kind", "status", "share", "area")
    )
    by_survey = (kind != ACCIDENT) & (status != Status.EVIDENCE_OPEN)
    if not by_survey.any():
        return None
    suspected = np.concatenate([trial.dataset.evidence.status[trial.fold.test] == Status.SUSPECTED for trial in later])[
        by_survey
    ]
    raw = judgement.held_out["as_of"].score[by_survey]
    found = np.where(state == FOUND, np.where(np.isin(kind, AREA_KINDS), share, 1.0), 0.0)
    weight = _ratio_by_score(raw, mapped)
    return LaterCells(raw, found[by_survey], area[by_survey] * weight / weight.mean(), suspected)


def level_by_status(level: Level, later: LaterCells, curve: Calibration, mapped: Floats, suspected: Flags) -> Level:
    """The level with its log-odds for new land and for suspected areas, by what later records found on either.

    People survey suspected areas and new land for different reasons, and what the features say of both differs: one
    level is too high for new land and too low for suspected areas. `mapped` are the scores (n,) of the unknown land,
    `suspected` its cells in suspected areas.
    """
    stated, probability = curve(later.raw), curve(mapped)

    def beyond(later_ones: Flags, cells: Flags) -> float:
        times = times_of_kind(stated[later_ones], later.target[later_ones], later.weight[later_ones])
        return log_odds_for(probability[cells], times)

    return replace(level, on_new_land=beyond(~later.suspected, ~suspected), in_areas=beyond(later.suspected, suspected))


def _ratio_by_score(judged: Floats, mapped: Floats, bins: int = 10) -> Floats:
    """How much more of the mapped land has a score than of the judged, (n,), by bins of equally many judged cells."""
    edge = np.unique(np.quantile(judged, np.arange(1, bins) / bins))
    place = np.searchsorted(edge, judged, side="right")
    here = np.bincount(place, minlength=len(edge) + 1) / len(judged)
    there = np.bincount(np.searchsorted(edge, mapped, side="right"), minlength=len(edge) + 1) / len(mapped)
    return np.asarray((there / np.maximum(here, 1e-12))[place])
