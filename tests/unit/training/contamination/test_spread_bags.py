"""Learning from label proportions: what a bag expects goes to the cells that look like found ones."""

from dataclasses import replace

import numpy as np
import pytest

from models.ranker import fit_ranker
from models.soft_labels import split_rows
from tests.support.made_study import made_study
from training.contamination.bags import FEWEST_EXPECTED, spread_bags
from training.contamination.learning_set import side_of
from training.contamination.recipe import recipe_of
from training.evidence.states import NO_BAG
from training.settings.boosting import BoostingSettings
from training.settings.config import ContaminationSettings

RECIPE = recipe_of(ContaminationSettings(model=BoostingSettings(n_trees=20)))


def bagged(size=8, share=0.5, seed=3):
    """A side of which half the cells lie in bags that know their sum alone, and what was there in truth."""
    study = made_study(share=1.0)
    side = side_of(study, np.arange(study.grid.n_cells), 5_000)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(side.found))[: int(share * len(side.found)) // size * size]
    bag = np.full(len(side.found), NO_BAG)
    bag[rows] = np.repeat(np.arange(len(rows) // size), size)
    target = side.target.copy()
    sums = np.bincount(bag[rows], side.target[rows])
    target[rows] = (sums / size)[bag[rows]]
    return replace(side, bag=bag, target=target, found=side.found & (bag == NO_BAG)), side.found


def test_expectations_stay_and_go_to_cells_that_look_like_found_ones():
    side, truth = bagged()
    spread = spread_bags(side, RECIPE, 1)
    rows = np.flatnonzero(side.bag != NO_BAG)
    before, after = (np.bincount(side.bag[rows], one.target[rows]) for one in (side, spread))
    assert after == pytest.approx(before, abs=1e-6)
    assert np.array_equal(spread.target[side.bag == NO_BAG], side.target[side.bag == NO_BAG])
    mixed = rows[(before > 0)[side.bag[rows]]]
    gain = [one.target[mixed][truth[mixed]].mean() - one.target[mixed][~truth[mixed]].mean() for one in (side, spread)]
    assert gain[1] > gain[0] + 0.05


def test_few_expected_cells_move_nothing():
    side, _ = bagged()
    few = np.where(side.bag == NO_BAG, side.target, 0.9 * FEWEST_EXPECTED / (side.bag != NO_BAG).sum())
    little = replace(side, target=few)
    assert spread_bags(little, RECIPE, 1) is little


def test_a_soft_row_is_learned_as_its_two_parts():
    side, _ = bagged()
    rows, label, part = split_rows(side.target)
    one = fit_ranker(side.values, side.target, side.weight, side.names, RECIPE.ranker, seed=1)
    two = fit_ranker(side.values[rows], label, side.weight[rows] * part, side.names, RECIPE.ranker, seed=1)
    assert np.array_equal(one.raw(side.values), two.raw(side.values))
    hard = fit_ranker(side.values, np.round(side.target), side.weight, side.names, RECIPE.ranker, seed=1)
    assert not np.array_equal(one.raw(side.values), hard.raw(side.values))
