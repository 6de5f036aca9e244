from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.validation.polygon_metrics import missed_polygons, polygon_figures

CELLS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=2, max_size=6).filter(
    lambda cells: any(polygon >= 0 for _, polygon in cells)
)


def _pairs(polygon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cell = np.flatnonzero(polygon >= 0)
    return cell, polygon[cell]


@settings(max_examples=25, deadline=None)
@given(CELLS, st.sampled_from(["any", "all"]))
def test_ties_get_the_mean_over_every_order(cells, found_when):
    score = np.array([float(value) for value, _ in cells])
    cell, polygon = _pairs(np.array([number for _, number in cells]))
    n, numbers, decide = len(score), np.unique(polygon), min if found_when == "any" else max
    recalls, areas = [], []
    for order in permutations(range(n)):
        if all(np.diff(score[list(order)]) <= 0):
            place = np.argsort(order)
            firsts = [decide(place[cell[polygon == number]]) for number in numbers]
            recalls.append(np.mean([np.clip(0.2 * n - first, 0, 1) for first in firsts]))
            areas.append(np.mean([1 - (first + 1) / n for first in firsts]))
    figures = polygon_figures(score, cell, polygon, found_when=found_when)
    assert figures["polygon_recall_20"] == pytest.approx(np.mean(recalls))
    assert figures["polygon_rate_auc"] == pytest.approx(np.mean(areas))


def test_a_polygon_is_found_with_its_first_cell_or_with_its_last():
    score, cell, polygon = -np.arange(10.0), np.array([0, 9, 1]), np.array([7, 7, 3])
    first, last = (polygon_figures(score, cell, polygon, found_when=when) for when in ("any", "all"))
    assert (first["polygon_recall_10"], first["polygon_recall_20"]) == (0.5, 1.0)
    assert (last["polygon_recall_20"], last["polygon_area_95"]) == (0.5, 1.0)


def test_a_polygon_outside_the_ranking_counts_as_not_found():
    figures = polygon_figures(-np.arange(10.0), np.array([0]), np.array([0]), polygons=2)
    assert (figures["polygon_recall_10"], figures["polygon_area_80"]) == (0.5, np.inf)


def test_a_pair_that_is_given_twice_counts_once_and_area_moves_the_place():
    area = np.array([3.0, 1.0])
    figures = polygon_figures(np.array([2.0, 1.0]), np.array([0, 0, 1]), np.array([0, 0, 1]), area)
    assert figures["polygon_area_80"] == 1.0
    assert polygon_figures(np.array([2.0, 1.0]), np.array([0]), np.array([0]), area)["polygon_area_80"] == 0.75


def test_missed_polygons_lie_in_the_lower_half_with_all_their_cells():
    score = -np.arange(10.0)
    assert missed_polygons(score, np.array([0, 9, 8, 6]), np.array([1, 1, 2, 3])).tolist() == [2, 3]


def test_no_polygon_no_figure_and_another_word_is_refused():
    none = np.array([], dtype=np.int64)
    assert np.isnan(polygon_figures(np.arange(3.0), none, none)["polygon_recall_5"])
    with pytest.raises(ValueError, match="found_when"):
        polygon_figures(np.arange(3.0), np.array([0]), np.array([0]), found_when="half")
