"""Whether a baseline ranks better than the model: the first sentence of every output."""

import pandas as pd

from training.validation import PLACEBO

# Random folds flatter a model that knows the neighbours, and knndm concerns other land: these two protocols decide.
ASKED = ("as_of", "leave_region_out")
FIGURES = {"recall_10_gain": "recall at 10 % of area", "roc_auc_gain": "ROC AUC"}


def beaten_by(pooled: pd.DataFrame, model: str) -> tuple[str, ...]:
    """A sentence for each baseline whose lead over the model has a 90 % interval without zero.

    `pooled` has one row for each protocol and ranking, with the gain of the model over it: `recall_10_gain`, `_low`,
    `_high`.

    >>> beaten_by(pd.DataFrame({"protocol": ["as_of"], "ranking": ["distance to the line"],
    ...     "recall_10_gain": [-0.03], "recall_10_gain_low": [-0.07], "recall_10_gain_high": [-0.01]}), "mlrisk")[0]
    'a baseline beats the model: distance to the line, as_of, recall at 10 % of area by 0.03 (0.01 to 0.07)'
    """
    return tuple(
        f"a baseline beats the model: {row['ranking']}, {row['protocol']}, {named} by {-row[key]:.2f} "
        f"({-row[f'{key}_high']:.2f} to {-row[f'{key}_low']:.2f})"
        for row in pooled.to_dict("records")
        for key, named in FIGURES.items()
        if row["protocol"] in ASKED and row["ranking"] not in (model, PLACEBO) and row.get(f"{key}_high", 0.0) < 0
    )
