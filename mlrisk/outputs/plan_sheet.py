"""The sheet "Plan" of survey_tasks.xlsx: ten columns in the order of the plan that print legibly on A4."""

import textwrap
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from features.base import NOT_EVIDENCE, plain
from mlrisk.outputs.map_page_tasks import nearest_places
from mlrisk.outputs.task_words import NO_PLAN, PlanScope, purpose_text, task_number, team_text, teams_text, work_text
from mlrisk.outputs.tasks_by_rank import in_plan_order, tasks_by_rank
from mlrisk.outputs.wording import Say, speaker
from mlrisk.risk_map import Package

# Heading and width in letters; together they fill about a page of A4 across at 10 points.
COLUMNS = (
    ("No.", 6), ("Week", 7), ("Place", 17), ("District", 16), ("Kind of work", 20), ("Team", 18), ("Team-days", 9),
    ("Cells likely to hold EO", 10), ("MGRS", 21), ("Why here", 46),
)  # fmt: skip
LINE_POINTS = 13.5


def write_plan_sheet(book: Any, package: Package) -> Any:
    """Add the sheet of planned tasks in their order; without a plan, of all tasks by rank with a line that says so."""
    say, scope = speaker(package), PlanScope.of(package)
    tasks = in_plan_order(tasks_by_rank(package))
    tasks = tasks.assign(place=nearest_places(package, tasks))
    tasks = tasks[tasks["planned"].astype(bool)] if scope.planned else tasks
    sheet = book.add_worksheet(say("Plan")[:31])
    warning = book.add_format({"bold": True, "font_color": "#7a1022"})
    edge = {"border": 1, "border_color": "#b9ae9d", "valign": "top", "text_wrap": True}
    header = book.add_format({**edge, "bold": True, "bg_color": "#e7e2d8"})
    cell, number = book.add_format(edge), book.add_format({**edge, "num_format": "#,##0.0", "align": "right"})
    # An order without teams is no plan, and says so.
    first = say(NOT_EVIDENCE) if scope.planned else f"{say(NOT_EVIDENCE)} {say(NO_PLAN)}."
    sheet.write_string(0, 0, first, warning)
    for column, (title, width) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(1, column, say(title), header)
    # Bold letters are wider, and words are not cut: a heading of another language takes more lines.
    heads = [len(textwrap.wrap(say(title), max(width - 2, 4))) for title, width in COLUMNS]
    sheet.set_row(1, max(heads) * LINE_POINTS + 4)
    for row, task in enumerate(tasks.to_dict("records"), start=2):
        values = _values(task, scope, say)
        for column, value in enumerate(values):
            if isinstance(value, str):
                sheet.write_string(row, column, plain(value), cell)
            elif np.isfinite(value):
                sheet.write_number(row, column, value, cell if column <= 1 else number)
            else:
                sheet.write_blank(row, column, None, cell)
        # A spreadsheet does not adapt the height of a wrapped cell until somebody edits it.
        lines = [ceil(len(str(value)) / width) for value, (_, width) in zip(values, COLUMNS, strict=True)]
        sheet.set_row(row, max(lines) * LINE_POINTS + 3)
    sheet.freeze_panes(2, 1)
    return sheet


def _values(task: dict[Any, Any], scope: PlanScope, say: Say) -> list[Any]:
    number = task_number(task, scope)
    return [
        float("nan") if number is None else number,
        float("nan") if pd.isna(task["week"]) else int(task["week"]),
        str(task["place"]),
        str(task["district"]),
        _work(task, say),
        team_text(task["team"], say) or (teams_text(task["asset"], say) if task["planned"] else ""),
        float(task["team_days"]) if task["planned"] else float("nan"),
        float(task["expected_finds"]),
        str(task["mgrs"]),
        str(task["reason_1"]),
    ]


def _work(task: dict[Any, Any], say: Say) -> str:
    work = work_text(str(task["work"]), say)
    return work if task["purpose"] == "survey" else f"{work} ({purpose_text(str(task['purpose']), say)})"
