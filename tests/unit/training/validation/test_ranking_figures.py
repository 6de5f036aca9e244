from itertools import permutations
from time import process_time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from training.validation.metrics import judge, missed_positives, prediction_rate, worst_regions

CELLS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=6).filter(
    lambda cells: 0 < sum(found for _, found in cells) < len(cells)
)


def _figures_in_order(positive: list[bool]) -> dict[str, float]:
    """The figures of cells of one area in a given order of survey, each from its definition."""
    n, total = len(positive), sum(positive)
    places = [place for place, found in enumerate(positive, start=1) if found]
    wanted = {share: -(-share * total // 100) for share in (80, 90, 95)}
    return {
        "pr_auc": sum(sum(positive[:place]) / place for place in places) / total,
        "height": sum(place - sum(positive[:place]) for place in places) / total,
        "rate_auc": sum(1 - (place - 0.5) / n for place in places) / total,
        **{f"area_{share}": places[number - 1] / n for share, number in wanted.items()},
        **{
            f"recall_{share}": sum(min(1, max(0, share / 100 * n - (place - 1))) for place in places) / total
            for share in (1, 5, 10, 20)
        },
    }


@settings(max_examples=25, deadline=None)
@given(CELLS)
def test_ties_get_the_mean_over_every_order(cells):
    score = np.array([float(value) for value, _ in cells])
    positive = np.array([found for _, found in cells])
    orders = [order for order in permutations(range(len(cells))) if all(np.diff(score[list(order)]) <= 0)]
    expected = pd.DataFrame([_figures_in_order(positive[list(order)].tolist()) for order in orders]).mean()
    figures = judge(score, positive)
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value), name


@pytest.mark.parametrize("distinct", [2, 30, 100_000])
def test_areas_are_those_of_scikit_learn(distinct):
    rng = np.random.default_rng(1)
    positive = rng.random(3_000) < 0.1
    score = np.round(rng.random(3_000) * distinct + positive * distinct / 3)
    area = rng.uniform(0.2, 1, 3_000)
    figures = judge(score, positive, area)
    assert figures["roc_auc"] == pytest.approx(roc_auc_score(positive, score, sample_weight=area))
    assert figures["rheight"] == pytest.approx(1 - figures["roc_auc"])
    if distinct == 100_000:
        untied = score + 1e-6 * rng.random(3_000)
        precision = average_precision_score(positive, untied, sample_weight=area)
        assert judge(untied, positive, area)["pr_auc"] == pytest.approx(precision)


def test_the_unit_of_area_changes_no_share():
    rng = np.random.default_rng(4)
    positive, score, area = rng.random(300) < 0.2, rng.integers(0, 9, 300).astype(float), rng.uniform(0.1, 1, 300)
    one, three = judge(score, positive, area), judge(score, positive, 3 * area)
    assert {name: three[name] for name in one if name != "height"} == pytest.approx(
        {name: value for name, value in one.items() if name != "height"}
    )


def test_rate_auc_is_the_area_under_its_curve():
    rng = np.random.default_rng(2)
    positive, score, area = rng.random(200) < 0.2, rng.integers(0, 20, 200).astype(float), rng.uniform(0.1, 1, 200)
    curve = prediction_rate(score, positive, area, points=100_001)
    assert judge(score, positive, area)["rate_auc"] == pytest.approx(auc(np.linspace(0, 1, 100_001), curve), abs=1e-7)


def test_indices_of_hot_spots_follow_their_definitions():
    # 10 of 100 cells are positive; the first 5 ranked hold 2 of them, the first 20 hold 8.
    positive = np.isin(np.arange(100), [0, 1, 10, 11, 12, 13, 14, 15, 50, 60])
    figures = judge(-np.arange(100.0), positive)
    assert (figures["pai_5"], figures["pai_20"]) == pytest.approx((0.2 / 0.05, 0.8 / 0.2))
    # The best ranking finds half of them in 5 % of the area and all of them in 20 %.
    assert (figures["pei_5"], figures["pei_20"]) == pytest.approx((0.2 / 0.5, 0.8))


def test_a_perfect_ranking_reaches_the_best_index_and_a_blind_one_the_first_line():
    positive = np.arange(50) < 5
    perfect, blind = judge(positive.astype(float), positive), judge(np.zeros(50), positive)
    assert [perfect[f"pei_{share}"] for share in (1, 5, 10, 20)] == pytest.approx([1, 1, 1, 1])
    assert [blind[f"pai_{share}"] for share in (1, 5, 10, 20)] == pytest.approx([1, 1, 1, 1])
    assert (perfect["height"], blind["height"]) == pytest.approx((0, 22.5))


def test_hectares_and_team_days_have_units():
    positive = np.isin(np.arange(10), [0, 1, 2, 3, 9])
    figures = judge(-np.arange(10.0), positive, cell_ha=25.0, m2_per_team_day=5_000.0)
    assert (figures["hectares_80"], figures["hectares_90"]) == (100.0, 250.0)
    # 20 % of the area: 2 cells of 250,000 m2 are 100 team-days and hold 2 found cells.
    assert figures["per_team_day_20"] == pytest.approx(2 / 100)


def test_without_both_outcomes_there_are_no_areas():
    assert np.isnan(judge(np.arange(4.0), np.zeros(4, dtype=bool))["roc_auc"])
    assert np.isnan(judge(np.arange(4.0), np.ones(4, dtype=bool))["pr_auc"])


def test_missed_positives_are_those_in_the_lower_half_worst_first():
    score = np.array([5.0, 4.0, 3.0, np.nan, 1.0, 0.0])
    assert missed_positives(score, np.array([True, False, True, True, True, False])).tolist() == [3, 4]
    # With its large area the best cell alone fills the upper half.
    area = np.array([10.0, 1, 1, 1, 1, 1])
    assert missed_positives(score, np.array([True, False, True, False, False, False]), area).tolist() == [2]
    assert missed_positives(np.zeros(4), np.ones(4, dtype=bool)).tolist() == []


def test_the_worst_region_is_the_lowest_recall_and_the_longest_way():
    table = pd.DataFrame(
        {"protocol": "p", "fold": ["a", "b", "mean"], "ranking": "mlrisk", "recall_10": [0.5, 0.2, 0.1]}
    ).assign(hectares_90=[90.0, 10.0, 500.0])
    assert worst_regions(table)["fold"].tolist() == ["b"]
    assert worst_regions(table, "hectares_90")["fold"].tolist() == ["a"]
    assert worst_regions(table.assign(recall_10=np.nan)).empty


@pytest.mark.slow
def test_a_million_cells_are_judged_in_about_a_second():
    rng = np.random.default_rng(3)
    score, positive = rng.random(1_000_000), rng.random(1_000_000) < 0.05
    started = process_time()
    judge(score, positive)
    assert process_time() - started < 2
