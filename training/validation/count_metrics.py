"""Figures that judge forecasts of counts: deviance, accidents by area, calibration by tenth."""

import numpy as np
import pandas as pd
from sklearn.metrics import mean_poisson_deviance

from features.base import Floats

AREA_SHARES = (0.01, 0.05, 0.10)
TENTHS = 10
# Least expectation, as a share of the mean one: an event where none was expected would make the deviance infinite.
LEAST_EXPECTED = 1e-6


def deviance(observed: Floats, expected: Floats, weight: Floats | None = None) -> float:
    """Mean Poisson deviance; expectations count as at least LEAST_EXPECTED times their mean.

    Each unit counts by its `weight` (n,) where one is given.

    >>> deviance(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    0.0
    """
    floor = LEAST_EXPECTED * max(float(expected.mean()), 1e-12)
    return float(mean_poisson_deviance(observed, np.maximum(expected, floor), sample_weight=weight))


def skill(observed: Floats, expected: Floats, other: Floats) -> float:
    """Share by which this forecast reduces the deviance of the other one; 0 if they are equal, negative if it is worse.

    >>> skill(np.array([2.0, 0.0]), np.array([1.9, 0.1]), np.array([1.0, 1.0])) > 0.5
    True
    """
    return 1 - deviance(observed, expected) / deviance(observed, other)


def recall_of_counts(score: Floats, count: Floats, area: Floats, share: float) -> float:
    """Share of all events within the best-ranked `share` of the area; ties count by their expected part.

    NaN without an event.

    >>> recall_of_counts(np.array([3.0, 2.0, 1.0]), np.array([4.0, 0.0, 4.0]), np.ones(3), 1 / 3)
    0.5
    """
    total = float(count.sum())
    if not total:
        return float("nan")
    _, place = np.unique(-score, return_inverse=True)
    land, events = np.bincount(place.reshape(-1), area), np.bincount(place.reshape(-1), count)
    ends, reached = np.cumsum(land), np.cumsum(events)
    return float(np.interp(share * ends[-1], np.r_[0.0, ends], np.r_[0.0, reached]) / total)


def area_figures(score: Floats, count: Floats, area: Floats) -> dict[str, float]:
    """Recall of events, PAI (Chainey, Tompson and Uhlig 2008) and PEI (Hunt 2016) at 1, 5 and 10 % of the area."""
    figures: dict[str, float] = {}
    for share in AREA_SHARES:
        recall = recall_of_counts(score, count, area, share)
        best = recall_of_counts(count / area, count, area, share)
        percent = round(100 * share)
        figures |= {f"recall_{percent}": recall, f"pai_{percent}": recall / share, f"pei_{percent}": recall / best}
    return figures


def tenths(expected: Floats, observed: Floats) -> pd.DataFrame:
    """Expected and observed events in tenths of the units, ordered by the expectation from low to high."""
    order = np.argsort(expected, kind="stable")
    parts = np.array_split(order, TENTHS)
    rows = [
        {"tenth": number, "units": len(part), "expected": expected[part].sum(), "observed": observed[part].sum()}
        for number, part in enumerate(parts, start=1)
    ]
    return pd.DataFrame(rows)
