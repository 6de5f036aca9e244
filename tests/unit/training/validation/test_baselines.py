"""What stands beside the model: chance, simple rules and simple learners, each on a land whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.base import ArrayCache
from training.validation import baselines
from training.validation.baselines import (
    BASELINES,
    FEATURE_RANKINGS,
    INCIDENT_DISTANCE,
    Land,
    Lesson,
    baselines_of,
    feature_scores,
    near_contamination,
)
from training.validation.metrics import judge

LEARNERS = ("logistic regression", "random forest")
NAMES = ("hidden_first", "slope", "hidden_middle", "height", INCIDENT_DISTANCE)
LEARNED = ("height", "slope")


def land(rows, seed=0):
    """Cells with features; what tells contamination is `slope`, and a hidden column that knows the answer."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, len(NAMES))).astype(np.float32)
    values[:, NAMES.index(INCIDENT_DISTANCE)] = rng.uniform(0, 9_000, rows)
    return Land(NAMES, values, LEARNED, rng.uniform(0, 20_000, (rows, 2)))


def lesson_of(cells, found, **changes):
    given = {"weight": np.ones(len(found)), "region": np.full(len(found), "A", dtype=object), "constraints": {}}
    return Lesson(land=cells, found=found, **(given | {"seed": 3, "threads": 1} | changes))


@pytest.fixture(scope="module")
def lesson():
    cells = land(600)
    return lesson_of(cells, cells.column("slope") + 0.3 * np.random.default_rng(1).normal(size=600) > 0.8)


def with_column(cells, names, values):
    changed = cells.values.copy()
    changed[:, [cells.names.index(each) for each in names]] = values
    return replace(cells, values=changed)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 300))
def test_a_random_order_finds_its_share_of_the_area_exactly(seed, rows):
    rng = np.random.default_rng(seed)
    positive = rng.permutation(np.arange(rows) < rng.integers(1, rows))
    score = BASELINES["random order"](lesson_of(land(2), np.array([True, False])), land(rows, seed))
    figures = judge(score, positive, rng.uniform(0.1, 1, rows))
    assert figures["roc_auc"] == pytest.approx(0.5, abs=1e-12)
    for percent in (1, 5, 10, 20):
        assert figures[f"recall_{percent}"] == pytest.approx(percent / 100, rel=1e-9)


def test_what_is_known_is_near_a_found_cell_or_an_incident_and_nothing_else():
    places = Land(("other",), np.zeros((2, 1), dtype=np.float32), (), np.array([[0.0, 0.0], [3_000.0, 4_000.0]]))
    cells = replace(places, centres_m=np.array([[0.0, 600.0], [3_000.0, 4_000.0]]))
    first = lesson_of(places, np.array([True, False]))
    # The second cell of the lesson was searched: lying on it is lying 5 km from what is known.
    assert near_contamination(first, cells).tolist() == [-600.0, -5_000.0]
    away = replace(places, centres_m=np.array([[0.0, 0.0], [9_000.0, 9_000.0]]))
    assert near_contamination(replace(first, land=away), cells).tolist() == [-600.0, -5_000.0]
    assert near_contamination(replace(first, found=np.array([True, True])), cells).tolist() == [-600.0, 0.0]


def test_an_incident_that_is_nearer_comes_first_and_an_unknown_distance_counts_for_nothing():
    where = np.array([[600.0, 0.0], [600.0, 0.0], [600.0, 0.0]])
    cells = Land((INCIDENT_DISTANCE,), np.array([[200.0], [900.0], [np.nan]], dtype=np.float32), (), where)
    known = lesson_of(replace(cells, centres_m=np.zeros((3, 2))), np.array([True, False, False]))
    assert near_contamination(known, cells).tolist() == [-200.0, -600.0, -600.0]


def test_a_simple_rule_is_one_feature_with_its_direction(lesson):
    cells = land(50, seed=4)
    expected = -cells.column(INCIDENT_DISTANCE)
    assert np.array_equal(BASELINES["distance to an incident"](lesson, cells), expected)
    dense = Land(("incident_density_2km_per_km2",), np.array([[1.0], [3.0]], dtype=np.float32), (), np.zeros((2, 2)))
    assert BASELINES["incident density"](lesson, dense).tolist() == [1.0, 3.0]
    assert feature_scores(dense.names, dense.values).keys() == {"incident density"}


def test_a_rule_without_its_feature_says_nothing(lesson):
    cells = land(50, seed=4)
    spoken = {name for name in FEATURE_RANKINGS if BASELINES[name](lesson, cells) is not None}
    assert spoken == {"distance to an incident"} == feature_scores(cells.names, cells.values).keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_sees_what_the_model_may_see_and_nothing_else(lesson, name):
    ahead = land(200, seed=2)
    score = BASELINES[name](lesson, ahead)
    # Columns that are the answer itself change nothing, on neither side.
    hidden = ("hidden_first", "hidden_middle", INCIDENT_DISTANCE)
    hinted = replace(lesson, land=with_column(lesson.land, hidden, lesson.found[:, None]))
    assert np.array_equal(BASELINES[name](hinted, with_column(ahead, hidden, ahead.column("slope")[:, None])), score)
    seen = replace(lesson, land=with_column(lesson.land, ["height"], lesson.found[:, None]))
    assert not np.array_equal(BASELINES[name](seen, ahead), score)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_learns_repeats_itself_and_bears_unknown_values(lesson, name):
    ahead = land(400, seed=5)
    score = BASELINES[name](lesson, ahead)
    assert judge(score, ahead.column("slope") > 0.8)["roc_auc"] > 0.95
    assert np.array_equal(BASELINES[name](lesson, ahead), score)
    unknown = replace(lesson, land=with_column(lesson.land, ["height"], np.nan))
    assert np.isfinite(BASELINES[name](unknown, with_column(ahead, ["height"], np.nan))).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_goes_by_the_weight_of_the_evidence(lesson, name):
    # Half of the rows say the opposite, and hardly count.
    twice = np.tile(lesson.land.values, (2, 1))
    cells = Land(NAMES, twice, LEARNED, np.tile(lesson.land.centres_m, (2, 1)))
    found, weight = np.concatenate([lesson.found, ~lesson.found]), np.repeat([1.0, 0.01], len(lesson.found))
    ahead = land(400, seed=5)
    heard = BASELINES[name](lesson_of(cells, found, weight=weight), ahead)
    turned = BASELINES[name](lesson_of(cells, found, weight=weight[::-1].copy()), ahead)
    assert judge(heard, ahead.column("slope") > 0.8)["roc_auc"] > 0.9
    assert judge(turned, ahead.column("slope") > 0.8)["roc_auc"] < 0.1


def test_a_few_rows_are_enough_and_warn_of_nothing(lesson):
    few = np.flatnonzero(lesson.found)[:10].tolist() + np.flatnonzero(~lesson.found)[:30].tolist()
    small = Land(NAMES, lesson.land.values[few], LEARNED, lesson.land.centres_m[few])
    assert np.isfinite(BASELINES["logistic regression"](lesson_of(small, lesson.found[few]), land(20))).all()


@pytest.mark.parametrize("rare", [True, False])
def test_a_draw_of_rows_never_loses_one_of_the_kinds(monkeypatch, lesson, rare):
    monkeypatch.setattr(baselines, "MOST_ROWS", 50)
    found = np.full(600, not rare)
    found[599] = rare
    # Regression stops at a single kind: it would raise.
    score = BASELINES["logistic regression"](replace(lesson, found=found), land(20))
    assert np.isfinite(score).all()


def test_what_a_learner_gave_is_read_for_the_same_lesson_and_land_alone(tmp_path):
    memory = ArrayCache(tmp_path, 1e9)
    ranking = baselines_of(["logistic regression"], {}, memory)["logistic regression"]
    cells = land(200)
    lesson = lesson_of(cells, cells.values[:, 0] > np.median(cells.values[:, 0]))
    first = ranking(lesson, land(30, 1))
    np.testing.assert_array_equal(first, BASELINES["logistic regression"](lesson, land(30, 1)))
    (kept,) = tmp_path.iterdir()
    memory.write(kept.stem, {"score": np.zeros(30)})
    assert not ranking(lesson, land(30, 1)).any()
    assert ranking(lesson, land(30, 2)).any()
    assert ranking(replace(lesson, found=~lesson.found), land(30, 1)).any()
