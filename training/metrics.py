"""Figures that judge a ranking: by area surveyed, with ties at their expected value."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

AREA_SHARES = (0.01, 0.05, 0.10, 0.20)
FEWEST_BLOCKS = 5


def recall_at_area(
    score: NDArray[np.float64], positive: NDArray[np.bool_], share: float, area: NDArray[np.float64] | None = None
) -> float:
    """Share of the positives within the best-ranked `share` of the area; each cell has one area if none is given.

    Tied cells at the border count by their expected part under a random order. NaN without positives.

    >>> import numpy as np
    >>> recall_at_area(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False]), 0.5)
    0.5
    """
    if not positive.any():
        return float("nan")
    area = np.ones(len(score)) if area is None else area
    budget = share * area.sum()
    values, cell_value = np.unique(-score, return_inverse=True)
    cells = np.bincount(cell_value, weights=area, minlength=len(values))
    hits = np.bincount(cell_value, weights=positive * area, minlength=len(values))
    before = np.concatenate([[0], np.cumsum(cells)[:-1]])
    taken = np.clip((budget - before) / cells, 0, 1)
    return float((taken * hits).sum() / hits.sum())


def judge(
    score: NDArray[np.float64], positive: NDArray[np.bool_], area: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """ROC AUC, PR AUC with its base rate and recall at 1, 5, 10 and 20 % of area of one ranking.

    `area` is the part of each cell that was searched: a cell counts by it. Cells with a NaN score are ranked last: a
    rule of thumb that knows nothing of a cell does not survey it first.
    """
    known = np.isfinite(score)
    filled = np.where(known, score, np.nanmin(score[known], initial=0.0) - 1.0)
    figures = {
        "roc_auc": float(roc_auc_score(positive, filled, sample_weight=area)),
        "pr_auc": float(average_precision_score(positive, filled, sample_weight=area)),
        "base_rate": float(np.average(positive, weights=area)),
    }
    for share in AREA_SHARES:
        figures[f"recall_{round(100 * share)}"] = recall_at_area(filled, positive, share, area)
    return figures | {"cells": float(len(positive)), "found": float(positive.sum())}


def block_intervals(
    score: NDArray[np.float64],
    positive: NDArray[np.bool_],
    block: NDArray[np.int64],
    seed: int,
    draws: int = 200,
    area: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """5 % and 95 % bounds of ROC AUC and of recall at 10 % of area by bootstrap over blocks of land.

    `block` numbers the block of each cell; cells of a block stay together, since neighbours repeat each other. NaN
    with fewer than FEWEST_BLOCKS blocks, which would give an interval without width.
    """
    rng = np.random.default_rng(seed)
    # Ties are broken once at random, which is their expected value over draws.
    order = np.lexsort((rng.random(len(score)), -np.nan_to_num(score, nan=-np.inf)))
    found, part = positive[order], (np.ones(len(score)) if area is None else area)[order]
    blocks, place = np.unique(block[order], return_inverse=True)
    figures = []
    for _ in range(draws if len(blocks) >= FEWEST_BLOCKS else 0):
        times = part * np.bincount(rng.integers(0, len(blocks), len(blocks)), minlength=len(blocks))[place]
        hits, misses = np.cumsum(times * found), np.cumsum(times * ~found)
        if hits[-1] > 0 and misses[-1] > 0:
            surveyed = (hits + misses) / (hits[-1] + misses[-1])
            auc = 1 - (times * found * (misses - 0.5 * times * ~found)).sum() / (hits[-1] * misses[-1])
            figures.append((auc, np.interp(0.10, surveyed, hits) / hits[-1]))
    low, high = np.quantile(figures, [0.05, 0.95], axis=0) if figures else np.full((2, 2), np.nan)
    return {
        "roc_auc_low": float(low[0]),
        "roc_auc_high": float(high[0]),
        "recall_10_low": float(low[1]),
        "recall_10_high": float(high[1]),
    }


def poisson_deviance(observed: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Mean Poisson deviance; `expected` must be positive (McCullagh and Nelder 1989, p. 34)."""
    ratio = np.where(observed > 0, observed / expected, 1.0)
    return float(2 * np.mean(observed * np.log(ratio) - (observed - expected)))


def mean_by_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over the folds of each protocol and ranking, as rows whose fold is 'mean'.

    The bounds of intervals are left empty there: the mean of bounds is no bound of the mean.
    """
    numbers = [column for column in table.columns if column not in ("protocol", "fold", "ranking")]
    means = table.groupby(["protocol", "ranking"], sort=False)[numbers].mean().reset_index()
    bounds = {column: np.nan for column in numbers if column.endswith(("_low", "_high"))}
    return means.assign(fold="mean", **bounds)[table.columns.tolist()]
