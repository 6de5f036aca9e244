"""Figures that judge a ranking: by area surveyed, with ties at their expected value."""

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Integers
from training.validation.ranking_metrics import AREA_SHARES, HAZARD_SHARES, ranking_figures, recall_at
from training.validation.survey_order import order_of

# Figures that are better when they are smaller.
LESS_IS_BETTER = (
    *("height", "rheight", "area_80", "area_90", "area_95", "hectares_80", "hectares_90", "hectares_95"),
    *("brier", "log_loss", "calibration_error"),
)


def recall_at_area(score: Floats, positive: Flags, share: float, area: Floats | None = None) -> float:
    """Share of the positives within the best-ranked `share` of the area; each cell has one area if none is given.

    Tied cells at the border count by their expected part under a random order. NaN without positives.

    >>> import numpy as np
    >>> recall_at_area(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False]), 0.5)
    0.5
    """
    if not positive.any():
        return float("nan")
    return float(recall_at(order_of(score, positive, area).sums(), share)[0])


def judge(
    score: Floats,
    positive: Flags,
    area: Floats | None = None,
    cell_ha: float | None = None,
    m2_per_team_day: float | None = None,
) -> dict[str, float]:
    """Every figure of one ranking (see `ranking_figures`), with the numbers of cells and of found cells.

    `area` is the part of each cell that was searched, by which the cell is weighted. Cells with a NaN score are ranked
    last: a baseline without a value for a cell does not survey it first. With `cell_ha`, the hectares of a whole cell,
    `hectares_90` is the land to survey for 90 % of the hazards; with `m2_per_team_day` too, `per_team_day_10` is the
    number of positive cells found per team and day within the first 10 % of the area.

    >>> figures = judge(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, False, True]), cell_ha=25.0)
    >>> figures["roc_auc"], figures["height"], figures["hectares_80"]
    (0.5, 1.0, 100.0)
    """
    sums = order_of(score, positive, area).sums()
    figures = {name: float(values[0]) for name, values in ranking_figures(sums).items()}
    figures |= {"cells": float(len(positive)), "found": float(positive.sum())}
    if cell_ha is not None:
        total_ha = cell_ha * sums.area.sum()
        for share in HAZARD_SHARES:
            percent = round(100 * share)
            figures[f"hectares_{percent}"] = float(figures[f"area_{percent}"] * total_ha)
        if m2_per_team_day is not None:
            for share in AREA_SHARES:
                days = share * total_ha * 10_000 / m2_per_team_day
                percent = round(100 * share)
                figures[f"per_team_day_{percent}"] = float(figures[f"recall_{percent}"] * sums.hits.sum() / days)
    return figures


def prediction_rate(score: Floats, positive: Flags, area: Floats | None = None, points: int = 201) -> Floats:
    """Recall at `points` shares of the area from 0 to 1, (points,); a straight line for a constant score.

    >>> prediction_rate(np.zeros(4), np.array([True, False, False, False]), points=3).tolist()
    [0.0, 0.5, 1.0]
    """
    sums = order_of(score, positive, area).sums()
    ends = np.concatenate([[0.0], np.cumsum(sums.area[0])])
    hits = np.concatenate([[0.0], np.cumsum(sums.hits[0])])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.interp(np.linspace(0, ends[-1], points), ends, hits) / hits[-1])


def missed_positives(score: Floats, positive: Flags, area: Floats | None = None) -> Integers:
    """Positions of the positive cells whose expected place is in the lower half of the area, worst first.

    >>> missed_positives(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, True])).tolist()
    [3, 2]
    """
    order = order_of(score, positive, area)
    before = order.expected_before()
    low = np.flatnonzero(positive & (before > order.area.sum() / 2))
    return np.asarray(low[np.argsort(-before[low], kind="stable")])


def worst_regions(table: pd.DataFrame, figure: str = "recall_10") -> pd.DataFrame:
    """The row of the fold with the worst `figure` for each protocol and ranking; folds without it are ignored."""
    judged = table[table[figure].notna() & (table["fold"] != "mean")]
    by = judged.groupby(["protocol", "ranking"], sort=False)[figure]
    at = by.idxmax() if figure in LESS_IS_BETTER else by.idxmin()
    return judged.loc[at.to_numpy()].reset_index(drop=True)


def mean_by_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over the folds of each protocol and ranking, as rows whose fold is 'mean'.

    Bounds of intervals are left empty: the mean of bounds is not a bound of the mean.
    """
    numbers = [column for column in table.columns if column not in ("protocol", "fold", "ranking")]
    means = table.groupby(["protocol", "ranking"], sort=False)[numbers].mean().reset_index()
    bounds = {column: np.nan for column in numbers if column.endswith(("_low", "_high"))}
    return means.assign(fold="mean", **bounds)[table.columns.tolist()]
