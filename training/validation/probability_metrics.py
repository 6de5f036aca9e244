"""Figures of a probability: Brier score, log loss, calibration error and the slope of recalibration."""

from typing import Any

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Integers

BINS = 10
# Probabilities are kept this far from 0 and 1 for logarithms: otherwise one wrong certainty would hide all other cells.
LEAST = 1e-6


def probability_figures(probability: Floats, positive: Flags, area: Floats | None = None) -> dict[str, float]:
    """Brier score, log loss, calibration error, slope and intercept of recalibration; cells count by their area.

    `calibration_error` is computed by the function of this name. `calibration_slope` and `calibration_intercept` are
    those of a logistic regression of the outcome on the stated logit (Cox, 1958): 1 and 0 for a calibrated probability,
    a slope under 1 for an overconfident one. NaN without a positive and a negative. Cells without a probability are
    left out.
    """
    probability, positive, area = _stated(probability, positive, area)
    positive = positive.astype(bool)
    judged = bool((area * positive).sum() > 0 and (area * ~positive).sum() > 0)
    if not judged:
        return dict.fromkeys(
            ("brier", "log_loss", "calibration_error", "calibration_slope", "calibration_intercept"), float("nan")
        )
    inside = np.clip(probability, LEAST, 1 - LEAST)
    intercept, slope = recalibration(np.log(inside / (1 - inside)), positive, area)
    return {
        "brier": float(np.average((probability - positive) ** 2, weights=area)),
        "log_loss": float(np.average(-np.log(np.where(positive, inside, 1 - inside)), weights=area)),
        "calibration_error": calibration_error(probability, positive, area),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }


def calibration_error(probability: Floats, positive: Flags | Floats, area: Floats | None = None) -> float:
    """Mean distance between stated and observed frequency over ten bins of equally many cells (Naeini et al. 2015).

    Cells are weighted by their area; those without a probability are left out. NaN if no cell has one. `positive` may
    hold the true probability of each cell where it is known, as on synthetic land.

    >>> calibration_error(np.full(4, 0.5), np.array([True, False, True, True]))
    0.25
    """
    table = reliability(probability, positive, area)
    if not len(table):
        return float("nan")
    return float(np.average((table["stated"] - table["observed"]).abs(), weights=table["area"]))


def reliability(
    probability: Floats, positive: Flags | Floats, area: Floats | None = None, bins: int = BINS
) -> pd.DataFrame:
    """Stated and observed frequency by bins of equally many cells: stated, observed, area, cells, found.

    Cells of one probability stay in one bin, so that there may be fewer bins than asked for.

    >>> table = reliability(np.array([0.1, 0.1, 0.8, 0.8]), np.array([False, False, True, True]), bins=2)
    >>> table[["stated", "observed"]].to_numpy().tolist()
    [[0.1, 0.0], [0.8, 1.0]]
    """
    probability, positive, area = _stated(probability, positive, area)
    which = equal_count_bins(probability, bins)
    frame = pd.DataFrame(
        {
            "bin": which,
            "area": area,
            "stated": area * probability,
            "observed": area * positive,
            "cells": np.ones(len(which), dtype=np.int64),
            "found": positive.astype(np.int64),
        }
    )
    table = frame.groupby("bin", sort=True).sum()
    table = table[table["area"] > 0]
    means = table[["stated", "observed"]].div(table["area"], axis=0)
    return table.assign(stated=means["stated"], observed=means["observed"]).reset_index(drop=True)[
        ["stated", "observed", "area", "cells", "found"]
    ]


def equal_count_bins(values: Floats, bins: int = BINS) -> Integers:
    """Bin of each value, 0 for the lowest; apart from ties, all bins hold equally many values."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    edges = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.asarray(np.searchsorted(edges, values, side="left"), dtype=np.int64)


def recalibration(logit: Floats, positive: Flags, area: Floats, rounds: int = 50) -> tuple[float, float]:
    """Intercept and slope of an unpenalised logistic regression on one column by Newton's method.

    NaN where the logits do not vary or separate the outcomes, when there is no finite slope.
    """
    theta = np.array([0.0, 1.0])
    for _ in range(rounds):
        step = newton_step(logit, positive, area, theta)
        if step is None or not np.isfinite(step).all() or np.abs(theta + step).max() > 1e3:
            return float("nan"), float("nan")
        # A full step may overshoot where the stated logits are far from the outcomes.
        theta = theta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            return float(theta[0]), float(theta[1])
    return float("nan"), float("nan")


def newton_step(logit: Floats, positive: Flags, area: Floats, theta: Floats) -> Floats | None:
    """One step of Newton's method for (intercept, slope), None where the curvature is singular."""
    gradient, curvature = score_and_curvature(logit, positive, theta)
    g, c = gradient.T @ area, curvature.T @ area
    matrix = np.array([[c[0], c[1]], [c[1], c[2]]])
    if matrix[0, 0] * matrix[1, 1] - matrix[0, 1] ** 2 <= 1e-14 * max(matrix[0, 0] * matrix[1, 1], 1e-300):
        return None
    return np.asarray(np.linalg.solve(matrix, g))


def score_and_curvature(logit: Floats, positive: Flags, theta: Floats) -> tuple[Floats, Floats]:
    """Each cell's part in the gradient (n, 2) and in the curvature (n, 3: 00, 01, 11) of the log likelihood."""
    mean = 1 / (1 + np.exp(-np.clip(theta[0] + theta[1] * logit, -500, 500)))
    residual, spread = positive - mean, mean * (1 - mean)
    return (
        np.column_stack([residual, residual * logit]),
        np.column_stack([spread, spread * logit, spread * logit**2]),
    )


def _stated(probability: Floats, positive: Any, area: Floats | None) -> tuple[Floats, Any, Floats]:
    known = np.isfinite(probability)
    part = np.ones(len(probability)) if area is None else np.asarray(area, dtype=np.float64)
    return probability[known], positive[known], part[known]
