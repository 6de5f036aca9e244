"""The first screen of a report: what the test says, in sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from training.reporting.ranking_words import ranking_words
from training.reporting.tables import Computed
from training.validation import PLACEBO

LAND = {
    "as_of": "land that nobody had surveyed at the date of the test",
    "leave_region_out": "land in regions that the model had not seen",
    "knndm": "land as far from the training data as the land to be ranked",
    "random": "land beside the training data (too optimistic)",
}
RANDOM = "random order"


def first_sentences(computed: Computed, model: str) -> list[str]:
    """What surveying the first tenth would have reached, beside simple rules and chance; then what the map put last."""
    rows = computed.pooled
    if rows.empty or computed.protocol is None:
        return ["How well this map ranks was not measured: no land could be held out."]
    rows = rows[rows["protocol"] == computed.protocol]
    ours = rows[rows["ranking"] == model].iloc[0].to_dict()
    land = LAND.get(computed.protocol, "judged land")
    reached = f"would have reached {_share(ours)} of 100 contaminated cells{_range(ours)}"
    first = f"Surveying the first 10 % of {land} {reached}; {_rivals(rows, model)}."
    return [first, _tested(ours), *_put_last(computed)]


def _rivals(rows: pd.DataFrame, model: str) -> str:
    rules = rows[~rows["ranking"].isin([model, RANDOM, PLACEBO]) & rows["recall_10"].notna()]
    best = [] if rules.empty else [rules.loc[rules["recall_10"].idxmax()].to_dict()]
    parts = [f"the best simple rule, {ranking_words(str(row['ranking']))}, {_share(row)}{_range(row)}" for row in best]
    return "; ".join([*parts, "chance 10"])


def _tested(ours: Mapping[Any, Any]) -> str:
    found, cells, folds = int(ours["found"]), int(ours["cells"]), int(ours["folds"])
    parts = "one part" if folds == 1 else f"{folds} parts"
    return f"Tested on {cells:,} cells in {parts} of the country, {found:,} of them with EO."


def _put_last(computed: Computed) -> list[str]:
    if computed.held_out is None:
        return []
    found, last = int(computed.held_out.positive.sum()), len(computed.missed)
    if not last:
        return [f"None of the {found:,} cells with EO lay in the lower half of the ranking."]
    return [f"The map put {last:,} of {found:,} cells with EO ({100 * last / found:.2g} %) in its lower half."]


def _share(row: Mapping[Any, Any]) -> str:
    return f"{100 * row['recall_10']:.0f}"


def _range(row: Mapping[Any, Any]) -> str:
    low, high = row.get("recall_10_low", np.nan), row.get("recall_10_high", np.nan)
    return (
        f" (likely range, 90 %: {100 * low:.0f} to {100 * high:.0f})" if np.isfinite(low) and np.isfinite(high) else ""
    )
