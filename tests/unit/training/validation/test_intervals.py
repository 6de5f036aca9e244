from time import process_time

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from training.validation.block_bootstrap import (
    _BlockSums,
    _slopes,
    block_intervals,
    block_times,
    bounds,
    mean_draws,
    paired_differences,
    pooled_score,
    probability_intervals,
    ranking_draws,
)
from training.validation.metrics import judge, recall_at_area
from training.validation.probability_metrics import probability_figures


def _country(seed: int, blocks: int = 60, cells: int = 30):
    """Cells in blocks that share part of their score and of their luck; the true ROC AUC is that of a large country."""
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(blocks), cells)
    shared = rng.normal(size=blocks)[block]
    positive = rng.random(len(block)) < 1 / (1 + np.exp(2.5 - shared))
    score = 0.7 * positive + rng.normal(size=len(block)) + 0.7 * rng.normal(size=blocks)[block]
    return score, positive, block


def test_a_draw_is_the_figure_of_its_cells_repeated():
    score, positive, block = _country(1, blocks=8)
    score = np.round(score, 1)
    place, times = block_times(block, 3, 20)
    drawn = ranking_draws(score, positive, block, 3, 20)
    for row in range(20):
        rows = np.repeat(np.arange(len(score)), times[row].astype(int)[place])
        assert drawn["roc_auc"][row] == pytest.approx(roc_auc_score(positive[rows], score[rows]))
        for name, share in (("recall_5", 0.05), ("recall_20", 0.2)):
            assert drawn[name][row] == pytest.approx(recall_at_area(score[rows], positive[rows], share))
        assert drawn["rate_auc"][row] == pytest.approx(judge(score[rows], positive[rows])["rate_auc"])


def test_precision_of_a_draw_is_that_of_weighted_cells():
    score, positive, block = _country(2, blocks=8)
    place, times = block_times(block, 3, 5)
    drawn = ranking_draws(score, positive, block, 3, 5)["pr_auc"]
    for row in range(5):
        weight = times[row][place]
        assert drawn[row] == pytest.approx(average_precision_score(positive, score, sample_weight=weight))


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth = roc_auc_score(*_country(0, blocks=4_000)[1::-1])
    inside = narrow = 0
    for seed in range(1, 101):
        score, positive, block = _country(seed)
        figures = block_intervals(score, positive, block, seed, 100)
        inside += figures["roc_auc_low"] <= truth <= figures["roc_auc_high"]
        by_cell = block_intervals(score, positive, np.arange(len(score)), seed, 50)
        narrow += by_cell["roc_auc_low"] <= truth <= by_cell["roc_auc_high"]
    assert 80 <= inside <= 97
    # Cells drawn one by one promise too much: that is why blocks are drawn.
    assert narrow < inside - 10


def test_a_ranking_differs_from_itself_by_nothing_and_paired_draws_are_narrower():
    score, positive, block = _country(5)
    nothing = paired_differences(score, 2 * score + 1, positive, block, 0)
    assert set(nothing.values()) == {0.0}
    assert set(paired_differences(np.zeros(len(score)), np.ones(len(score)), positive, block, 0).values()) == {0.0}
    other = score + 0.05 * np.random.default_rng(0).normal(size=len(score))
    gain = paired_differences(score, other, positive, block, 0)
    alone = block_intervals(score, positive, block, 0)
    assert gain["roc_auc_gain_high"] - gain["roc_auc_gain_low"] < 0.3 * (alone["roc_auc_high"] - alone["roc_auc_low"])


def test_a_better_ranking_has_a_gain_above_nothing():
    score, positive, block = _country(6)
    gain = paired_differences(score + 2 * positive, score, positive, block, 0)
    assert 0 < gain["recall_10_gain_low"] < gain["recall_10_gain"] < gain["recall_10_gain_high"]


def test_draws_follow_the_seed_alone():
    score, positive, block = _country(7)
    first, again, other = (block_intervals(score, positive, block, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_few_blocks_give_no_interval_anywhere():
    score, positive, block = _country(8, blocks=4)
    assert all(np.isnan(value) for value in block_intervals(score, positive, block, 0).values())
    gain = paired_differences(score, -score, positive, block, 0)
    assert np.isfinite(gain["roc_auc_gain"])
    assert np.isnan(gain["roc_auc_gain_low"])
    assert all(np.isnan(value) for value in probability_intervals(0.5 + 0 * score, positive, block, 0).values())


def test_probability_intervals_hold_the_figures_of_all_cells():
    score, positive, block = _country(9)
    probability = 1 / (1 + np.exp(2.2 - score))
    figures = probability_figures(probability, positive)
    spread = probability_intervals(probability, positive, block, 0)
    for name in ("brier", "log_loss", "calibration_slope", "calibration_intercept"):
        assert spread[f"{name}_low"] < figures[name] < spread[f"{name}_high"], name


@pytest.mark.slow
def test_the_slope_of_a_draw_is_near_the_slope_of_its_cells():
    score, positive, block = _country(10)
    probability = 1 / (1 + np.exp(2.2 - score))
    place, times = block_times(block, 1, 100)
    rows = [np.repeat(np.arange(len(score)), row.astype(int)[place]) for row in times]
    slopes = np.array([probability_figures(probability[row], positive[row])["calibration_slope"] for row in rows])
    one = np.ones(len(score))
    stepped = _slopes(_BlockSums(place, times, one), np.log(probability / (1 - probability)), positive, one)
    assert stepped["calibration_slope"] == pytest.approx(slopes, abs=0.06)
    spread = probability_intervals(probability, positive, block, 1, 100)
    exact = bounds({"slope": slopes})
    assert spread["calibration_slope_low"] == pytest.approx(exact["slope_low"], abs=0.03)
    assert spread["calibration_slope_high"] == pytest.approx(exact["slope_high"], abs=0.03)


def test_pooled_places_survey_the_same_share_of_every_fold():
    rng = np.random.default_rng(11)
    fold, score, area = rng.integers(-1, 3, 900), rng.integers(0, 50, 900).astype(float), rng.uniform(0.2, 1, 900)
    positive = rng.random(900) < 0.2
    pooled = pooled_score(score * 10.0**fold, fold, area)
    assert np.isnan(pooled[fold < 0]).all()
    judged = fold >= 0
    recalls = [recall_at_area(score[fold == k], positive[fold == k], 0.1, area[fold == k]) for k in range(3)]
    found = [area[(fold == k) & positive].sum() for k in range(3)]
    pooled_recall = recall_at_area(pooled[judged], positive[judged], 0.1, area[judged])
    assert pooled_recall == pytest.approx(np.average(recalls, weights=found), abs=0.02)


def test_the_mean_over_folds_has_the_mean_of_their_draws():
    drawn = [ranking_draws(*_country(seed), seed) for seed in (1, 2)]
    assert mean_draws(drawn)["roc_auc"] == pytest.approx((drawn[0]["roc_auc"] + drawn[1]["roc_auc"]) / 2)
    few = ranking_draws(*_country(3, blocks=3), 3)
    assert np.isnan(bounds(mean_draws([drawn[0], few]))["roc_auc_low"])
    assert mean_draws([]) == {}


@pytest.mark.slow
def test_two_hundred_draws_of_a_hundred_thousand_cells_are_quick():
    rng = np.random.default_rng(3)
    score, positive, block = rng.random(100_000), rng.random(100_000) < 0.05, rng.integers(0, 400, 100_000)
    started = process_time()
    ranking_draws(score, positive, block, 0)
    assert process_time() - started < 3
