"""The measurements as Markdown tables."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

Runs = list[dict[str, Any]]
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
    """Seconds of good practice and of ours, stage by stage, and the sums of the stages that both have."""
    side = ("seconds", "core-s", "peak MB")
    head = ("stage", "good practice", *side, "ours", *side, "times", "times in core-s")
    rows, compared = [], {}
    for stage, sides in stages.items():
        both = sides["peer"], sides["ours"]
        cells = [stage, *_side_cells(both[0]), *_side_cells(both[1])]
        if any("skipped" in runs[0] for runs in both):
            rows.append([*cells, "", ""])
            continue
        compared[stage] = costs = [(middle(runs, "seconds"), middle(runs, "core_seconds")) for runs in both]
        rows.append([*cells, *_times(*costs)])
    # One process an observer is how gdal_viewshed is used, and it outweighs the rest: so the sum without it too.
    for name, left_out in (("together, where both ran", ""), ("the same without visibility", "visibility")):
        costs = [pair for stage, pair in compared.items() if stage != left_out]
        if costs:
            peer, ours = ([sum(pair[whose][key] for pair in costs) for key in (0, 1)] for whose in (0, 1))
            shown = [[f"{figure:.3g}" for figure in total] for total in (peer, ours)]
            rows.append([name, "", *shown[0], "", "", *shown[1], "", *_times(peer, ours)])
    return table(head, rows)


def _times(peer: Sequence[float], ours: Sequence[float]) -> list[str]:
    """Ratio of the time of good practice to that of mlrisk; empty if the latter is below the clock's resolution."""
    return [f"{one / other:.1f}" if other > 0 else "" for one, other in zip(peer, ours, strict=True)]


def _side_cells(runs: Runs) -> list[str]:
    """The method and cost of one side, or the reason why it was skipped."""
    if "skipped" in runs[0]:
        return [f"skipped: {runs[0]['skipped']}", "", "", ""]
    return [
        runs[0]["remark"],
        spread(runs),
        f"{middle(runs, 'core_seconds'):.3g}",
        f"{middle(runs, 'peak_mb'):.0f}",
    ]


def errors_table(stages: dict[str, dict[str, Runs]]) -> str:
    """Errors of both sides against exact answers, those of the first repeat."""
    rows = [
        (name, whose, *(f"{error[key]:.2g}" for key in ("mean", "p99", "max")), _share(error), str(error["missing"]))
        for sides in stages.values()
        for whose, runs in (("good practice", sides["peer"]), ("ours", sides["ours"]))
        for name, error in runs[0].get("errors", {}).items()
    ]
    head = (
        "exact answer",
        "side",
        "mean error",
        "99th percentile",
        "worst",
        "worst / greatest answer",
        "cells without a value",
    )
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
                f"{max(run['open_peak_mb'] for run in runs):,.0f}",
                f"{seconds / floor:,.0f} ({seconds / floor / columns:.1f})",
            )
        )
    head = (
        "million cells",
        "columns",
        "seconds",
        "s / million",
        "cells / s",
        "core-s",
        "peak MB",
        "opening s",
        "peak MB then",
    )
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
