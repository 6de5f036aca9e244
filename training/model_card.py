"""The model card of a run: what the model is for, from what it was made, how it was judged, and what it is not."""

from collections.abc import Mapping

import pandas as pd

from training.config import TrainConfig
from training.identity import code_version, grid_text

PURPOSE = (
    "For ordering survey work. It answers, for every cell, the probability that survey would find explosive ordnance "
    "there.\n**Not evidence of absence: an unranked or low-ranked cell may be contaminated.** It never cancels, "
    "reduces or releases land."
)
FIGURES = ("roc_auc", "pr_auc", "base_rate", "recall_5", "recall_10")


def model_card(
    config: TrainConfig, counts: Mapping[str, int], metrics: pd.DataFrame, features: int, warnings: tuple[str, ...]
) -> str:
    """The card as Markdown; `metrics` are those of validation with the means over folds, `counts` cells by state."""
    lines = [
        f"# Contamination model of {config.name}",
        "",
        PURPOSE,
        "",
        "## Made from",
        "",
        f"- records known at {config.as_of}; {', '.join(f'{name} {count:,}' for name, count in counts.items())} cells",
        f"- cells of {grid_text(config)}; {features} features of {', '.join(config.features)}",
        f"- mlrisk {code_version()}; seed {config.seed}; `inputs.json` has the digest of every source",
        "",
        "## How it was judged (means over folds of land or time that was held out)",
        "",
        *_table(metrics),
        "",
        "Base rate beside every figure; intervals, folds and the land that was missed are in `report.html`.",
        "",
        "## Read with it",
        "",
        *(f"- {warning}" for warning in warnings or ("no warning",)),
    ]
    return "\n".join(lines) + "\n"


def _table(metrics: pd.DataFrame) -> list[str]:
    if not len(metrics):
        return ["Nothing could be held out: these figures do not exist."]
    means = metrics[metrics["fold"] == "mean"]
    head = ["protocol", "ranking", *FIGURES]
    rows = [
        [str(row["protocol"]), str(row["ranking"]), *(f"{row[name]:.3f}" for name in FIGURES)]
        for row in means.to_dict("records")
    ]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
