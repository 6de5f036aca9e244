"""Later results determine the level: finds of survey by area, without records that only exist where ordnance lies."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.calibration import Calibration
from models.level import Level
from training.contamination.later_results import LaterCells, later_cells, level_by_status
from training.evidence.record_kinds import KIND_NAMES
from training.evidence.states import FOUND, SEARCHED
from training.evidence.status import Status

# Kind, state, status and share of the cells that an earlier date was judged by.
CELLS = (
    ("find", FOUND, Status.SEARCHED, 1.0),
    ("find", FOUND, Status.EVIDENCE_OPEN, 1.0),
    ("accident", FOUND, Status.SEARCHED, 1.0),
    ("CHA", FOUND, Status.ON_RECORD, 0.3),
    ("survey_found", FOUND, Status.ON_RECORD, 0.4),
    ("cleared", SEARCHED, Status.SEARCHED, 0.5),
    ("cancelled", SEARCHED, Status.SEARCHED, 1.0),
)


def judged(protocol="as_of"):
    kind, state, status, share = (np.array(column, dtype=object) for column in zip(*CELLS, strict=True))
    outcome = SimpleNamespace(
        kind=np.array([KIND_NAMES.index(name) for name in kind]),
        state=state.astype(int),
        status=status.astype(int),
        share=share.astype(float),
        area=np.where(state == FOUND, 1.0, share).astype(float),
    )
    trial = SimpleNamespace(
        fold=SimpleNamespace(protocol=protocol, test=np.arange(len(CELLS))),
        dataset=SimpleNamespace(
            evidence=SimpleNamespace(status=np.array([Status.UNKNOWN, *[Status.SUSPECTED] * 6])),
        ),
        outcome=outcome,
    )
    score = SimpleNamespace(score=np.arange(len(CELLS), dtype=float))
    return SimpleNamespace(held_out={protocol: score}), [trial]


def test_areas_count_by_their_share_and_call_outs_and_accidents_tell_no_level():
    judgement, trials = judged()
    later = later_cells(judgement, trials, np.arange(7.0))
    assert later.raw.tolist() == [0, 3, 4, 5, 6]
    assert later.target.tolist() == [1.0, 0.3, 0.4, 0.0, 0.0]
    assert later.suspected.tolist() == [False, True, True, True, True]
    # Where found the cell is judged as a whole, elsewhere by what was searched of it.
    alike = later_cells(judgement, trials, later.raw)
    assert alike.weight == pytest.approx([1, 1, 1, 0.5, 1], rel=0.3)


def test_without_an_earlier_date_there_are_no_later_results():
    judgement, trials = judged("random")
    assert later_cells(judgement, trials, np.arange(7.0)) is None


def test_finds_in_suspected_areas_raise_their_level_and_lower_that_of_new_land():
    curve = Calibration("platt", (-5.0, 5.0), (0.1, 0.1))
    suspected = np.arange(200) >= 100
    later = LaterCells(np.zeros(200), (np.arange(200) >= 180).astype(float), np.ones(200), suspected)
    level = level_by_status(Level(kind="as_of"), later, curve, np.zeros(50), np.arange(50) >= 40)
    moved = level.moved(np.full(2, 0.1), np.array([False, True]))
    # Ten finds are stated on either; none came up on new land, twenty in suspected areas.
    assert moved == pytest.approx([0.1 * 4 / 14, 0.1 * 24 / 14], rel=0.01)
