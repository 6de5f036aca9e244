"""What was recorded later on land that was unknown at an earlier date: it tells the level of the probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.base import Floats
from training.contamination.judging import Judgement, Trial
from training.contamination.learning_set import AREA_KINDS
from training.evidence import FOUND, KIND_NAMES, Status

ACCIDENT = KIND_NAMES.index("accident")


@dataclass(frozen=True, eq=False)
class LaterCells:
    """Cells that survey labelled after an earlier date, (n,): score at that date, what was found, and weight.

    `target` is 1 for a find, the share of the cell that a hazard area covers, and 0 where nothing was found. `weight`
    is the searched part of the cell, the whole where something was found, times what makes the cells like the mapped
    land by their scores.
    """

    raw: Floats
    target: Floats
    weight: Floats


def later_cells(judgement: Judgement, trials: Sequence[Trial], mapped: Floats) -> LaterCells | None:
    """The cells that as_of was judged by and that survey or clearance labelled; None where there are none.

    Accidents and finds that no area surveyed or released covers (call-outs) label only what holds something: a share
    of finds cannot be told from them. A cell counts by its searched part, for of what it holds a search of half of it
    finds half; and a hazard area by its share, as in the curve.
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
    raw = judgement.held_out["as_of"].score[by_survey]
    found = np.where(state == FOUND, np.where(np.isin(kind, AREA_KINDS), share, 1.0), 0.0)
    weight = _ratio_by_score(raw, mapped)
    return LaterCells(raw, found[by_survey], area[by_survey] * weight / weight.mean())


def _ratio_by_score(judged: Floats, mapped: Floats, bins: int = 10) -> Floats:
    """How much more of the mapped land has a score than of the judged, (n,), by bins of equally many judged cells."""
    edge = np.unique(np.quantile(judged, np.arange(1, bins) / bins))
    place = np.searchsorted(edge, judged, side="right")
    here = np.bincount(place, minlength=len(edge) + 1) / len(judged)
    there = np.bincount(np.searchsorted(edge, mapped, side="right"), minlength=len(edge) + 1) / len(mapped)
    return np.asarray((there / np.maximum(here, 1e-12))[place])
