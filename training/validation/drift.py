"""Input drift: how the land that a model ranks differs from the land for which it was trained."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.table import FeatureTable

BINS = 10
# Least share of a bin: an empty bin would make the index infinite.
LEAST_SHARE = 1e-4
# Limits from credit scoring, where the index comes from (Siddiqi 2006): below the first there is no drift.
MOVED, MOVED_MUCH = 0.1, 0.25


def reference_of(table: FeatureTable) -> dict[str, Any]:
    """Bin edges of each feature over all cells, the share of cells in each bin, and of cells without a value."""
    return {name: _reference(table.values[:, number]) for number, name in enumerate(table.names)}


def reference_text(table: FeatureTable) -> str:
    """`reference_of` as JSON."""
    return json.dumps(reference_of(table))


def population_stability(reference: Mapping[str, Any], table: FeatureTable) -> pd.DataFrame:
    """Population stability index of each feature in both: the sum of (now - then) ln(now / then) over the bins.

    Unknown values are a bin of their own (Siddiqi 2006, Credit Risk Scorecards). The largest index comes first.
    """
    rows = []
    for number, name in enumerate(table.names):
        if name in reference:
            then = np.array([*reference[name]["share"], reference[name]["unknown"]])
            now = _shares(table.values[:, number], np.array(reference[name]["edges"]))
            a, b = np.maximum(then, LEAST_SHARE), np.maximum(now, LEAST_SHARE)
            rows.append(
                {"feature": name, "psi": float(((b - a) * np.log(b / a)).sum()), "unknown": float(now[-1]),
                 "unknown_then": float(then[-1])}
            )  # fmt: skip
    frame = pd.DataFrame(rows, columns=["feature", "psi", "unknown", "unknown_then"])
    return frame.sort_values("psi", ascending=False, kind="stable").reset_index(drop=True)


def _reference(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    known = values[np.isfinite(values)].astype(np.float64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    shares = _shares(values, edges)
    return {"edges": edges.tolist(), "share": shares[:-1].tolist(), "unknown": float(shares[-1])}


def _shares(values: np.ndarray[Any, Any], edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Share of the values in each bin, followed by the share of unknown values."""
    known = np.isfinite(values)
    # A quantile is itself one of the values: rounded to float32 an edge could fall on either side of it.
    place = np.searchsorted(edges, values[known].astype(np.float64), side="left")
    counts = np.append(np.bincount(place, minlength=len(edges) + 1), np.count_nonzero(~known))
    return np.asarray(counts / max(len(values), 1))
