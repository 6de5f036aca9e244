"""What `train` and `run` say: the model beside the rules of thumb, and where the report lies."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path

import pandas as pd

from mlrisk.cli.text.parts import Said, Table, interval
from training.train import Trained


def judged(trained: Trained, files: Iterable[Path]) -> list[Said]:
    """Both validations, what random folds would have promised beyond held-out regions, and the files."""
    gap = {name: value for name, value in trained.optimism_gap.items() if value == value}  # noqa: PLR0124 NaN
    told = ", ".join(f"{name} {value:+.3f}" for name, value in gap.items()) or "not measured"
    return [
        *_contamination(trained.metrics),
        *_casualties(trained.casualty_metrics),
        f"optimism gap (random minus leave_region_out): {told}",
        *(f"{file.name}: {file}" for file in files),
    ]


def _contamination(metrics: pd.DataFrame) -> list[Said]:
    if not len(metrics):
        return []
    # Every fold of every ranking is in the report; here the means, and the model fold by fold where it is honest.
    told = metrics["protocol"].isin(["as_of", "leave_region_out"]) & (metrics["ranking"] == "mlrisk")
    shown = metrics[(metrics["fold"] == "mean") | told]
    header = ("protocol", "fold", "ranking", "ROC AUC", "PR AUC (base)", "recall 1 %", "5 %", "10 % of area", "20 %")
    rows = tuple(
        (
            row["protocol"], row["fold"], row["ranking"],
            f"{row['roc_auc']:.3f}{interval(row, 'roc_auc', 3)}",
            f"{row['pr_auc']:.3f} ({row['base_rate']:.3f})", f"{row['recall_1']:.2f}", f"{row['recall_5']:.2f}",
            f"{row['recall_10']:.2f}{interval(row, 'recall_10', 2)}",
            f"{row['recall_20']:.2f}",
        )
        for row in shown.to_dict("records")
    )  # fmt: skip
    return [Table("contamination, judged on land that was held out (90 % intervals by blocks of land)", header, rows)]


def _casualties(metrics: pd.DataFrame) -> list[Said]:
    if not len(metrics):
        return []
    head = ("protocol", "fold", "ranking", "expected / happened")
    header = (*head, "skill over constant", "over kernels", "recall 5 %", "10 % of area")
    rows = tuple(
        (
            row["protocol"], row["fold"], row["ranking"],
            f"{_figure(row.get('expected'), 0)} / {row['observed']:.0f}", _figure(row.get("skill_over_constant"), 3),
            _figure(row.get("skill_over_kernels"), 3), _figure(row["recall_5"], 2), _figure(row["recall_10"], 2),
        )
        for row in metrics.to_dict("records")
    )  # fmt: skip
    return [Table("accidents, judged on years and regions that were held out", header, rows)]


def _figure(value: float | None, digits: int) -> str:
    return f"{value:.{digits}f}" if value is not None and isfinite(value) else "-"
