"""Learning from label proportions: a model spreads the expectation of a polygon with counted devices over its cells."""

from dataclasses import replace

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from features.base import Floats, Integers
from models.ranker import fit_ranker
from models.soft_labels import split_rows
from training.contamination.learning_set import LearningSet
from training.contamination.recipe import Recipe
from training.contamination.region_weights import INNER_FOLDS
from training.evidence import NO_BAG

# With fewer cells expected in all bags, their labels have no effect on a model.
FEWEST_EXPECTED = 3.0
# The iteration ends when no cell changes by more than this, which takes two or three rounds.
STILL, ROUNDS = 0.02, 4
HALVINGS = 40


def spread_bags(learning: LearningSet, recipe: Recipe, seed: int) -> LearningSet:
    """The learning set with each bag's expectation spread over its cells by scores of models fitted without its region.

    Expectation and maximisation in turn, after Quadrianto et al. (2009), Estimating labels from label proportions: each
    cell of a bag gets the odds of the model, shifted so that the bag keeps its sum. Only the regression on ranks is
    fitted, which costs a tenth of the trees. The learning set is unchanged where no region can be held out.
    """
    in_bag = learning.bag != NO_BAG
    if learning.target[in_bag].sum() < FEWEST_EXPECTED:
        return learning
    rows = np.flatnonzero(in_bag)
    bag = np.unique(learning.bag[rows], return_inverse=True)[1].reshape(-1)
    expected = np.bincount(bag, learning.target[rows]).astype(np.float64)
    # In a cell that the polygon covers only in part, less is expected.
    part = np.log(np.clip(learning.share[rows], 1e-3, 1.0))
    for _ in range(ROUNDS):
        every = _held_out(learning, recipe, seed)
        if not np.isfinite(every).all():
            return learning
        target = learning.target.copy()
        target[rows] = preserve_sums(_steepness(learning, every) * every[rows] + part, bag, expected)
        moved = float(np.abs(target - learning.target).max())
        learning = replace(learning, target=target)
        if moved < STILL:
            break
    return learning


def _steepness(learning: LearningSet, score: Floats) -> float:
    """Factor that turns held-out scores into log-odds (Platt 1999); the penalty shrinks it if there are few rows."""
    rows, label, part = split_rows(learning.target)
    curve = LogisticRegression(C=1e6).fit(score[rows, None], label, sample_weight=learning.weight[rows] * part)
    return max(float(curve.coef_[0, 0]), 0.0)


def preserve_sums(log_odds: Floats, bag: Integers, expected: Floats) -> Floats:
    """Probabilities of these odds, shifted within each bag so that they sum to its expectation.

    >>> preserve_sums(np.array([0.0, 0.0, 5.0, -5.0]), np.array([0, 0, 1, 1]), np.array([0.5, 1.0])).round(2).tolist()
    [0.25, 0.25, 0.99, 0.01]
    """
    low, high = np.full(len(expected), -60.0), np.full(len(expected), 60.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        less = np.bincount(bag, expit(log_odds + middle[bag]), len(expected)) < expected
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return np.asarray(expit(log_odds + ((low + high) / 2)[bag]))


def _held_out(learning: LearningSet, recipe: Recipe, seed: int) -> Floats:
    """Log-odds of each row from regressions fitted without its region, NaN where no region was held out."""
    params = replace(recipe.ranker, linear_share=1.0)
    score = np.full(len(learning.found), np.nan)
    for train, test in learning.folds(INNER_FOLDS, 0.0, seed):
        some = learning.rows(train)
        ranker = fit_ranker(some.values, some.target, some.weight, some.names, params, seed=seed)
        score[test] = ranker.raw(learning.values[test], 1)
    return score
