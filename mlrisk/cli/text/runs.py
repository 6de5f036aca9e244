"""The output of `mlrisk runs`: runs and their figures."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlrisk.cli.text.parts import Part, Table
from training.registry import RunRow

LISTED = ("recall_10", "roc_auc", "pr_auc", "best_baseline_recall_10")
SHORT = 8


def listed(rows: Iterable[RunRow]) -> list[Part]:
    """The runs, one in each row, with the decisive figures."""
    header = ("run", "name", *(name.replace("_", " ").replace("best baseline", "baseline") for name in LISTED))
    texts = tuple(
        (row.run_id[:SHORT], row.name if row.status == "FINISHED" else f"{row.name} ({row.status.casefold()})",
         *(_text(row.figures.get(name)) for name in LISTED))
        for row in rows
    )  # fmt: skip
    return [Table("training runs; figures are means over regions that were held out", header, texts)]


def compared(one: RunRow, other: RunRow, found: Mapping[str, Mapping[str, tuple[Any, Any]]]) -> list[Part]:
    """Two runs side by side."""
    names = one.run_id[:SHORT], other.run_id[:SHORT]
    figures = tuple(
        (name, _text(a), _text(b), f"{b - a:+.3f}" if a is not None and b is not None else "")
        for name, (a, b) in found["figures"].items()
    )
    parts: list[Part] = [Table("figures, each on the folds of its own run", ("figure", *names, "change"), figures)]
    for title in ("settings", "inputs"):
        rows = tuple((key, str(a)[:24], str(b)[:24]) for key, (a, b) in found[title].items())
        parts.append(Table(f"{title} that differ", (title, *names), rows) if rows else f"{title}: the same")
    return parts


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
