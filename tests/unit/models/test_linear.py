import json

import numpy as np
import pytest
from scipy.special import expit

from models.boosting import BoostingParams
from models.linear import Linear, fit_linear
from models.ranker import Ranker, RankerParams, fit_ranker

PARAMS = BoostingParams(
    n_trees=30,
    learning_rate=0.1,
    num_leaves=6,
    max_depth=4,
    min_leaf_share=0.01,
    feature_fraction=1.0,
    bagging_fraction=1.0,
    lambda_l2=1.0,
)
NAMES = ("line_m", "density")


def rows(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2)).astype(np.float32)
    found = rng.random(n) < expit(2 * values[:, 0] - 2)
    return values, found.astype(float), np.ones(n)


def test_it_finds_the_feature_that_tells_and_its_direction():
    model = fit_linear(*rows(), NAMES, 0)
    assert model.slope[0] > 10 * abs(model.slope[1])
    values, target, _ = rows(seed=1)
    assert np.corrcoef(model.raw(values), values[:, 0])[0, 1] > 0.95
    assert expit(model.raw(values)).mean() == pytest.approx(target.mean(), abs=0.02)


def test_a_hump_is_found_that_no_straight_line_shows():
    values, _, weight = rows()
    hump = (np.abs(values[:, 1]) < 0.7).astype(float)
    model = fit_linear(values, hump, weight, NAMES, 0)
    assert model.bend[1] < -1
    assert model.raw(np.float32([[0, 0]]))[0] > model.raw(np.float32([[0, 3]]))[0]


def test_land_beyond_what_was_seen_counts_as_its_edge():
    model = fit_linear(*rows(), NAMES, 0)
    edge = np.float32([[6, 0], [600, 0], [-6, 0], [-6e9, 0]])
    scores = model.raw(edge)
    assert scores[0] == scores[1]
    assert scores[2] == scores[3]


def test_an_unknown_value_counts_as_the_median():
    values, target, weight = rows()
    model = fit_linear(values, target, weight, NAMES, 0)
    median = np.float32([[np.median(values[:, 0]), 0], [np.nan, 0]])
    assert model.raw(median)[0] == pytest.approx(model.raw(median)[1], abs=0.02)


def test_monotone_transformations_of_a_feature_change_nothing():
    values, target, weight = rows()
    bent = values.copy()
    bent[:, 0] = np.exp(bent[:, 0])
    straight, curved = (fit_linear(each, target, weight, NAMES, 0) for each in (values, bent))
    assert straight.raw(values) == pytest.approx(curved.raw(bent), abs=0.1)


def test_contributions_add_up_to_the_log_odds_and_average_to_nothing():
    values, target, weight = rows()
    model = fit_linear(values, target, weight, NAMES, 0)
    parts = model.contributions(values)
    assert parts.sum(axis=1) + model.intercept + sum(model.centre) == pytest.approx(model.raw(values))
    assert parts.mean(axis=0) == pytest.approx(0, abs=1e-9)


def test_it_comes_back_from_json_as_it_was():
    values, target, weight = rows()
    model = fit_linear(values, target, weight, NAMES, 0)
    assert Linear.from_dict(json.loads(json.dumps(model.as_dict()))) == model


def test_drawn_rows_stand_for_those_left_out():
    values, target, weight = rows(80_000)
    few = fit_linear(values, target, weight, NAMES, 0)
    assert expit(few.raw(values)).mean() == pytest.approx(target.mean(), abs=0.01)


def test_one_class_is_refused():
    values, _, weight = rows()
    with pytest.raises(ValueError, match="needs found and searched rows, got 0 of 4000"):
        fit_linear(values, np.zeros(4_000), weight, NAMES, 0)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_blend_is_the_weighted_sum_of_its_parts(share):
    values, target, weight = rows()
    whole = fit_ranker(values, target, weight, NAMES, RankerParams(PARAMS, share), seed=0)
    trees = fit_ranker(values, target, weight, NAMES, RankerParams(PARAMS, 0.0), seed=0)
    linear = fit_ranker(values, target, weight, NAMES, RankerParams(PARAMS, 1.0), seed=0)
    for what in ("raw", "contributions"):
        expected = (1 - share) * getattr(trees, what)(values) + share * getattr(linear, what)(values)
        assert getattr(whole, what)(values) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_ranker_comes_back_from_its_files(share):
    values, target, weight = rows()
    ranker = fit_ranker(values, target, weight, NAMES, RankerParams(PARAMS, share), seed=0)
    again = Ranker.from_files(ranker.files("ranker"), "ranker", NAMES, share)
    assert np.array_equal(again.raw(values), ranker.raw(values))


def test_a_share_beyond_one_is_refused():
    values, target, weight = rows(100)
    with pytest.raises(ValueError, match=r"linear_share \(1.5\) must lie between 0 and 1"):
        fit_ranker(values, target, weight, NAMES, RankerParams(PARAMS, 1.5), seed=0)
