"""Contributions of 100,000 rows by the engine of mlrisk and by shap.TreeExplainer, in one run; see README.md here.

python -m benchmarks.contributions [--times 3]
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from models.attribution import tree_contributions
from models.boosting import Boosted, BoostingParams, fit

ROWS, TREES, LEAVES, FEATURES = 100_000, 300, 31, 40
PARAMS = BoostingParams(
    n_trees=TREES,
    learning_rate=0.05,
    num_leaves=LEAVES,
    max_depth=-1,
    min_leaf_share=0.0002,
    feature_fraction=0.8,
    bagging_fraction=0.8,
    lambda_l2=1.0,
)


def made() -> tuple[Boosted, NDArray[np.float32]]:
    """A model of full size on correlated features, some unknown, and the rows to explain."""
    rng = np.random.default_rng(7)
    mixed = rng.normal(size=(ROWS, FEATURES)) @ (np.eye(FEATURES) + 0.2 * rng.normal(size=(FEATURES, FEATURES)))
    values = mixed.astype(np.float32)
    values[rng.random(values.shape) < 0.03] = np.nan
    known = np.nan_to_num(values)
    logit = known[:, 0] - 2 + known[:, 1] * known[:, 2] + np.abs(known[:, 3])
    found = rng.random(ROWS) < 1 / (1 + np.exp(-logit))
    names = tuple(f"feature_{number}" for number in range(FEATURES))
    return fit(values, found.astype(float), np.ones(ROWS), names, "binary", PARAMS, seed=0), values


def timed(work: Callable[[], NDArray[np.float64]]) -> tuple[NDArray[np.float64], float, float]:
    """The result of a call, seconds and core-seconds."""
    wall, core = time.monotonic(), time.process_time()
    found = work()
    return found, time.monotonic() - wall, time.process_time() - core


def main() -> None:
    """Time both in turn, then print medians, their ratio and the greatest difference."""
    import shap

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    model, values = made()
    explainer = shap.TreeExplainer(model.booster)
    tree_contributions(model, values[:6_000], arguments.threads)  # the first call compiles and imports
    walls: dict[str, list[float]] = {"mlrisk": [], "shap": []}
    cores: dict[str, list[float]] = {"mlrisk": [], "shap": []}
    for turn in range(arguments.times):
        ours, *cost = timed(lambda: tree_contributions(model, values, arguments.threads))
        theirs, *their_cost = timed(lambda: np.asarray(explainer.shap_values(values)))
        for name, (wall, core) in {"mlrisk": cost, "shap": their_cost}.items():
            walls[name].append(wall)
            cores[name].append(core)
        print(
            f"{turn + 1}: mlrisk {cost[0]:.1f} s {cost[1]:.1f} core-s; shap {their_cost[0]:.1f} s {their_cost[1]:.1f} "
            f"core-s; greatest difference {np.abs(ours - theirs).max():.1e} on the log-odds",
            flush=True,
        )
    apart = np.abs(ours.sum(axis=1) - (model.raw(values, arguments.threads) - np.ravel(explainer.expected_value)[-1]))
    print(
        f"medians: {median(walls['shap']) / median(walls['mlrisk']):.1f} times faster in seconds, "
        f"{median(cores['shap']) / median(cores['mlrisk']):.1f} times in core-seconds; sums off by {apart.max():.1e}"
    )


if __name__ == "__main__":
    main()
