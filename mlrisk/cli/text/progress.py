"""The output of `progress`: expected finds beside actual ones."""

import numpy as np
import pandas as pd

from mlrisk.cli.text.parts import Part, Table, interval, notes
from mlrisk.followup import PlanProgress

MOST_TASKS = 30


def progress_parts(done: PlanProgress) -> list[Part]:
    """Totals by purpose, then the tasks whose land was searched at least in part."""
    started = done.tasks[done.tasks["searched_share"] > 0]
    return [
        f"policy: {done.policy}   as of {done.as_of}   tasks started: {len(started):,} of {len(done.tasks):,}",
        _purposes(done.purposes),
        *([_tasks(started)] if len(started) else []),
        *notes(done.notes),
    ]


def _purposes(table: pd.DataFrame) -> Table:
    header = ("purpose", "tasks", "searched", "expected", "found", "found / expected")
    rows = tuple(
        (
            row["purpose"], f"{row['tasks']:,}", f"{row['searched_cells']:,.0f}", f"{row['expected_cells']:,.1f}",
            f"{row['found_cells']:,.0f}",
            f"{row['ratio']:.2f}{interval(row, 'ratio', 2)}" if np.isfinite(row["ratio"]) else "",
        )
        for row in table.to_dict("records")
    )  # fmt: skip
    return Table("expected against actual finds in searched land, in cells (90 % intervals)", header, rows)


def _tasks(started: pd.DataFrame) -> Table:
    header = ("task", "purpose", "searched", "expected cells", "found cells")
    rows = tuple(
        (
            str(row["task_id"]), row["purpose"], f"{100 * row['searched_share']:.0f} %",
            f"{row['expected_cells']:.1f}", f"{row['found_cells']:.0f}",
        )
        for row in started.head(MOST_TASKS).to_dict("records")
    )  # fmt: skip
    return Table(f"tasks started: {len(started):,}", header, rows)
