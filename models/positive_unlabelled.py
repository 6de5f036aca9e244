"""Learning with unlabelled land: boosters that are each trained with another draw of it, joined into one booster."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from features.base import Floats, Floats32, Integers
from models.boosting import Boosted, BoostingParams, fit, side_by_side


@dataclass(frozen=True, eq=False, kw_only=True)
class Unlabelled:
    """Unlabelled rows: `values` (n, n_features), and the relative chance with which each is drawn.

    A draw of `per_bag` rows enters a fit as land without ordnance, with `total_weight` altogether: most of it has none,
    and the small share that has some is the same in every draw. It is never a label. `alone` says that too little land
    was searched to serve as negatives, so that these draws are the only ones.
    """

    values: Floats32
    chance: Floats
    total_weight: float
    per_bag: int
    alone: bool = False

    def draw(self, seed: int) -> Integers:
        """Indices of one bag, ascending and without repetition; fewer than `per_bag` if there are not enough rows."""
        count = min(self.per_bag, int((self.chance > 0).sum()))
        if count == 0:
            return np.array([], dtype=np.int64)
        rng = np.random.default_rng(seed)
        return np.sort(rng.choice(len(self.chance), count, replace=False, p=self.chance / self.chance.sum()))

    def beside(
        self,
        values: Floats32,
        target: Floats,
        weight: Floats,
        features: Sequence[str],
        seed: int,
    ) -> tuple[Floats32, Floats, Floats, Sequence[str]]:
        """Labelled rows followed by a draw of the unlabelled ones, ready for a fit."""
        drawn = self.draw(seed)
        light = np.full(len(drawn), self.total_weight / max(len(drawn), 1))
        return (
            np.concatenate([values, self.values[drawn]]),
            np.concatenate([target, np.zeros(len(drawn))]),
            np.concatenate([weight, light]),
            features,
        )


def fit_beside(
    values: Floats32,
    target: Floats,
    weight: Floats,
    features: Sequence[str],
    params: BoostingParams,
    unlabelled: Unlabelled,
    bags: int,
    *,
    seed: int,
    constraints: Mapping[str, int] | None = None,
    threads: int = 1,
) -> Boosted:
    """Mean over `bags` of boosters fitted on labelled rows and a draw of unlabelled ones (Mordelet and Vert 2014).

    The paper is in Pattern Recognition Letters 37, 201. `target` may hold only ones: then the draws are the only
    negatives.
    """

    def one(number: int) -> Boosted:
        lesson = unlabelled.beside(values, target, weight, features, seed + number)
        return fit(*lesson, "binary", params, seed=seed + number, constraints=constraints)

    return mean_booster(side_by_side(one, range(bags), threads))


def mean_booster(boosters: Sequence[Boosted]) -> Boosted:
    """One booster whose raw score is the mean of theirs: all their trees, leaf values divided by their number."""
    if len(boosters) == 1:
        return boosters[0]
    trees = [tree for booster in boosters for tree in _scaled_trees(booster, 1 / len(boosters))]
    # Without the sizes of the trees, LightGBM reads them one after another.
    head = [line for line in _head(boosters[0].text).splitlines() if not line.startswith("tree_sizes=")]
    numbered = [f"Tree={number}\n{tree}" for number, tree in enumerate(trees)]
    text = "\n".join(head) + "\n\n" + "\n\n\n".join(numbered) + "\n\n\nend of trees\n"
    return Boosted(lgb.Booster(model_str=text).model_to_string(), boosters[0].features)


def _head(text: str) -> str:
    return text[: text.index("\nTree=")]


def _scaled_trees(booster: Boosted, factor: float) -> list[str]:
    """The trees of a booster in LightGBM's text, without their first line, with leaf values times `factor`."""
    body = booster.text[booster.text.index("\nTree=") : booster.text.index("end of trees")]
    trees = [part.split("\n", 1)[1].strip() for part in body.split("\nTree=")[1:]]
    return ["\n".join(_scaled(line, factor) for line in tree.splitlines()) for tree in trees]


def _scaled(line: str, factor: float) -> str:
    name, _, rest = line.partition("=")
    if name not in ("leaf_value", "internal_value"):
        return line
    return name + "=" + " ".join(f"{float(value) * factor:.17g}" for value in rest.split())


def out_of_bag(
    positive: Floats32,
    unlabelled: Unlabelled,
    features: Sequence[str],
    params: BoostingParams,
    bags: int,
    *,
    seed: int,
    constraints: Mapping[str, int] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Floats:
    """Mean raw score of every unlabelled row over the bags that had not drawn it; NaN where all had.

    The transductive form of Mordelet and Vert (2014): a bag does not score the rows that it took for empty.
    """
    total, times = np.zeros(len(unlabelled.values)), np.zeros(len(unlabelled.values))
    for number in range(bags):
        drawn = unlabelled.draw(seed + number)
        light = np.full(len(drawn), len(positive) / max(len(drawn), 1))
        booster = fit(
            np.concatenate([positive, unlabelled.values[drawn]]),
            np.concatenate([np.ones(len(positive)), np.zeros(len(drawn))]),
            np.concatenate([np.ones(len(positive)), light]),
            features, "binary", params, seed=seed + number, constraints=constraints,
        )  # fmt: skip
        outside = np.ones(len(unlabelled.values), dtype=bool)
        outside[drawn] = False
        total[outside] += booster.raw(unlabelled.values[outside], 1)
        times[outside] += 1
        progress(number)
    return np.where(times > 0, total / np.maximum(times, 1), np.nan)
