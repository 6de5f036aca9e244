"""Survey bias: what propensity, weights and unknown land do, on samples whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.boosting import BoostingParams, fit
from models.calibration import Calibration
from models.contamination_fit import TrainingRows, fit_contamination
from models.positive_unlabelled import Unlabelled, fit_beside, mean_booster, out_of_bag
from models.ranker import RankerParams
from training.contamination.sensitivity import agreement, sensitivity, with_prevalence
from training.contamination.survey_bias import (
    background_chance,
    cells_outside_buffer,
    deal_blocks,
    effective_sample_size,
    propensity,
    recalibrate_on_audit,
    survey_bias,
    survey_weights,
    unlabelled_land,
)
from training.settings.config import SurveyBiasSettings
from training.validation.probability_metrics import calibration_error

SMALL = BoostingParams(
    n_trees=40,
    learning_rate=0.15,
    num_leaves=6,
    max_depth=4,
    min_leaf_share=0.005,
    feature_fraction=1.0,
    bagging_fraction=0.8,
    lambda_l2=1.0,
)
NAMES = ("a", "b")


def land(n=6_000, seed=0):
    """Truth bends in `a`; survey goes where `a` is high: a straight line through the surveyed part is not all land's.

    Returns values, truth, surveyed, true propensity and block.
    """
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    true = rng.random(n) < expit(-1 + 2 * np.maximum(a, 0) - 0.5 * np.minimum(a, 0) + b)
    chance = expit(-1 + 2 * a)
    surveyed = rng.random(n) < chance
    return np.column_stack([a, b]).astype(np.float32), true, surveyed, chance, np.arange(n) // 50


def test_propensity_finds_where_survey_goes_and_stays_within_its_bounds():
    values, _, surveyed, chance, block = land()
    found = propensity(values, surveyed, block, NAMES, seed=1)
    assert found.min() >= 0.02
    assert found.max() <= 0.98
    assert np.abs(found - np.clip(chance, 0.02, 0.98)).mean() < 0.06
    assert np.array_equal(found, propensity(values, surveyed, block, NAMES, seed=1))


def test_a_cell_does_not_tell_its_own_propensity():
    values, _, surveyed, _, block = land(1_500)
    found = propensity(values, surveyed, block, NAMES, seed=1)
    own = block == 3
    other = propensity(values, np.where(own, ~surveyed, surveyed), block, NAMES, seed=1)
    assert np.array_equal(found[own], other[own])
    assert not np.array_equal(found[~own], other[~own])


def test_the_drawing_probability_of_audit_cells_stands_for_their_propensity():
    values, _, surveyed, _, block = land(1_000)
    drawn = np.full(1_000, np.nan)
    drawn[:10] = 0.001
    found = propensity(values, surveyed, block, NAMES, seed=1, inclusion_prob=drawn)
    assert (found[:10] == 0.001).all()
    assert (found[10:] >= 0.02).all()
    drawn[0] = 0.0
    with pytest.raises(ValueError, match=r"inclusion_prob \(from 0 to 0.001\)"):
        propensity(values, surveyed, block, NAMES, seed=1, inclusion_prob=drawn)


def test_blocks_are_dealt_whole():
    block = np.repeat(np.arange(20), 5)
    fold = deal_blocks(block, 4, seed=0)
    assert all(len(set(fold[block == number])) == 1 for number in range(20))
    assert (np.bincount(fold) == 25).all()


def test_weights_have_mean_one_and_no_giants():
    _, _, surveyed, chance, _ = land()
    weight = survey_weights(np.clip(chance, 0.02, 0.98), surveyed)
    assert np.isfinite(weight).all()
    assert (weight[surveyed] > 0).all()
    assert (weight[~surveyed] == 0).all()
    assert weight[surveyed].mean() == pytest.approx(1)
    top = weight == weight.max()
    assert 0.01 * surveyed.sum() <= top.sum() < 0.02 * surveyed.sum()
    effective = effective_sample_size(weight[surveyed])
    assert 1 <= effective < surveyed.sum()
    assert effective_sample_size(np.ones(7)) == pytest.approx(7)
    assert effective_sample_size(np.array([])) == 0


def test_weights_bring_a_straight_line_back_to_all_land():
    """Known truth: weights by the chance of survey give the slope that all land has; without, that of surveyed land."""
    values, true, surveyed, chance, _ = land(40_000, seed=3)

    def slope(rows, weight):
        return LogisticRegression(C=1e6).fit(values[rows], true[rows], sample_weight=weight).coef_[0, 0]

    everything = slope(np.ones(len(true), dtype=bool), None)
    weight = survey_weights(np.clip(chance, 0.02, 0.98), surveyed)[surveyed]
    naive, weighted = slope(surveyed, None), slope(surveyed, weight)
    assert abs(weighted - everything) < 0.4 * abs(naive - everything)


def test_found_against_land_drawn_alike_ranks_by_contamination_and_not_by_access():
    """Found cells are reported where people go (`b`); a background drawn with that bias takes the access out again."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(8_000, 2)).astype(np.float32)
    true = rng.random(8_000) < expit(-2 + 1.2 * values[:, 0])
    reported = expit(-1 + 1.5 * values[:, 1])
    found = true & (rng.random(8_000) < reported)
    auc = {}
    for target_group in (False, True):
        chance = background_chance(reported, found, target_group)
        unknown = Unlabelled(
            values=values[~found], chance=chance[~found], total_weight=float(found.sum()), per_bag=2_000
        )
        booster = fit_beside(
            values[found], np.ones(found.sum()), np.ones(found.sum()), NAMES, SMALL, unknown, 3, seed=0
        )
        auc[target_group] = roc_auc_score(true[~found], booster.raw(values[~found]))
    assert auc[True] > auc[False] + 0.02


def test_a_mean_booster_scores_and_explains_as_the_mean():
    values, true, *_ = land(800)
    parts = [
        fit(values[k::2], true[k::2].astype(float), np.ones(400), NAMES, "binary", SMALL, seed=k) for k in range(2)
    ]
    mean = mean_booster(parts)
    assert np.allclose(mean.raw(values), (parts[0].raw(values) + parts[1].raw(values)) / 2, atol=1e-12)
    explained = sum(part.contributions(values) for part in parts) / 2
    assert np.allclose(mean.contributions(values), explained, atol=1e-9)
    assert mean_booster(parts[:1]) is parts[0]


def test_a_bag_draws_without_repetition_and_only_what_may_be_drawn():
    unknown = Unlabelled(
        values=np.zeros((10, 2), dtype=np.float32),
        chance=np.array([0.0, 1, 2, 3, 0, 1, 1, 0, 0, 0]),
        total_weight=1.0,
        per_bag=4,
    )
    draws = [unknown.draw(seed) for seed in range(30)]
    assert all(len(set(draw)) == 4 for draw in draws)
    assert set(np.concatenate(draws)) == {1, 2, 3, 5, 6}
    assert np.array_equal(draws[0], unknown.draw(0))


def test_out_of_bag_scores_rank_what_was_never_reported():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2_000, 2)).astype(np.float32)
    true = rng.random(2_000) < expit(-2 + 2 * values[:, 0])
    found = true & (rng.random(2_000) < 0.5)
    unknown = Unlabelled(values=values[~found], chance=np.ones((~found).sum()), total_weight=1.0, per_bag=300)
    score = out_of_bag(values[found], unknown, NAMES, SMALL, 5, seed=0)
    scored = np.isfinite(score)
    assert scored.mean() > 0.99
    assert roc_auc_score(true[~found][scored], score[scored]) > 0.8


def labels(n=400):
    """Labelled, found and searched of cells of which half are unknown."""
    found = np.arange(n) % 8 == 0
    labelled = np.arange(n) % 2 == 0
    return labelled, found, labelled & ~found


def never():
    raise AssertionError("propensity is not needed")


def test_unknown_land_stands_lightly_beside_what_was_searched_and_only_when_asked_for():
    labelled, found, searched = labels()
    assert not survey_bias(SurveyBiasSettings(), labelled, searched, 20, never).background.any()
    bias = survey_bias(SurveyBiasSettings(background_weight=0.3), labelled, searched, 20, never)
    assert np.array_equal(bias.weight, labelled)
    assert np.array_equal(bias.background > 0, ~labelled)
    values = np.zeros((400, 2), dtype=np.float32)
    drawn = unlabelled_land(bias, values, found[labelled], np.ones(200))
    assert drawn.total_weight == pytest.approx(0.3 * searched.sum())
    assert not drawn.alone
    far = np.arange(400) < 100
    assert len(unlabelled_land(bias, values, found[labelled], np.ones(200), far).values) == 50


def test_every_option_of_survey_bias_changes_something():
    labelled, found, searched = labels()
    chance = np.linspace(0.1, 0.9, 400)
    off = survey_bias(SurveyBiasSettings(background_weight=0), labelled, searched, 20, never)
    assert unlabelled_land(off, np.zeros((400, 2), dtype=np.float32), found[labelled], np.ones(200)) is None
    weighted = survey_bias(SurveyBiasSettings(weights="propensity"), labelled, searched, 20, lambda: chance)
    assert np.array_equal(weighted.weight, survey_weights(chance, labelled))
    assert weighted.effective < off.effective == labelled.sum()
    nothing = np.zeros(400, dtype=bool)
    alone = survey_bias(SurveyBiasSettings(unlabelled="background"), found, nothing, 20, lambda: chance)
    assert alone.found_alone
    assert np.array_equal(alone.background, np.where(found, 0, chance))
    drawn = unlabelled_land(alone, np.zeros((400, 2), dtype=np.float32), np.ones(50, dtype=bool), np.full(50, 2.0))
    assert drawn.total_weight == pytest.approx(100)
    assert drawn.alone


def test_land_within_the_buffer_of_held_out_land_is_not_drawn():
    centres = np.column_stack([np.arange(10) * 100.0, np.zeros(10)])
    assert (
        cells_outside_buffer(np.array([4]), centres, 250).tolist()
        == [True, True, False, False, False, False, False] + [True] * 3
    )
    assert (~cells_outside_buffer(np.array([4]), centres, 0)).sum() == 1


def test_an_audit_of_random_cells_brings_probabilities_to_what_is_there():
    rng = np.random.default_rng(7)
    raw = rng.normal(-3, 1.5, 40_000)
    true = rng.random(40_000) < expit(raw)
    score = np.linspace(-9, 4, 201)
    high = Calibration("isotonic", tuple(score), tuple(expit(score + 1.2)))
    audit, other = np.arange(2_000), np.arange(2_000, 40_000)
    low = recalibrate_on_audit(high, raw[audit], true[audit], np.full(2_000, 0.05))
    assert calibration_error(high(raw[other]), true[other]) > 0.05
    assert calibration_error(low(raw[other]), true[other]) < 0.02
    # Twice as many of the found drawn, and recorded so: the design takes it out again.
    chance = np.where(true, 0.10, 0.05)
    drawn = rng.random(40_000) < chance
    designed = recalibrate_on_audit(high, raw[drawn], true[drawn], chance[drawn])
    assert calibration_error(designed(raw), true) < 0.02
    with pytest.raises(ValueError, match=r"audit \(0 found of 50 cells\)"):
        recalibrate_on_audit(high, raw[:50], np.zeros(50, dtype=bool), np.ones(50))


def test_calibration_error_of_closed_forms():
    found = np.arange(1_000) % 4 == 0
    assert calibration_error(np.full(1_000, 0.25), found) == pytest.approx(0, abs=0.002)
    assert calibration_error(np.full(1_000, 0.35), found) == pytest.approx(0.1)


def test_prevalence_is_what_was_asked_for_and_keeps_the_total():
    target = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    weight = np.array([1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    share = np.average(target, weights=weight)
    for factor in (0.5, 2.0):
        moved = with_prevalence(target, weight, factor)
        assert np.average(target, weights=moved) == pytest.approx(factor * share)
        assert moved.sum() == pytest.approx(weight.sum())
    assert np.average(target, weights=with_prevalence(target, weight, 100)) == pytest.approx(0.95)


def test_agreement_of_equal_and_opposite_rankings():
    score = np.arange(200.0)
    assert agreement(score, 3 * score + 1) == {"spearman": 1, "overlap_1": 1, "overlap_5": 1, "overlap_10": 1}
    assert agreement(score, -score) == {"spearman": -1, "overlap_1": 0, "overlap_5": 0, "overlap_10": 0}


def test_sensitivity_refits_and_says_how_far_the_ranking_moves():
    values, true, surveyed, chance, _ = land(1_500)
    target = true[surveyed].astype(float)
    weight = survey_weights(np.clip(chance, 0.02, 0.98), surveyed)[surveyed]

    def score(w):
        return fit(values[surveyed], target, w, NAMES, "binary", SMALL, seed=0).raw(values)

    table = sensitivity(score, target, weight, np.ones(len(weight)))
    assert table["variant"].tolist() == ["prevalence x0.5", "prevalence x2", "without survey weights"]
    assert table["spearman"].between(0.5, 1, inclusive="left").all()
    assert table[["overlap_1", "overlap_5", "overlap_10"]].to_numpy().max() <= 1
    # What is known already is not fitted again.
    fits = []
    same = sensitivity(lambda w: fits.append(1) or score(w), target, weight, weight, score(weight))
    assert same["spearman"].tolist()[2] == pytest.approx(1)
    assert len(fits) == 2
    pd.testing.assert_frame_equal(same[:2], table[:2])


@pytest.mark.slow
def test_found_cells_alone_make_a_model_whose_curve_stays_below_certainty():
    """Known truth: without a searched cell the curve is the share found so far, which truth is never below."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(4_000, 2)).astype(np.float32)
    chance = expit(-2 + 2 * values[:, 0])
    true = rng.random(4_000) < chance
    found = true & (rng.random(4_000) < 0.5)
    count = int(found.sum())
    rows = TrainingRows(
        features=NAMES,
        values=values[found],
        target=np.ones(count),
        weight=np.ones(count),
        share=np.ones(count),
        block=np.arange(count) // 10,
        out_of_fold=np.full(count, np.nan),
        fold=np.full(count, -1),
    )
    unknown = Unlabelled(
        values=values[~found], chance=np.ones(4_000 - count), total_weight=float(count), per_bag=count, alone=True
    )
    model = fit_contamination(rows, RankerParams(SMALL, bags=2), {}, 3, seed=0, threads=1, unlabelled=unknown)
    scores = model.scores(values)
    assert scores.probability.mean() == pytest.approx(found.mean(), rel=0.15)
    assert scores.probability.mean() < true.mean()
    assert roc_auc_score(true, scores.score) > 0.8
    assert scores.in_domain.mean() > 0.9
    again = fit_contamination(rows, RankerParams(SMALL, bags=2), {}, 3, seed=0, threads=1, unlabelled=unknown)
    assert again.files() == model.files()
