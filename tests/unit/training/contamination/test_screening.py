"""Screening: features that agree over regions stay; the judged cells do not enter the choice."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.support.simulated_dataset import (
    CENTRES,
    GRID,
    NAMES,
    REGIONS,
    relabelled,
    simulated_config,
    simulated_dataset,
)
from training.contamination.judging import judge_contamination, prepare_recipe, trials_of
from training.contamination.learning_set import comparable_regions, learning_regions, learning_set_of
from training.contamination.screening import agreeing_features, agreement_of, auc_excess

ALL = np.arange(GRID.n_cells)
SCREENING = {"screening": {"least_agreement": 0.8}}


def learning(dataset=None):
    dataset = dataset or simulated_dataset()
    return learning_set_of(dataset, np.flatnonzero(dataset.evidence.labelled), 10_000)


def test_auc_of_a_feature_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=300), 1).astype(np.float32)
    found, weight = rng.random(300) < 0.3, rng.uniform(0.1, 1, 300)
    assert auc_excess(values, found, weight) == pytest.approx(
        roc_auc_score(found, values, sample_weight=weight) - 0.5, abs=1e-9
    )
    unknown = rng.random(300) < 0.2
    known = ~unknown
    assert auc_excess(np.where(unknown, np.nan, values), found, weight) == pytest.approx(
        auc_excess(values[known], found[known], weight[known])
    )


def test_nothing_known_or_one_class_says_nothing():
    two = np.array([True, False])
    assert auc_excess(np.full(2, np.nan, np.float32), two, np.ones(2)) == 0
    assert auc_excess(np.array([1, 2], np.float32), np.array([True, True]), np.ones(2)) == 0
    assert auc_excess(np.array([3, 3], np.float32), two, np.ones(2)) == 0


def test_what_turns_from_region_to_region_agrees_least():
    agreement = agreement_of(learning())
    assert agreement["true"] == 1
    assert agreement["turning"] == pytest.approx(5 / 9)
    assert agreement["constant"] == 0
    assert agreeing_features(agreement, 0.9) == ("true",)


def test_weights_count():
    known = learning()
    # Of each region only the cells where the true feature errs keep weight: it points the other way everywhere.
    wrong = known.found == (known.values[:, 0] < 0)
    turned = replace(known, weight=np.where(wrong, 1.0, 1e-6))
    place = known.values[known.found & wrong][:, 0].mean()
    assert place < 0
    assert agreement_of(turned)["true"] == 1
    assert auc_excess(turned.values[:, 0], turned.found, turned.weight) < 0


def test_a_model_keeps_at_least_what_agrees_most():
    assert agreeing_features({"a": 0.6, "b": 0.7, "c": 0.7}, 1.0) == ("b", "c")
    assert agreeing_features({"a": 0.0, "b": 1.0}, 0.0) == ("a", "b")


def test_only_regions_with_enough_of_each_tell():
    regions = np.repeat(np.array(["few", "searched", "", "enough"], dtype=object), 30)
    found = np.zeros(120, dtype=bool)
    found[:9] = found[60:75] = found[90:100] = True
    assert comparable_regions(regions, found) == ("enough",)


def test_blocks_stand_in_for_regions_that_are_too_few():
    found = np.arange(GRID.n_cells) % 3 == 0
    assert learning_regions(REGIONS, found, CENTRES, 5_000) is REGIONS
    halves = np.where(CENTRES[:, 0] < 515_000, "west", "east").astype(object)
    assert len(set(learning_regions(halves, found, CENTRES, 10_000))) == 9


def test_without_regions_to_compare_nothing_is_screened_out():
    known = learning()
    assert set(agreement_of(replace(known, regions=np.full(len(known.found), "one", dtype=object))).values()) == {1.0}


@pytest.mark.slow
def test_the_model_learns_from_what_is_left_and_the_fold_says_what_is_not():
    dataset = simulated_dataset()
    plain = judge_contamination(simulated_config(), dataset, trials_of(simulated_config(), dataset), {})
    config = simulated_config(**SCREENING)
    judged = judge_contamination(config, dataset, trials_of(config, dataset), {})
    assert all("turning" in fold.facts["screened_out"] for fold in judged.folds)
    assert not any("screened_out" in fold.facts for fold in plain.folds)
    assert judged.table["roc_auc"].mean() > plain.table["roc_auc"].mean()
    final, _, facts = prepare_recipe(config, dataset, np.flatnonzero(dataset.evidence.labelled), 1)
    assert set(final.names) | set(facts["screened_out"]) == set(NAMES)
    assert final.values.shape[1] == len(final.names)
    assert set(final.constraints) <= set(final.names)


@pytest.mark.parametrize("seed", [0, 1])
def test_labels_of_the_held_out_region_screen_nothing(seed):
    dataset, config = simulated_dataset(seed), simulated_config(**SCREENING)
    for number, trial in enumerate(trials_of(config, dataset)):
        other = relabelled(dataset, trial.fold.test)
        first, _, facts = prepare_recipe(config, dataset, trial.fold.train, 1)
        second, _, other_facts = prepare_recipe(config, trials_of(config, other)[number].dataset, trial.fold.train, 1)
        assert (first.names, facts) == (second.names, other_facts)
        assert np.array_equal(first.weight, second.weight)


def test_thinned_land_stands_for_what_it_leaves_out():
    known = learning()
    thin = known.thinned(len(known.found) // 2, 3)
    assert thin.found.sum() == known.found.sum()
    assert len(thin.found) < len(known.found)
    for name in ("weight", "share"):
        assert getattr(thin, name)[~thin.found].sum() == pytest.approx(getattr(known, name)[~known.found].sum())
    assert known.thinned(10**6, 3) is known
