"""The newest accidents as champion and challenger of casualty risk are judged by them."""

from dataclasses import replace
from datetime import date

import geopandas as gpd
import numpy as np
import pytest

from tests.support.sample_register import EAST, NORTH, UTM, config, history, sources
from training.casualty.fitting import fit_casualty
from training.casualty.judging import unit_blocks
from training.retraining.casualty_contest import casualty_arena, worse_by

SINCE, NOW = "2022-12-31", "2023-12-31"
OLD = [f"{year}-06-01" for year in range(2018, 2023) for _ in range(30)]
QUICK = {"model": {"n_trees": 10}, "fewest_accidents": 20, "window_years": 4}


def settings(as_of):
    made = config(as_of, **QUICK)
    validation = made.validation.model_copy(update={"regions": "blocks", "block_m": 2_000})
    return made.model_copy(update={"validation": validation})


def champion(given=None):
    made, given = settings(SINCE), given or sources(OLD)
    past = history(made, given)
    return fit_casualty(made, past.rows(made.as_of), past.moment(made.as_of), unit_blocks(made, past), 0)


def arena_of(given, before=None):
    made = settings(NOW)
    return casualty_arena(made, history(made, given), date.fromisoformat(SINCE), champion(before))


def with_accidents(given, table):
    return replace(given, vectors={**given.vectors, "incidents": table})


def clumped(dates, seed):
    """Accidents at rates that differ much between units of a kilometre and stay as they are."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.5, size=24)
    unit = rng.choice(24, len(dates), p=rate / rate.sum())
    corner = np.column_stack([EAST + unit // 4 * 1_000, NORTH + unit % 4 * 1_000])
    given = sources(dates)
    places = gpd.points_from_xy(*(corner + rng.uniform(50, 950, corner.shape)).T)
    return with_accidents(given, given.vectors["incidents"].set_geometry(places, crs=UTM))


def moved(given, fresh, shift_m):
    table = given.vectors["incidents"].copy()
    geometry = table.geometry.to_numpy().copy()
    geometry[fresh] = table.geometry.iloc[fresh].translate(*shift_m).to_numpy()
    return with_accidents(given, table.set_geometry(geometry, crs=table.crs))


def test_both_are_judged_on_the_accidents_since_and_expect_as_many():
    arena = arena_of(sources([*OLD, *["2023-06-01"] * 25]))
    assert arena.observed.sum() == 25
    for expected in (arena.champion, arena.challenger):
        assert expected.sum() == pytest.approx(25, rel=0.5)
        assert (expected > 0).all()
    assert not np.allclose(arena.champion, arena.challenger)


def test_newer_books_alone_make_nobody_worse():
    # Who were to learn without the past of the region judged would be worse by 0.8 %: the champion knows that past.
    worse = []
    for seed in (1, 2, 3):
        given = clumped([*OLD, *["2023-06-01"] * 25], seed)
        before = with_accidents(given, given.vectors["incidents"].iloc[: len(OLD)])
        arena = arena_of(given, before)
        worse.append(np.median(worse_by(arena, np.arange(len(arena.observed)), 200)))
    assert np.mean(worse) < 0.004


def test_where_accidents_of_a_region_lie_is_unknown_to_the_challenger_judged_there():
    given = sources([*OLD, *["2023-06-01"] * 25])
    one = arena_of(given)
    # An accident of the year moves by one unit within its block of 2 km.
    places = np.array([(point.x, point.y) for point in given.vectors["incidents"].geometry])
    fresh = next(n for n in range(len(OLD), len(places)) if (places[n, 0] // 1_000) % 2 == 0)
    other = arena_of(moved(given, np.array([fresh]), (1_000, 0)))
    assert (one.observed != other.observed).sum() == 2
    here = np.flatnonzero(one.observed != other.observed)
    assert one.challenger[here] == pytest.approx(other.challenger[here], rel=1e-9)
    assert not np.allclose(one.challenger, other.challenger, rtol=1e-6)


def test_without_newer_or_dated_accidents_there_is_nothing_to_judge():
    assert arena_of(sources(OLD)) is None
    made = settings(NOW)
    given = sources([*OLD, *["2023-06-01"] * 25])
    assert casualty_arena(made, history(made, given), date.fromisoformat(NOW), champion()) is None
    assert casualty_arena(made, None, date.fromisoformat(SINCE), champion()) is None
    assert casualty_arena(made, history(made, sources([None] * 90)), date.fromisoformat(SINCE), champion()) is None
