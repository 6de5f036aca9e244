"""Where the model has learned something: distances as in CAST, and land of a kind that it never saw."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from models.applicability import Domain, fit_domain
from models.boosting import BoostingParams, fit

PARAMS = BoostingParams(
    n_trees=40,
    learning_rate=0.1,
    num_leaves=6,
    max_depth=4,
    min_leaf_share=0.01,
    feature_fraction=0.8,
    bagging_fraction=0.8,
    lambda_l2=1.0,
)
ROADS, SLOPE, RELIEF, RUGGEDNESS = range(4)


def land(n, rise, seed):
    """Distance to roads that matters, and terrain: gentle where `rise` is 1, mountains where it is 20."""
    rng = np.random.default_rng(seed)
    terrain = rise * rng.gamma([2.0, 3.0, 2.0], [0.4, 20.0, 5.0], size=(n, 3))
    return np.column_stack([rng.gamma(2.0, 1000.0, n), terrain]).astype(np.float32)


@pytest.fixture(scope="module")
def flat():
    """Flat land, the mean |SHAP| of a model that learned on it, and its blocks."""
    values = land(4_000, 1, 0)
    target = (np.random.default_rng(1).random(4_000) < 1 / (1 + values[:, ROADS] / 500)).astype(float)
    booster = fit(values, target, np.ones(4_000), ("roads", "slope", "relief", "ruggedness"), "binary", PARAMS, seed=0)
    return values, np.abs(booster.contributions(values)).mean(axis=0), np.arange(4_000) // 800


def test_the_index_and_its_threshold_are_those_of_cast():
    """Brute force after Meyer and Pebesma (2021), equations 1 to 4 and the text on the threshold."""
    rng = np.random.default_rng(0)
    train, fold, weight = rng.normal(size=(300, 3)) * [1, 10, 100], np.arange(300) % 5, np.array([0.8, 0.4, 0.1])
    asked = rng.normal(size=(100, 3)) * [2, 20, 200]
    domain = fit_domain(train.astype(np.float32), weight, fold, 0)
    standard = [(table - train.mean(axis=0)) / train.std(axis=0) * weight / weight.max() for table in (train, asked)]
    mean_distance = pdist(standard[0]).mean()
    apart = cdist(standard[0], standard[0])
    across = np.where(fold[:, None] != fold, apart, np.inf).min(axis=1) / mean_distance
    q1, q3 = np.quantile(across, [0.25, 0.75])
    index = cdist(standard[1], standard[0]).min(axis=1) / mean_distance
    assert domain.mean_distance == pytest.approx(mean_distance, rel=0.02)
    assert domain.dissimilarity(asked.astype(np.float32)) == pytest.approx(index, rel=0.02)
    assert domain.threshold == pytest.approx(across[across <= q3 + 1.5 * (q3 - q1)].max(), rel=0.02)


def test_a_model_of_flat_land_has_no_basis_to_rank_mountains(flat):
    values, importance, fold = flat
    domain = fit_domain(values, importance, fold, 0)
    assert domain.contains(land(1_000, 20, 5)).mean() < 0.1
    assert domain.contains(land(1_000, 1, 6)).mean() > 0.9


def test_mountains_are_unknown_even_where_terrain_weighs_nothing(flat):
    """Weights alone call the mountains familiar: the reason for the second gate."""
    values, _, fold = flat
    domain = fit_domain(values, np.array([1.0, 0, 0, 0]), fold, 0)
    mountains = land(1_000, 20, 5)
    assert (domain.dissimilarity(mountains) <= domain.threshold).mean() > 0.9
    assert domain.contains(mountains).mean() < 0.1
    assert domain.contains(land(1_000, 1, 6)).mean() > 0.9


def test_perfectly_flat_land_makes_any_slope_new(flat):
    values, _, fold = flat
    plain = values.copy()
    plain[:, [SLOPE, RELIEF, RUGGEDNESS]] = 0.0
    domain = fit_domain(plain, np.array([1.0, 0, 0, 0]), fold, 0)
    assert not domain.contains(land(500, 20, 5)).any()
    assert domain.contains(plain).mean() > 0.9


def test_inside_the_training_region_at_most_a_tenth_is_out_of_domain():
    """Blocks whose features differ from block to block, each asked of a domain of the others."""
    rng = np.random.default_rng(3)
    block = np.repeat(np.arange(40), 100)
    values = (rng.normal(size=(40, 6))[block] + rng.normal(size=(4_000, 6))).astype(np.float32)
    fold = block % 5
    outside = []
    for number in range(5):
        held = fold == number
        domain = fit_domain(values[~held], np.array([1.0, 0.5, 0.3, 0.2, 0.1, 0.0]), fold[~held], 0)
        outside.append(1 - domain.contains(values[held]).mean())
    assert np.mean(outside) <= 0.1


def test_novelty_is_the_sum_of_ranges_beyond_training_and_at_most_one_a_feature():
    train = np.array([[0, 10, np.nan], [4, 20, np.nan]], dtype=np.float32)
    domain = fit_domain(train, np.ones(3), np.array([0, 1]), 0)
    asked = np.array([[2, 15, 7], [5, 15, 7], [-1, 25, 7], [400, 15, 7], [np.nan, 30, np.nan]], dtype=np.float32)
    assert domain.novelty(asked).tolist() == [0, 0.25, 0.75, 1, 1]


def test_giving_up_early_changes_no_answer(flat):
    values, importance, fold = flat
    domain = fit_domain(values, importance, fold, 0)
    asked = land(3_000, 1.3, 8)
    whole = (domain.dissimilarity(asked) <= domain.threshold) & (domain.novelty(asked) <= 1)
    assert 0.02 < whole.mean() < 0.999
    assert np.array_equal(domain.contains(asked), whole)


def test_one_feature_without_weight_does_not_leave_the_domain():
    rng = np.random.default_rng(2)
    flat = rng.normal(size=(1_000, 3)).astype(np.float32)
    domain = fit_domain(flat, np.array([1.0, 0.0, 0.0]), np.arange(1_000) // 200, 0)
    inside = domain.contains(flat)
    assert np.array_equal(inside, domain.contains(flat + np.array([0, 100, 0], dtype=np.float32)))
    assert not domain.contains(flat + np.array([0, 100, 100], dtype=np.float32)).any()


def test_a_cell_whose_heavy_features_are_unknown_lies_outside():
    rng = np.random.default_rng(2)
    flat = rng.normal(size=(1_000, 2)).astype(np.float32)
    domain = fit_domain(flat, np.array([1.0, 0.3]), np.arange(1_000) // 200, 0)
    holes = np.array([[np.nan, 0.0], [0.0, np.nan]], dtype=np.float32)
    assert domain.contains(holes).tolist() == [False, True]


def test_the_domain_survives_its_text(flat):
    values, importance, fold = flat
    with_hole = np.column_stack([values, np.full(len(values), np.nan, dtype=np.float32)])
    domain = fit_domain(with_hole, np.append(importance, 0.0), fold, 0)
    again = Domain.from_text(domain.text())
    assert "NaN" not in domain.text()
    asked = np.column_stack([land(500, 5, 9), np.ones(500, dtype=np.float32)])
    assert np.array_equal(domain.contains(asked), again.contains(asked))
    assert np.array_equal(domain.novelty(asked), again.novelty(asked))
    assert set(json.loads(domain.text())) >= {"mean", "scale", "weight", "points", "threshold", "lowest", "highest"}


def test_land_that_is_all_alike_is_its_own_domain():
    same = np.ones((50, 2), dtype=np.float32)
    domain = fit_domain(same, np.zeros(2), np.arange(50) % 5, 0)
    assert domain.threshold == 0
    assert domain.contains(same).all()


def test_a_register_that_grows_takes_no_land_out_of_the_map():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(1_000, 4)).astype(np.float32)
    later = values + np.array([0, 0, 50, 50], dtype=np.float32)
    importance, fold = np.array([1.0, 0.5, 0.0, 0.0]), np.arange(1_000) // 200
    growing = np.array([False, False, True, True])
    assert not fit_domain(values, importance, fold, 0).contains(later).any()
    kept = fit_domain(values, importance, fold, 0, growing)
    assert np.array_equal(kept.contains(later), kept.contains(values))
    assert not kept.contains(values + np.array([50, 50, 0, 0], dtype=np.float32)).any()
