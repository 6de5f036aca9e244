"""Every ranking that a model is judged beside, of contamination and of casualties: learned from its lesson alone."""

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.support.simulated_history import N, simulated_rows
from training.casualty.baselines import BASELINES as CASUALTY_BASELINES
from training.settings.validation import BASELINE_NAMES
from training.validation.baselines import BASELINES, INCIDENT_DISTANCE, Land, Lesson

NAMES = (
    "front_line_distance_m",
    INCIDENT_DISTANCE,
    "incident_density_2km_per_km2",
    "settlement_distance_m",
    "slope_deg",
)
every_baseline = pytest.mark.parametrize("name", BASELINES)
every_casualty_baseline = pytest.mark.parametrize("name", CASUALTY_BASELINES)


def land(rows, seed):
    rng = np.random.default_rng(seed)
    values = rng.gamma(2, 900, (rows, len(NAMES))).astype(np.float32)
    return Land(NAMES, values, NAMES, rng.uniform(0, 20_000, (rows, 2)))


@pytest.fixture(scope="module")
def lesson():
    cells = land(400, 0)
    found = cells.values[:, 0] + 300 * np.random.default_rng(1).normal(size=400) < 900
    return Lesson(
        land=cells, found=found, weight=np.ones(400), region=np.repeat(np.array(list("ABCD"), dtype=object), 100),
        constraints={}, seed=3, threads=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def judged():
    return land(150, 7)


def test_the_table_and_the_settings_name_the_same():
    assert tuple(BASELINES) == BASELINE_NAMES


@every_baseline
def test_a_score_is_a_finite_number_for_every_cell_and_repeats(name, lesson, judged):
    score = BASELINES[name](lesson, judged)
    assert score.shape == (150,)
    assert score.dtype == np.float64
    assert np.isfinite(score).all()
    assert np.array_equal(BASELINES[name](replace(lesson, threads=2), judged), score)


@every_baseline
def test_a_score_depends_on_its_cell_alone(name, lesson, judged):
    score = BASELINES[name](lesson, judged)
    drawn = np.random.default_rng(2).permutation(150)[:40]
    some = replace(judged, values=judged.values[drawn], centres_m=judged.centres_m[drawn])
    np.testing.assert_allclose(BASELINES[name](lesson, some), score[drawn], rtol=1e-9, atol=1e-12)


@every_baseline
def test_lesson_and_land_stay_as_they_are(name, lesson, judged):
    arrays = (lesson.land.values, lesson.found, lesson.weight, judged.values, judged.centres_m)
    before = [array.copy() for array in arrays]
    BASELINES[name](lesson, judged)
    assert all(np.array_equal(array, kept) for array, kept in zip(arrays, before, strict=True))


@every_baseline
def test_unknown_features_of_some_cells_stop_nobody(name, lesson, judged):
    holes = judged.values.copy()
    holes[::3, 4] = np.nan
    score = BASELINES[name](lesson, replace(judged, values=holes))
    assert np.isfinite(score).all()


@every_baseline
def test_a_rule_without_its_feature_ranks_nothing(name, lesson, judged):
    bare = [replace(each, names=("slope_deg",), learned=("slope_deg",), values=each.values[:, 4:]) for each in
            (lesson.land, judged)]  # fmt: skip
    score = BASELINES[name](replace(lesson, land=bare[0]), bare[1])
    rules = {"distance to the line", "distance to an incident", "incident density", "distance to a settlement",
             "rules of the field"}  # fmt: skip
    assert (score is None) == (name in rules)


@pytest.fixture(scope="module")
def history():
    return simulated_rows()[:2]


@every_casualty_baseline
def test_a_forecast_of_casualties_has_a_pattern_for_every_unit_and_repeats(name, history):
    rows, now = history
    now = replace(now, features=("incident_distance_m", "settlement_distance_m", *now.features[2:]))
    learned = np.ones(N, dtype=bool)
    forecast = CASUALTY_BASELINES[name](rows, now, learned)
    assert forecast.pattern.shape == (N,)
    assert np.isfinite(forecast.pattern).all()
    if forecast.counts:
        assert (forecast.pattern >= 0).all()
    assert np.array_equal(CASUALTY_BASELINES[name](rows, now, learned).pattern, forecast.pattern)


@every_casualty_baseline
def test_a_forecast_of_casualties_leaves_the_history_alone(name, history):
    rows, now = history
    arrays = {field.name: getattr(rows, field.name) for field in fields(rows)}
    arrays = {key: value for key, value in arrays.items() if isinstance(value, np.ndarray)}
    before = {key: value.copy() for key, value in arrays.items()}
    CASUALTY_BASELINES[name](rows, now, np.ones(N, dtype=bool))
    assert all(np.array_equal(arrays[key], kept) for key, kept in before.items())


@every_casualty_baseline
def test_a_forecast_of_casualties_knows_nothing_of_units_that_are_held_out(name, history):
    rows, now = history
    learned = np.arange(N) < N // 2
    other = replace(rows, accidents=rows.accidents * np.where(learned[rows.unit], 1, 7))
    now = replace(now, features=("incident_distance_m", "settlement_distance_m", *now.features[2:]))
    one, two = (CASUALTY_BASELINES[name](each, now, learned).pattern for each in (rows, other))
    assert np.array_equal(one, two)
