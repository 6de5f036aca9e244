"""Scores of labelled cells without their own labels."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.boosting import BoostingParams
from models.contamination import ContaminationModel
from models.contamination_fit import TrainingRows, fit_contamination
from models.out_of_bag import OutOfBag, fit_out_of_bag
from models.ranker import RankerParams
from training.registry.mlrisk_scores import shift_of_labels

SIZE = 100.0
PARAMS = BoostingParams(
    n_trees=60, learning_rate=0.3, num_leaves=31, max_depth=8, min_leaf_share=0.001, feature_fraction=1.0,
    bagging_fraction=1.0, lambda_l2=0.0,
)  # fmt: skip


def centres(n):
    return np.column_stack([np.arange(n) * SIZE, np.arange(n) % 7 * SIZE]) + SIZE / 2


def test_a_labelled_cell_is_moved_to_the_mean_of_the_members_that_left_it_out():
    raw = np.array([2.0, -1.0, 3.0, 0.5])
    members = [np.array([1.0, 0.0, 9.0, 1.0]), np.array([0.0, 9.0, 9.0, 2.0])]
    left_out = [np.array([True, True, False, False]), np.array([True, False, False, True])]
    shifts = fit_out_of_bag(centres(4), SIZE, raw, members, left_out, found=np.array([True, False, True, False]))
    # The third cell was in every draw: it moves as the other found cell does.
    assert (raw + shifts(centres(4))).tolist() == [0.5, 0.0, 1.5, 2.0]
    assert shifts(np.array([[-50.0, 50.0], [50.0, 950.0], [1e7, -1e7]])).tolist() == [0.0, 0.0, 0.0]
    places = centres(4)[::-1] + 30.0
    np.testing.assert_array_equal(OutOfBag.from_text(shifts.text())(places), shifts(places))
    np.testing.assert_array_equal(shift_of_labels(json.loads(shifts.text()), places), shifts(places))


def test_without_a_member_that_left_a_cell_out_nothing_is_known():
    drawn = np.zeros(3, bool)
    assert fit_out_of_bag(centres(3), SIZE, np.zeros(3), [np.ones(3)], [drawn], drawn) is None
    assert fit_out_of_bag(centres(3), SIZE, np.zeros(3), [], [], drawn) is None


@pytest.fixture(scope="module")
def chance():
    """A model of labels that have nothing to do with the features."""
    rng = np.random.default_rng(0)
    n = 1_500
    values, found = rng.normal(size=(n, 4)).astype(np.float32), rng.random(n) < 0.3
    rows = TrainingRows(
        features=("a", "b", "c", "d"), values=values, target=found.astype(float), weight=np.ones(n), share=np.ones(n),
        block=np.arange(n) // 15, out_of_fold=rng.normal(size=n), fold=np.arange(n) // 500, centres_m=centres(n),
        cell_size_m=SIZE,
    )  # fmt: skip
    return fit_contamination(rows, RankerParams(PARAMS), {}, 12, seed=1, threads=2), values, found


def test_the_score_of_a_labelled_cell_does_not_repeat_its_label(chance):
    model, values, found = chance
    learned = model.ranker.raw(values)
    ranked = model.scores(values, centres_m=centres(len(values))).score
    assert roc_auc_score(found, learned) > 0.9
    assert 0.42 < roc_auc_score(found, ranked) < 0.58


def test_the_shifts_travel_with_the_files_of_the_model(chance):
    model, values, _ = chance
    again = ContaminationModel.from_files(model.files())
    places = centres(len(values))
    np.testing.assert_array_equal(again.by_place(places, len(places)), model.by_place(places, len(places)))
    assert np.any(model.by_place(places, len(places)) != 0)
    assert not model.by_place(places + np.array([0.0, 5_000.0]), len(places)).any()
