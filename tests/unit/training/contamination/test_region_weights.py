"""Weights of regions: equal ones, and more for those that are predicted worst."""

import numpy as np
import pytest

from tests.support.made_study import made_config, made_study
from training.contamination.judging import judge_contamination, trials_of
from training.contamination.learning_set import side_of
from training.contamination.region_weights import ROUNDS, STEP, region_weight


@pytest.fixture
def side():
    study = made_study()
    labelled = np.flatnonzero(study.evidence.labelled)
    # The first region loses most of its land.
    first = study.regions[labelled] == study.regions[labelled][0]
    return side_of(study, labelled[~first | (np.cumsum(first) <= 25)], 10_000)


def totals(side, weight):
    return {name: weight[side.regions == name].sum() for name in np.unique(side.regions.astype(str))}


def never(_):
    raise AssertionError("scores are for the worst regions alone")


def test_none_leaves_weights_as_they_are(side):
    assert region_weight("none", side, never) is side.weight


def test_equal_regions_weigh_the_same_and_all_as_before(side):
    weight = region_weight("equal", side, never)
    assert weight.sum() == pytest.approx(side.weight.sum())
    assert max(totals(side, weight).values()) == pytest.approx(min(totals(side, weight).values()))
    assert max(totals(side, side.weight).values()) > 2 * min(totals(side, side.weight).values())
    one = side.regions == side.regions[0]
    assert np.ptp(weight[one] / side.weight[one]) == pytest.approx(0)


def test_a_region_gains_by_the_exponent_of_its_loss(side):
    hard = side.regions == side.regions[-1]
    # Even odds cost ln 2 everywhere, and a sure error in the hard region far more.
    wrong = np.where(hard, np.where(side.found, -2.0, 2.0), 0.0)
    weight = region_weight("worst", side, lambda _: wrong)
    before, after = totals(side, side.weight), totals(side, weight)
    name = side.regions[-1]
    other = next(one for one in before if one != name)
    gain = (after[name] / before[name]) / (after[other] / before[other])
    assert np.log(gain) == pytest.approx(ROUNDS * STEP * (np.log1p(np.exp(2)) - np.log(2)))
    assert weight.sum() == pytest.approx(side.weight.sum())


def test_rounds_see_the_weights_so_far_and_land_that_is_not_held_out_counts_as_the_mean(side):
    seen = []

    def scores(weight):
        seen.append(weight)
        return np.where(side.regions == side.regions[0], np.nan, np.where(side.found, 1.0, -3.0))

    region_weight("worst", side, scores)
    assert len(seen) == ROUNDS
    assert seen[0] == pytest.approx(side.weight)
    assert not np.allclose(seen[1], seen[0])
    assert np.isfinite(seen[-1]).all()


@pytest.mark.parametrize("kind", ["equal", "worst"])
def test_every_kind_changes_the_ranking_and_is_told(kind):
    study = made_study(share=0.6)
    plain, config = made_config(), made_config(region_weights=kind)
    before = judge_contamination(plain, study, trials_of(plain, study), {})
    after = judge_contamination(config, study, trials_of(config, study), {})
    judged = np.isfinite(before.out_of_fold)
    assert not np.allclose(before.out_of_fold[judged], after.out_of_fold[judged])
    for fold in after.folds:
        assert sum(fold.facts["region_weights"].values()) == pytest.approx(1, abs=1e-4)
        assert not set(fold.facts["regions"]) & set(fold.facts["region_weights"])
