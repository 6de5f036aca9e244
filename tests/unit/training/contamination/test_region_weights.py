"""Weights of regions: equal ones, and more for those that are predicted worst."""

import numpy as np
import pytest

from tests.support.simulated_dataset import simulated_config, simulated_dataset
from training.contamination.judging import judge_contamination, trials_of
from training.contamination.learning_set import learning_set_of
from training.contamination.region_weights import ROUNDS, STEP, region_weight


@pytest.fixture
def learning():
    dataset = simulated_dataset()
    labelled = np.flatnonzero(dataset.evidence.labelled)
    # The first region loses most of its land.
    first = dataset.regions[labelled] == dataset.regions[labelled][0]
    return learning_set_of(dataset, labelled[~first | (np.cumsum(first) <= 25)], 10_000)


def totals(learning, weight):
    return {name: weight[learning.regions == name].sum() for name in np.unique(learning.regions.astype(str))}


def never(_):
    raise AssertionError("scores are for the worst regions alone")


def test_none_leaves_weights_as_they_are(learning):
    assert region_weight("none", learning, never) is learning.weight


def test_equal_regions_weigh_the_same_and_all_as_before(learning):
    weight = region_weight("equal", learning, never)
    assert weight.sum() == pytest.approx(learning.weight.sum())
    assert max(totals(learning, weight).values()) == pytest.approx(min(totals(learning, weight).values()))
    assert max(totals(learning, learning.weight).values()) > 2 * min(totals(learning, learning.weight).values())
    one = learning.regions == learning.regions[0]
    assert np.ptp(weight[one] / learning.weight[one]) == pytest.approx(0)


def test_a_region_gains_by_the_exponent_of_its_loss(learning):
    hard = learning.regions == learning.regions[-1]
    # Even odds cost ln 2 everywhere, and a sure error in the hard region far more.
    wrong = np.where(hard, np.where(learning.found, -2.0, 2.0), 0.0)
    weight = region_weight("worst", learning, lambda _: wrong)
    before, after = totals(learning, learning.weight), totals(learning, weight)
    name = learning.regions[-1]
    other = next(one for one in before if one != name)
    gain = (after[name] / before[name]) / (after[other] / before[other])
    assert np.log(gain) == pytest.approx(ROUNDS * STEP * (np.log1p(np.exp(2)) - np.log(2)))
    assert weight.sum() == pytest.approx(learning.weight.sum())


def test_rounds_see_the_weights_so_far_and_land_that_is_not_held_out_counts_as_the_mean(learning):
    seen = []

    def scores(weight):
        seen.append(weight)
        return np.where(learning.regions == learning.regions[0], np.nan, np.where(learning.found, 1.0, -3.0))

    region_weight("worst", learning, scores)
    assert len(seen) == ROUNDS
    assert seen[0] == pytest.approx(learning.weight)
    assert not np.allclose(seen[1], seen[0])
    assert np.isfinite(seen[-1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["equal", "worst"])
def test_every_kind_changes_the_ranking_and_is_told(kind):
    dataset = simulated_dataset(share=0.6)
    plain, config = simulated_config(), simulated_config(region_weights=kind)
    before = judge_contamination(plain, dataset, trials_of(plain, dataset), {})
    after = judge_contamination(config, dataset, trials_of(config, dataset), {})
    judged = np.isfinite(before.out_of_fold)
    assert not np.allclose(before.out_of_fold[judged], after.out_of_fold[judged])
    for fold in after.folds:
        assert sum(fold.facts["region_weights"].values()) == pytest.approx(1, abs=1e-4)
        assert not set(fold.facts["regions"]) & set(fold.facts["region_weights"])
