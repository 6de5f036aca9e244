"""LightGBM with the settings that every model here shares: deterministic, shallow, text in and text out."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import lightgbm as lgb
import numpy as np

from features.base import Floats, Floats32
from models.tree_contributions import ContributionTable, contribution_table
from models.tree_scores import TreeTable, score_table
from models.trees import Tree, trees_of

LOGGER = logging.getLogger(__name__)

Job = TypeVar("Job")
Fitted = TypeVar("Fitted")

# Number of rows predicted at a time: 2^18 rows of float32 features make blocks of some 50 MB.
BLOCK_ROWS = 1 << 18


@dataclass(frozen=True, kw_only=True)
class BoostingParams:
    """Size and shrinkage of the trees; `min_leaf_share` is the least share of the rows in a leaf."""

    n_trees: int
    learning_rate: float
    num_leaves: int
    max_depth: int
    min_leaf_share: float
    feature_fraction: float
    bagging_fraction: float
    lambda_l2: float
    extra_trees: bool = False


@dataclass(frozen=True)
class Boosted:
    """A trained booster as LightGBM's own text, with the features it asks for, in order."""

    text: str
    features: tuple[str, ...]

    @cached_property
    def booster(self) -> lgb.Booster:
        """The booster read from its text."""
        return lgb.Booster(model_str=self.text)

    @cached_property
    def trees(self) -> list[Tree] | None:
        """The trees as numbers; None where the kernels do not know them."""
        return trees_of(self.text, len(self.features))

    @cached_property
    def _scores(self) -> TreeTable | None:
        return None if self.trees is None else score_table(self.trees)

    @cached_property
    def contribution_table(self) -> ContributionTable | None:
        """The table of the kernel of contributions; None where it does not know the trees."""
        return None if self.trees is None else contribution_table(self.trees)

    def raw(self, values: Floats32, threads: int = 2) -> Floats:
        """Raw score (log-odds or log-rate) of each row of `values`, shape (n_rows, n_features).

        LightGBM, with so many `threads`, scores what the kernel does not know; both give the same bits.
        """
        if self._scores is not None and self.takes(values):
            return self._scores.raw(values)
        parts = [
            self.booster.predict(values[start : start + BLOCK_ROWS], raw_score=True, num_threads=threads)
            for start in range(0, len(values), BLOCK_ROWS)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)

    def takes(self, values: Floats32) -> bool:
        """Whether the kernels take `values` as they are: float32, with a column for each feature."""
        return values.dtype == np.float32 and values.shape[1:] == (len(self.features),)

    def contributions(self, values: Floats32, threads: int = 2) -> Floats:
        """SHAP values on the raw score, shape (n_rows, n_features); the base value is left out.

        `pred_contrib` of LightGBM is TreeSHAP (Lundberg et al. 2020); it adds up to the raw score with the base value.
        """
        parts = [
            np.asarray(
                self.booster.predict(values[start : start + BLOCK_ROWS], pred_contrib=True, num_threads=threads)
            )[:, :-1]
            for start in range(0, len(values), BLOCK_ROWS)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty((0, len(self.features)))


def fit(
    values: Floats32,
    target: Floats,
    weight: Floats,
    features: Sequence[str],
    objective: str,
    params: BoostingParams,
    *,
    seed: int,
    constraints: Mapping[str, int] | None = None,
) -> Boosted:
    """Fit a booster: 'binary' on targets in [0, 1], or 'poisson' on rates with exposure as weight.

    `constraints` gives the monotone direction (-1, 0, 1) by feature name. The same rows and seed give the same text on
    one machine. A fit runs on one thread: folds and members are fitted in parallel with `side_by_side`, which is faster
    than threads within a fit, and many times faster on a busy machine.
    """
    settings: dict[str, Any] = {
        # cross_entropy is the binary loss that also takes targets between 0 and 1
        "objective": "cross_entropy" if objective == "binary" else objective,
        "learning_rate": params.learning_rate,
        "num_leaves": params.num_leaves,
        "max_depth": params.max_depth,
        "min_data_in_leaf": max(5, round(params.min_leaf_share * len(target))),
        "feature_fraction": params.feature_fraction,
        "bagging_fraction": params.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": params.lambda_l2,
        "extra_trees": params.extra_trees,
        "monotone_constraints": [int((constraints or {}).get(name, 0)) for name in features],
        "monotone_constraints_method": "basic",
        "seed": seed,
        "deterministic": True,
        # by rows, the drawn features would be copied for each tree; the trees are the same
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
        "max_bin": 127,
    }
    data = lgb.Dataset(values, label=target, weight=weight, feature_name=list(features), free_raw_data=True)
    booster = lgb.train(settings, data, num_boost_round=params.n_trees)
    return Boosted(booster.model_to_string(), tuple(features))


def side_by_side(
    one: Callable[[Job], Fitted], jobs: Sequence[Job], threads: int, part: tuple[int, int] = (1, 1)
) -> list[Fitted]:
    """The results of the jobs, in order, `threads` at a time; LightGBM releases the interpreter lock while it fits.

    `part` says which of several parts of a step the jobs are, for its progress.
    """
    number, parts = part
    total = parts * len(jobs)
    fitted = []
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for done, result in enumerate(pool.map(one, jobs), start=1 + (number - 1) * len(jobs)):
            LOGGER.debug("job %d of %d", done, total, extra={"done": done, "total": total})
            fitted.append(result)
    return fitted
