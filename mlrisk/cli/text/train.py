"""The output of `train` and `run`: the models compared with the baselines, and the path of the report."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path

import pandas as pd

from mlrisk.cli.text.parts import Part, Table, interval
from training.train import Trained


def judged(trained: Trained, files: Iterable[Path]) -> list[Part]:
    """Both validations, the optimism gap of random folds, and the files."""
    gap = {name: value for name, value in trained.optimism_gap.items() if value == value}  # noqa: PLR0124 NaN
    gaps = ", ".join(f"{name} {value:+.3f}" for name, value in gap.items()) or "not measured"
    return [
        *trained.beaten,
        *judged_contamination(trained.metrics),
        *_casualties(trained.casualty_metrics),
        f"optimism gap (random minus leave_region_out): {gaps}",
        *(f"{file.name}: {file}" for file in files),
    ]


def judged_contamination(metrics: pd.DataFrame) -> list[Part]:
    """Each ranking on held-out land: the means over folds, and the model fold by fold."""
    if not len(metrics):
        return []
    # The report has every fold of every ranking; here are the means, and the folds of the model but for random ones.
    honest = metrics["protocol"].isin(["as_of", "leave_region_out"]) & (metrics["ranking"] == "mlrisk")
    shown = metrics[(metrics["fold"] == "mean") | honest]
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


def _casualties(metrics: pd.DataFrame) -> list[Part]:
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
