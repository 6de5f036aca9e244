"""The protocol as_of: what was known at an earlier date, and what was recorded after it, never mixed."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.base.records import known_at
from tests.support.sample_dataset import AS_OF, FIRST, added, book_of, config_of, inputs_of, land
from training.contamination.dataset import dataset_at
from training.contamination.judging import DAYS_PER_YEAR, earlier_dates, earlier_trials
from training.evidence.states import FOUND, SEARCHED, UNKNOWN

SIDE = 14
# A smaller example of a failure would cost minutes: a dataset is built for each.
QUICK = (Phase.explicit, Phase.generate)
FEW = ("front_lines", "incidents")
# From where a year earlier something is known.
DAYS = st.dates(date(2021, 6, 1), AS_OF)


def setting(as_of=AS_OF, rounds=2, horizon_years=1.0):
    return config_of(
        as_of=as_of, features=FEW, validation={"protocols": ["as_of"], "rounds": rounds, "horizon_years": horizon_years}
    )


def trials_at(config, tables):
    inputs = inputs_of(tables, SIDE)
    return list(earlier_trials(config, inputs, book_of(config, inputs)))


def results_of(trial):
    """Everything that a model or a rule can learn from, as bytes."""
    rows, evidence, dataset = trial.fold.train, trial.dataset.evidence, trial.dataset
    parts = (rows, evidence.state[rows], evidence.weight[rows], evidence.share[rows], dataset.table.values)
    return [np.ascontiguousarray(part).tobytes() for part in (*parts, dataset.bias.weight, dataset.bias.background)]


@pytest.fixture(scope="module")
def tables():
    return land(1, SIDE, share=0.8)


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.floats(0.1, 20), st.integers(1, 20))
def test_earlier_dates_lie_a_horizon_apart_and_end_at_as_of(as_of, horizon_years, rounds):
    dates = earlier_dates(as_of, horizon_years, rounds)
    assert len(dates) == rounds
    assert dates[-1][1] == as_of
    assert all(until == start for (_, until), (start, _) in pairwise(dates))
    for start, until in dates:
        assert abs((until - start).days - horizon_years * DAYS_PER_YEAR) <= 1


@pytest.mark.slow
@settings(max_examples=6, deadline=None, phases=QUICK)
@given(DAYS)
def test_an_earlier_date_knows_what_the_sources_filtered_at_that_date_say(tables, as_of):
    config = setting(as_of)
    for trial in trials_at(config, tables):
        start = date.fromisoformat(trial.fold.name)
        then = inputs_of({name: known_at(table, start) for name, table in tables.items()}, SIDE)
        evidence = book_of(config, then).at(AS_OF)
        oracle = dataset_at(config.model_copy(update={"as_of": start}), then, replace(evidence, as_of=start))
        assert np.array_equal(trial.dataset.evidence.state, evidence.state)
        assert np.array_equal(trial.dataset.evidence.weight, evidence.weight)
        assert trial.dataset.table.names == oracle.table.names
        assert np.array_equal(trial.dataset.table.values, oracle.table.values, equal_nan=True)
        assert trial.dataset.as_of == start


@pytest.mark.slow
@settings(max_examples=6, deadline=None, phases=QUICK)
@given(DAYS, st.integers(0, 1_000))
def test_records_after_an_earlier_date_change_neither_its_lesson_nor_its_features(tables, as_of, seed):
    config = setting(as_of, rounds=1)
    start = earlier_dates(as_of, 1.0, 1)[0][0]
    rng = np.random.default_rng(seed)
    days = pd.Series(pd.Timestamp(start) + pd.to_timedelta(rng.integers(1, 900, 12), unit="D"))
    # An event before the date that was recorded after it, and a day of each at once.
    events = days.mask(rng.random(12) < 0.5, pd.Timestamp(FIRST))
    late = {
        name: tables[name]
        .sample(12, random_state=seed, replace=True)
        .assign(date=events.values, recorded_date=days.values)
        for name in ("survey", "incidents")
    }
    late["survey"]["outcome"] = rng.choice(["found", "searched"], 12)
    before, after = trials_at(config, tables), trials_at(config, added(tables, **late))
    assert len(before) == len(after) == 1
    assert results_of(before[0]) == results_of(after[0])


@pytest.mark.slow
@settings(max_examples=8, deadline=None, phases=QUICK)
@given(DAYS, st.sampled_from([0.5, 1.0]), st.integers(1, 3))
def test_judged_cells_were_unknown_and_are_labelled_by_what_was_recorded_since(tables, as_of, horizon_years, rounds):
    survey = tables["survey"]
    grid = inputs_of(tables, SIDE).grid
    place = pd.Series(range(grid.n_cells), index=pd.MultiIndex.from_arrays(grid.centres_m().T))
    cell = place.loc[list(zip(survey.geometry.x, survey.geometry.y, strict=True))].to_numpy()
    known_from = survey[["date", "recorded_date"]].max(axis=1)
    for trial in trials_at(setting(as_of, rounds, horizon_years), tables):
        start, until = (pd.Timestamp(trial.fold.facts[name]) for name in ("from", "until"))
        since = (known_from > start) & (known_from <= until)
        assert sorted(trial.fold.train) == sorted(cell[known_from <= start])
        # Each cell was surveyed once: those of the interval are all that was unknown before.
        assert sorted(trial.fold.test) == sorted(cell[since])
        assert (trial.dataset.evidence.state[trial.fold.test] == UNKNOWN).all()
        outcome = pd.Series(survey["outcome"].to_numpy(), index=cell)[trial.fold.test]
        assert np.array_equal(trial.outcome.state[trial.fold.test] == FOUND, outcome == "found")
        assert not set(trial.fold.train) & set(trial.fold.test)
        assert trial.fold.facts["test_base_rate"] == pytest.approx((outcome == "found").mean())
        if rounds == 1:
            assert until - start == timedelta(days=round(365.25 * horizon_years))


def test_a_cell_that_is_surveyed_again_is_learned_from_and_never_judged(tables):
    again = tables["survey"].assign(
        outcome=np.where(tables["survey"]["outcome"] == "found", "searched", "found"),
        date=pd.Timestamp(AS_OF), recorded_date=pd.Timestamp(AS_OF),
    )  # fmt: skip
    once, twice = (trials_at(setting(), made)[-1] for made in (tables, added(tables, survey=again)))
    assert np.array_equal(once.fold.train, twice.fold.train)
    assert results_of(once) == results_of(twice)
    assert not set(twice.fold.train) & set(twice.fold.test)
    # What was recorded at the end of the horizon counts; cells that only the second survey reached are judged too.
    assert set(once.fold.test) <= set(twice.fold.test)


def test_results_after_the_horizon_are_nobodys(tables):
    config = setting(as_of=date(2022, 6, 30))
    last = trials_at(config, tables)[-1]
    later = tables["survey"].assign(date=pd.Timestamp("2022-07-01"), recorded_date=pd.Timestamp("2022-07-01"))
    same = trials_at(config, added(tables, survey=later))[-1]
    assert np.array_equal(last.fold.test, same.fold.test)
    assert np.array_equal(last.outcome.state, same.outcome.state)


def test_without_dates_there_is_no_earlier_date(tables):
    never = pd.Series(pd.NaT, index=tables["survey"].index)
    assert not trials_at(setting(), tables | {"survey": tables["survey"].assign(date=never, recorded_date=never)})


def test_records_without_a_date_are_known_always_and_judged_never(tables):
    survey = tables["survey"].copy()
    bare = survey.index[::3]
    survey.loc[bare, ["date", "recorded_date"]] = pd.NaT
    trials = trials_at(setting(), tables | {"survey": survey})
    assert len(trials) == 2
    grid = inputs_of(tables, SIDE).grid
    places = survey.loc[bare].geometry
    undated = set(zip(places.x, places.y, strict=True))
    for trial in trials:
        judged = set(map(tuple, grid.centres_m()[trial.fold.test]))
        learned = set(map(tuple, grid.centres_m()[trial.fold.train]))
        assert undated <= learned
        assert not undated & judged


def test_dates_before_which_too_little_was_known_give_no_trial(tables):
    trials = trials_at(setting(rounds=12), tables)
    assert [trial.fold.name for trial in trials] == sorted(trial.fold.name for trial in trials)
    assert 2 <= len(trials) <= 5
    for trial in trials:
        states = trial.dataset.evidence.state[trial.fold.train]
        assert {FOUND, SEARCHED} == set(states.tolist())
        assert 0 < trial.fold.facts["test_base_rate"] < 1
