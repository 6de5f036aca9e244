"""Level, likely range, ratio nearby and the bound on missed hazards: closed forms, and that each promise holds."""

import json

import numpy as np
import pytest
from scipy.special import expit

from models.calibration import Calibration
from models.intervals import HeldOutCells, LikelyRange, coverage, fit_range
from models.level import Level, level_of_as_of, level_of_audit, log_odds_for, move_to_level, times_of_kind
from models.local_ratio import LocalRatio, fit_local_ratio
from models.missed_share import bound_by_area, share_by_score
from training.registry.mlrisk_scores import ratio_nearby

CURVE = Calibration("platt", (-5.0, 0.0, 5.0), (0.01, 0.5, 0.99))


def test_one_found_audit_cell_sets_the_level_and_none_leaves_it():
    stated, drawn = np.full(60, 0.2), np.full(60, 0.05)
    found = np.zeros(60, dtype=bool)
    assert level_of_audit(Level(), stated, found, drawn) == Level()
    found[:3] = True
    level = level_of_audit(Level(), stated, found, drawn)
    # One find of the state before, three of the audit: four for thirteen that were stated.
    assert level.kind == "audit"
    assert level.factor == pytest.approx(4 / 13)
    assert level.low < level.factor < level.high
    assert (level.cells, level.found) == (60, 3)
    assert Level.from_text(level.text()) == level
    assert "60 random audit cells" in level.sentence
    assert "no probability" in Level().sentence
    assert Level.from_text(Level().text()) == Level()


def test_new_land_and_open_areas_have_a_level_each():
    level = Level(kind="as_of", factor=0.5, on_new_land=-1.0, in_areas=0.5)
    p = np.array([[0.2, 0.4], [0.5, 0.9]])
    in_area = np.array([False, True])
    moved = level.moved(p, in_area)
    assert np.log(moved / (1 - moved)) == pytest.approx(np.log(p / (1 - p)) + np.where(in_area, 0.5, -1.0))
    assert level.moved(p, None) is p
    assert Level(kind="as_of").moved(p, in_area) is p
    assert Level.from_text(level.text()) == level


def test_finds_of_a_kind_of_land_shrink_to_those_of_all_land():
    # Four finds of the state before for four that were stated; three for six more.
    assert times_of_kind(np.full(60, 0.1), np.arange(60) < 3, np.ones(60)) == pytest.approx(7 / 10)
    assert times_of_kind(np.zeros(0), np.zeros(0), np.zeros(0)) == 1
    p = np.array([0.01, 0.2, 0.7])
    assert expit(np.log(p / (1 - p)) + log_odds_for(p, 5 / 8)).mean() == pytest.approx(5 / 8 * p.mean())
    assert log_odds_for(np.zeros(0), 0.5) == 0


def test_an_audit_without_a_find_lowers_a_level_of_later_results():
    later = Level(kind="as_of", factor=0.5, low=0.3, high=0.8, cells=400, found=20)
    level = level_of_audit(later, np.full(60, 0.2), np.zeros(60, dtype=bool), np.full(60, 0.05))
    # Four finds of the state before for eight that were stated; none for twelve more.
    assert level.factor == pytest.approx(4 / 20)
    assert (level.kind, level.cells, level.found) == ("as_of", 400, 20)
    assert level.low < level.factor < level.high


def test_an_audit_that_is_drawn_unevenly_counts_by_its_chance():
    stated, found = np.full(40, 0.25), np.arange(40) < 8
    even = level_of_audit(Level(), stated, found, np.full(40, 0.1))
    rich = level_of_audit(Level(), stated, found, np.where(found, 0.5, 0.1))
    assert rich.factor < even.factor


def test_later_results_on_unknown_land_set_the_level_where_no_audit_does():
    stated, weight = np.full(200, 0.3), np.ones(200)
    found = np.where(np.arange(200) < 20, 1.0, 0.0)
    level = level_of_as_of(stated, found, weight)
    assert level.kind == "as_of"
    assert level.factor == pytest.approx(21 / 61)
    assert level_of_as_of(stated, np.zeros(200), weight).kind == "index"


def test_a_moved_level_is_the_mean_of_the_land_and_keeps_the_order():
    raw = np.random.default_rng(0).normal(-1, 2, 5_000)
    moved = move_to_level(CURVE, raw, 0.3)
    assert moved(raw).mean() == pytest.approx(0.3 * CURVE(raw).mean(), rel=1e-6)
    assert (np.diff(moved(np.sort(raw))) >= 0).all()


def held_out(spread, regions=40, size=300, seed=0):
    rng = np.random.default_rng(seed)
    region = np.repeat(np.arange(regions), size)
    odds = rng.normal(-2, 1, regions * size)
    found = rng.random(regions * size) < expit(odds + spread * rng.normal(size=regions)[region])
    return HeldOutCells(
        probability=expit(odds), found=found, area=np.ones(len(odds)), region=region, member_sd=np.full(len(odds), 0.1)
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_the_likely_range_holds_at_both_ends_in_regions_that_it_was_not_learned_on(spread):
    likely = fit_range(held_out(spread))
    table = coverage(held_out(spread, seed=1), likely)
    assert 0.8 <= table["covered"].mean() <= 1.0
    assert table["below"].mean() <= 0.15
    assert table["above"].mean() <= 0.15
    narrow = LikelyRange(edge=likely.edge, between=(0.01,) * 3, width=1.0)
    assert coverage(held_out(1.0, seed=1), narrow)["covered"].mean() < 0.7
    assert LikelyRange.from_text(likely.text()) == likely


def test_the_range_differs_from_cell_to_cell_and_widens_with_the_doubt_of_the_level():
    likely = fit_range(held_out(0.5))
    low, high = likely(np.array([0.1, 0.1]), np.array([0.1, 1.0]))
    assert low[1] < low[0] < 0.1 < high[0] < high[1]
    doubtful = LikelyRange(edge=likely.edge, between=likely.between, width=likely.width, level_sd=0.5)
    assert doubtful(np.array([0.1]), np.array([0.1]))[0] < low[0]


def ratio(found, expected, places, width=2.0, prior=1.5):
    return fit_local_ratio(np.array(places, dtype=float), np.array(found), np.array(expected), 100.0, width, prior)


def test_what_was_found_nearby_raises_the_score_and_vanishes_away_from_survey():
    local = ratio([1.0, 0.0], [0.5, 0.5], [[50.0, 50.0], [3_050.0, 50.0]])
    near, far, barren, own = local(np.array([[150.0, 50.0], [50_050.0, 50.0], [3_150.0, 50.0], [50.0, 50.0]]))
    kernel = np.exp(-0.5 / 2.0**2)
    assert near == pytest.approx(np.log((kernel + 1.5) / (0.5 * kernel + 1.5)))
    assert far == 0.0
    assert barren < 0
    # A cell's own result is no news of its neighbours.
    assert own == 0.0
    again = LocalRatio.from_text(local.text())
    places = np.random.default_rng(0).uniform(-2_000, 5_000, (200, 2))
    np.testing.assert_array_equal(again(places), local(places))
    # The same places one by one: a cell does not depend on the tile that asks.
    np.testing.assert_array_equal(np.concatenate([local(place[None]) for place in places]), local(places))


def test_the_scores_that_travel_with_a_version_agree_on_what_was_found_nearby():
    rng = np.random.default_rng(3)
    cells = rng.integers(0, 40, (60, 2))
    cells = np.unique(cells, axis=0)
    local = ratio((rng.random(len(cells)) < 0.3) * 1.0, rng.random(len(cells)), cells * 100.0 + 50.0, width=3.0)
    places = rng.uniform(-2_000, 6_000, (300, 2))
    fields = json.loads(local.text())
    np.testing.assert_allclose(ratio_nearby(fields, places), local(places), atol=1e-12)


def test_the_bound_counts_all_hazards_by_their_weight_and_the_richest_block_yet_to_come():
    left, block = np.array([0.1, 0.6, 0.7, 0.9]), np.array([0, 1, 2, 3])
    shares = np.array([0.05, 0.2, 0.65, 1.0])
    bound = bound_by_area(left, np.ones(4), block, shares)
    np.testing.assert_allclose(bound, [1 / 5, 2 / 5, 3 / 5, 1.0])
    # Land of the map that is like the block whose hazards rank low makes the bound worse.
    heavy = bound_by_area(left, np.array([3.0, 1.0, 1.0, 1.0]), block, shares)
    assert heavy[1] > bound[1]
    assert bound_by_area(np.zeros(0), np.zeros(0), np.zeros(0, dtype=int), shares).tolist() == [1.0] * 4


def test_the_bound_by_score_is_that_of_the_land_that_scores_lower():
    raw, shares = np.arange(100.0), np.linspace(0.1, 1.0, 10)
    missed = share_by_score(raw, shares, np.linspace(0.1, 1.0, 10), 12)
    for share in (0.2, 0.55, 0.9):
        score = np.quantile(raw, share)
        assert missed(np.array([score]))[0] >= share - 1e-9
    assert missed(np.array([5.0]))[0] == pytest.approx(0.1)
