import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.validation.block_bootstrap import block_intervals
from training.validation.count_metrics import deviance
from training.validation.metrics import judge, mean_by_ranking, recall_at_area


def test_recall_counts_the_best_cells_first():
    score = np.arange(10.0)
    positive = np.isin(np.arange(10), [9, 8, 0])
    assert recall_at_area(score, positive, 0.2) == pytest.approx(2 / 3)
    assert recall_at_area(score, positive, 0.1) == pytest.approx(1 / 3)


def test_ties_get_their_expected_value():
    positive = np.arange(100) < 7
    for share in (0.01, 0.05, 0.3):
        assert recall_at_area(np.zeros(100), positive, share) == pytest.approx(share)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_recall_grows_with_area_and_ends_at_one(cells):
    score = np.array([float(value) for value, _ in cells])
    positive = np.array([found for _, found in cells])
    if positive.any():
        recalls = [recall_at_area(score, positive, share) for share in (0.1, 0.4, 0.7, 1.0)]
        assert recalls == sorted(recalls)
        assert recalls[-1] == pytest.approx(1.0)


def test_without_a_positive_there_is_no_recall():
    assert np.isnan(recall_at_area(np.arange(4.0), np.zeros(4, dtype=bool), 0.5))


def test_a_cell_without_a_score_is_surveyed_last():
    figures = judge(np.array([np.nan, 3.0, 2.0, 1.0]), np.array([True, False, False, False]))
    assert figures["roc_auc"] == 0.0


def test_judge_gives_the_base_rate_beside_every_figure():
    figures = judge(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, False, False]))
    assert (figures["roc_auc"], figures["pr_auc"], figures["base_rate"]) == (1.0, 1.0, 0.25)


def test_interval_holds_the_figure_and_is_wider_when_blocks_are_few():
    rng = np.random.default_rng(0)
    score, positive = rng.normal(size=4_000), rng.random(4_000) < 0.1
    score[positive] += 1
    block = np.arange(4_000) // 20
    fine, coarse = (block_intervals(score, positive, block // size, 1) for size in (1, 20))
    auc = roc_auc_score(positive, score)
    assert fine["roc_auc_low"] < auc < fine["roc_auc_high"]
    clustered = rng.normal(size=10)[block // 20]
    spread = block_intervals(score + 3 * clustered, positive, block // 20, 1)
    assert spread["roc_auc_high"] - spread["roc_auc_low"] > fine["roc_auc_high"] - fine["roc_auc_low"]
    assert coarse["recall_10_low"] <= recall_at_area(score, positive, 0.1) <= coarse["recall_10_high"]


def test_bootstrap_auc_is_the_auc_when_every_cell_is_drawn_once():
    score = np.array([3.0, 2.0, 1.0, 0.0])
    positive = np.array([True, False, True, False])
    figures = block_intervals(np.tile(score, 5), np.tile(positive, 5), np.repeat(np.arange(5), 4), 0)
    assert figures["roc_auc_low"] == pytest.approx(roc_auc_score(positive, score))
    assert figures["roc_auc_high"] == pytest.approx(roc_auc_score(positive, score))


def test_a_handful_of_blocks_gives_no_interval():
    figures = block_intervals(np.arange(4.0), np.array([True, False, True, False]), np.zeros(4, dtype=int), 0)
    assert all(np.isnan(value) for value in figures.values())


def test_cells_count_by_the_part_that_was_searched():
    score, positive = np.array([3.0, 2.0, 1.0]), np.array([False, True, False])
    figures = judge(score, positive, np.array([0.2, 1.0, 0.8]))
    assert figures["base_rate"] == pytest.approx(0.5)
    assert figures["roc_auc"] == pytest.approx(0.8)


def test_deviance_is_zero_for_a_perfect_forecast_and_follows_its_formula():
    observed = np.array([0.0, 2.0])
    assert deviance(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0
    expected = 2 * ((0.5 - 0) + (2 * np.log(2 / 1) - 1)) / 2
    assert deviance(observed, np.array([0.5, 1.0])) == pytest.approx(expected)


def test_means_stand_beside_the_folds():
    import pandas as pd

    table = pd.DataFrame({"protocol": "p", "fold": ["a", "b"], "ranking": "mlrisk", "roc_auc": [0.6, 0.8]})
    assert mean_by_ranking(table).to_dict("records") == [
        {"protocol": "p", "fold": "mean", "ranking": "mlrisk", "roc_auc": pytest.approx(0.7)}
    ]
