"""The measurements as Markdown tables."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

Runs = Sequence[dict[str, Any]]
Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def middle(runs: Runs, key: str) -> float:
    """Median of a figure over the repeats."""
    return float(median(run[key] for run in runs))


def spread(runs: Runs, key: str = "seconds") -> str:
    """Median and, of several repeats, least and greatest."""
    values = sorted(run[key] for run in runs)
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{median(values):.3g} ({values[0]:.3g}-{values[-1]:.3g})"


def machine_table(facts: dict[str, str]) -> str:
    """Machine and versions."""
    return table(("what", "which"), facts.items())


def stages_table(stages: dict[str, dict[str, Runs]]) -> str:
    """Seconds of good practice and of ours, stage by stage, and the sum of the stages that both have."""
    head = ("stage", "good practice", "seconds", "core-s", "peak MB", "ours", "seconds", "core-s", "peak MB", "times")
    rows, sums = [], [0.0, 0.0]
    for stage, sides in stages.items():
        cells = [stage]
        for runs in (sides["peer"], sides["ours"]):
            if "skipped" in runs[0]:
                cells += [f"skipped: {runs[0]['skipped']}", "", "", ""]
            else:
                costs = spread(runs), f"{middle(runs, 'core_seconds'):.3g}", f"{middle(runs, 'peak_mb'):.0f}"
                cells += [runs[0]["remark"], *costs]
        if any("skipped" in runs[0] for runs in sides.values()):
            rows.append([*cells, ""])
            continue
        seconds = middle(sides["peer"], "seconds"), middle(sides["ours"], "seconds")
        sums = [sums[0] + seconds[0], sums[1] + seconds[1]]
        rows.append([*cells, f"{seconds[0] / seconds[1]:.1f}"])
    if sums[1] > 0:
        total = [f"**{sums[0]:.3g}**", "", "", "", f"**{sums[1]:.3g}**", "", "", f"**{sums[0] / sums[1]:.1f}**"]
        rows.append(["together, where both ran", "", *total])
    return table(head, rows)


def errors_table(stages: dict[str, dict[str, Runs]]) -> str:
    """Errors of both sides against exact answers; the last column relates the worst to the greatest answer."""
    rows = [
        (name, whose, *(f"{error[key]:.2g}" for key in ("mean", "p99", "max")), _share(error))
        for sides in stages.values()
        for whose, runs in (("good practice", sides["peer"]), ("ours", sides["ours"]))
        for name, error in runs[0].get("errors", {}).items()
    ]
    head = ("exact answer", "side", "mean error", "99th percentile", "worst", "worst / greatest answer")
    return table(head, rows)


def whole_table(runs_by_cells: dict[int, Runs], floor_seconds: float) -> str:
    """All families at one or several sizes; the floor copies 64 MB for every 16 million cells."""
    rows = []
    for cells, runs in runs_by_cells.items():
        seconds, columns = middle(runs, "seconds"), runs[0]["columns"]
        floor = floor_seconds * cells / 16e6
        rows.append(
            (
                f"{cells / 1e6:.3g}",
                str(columns),
                spread(runs),
                f"{seconds / cells * 1e6:.3g}",
                f"{cells / seconds:,.0f}",
                f"{middle(runs, 'core_seconds'):.3g}",
                f"{max(run['peak_mb'] for run in runs):,.0f}",
                f"{middle(runs, 'open_seconds'):.3g}",
                f"{seconds / floor:,.0f} ({seconds / floor / columns:.1f})",
            )
        )
    head = ("million cells", "columns", "seconds", "s / million", "cells / s", "core-s", "peak MB", "opening s")
    return table((*head, "times the copy floor (a column)"), rows)


def families_table(runs: Runs) -> str:
    """Seconds per million cells of each family on one core."""
    cells = runs[0]["cells"]
    rows = [
        (family, str(first["columns"]), spread([_per_million(run, family, cells) for run in runs]))
        for family, first in runs[0]["families"].items()
    ]
    return table(("family", "columns", "s / million cells, one core"), rows)


def _per_million(run: dict[str, Any], family: str, cells: int) -> dict[str, float]:
    return {"seconds": run["families"][family]["seconds"] / cells * 1e6}


def _share(error: dict[str, float]) -> str:
    return f"{error['max'] / error['greatest_answer']:.2g}" if error["greatest_answer"] else ""
