"""Nested tuning: the recipe chosen, without the judged cells, and the same recipe for the same seed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.support.simulated_dataset import dataset_of, relabelled, simulated_config, simulated_dataset
from training.contamination.judging import judge_contamination, prepare_recipe, trials_of
from training.contamination.learning_set import learning_set_of
from training.contamination.recipe import recipe_of
from training.contamination.tuning import RecipeTrial, recipe_for, simplest_of_best

TUNING = {"tuning": {"trials": 3, "budget_share": 0.2, "inner_folds": 3}}
GIVEN = recipe_of(simulated_config().contamination)


def tried(recall, trees=100, leaves=8, linear_share=0.0):
    params = replace(GIVEN.ranker.trees, n_trees=trees, num_leaves=leaves)
    return RecipeTrial(replace(GIVEN, ranker=replace(GIVEN.ranker, trees=params, linear_share=linear_share)), recall)


BEST = tried((0.50, 0.60, 0.70))
# What stands beside the best, and whether it is preferred to it.
BESIDE = {
    "simpler and equal": (tried((0.50, 0.60, 0.70), leaves=4), True),
    "simpler and within the error": (tried((0.52, 0.55, 0.70), leaves=4), True),
    "simpler and worse in every fold": (tried((0.48, 0.58, 0.68), leaves=4), False),
    "fewer trees": (tried((0.52, 0.55, 0.70), trees=50), True),
    "a larger share of the regression": (tried((0.52, 0.55, 0.70), linear_share=0.5), True),
    "more leaves in fewer trees": (tried((0.50, 0.60, 0.70), trees=50, leaves=20), False),
    "larger and equal": (tried((0.50, 0.60, 0.70), leaves=16), False),
    "just as simple": (tried((0.50, 0.60, 0.70)), False),
}


@pytest.mark.parametrize("case", BESIDE)
def test_of_equals_the_simplest_is_chosen(case):
    other, preferred = BESIDE[case]
    assert simplest_of_best([BEST, other]) is (other if preferred else BEST)


def test_hard_folds_are_hard_for_both():
    # Fold by fold the simple one is 0.1 worse, though the folds differ by far more than that.
    best, simple = tried((0.2, 0.5, 0.9)), tried((0.1, 0.4, 0.8), leaves=2)
    assert simplest_of_best([best, simple]) is best


def learning(dataset, config=None):
    return learning_set_of(
        dataset, np.flatnonzero(dataset.evidence.labelled), (config or simulated_config()).validation.block_m
    )


def chosen(config, known, seed=0):
    return recipe_for(known, config.contamination, config.validation.buffer_m, seed, 1)


@pytest.mark.slow
def test_equal_seeds_choose_alike_and_others_search_elsewhere():
    known, config = learning(simulated_dataset()), simulated_config(**TUNING)
    first = chosen(config, known)
    assert first == chosen(config, known)
    assert first[1]["tuning"]["best_recall"] != chosen(config, known, 1)[1]["tuning"]["best_recall"]


def test_no_trials_no_tuning():
    known = learning(simulated_dataset())
    assert chosen(simulated_config(), known) == (GIVEN, {})


@pytest.mark.slow
def test_the_recipe_of_the_config_is_one_of_those_tried():
    recipe, facts = chosen(simulated_config(**TUNING), learning(simulated_dataset()))
    tuning = facts["tuning"]
    assert tuning["tried"] == 4
    assert tuning["best_recall"] >= max(tuning["config_recall"], tuning["chosen_recall"])
    assert tuning["chosen"]["ranker"]["linear_share"] == recipe.ranker.linear_share
    json.dumps(facts)


@pytest.mark.slow
def test_constraints_are_searched_only_where_there_are_any():
    dataset = simulated_dataset()
    free = learning_set_of(replace(dataset, constraints={}), np.flatnonzero(dataset.evidence.labelled), 10_000)
    assert chosen(simulated_config(**TUNING), free)[0].constrained


@pytest.mark.slow
@pytest.mark.parametrize("option", [{"budget_share": 0.05}, {"inner_folds": 2}, {"trials": 1}])
def test_every_option_changes_the_tuning(option):
    known = learning(simulated_dataset())
    before = chosen(simulated_config(**TUNING), known)[1]
    assert chosen(simulated_config(tuning=TUNING["tuning"] | option), known)[1] != before


def test_found_land_in_one_place_is_not_tuned_on():
    dataset = simulated_dataset()
    here = dataset.regions == dataset.regions[0]
    one = dataset_of(dataset.table.values, (dataset.evidence.state == 2) & here, dataset.evidence.labelled)
    recipe, facts = chosen(simulated_config(**TUNING), learning(one))
    assert recipe == GIVEN
    assert facts["tuning"]["tried"] == 0


@pytest.mark.slow
def test_labels_of_the_held_out_region_change_neither_choice_nor_model():
    few = {"tuning": {"trials": 2, "inner_folds": 2}, "screening": {"least_agreement": 0.6}}
    dataset, config = simulated_dataset(), simulated_config(**few, region_weights="worst")
    trials = trials_of(config, dataset)[:1]
    before = judge_contamination(config, dataset, trials, {})
    for number, trial in enumerate(trials):
        other = relabelled(dataset, trial.fold.test)
        same = trials_of(config, other)[number]
        assert np.array_equal(same.fold.test, trial.fold.test)
        after = judge_contamination(config, other, [same], {})
        for name in ("tuning", "screened_out", "region_weights"):
            assert after.folds[0].facts.get(name) == before.folds[number].facts.get(name)
        assert np.array_equal(after.out_of_fold[trial.fold.test], before.out_of_fold[trial.fold.test])


@pytest.mark.slow
def test_the_final_model_is_tuned_on_all_labels():
    dataset, config = simulated_dataset(), simulated_config(**TUNING)
    rows = np.flatnonzero(dataset.evidence.labelled)
    _, recipe, facts = prepare_recipe(config, dataset, rows, 1)
    assert recipe == chosen(config, learning(dataset))[0]
    assert facts["tuning"]["tried"] == 4
    some = rows[: len(rows) // 2]
    assert prepare_recipe(config, dataset, some, 1)[2]["tuning"] != facts["tuning"]
