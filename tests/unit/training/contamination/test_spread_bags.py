"""Learning from label proportions: what a bag expects goes to the cells that look like found ones."""

from dataclasses import replace

import numpy as np
import pytest

from models.ranker import fit_ranker
from models.soft_labels import split_rows
from tests.support.simulated_dataset import simulated_dataset
from training.contamination.bags import FEWEST_EXPECTED, spread_bags
from training.contamination.learning_set import learning_set_of
from training.contamination.recipe import recipe_of
from training.evidence.states import NO_BAG
from training.settings.boosting import BoostingSettings
from training.settings.config import ContaminationSettings

RECIPE = recipe_of(ContaminationSettings(model=BoostingSettings(n_trees=20)))


def bagged(size=8, share=0.5, seed=3):
    """A learning set with half of its cells in bags of which the sum is recorded; and the true state of each cell."""
    dataset = simulated_dataset(share=1.0)
    learning = learning_set_of(dataset, np.arange(dataset.grid.n_cells), 5_000)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(learning.found))[: int(share * len(learning.found)) // size * size]
    bag = np.full(len(learning.found), NO_BAG)
    bag[rows] = np.repeat(np.arange(len(rows) // size), size)
    target = learning.target.copy()
    sums = np.bincount(bag[rows], learning.target[rows])
    target[rows] = (sums / size)[bag[rows]]
    return replace(learning, bag=bag, target=target, found=learning.found & (bag == NO_BAG)), learning.found


def test_expectations_stay_and_go_to_cells_that_look_like_found_ones():
    learning, truth = bagged()
    spread = spread_bags(learning, RECIPE, 1)
    rows = np.flatnonzero(learning.bag != NO_BAG)
    before, after = (np.bincount(learning.bag[rows], one.target[rows]) for one in (learning, spread))
    assert after == pytest.approx(before, abs=1e-6)
    assert np.array_equal(spread.target[learning.bag == NO_BAG], learning.target[learning.bag == NO_BAG])
    mixed = rows[(before > 0)[learning.bag[rows]]]
    gain = [
        one.target[mixed][truth[mixed]].mean() - one.target[mixed][~truth[mixed]].mean() for one in (learning, spread)
    ]
    assert gain[1] > gain[0] + 0.05


def test_few_expected_cells_move_nothing():
    learning, _ = bagged()
    few = np.where(learning.bag == NO_BAG, learning.target, 0.9 * FEWEST_EXPECTED / (learning.bag != NO_BAG).sum())
    little = replace(learning, target=few)
    assert spread_bags(little, RECIPE, 1) is little


def test_a_soft_row_is_learned_as_its_two_parts():
    learning, _ = bagged()
    rows, label, part = split_rows(learning.target)
    one = fit_ranker(learning.values, learning.target, learning.weight, learning.names, RECIPE.ranker, seed=1)
    two = fit_ranker(learning.values[rows], label, learning.weight[rows] * part, learning.names, RECIPE.ranker, seed=1)
    assert np.array_equal(one.raw(learning.values), two.raw(learning.values))
    hard = fit_ranker(
        learning.values, np.round(learning.target), learning.weight, learning.names, RECIPE.ranker, seed=1
    )
    assert not np.array_equal(one.raw(learning.values), hard.raw(learning.values))
