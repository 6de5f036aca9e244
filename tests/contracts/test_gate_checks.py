"""Every check of CHECKS: a sentence with figures, whatever there was to judge by."""

import copy
from dataclasses import fields

import numpy as np
import pytest

from tests.support.simulated_contest import CELLS, accidents, arena, contest
from training.retraining.contest import REGIONS, Arena
from training.retraining.gate import CHECKS
from training.settings.config import RetrainingSettings

SETTINGS = RetrainingSettings()
every_check = pytest.mark.parametrize("name", CHECKS)


def even():
    """A challenger that knows as much as the champion."""
    regions = Arena(**{**vars(arena(name=REGIONS, seed=1)), "fold": (np.arange(CELLS) // 100) % 3})
    return contest(arena(), regions, casualty=accidents(1.0))


def turned_scores():
    """In every second fold the challenger's score stands for other odds: a curve of the one misleads in the other."""
    made, fold = arena(name=REGIONS), (np.arange(CELLS) // 100) % 2
    return Arena(**{**vars(made), "fold": fold, "challenger": made.challenger + 4 * fold})


# For each check a contest that it must refuse. A new check stands here with one of its own.
WORSE = {
    "contradiction": lambda: contest(arena(flipped=("district 1",))),
    "recall": lambda: contest(arena(challenger=0.1)),
    "independent": lambda: contest(arena(challenger=-1.0)),
    "skill": lambda: contest(arena(challenger=-1.0)),
    "districts": lambda: contest(arena(weak=("district 3",))),
    "calibration": lambda: contest(turned_scores()),
    "casualty": lambda: contest(casualty=accidents(0.0)),
    "domain": lambda: contest(domains=(0.9, 0.2)),
    "sources": lambda: contest(missing=("road_distance_m",)),
}


@every_check
def test_equals_pass_and_every_answer_is_a_sentence(name):
    answers = CHECKS[name](even(), SETTINGS)
    assert answers
    for check in answers:
        assert check.passed, check.text
        assert check.judged, check.text
        assert check.name
        assert len(check.text) > 20
        assert any(letter.isdigit() for letter in check.text), check.text


@every_check
def test_names_of_answers_are_of_one_check_alone(name):
    own = {check.name for check in CHECKS[name](even(), SETTINGS)}
    others = {check.name for other in CHECKS if other != name for check in CHECKS[other](even(), SETTINGS)}
    assert len(own) == len(CHECKS[name](even(), SETTINGS))
    assert not own & others


@every_check
def test_a_worse_challenger_is_refused(name):
    assert not all(check.passed for check in CHECKS[name](WORSE[name](), SETTINGS))


@every_check
def test_with_nothing_to_judge_by_a_check_holds(name):
    answers = CHECKS[name](contest(), SETTINGS)
    assert all(check.passed for check in answers)


@every_check
def test_the_same_contest_gives_the_same_answers_and_stays_as_it_is(name):
    made = even()
    before = copy.deepcopy(made.arenas)
    assert CHECKS[name](made, SETTINGS) == CHECKS[name](even(), SETTINGS)
    for one, other in zip(made.arenas, before, strict=True):
        for field in fields(one):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name
