"""Nested tuning: parameters chosen by their recall on regions held out within the learning set."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.boosting import side_by_side
from training.contamination.learning_set import LearningSet
from training.contamination.recipe import Recipe, fit_recipe, prepared, recipe_of
from training.contamination.screening import agreement_of
from training.settings import ContaminationSettings, TuningSettings
from training.validation import order_of, recall_at

if TYPE_CHECKING:
    from optuna import Trial

# More rows than this do not improve the choice among recipes, and cost hours.
MOST_ROWS = 20_000
AGREEMENTS = (0.0, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class RecipeTrial:
    """A recipe and its recall at the budgeted share of the area in each inner fold."""

    recipe: Recipe
    recall: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the inner folds."""
        return float(np.mean(self.recall))


@dataclass(frozen=True, eq=False)
class _Fold:
    """An inner fold: the set to learn from, weighted by region, with the agreement of features; the set to judge on."""

    train: LearningSet
    test: LearningSet
    agreement: dict[str, float]


def simplest_of_best(tried: Sequence[RecipeTrial]) -> RecipeTrial:
    """The simplest recipe that is within one standard error of the best one.

    The standard error is that of the difference to the best over the inner folds (the rule of Breiman et al. 1984,
    paired, so that the difficulty of a fold cancels). The simplest has the least `Recipe.size`; of equals, the first
    one.
    """
    best = max(tried, key=lambda one: one.mean)
    return min((one for one in tried if _equal(best, one)), key=lambda one: one.recipe.size)


def _equal(best: RecipeTrial, other: RecipeTrial) -> bool:
    difference = np.subtract(best.recall, other.recall)
    error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
    return bool(difference.mean() <= error + 1e-12)


def recipe_for(
    learning: LearningSet, settings: ContaminationSettings, buffer_m: float | str, seed: int, threads: int
) -> tuple[Recipe, dict[str, Any]]:
    """The recipe for a learning set, from the config or from tuning, and the record of the choice, ready for JSON.

    The recipe of the config is always among those tried. It is kept if the learning set has fewer than two inner folds
    to judge on.
    """
    given = recipe_of(settings)
    if not settings.tuning.trials:
        return given, {}
    folds = _inner(learning.thinned(MOST_ROWS, seed), given, settings.tuning.inner_folds, buffer_m, seed)
    if len(folds) < 2:
        return given, {"tuning": {"tried": 0, "reason": "no two groups of regions to judge on"}}
    tried = [_tried(given, folds, settings.tuning, seed, threads)]
    tried += _search(given, folds, settings.tuning, seed, threads, bool(learning.constraints))
    chosen = simplest_of_best(tried)
    return chosen.recipe, {"tuning": _choice_record(tried, chosen)}


def _inner(learning: LearningSet, given: Recipe, number: int, buffer_m: float | str, seed: int) -> list[_Fold]:
    parts = [(learning.rows(train), learning.rows(test)) for train, test in learning.folds(number, buffer_m, seed)]
    # The region that is predicted worst hardly depends on the recipe, and many fits are needed to find it: once for all
    # recipes.
    every = replace(given, least_agreement=0.0)
    weights = [prepared(train, every, seed)[0].weight for train, _ in parts]
    return [
        _Fold(replace(train, weight=weight), test, agreement_of(train))
        for (train, test), weight in zip(parts, weights, strict=True)
    ]


def _tried(recipe: Recipe, folds: Sequence[_Fold], settings: TuningSettings, seed: int, threads: int) -> RecipeTrial:
    def one(fold: _Fold) -> float:
        learning, _ = prepared(fold.train, replace(recipe, region_weights="none"), seed, fold.agreement)
        score = fit_recipe(learning, recipe, seed).raw(fold.test.with_features(learning.names).values, 1)
        return float(recall_at(order_of(score, fold.test.found, fold.test.share).sums(), settings.budget_share)[0])

    return RecipeTrial(recipe, tuple(side_by_side(one, folds, threads)))


def _search(
    given: Recipe, folds: Sequence[_Fold], settings: TuningSettings, seed: int, threads: int, constrained: bool
) -> list[RecipeTrial]:
    """Trials of a tree-structured Parzen estimator (Bergstra et al. 2011), each chosen after those before it."""
    # Optuna takes a second to import, and most runs do not tune.
    import optuna

    tried: list[RecipeTrial] = []

    def recall(trial: "Trial") -> float:
        tried.append(_tried(suggest_recipe(trial, given, constrained), folds, settings, seed, threads))
        return tried[-1].mean

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    search.optimize(recall, n_trials=settings.trials)
    return tried


def suggest_recipe(trial: "Trial", given: Recipe, constrained: bool) -> Recipe:
    """One recipe of the search space; parameters that are not searched stay as given."""
    trees = replace(
        given.ranker.trees,
        n_trees=trial.suggest_int("n_trees", 60, 360, step=60),
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        num_leaves=trial.suggest_int("num_leaves", 3, 16, log=True),
        min_leaf_share=trial.suggest_float("min_leaf_share", 0.0005, 0.02, log=True),
        feature_fraction=trial.suggest_float("feature_fraction", 0.2, 0.8),
        lambda_l2=trial.suggest_float("lambda_l2", 1.0, 200.0, log=True),
    )
    share = trial.suggest_float("linear_share", 0.0, 0.9, step=0.1)
    held = trial.suggest_categorical("constrained", (True, False)) if constrained else given.constrained
    agree = trial.suggest_categorical("least_agreement", AGREEMENTS)
    return replace(
        given, ranker=replace(given.ranker, trees=trees, linear_share=share), constrained=held, least_agreement=agree
    )


def _choice_record(tried: Sequence[RecipeTrial], chosen: RecipeTrial) -> dict[str, Any]:
    best = max(tried, key=lambda one: one.mean)
    return {
        "tried": len(tried),
        "config_recall": tried[0].mean,
        "best_recall": best.mean,
        "chosen_recall": chosen.mean,
        "chosen_recall_by_fold": list(chosen.recall),
        "chosen": asdict(chosen.recipe),
    }
