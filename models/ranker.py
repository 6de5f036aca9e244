"""The ranker: boosted trees and a logistic regression on ranks, blended on the log-odds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.base import Floats, Floats32
from models.attribution import tree_contributions
from models.boosting import Boosted, BoostingParams, fit
from models.linear import Linear, fit_linear
from models.positive_unlabelled import Unlabelled, fit_beside
from models.soft_labels import split_rows


@dataclass(frozen=True)
class Ranker:
    """Log-odds as `1 - linear_share` parts of the trees and `linear_share` parts of the regression.

    One of the two is None where its share is 0.
    """

    features: tuple[str, ...]
    trees: Boosted | None
    linear: Linear | None
    linear_share: float

    def raw(self, values: Floats32, threads: int = 2) -> Floats:
        """Log-odds of each row of `values`, shape (n_rows, n_features)."""
        trees = self.trees.raw(values, threads) if self.trees else None
        return self._blended(trees, self.linear.raw(values) if self.linear else None)

    def contributions(self, values: Floats32, threads: int = 2) -> Floats:
        """SHAP values on the log-odds, (n_rows, n_features): the values of both parts added, as their scores are."""
        trees = tree_contributions(self.trees, values, threads) if self.trees else None
        return self._blended(trees, self.linear.contributions(values) if self.linear else None)

    def _blended(self, trees: Floats | None, linear: Floats | None) -> Floats:
        if trees is not None and linear is not None:
            return (1 - self.linear_share) * trees + self.linear_share * linear
        only = linear if trees is None else trees
        if only is None:
            raise ValueError("a ranker needs trees, a regression or both")
        return only

    def files(self, stem: str) -> dict[str, str]:
        """The parts as readable files whose names begin with `stem`."""
        texts = {f"{stem}.txt": self.trees.text} if self.trees else {}
        return texts | ({f"{stem}_linear.json": json.dumps(self.linear.as_dict())} if self.linear else {})

    @classmethod
    def from_files(cls, texts: Mapping[str, str], stem: str, features: Sequence[str], linear_share: float) -> "Ranker":
        """The inverse of `files`."""
        trees, linear = texts.get(f"{stem}.txt"), texts.get(f"{stem}_linear.json")
        return cls(
            tuple(features),
            Boosted(trees, tuple(features)) if trees else None,
            Linear.from_dict(json.loads(linear)) if linear else None,
            linear_share,
        )


@dataclass(frozen=True)
class RankerParams:
    """How a ranker is fitted: its trees, the share of the regression, and the draws of unlabelled land."""

    trees: BoostingParams
    linear_share: float = 0.5
    bags: int = 1


def fit_ranker(
    values: Floats32,
    target: Floats,
    weight: Floats,
    features: Sequence[str],
    params: RankerParams,
    *,
    seed: int,
    constraints: Mapping[str, int] | None = None,
    unlabelled: Unlabelled | None = None,
) -> Ranker:
    """Fit both parts on the same rows; `constraints` hold for the trees, `unlabelled` land joins the rows.

    A `target` between 0 and 1 counts as found and as searched by its parts. Raises ValueError for a share outside
    [0, 1].
    """
    share = params.linear_share
    if not 0 <= share <= 1:
        raise ValueError(f"linear_share ({share}) must lie between 0 and 1")
    rows, label, part = split_rows(target)
    lesson = values if len(rows) == len(values) else values[rows], label, weight[rows] * part, features
    trees = linear = None
    if share < 1 and unlabelled is None:
        trees = fit(*lesson, "binary", params.trees, seed=seed, constraints=constraints)
    elif share < 1 and unlabelled is not None:
        trees = fit_beside(*lesson, params.trees, unlabelled, params.bags, seed=seed, constraints=constraints)
    if share > 0:
        linear = fit_linear(*(lesson if unlabelled is None else unlabelled.beside(*lesson, seed)), seed)
    return Ranker(tuple(features), trees, linear, share)
