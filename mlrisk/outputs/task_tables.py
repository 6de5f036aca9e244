"""Survey tasks as tables: CSV for programs, XLSX for people."""

import csv
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from features.base import NOT_EVIDENCE, plain
from mlrisk.outputs.plan_sheet import write_plan_sheet
from mlrisk.outputs.tasks_by_rank import NAMES, tasks_by_rank
from mlrisk.outputs.wording import HOW_TO_READ, TASK_COLUMNS, Say, first_language, heading, notes_lines, speaker
from mlrisk.risk_map import Package

WIDTHS = {
    "district": 20,
    "reason_1": 44,
    "reason_2": 44,
    "reason_3": 44,
    "expected_finds": 14,
    "contamination": 15,
    "mgrs": 20,
}
FORMATS = {
    "area_m2": "#,##0",
    "contamination": "0.0%",
    "expected_finds": "0.0",
    "casualties_per_year": "0.00000",
    "priority": "0.000000",
    "team_days": "0.0",
    "passes": "0.00",
    "cost": "#,##0",
    "expected_found": "0.0",
    "casualties_averted": "0.00000",
    "casualties_averted_low": "0.00000",
    "casualties_averted_high": "0.00000",
    "out_of_domain_share": "0%",
    "stability": "0%",
    "inclusion_prob": "0.00%",
    "easting_m": "0",
    "northing_m": "0",
    "longitude": "0.00000",
    "latitude": "0.00000",
}


def write_csv(package: Package, folder: Path) -> list[Path]:
    """Write survey_tasks.csv: a row for each task, by rank; `note` has the warning and provenance on the first row."""
    tasks = _by_rank(package)
    extra = [name for name in tasks.columns if name not in (*NAMES, "contributions", tasks.geometry.name)]
    table = pd.DataFrame(tasks[[*NAMES, *extra]]).assign(note="")
    table.loc[table.index[:1], "note"] = " ".join(notes_lines(package.notes))
    path = folder / "survey_tasks.csv"
    # The byte order mark tells Excel that the file is UTF-8; without it Azerbaijani letters break.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(plain(name) for name in table.columns)
        for row in table.itertuples(index=False, name=None):
            writer.writerow(_csv_value(value) for value in row)
    return [path]


def write_xlsx(package: Package, folder: Path) -> list[Path]:
    """Write survey_tasks.xlsx: the sheet "Plan" to print, behind it "Survey tasks" with all columns, "How to read"."""
    path = folder / "survey_tasks.xlsx"
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, {**options, "nan_inf_to_errors": False}) as book:
        book.set_properties(
            {
                "title": f"Survey tasks, {package.notes.country}",
                "subject": NOT_EVIDENCE,
                "comments": "\n".join(notes_lines(package.notes)),
                # The date of knowledge: the same package gives the same bytes.
                "created": datetime.combine(package.notes.as_of, time(), tzinfo=UTC).replace(tzinfo=None),
            }
        )
        for_print(write_plan_sheet(book, package), speaker(package))
        _write_task_sheet(book, package)
        _write_reading_sheet(book, package)
    return [path]


def _by_rank(package: Package) -> Any:
    return tasks_by_rank(package)


def _csv_value(value: object) -> object:
    if isinstance(value, str):
        return plain(value)
    return "" if pd.isna(value) else value


def _write_task_sheet(book: Any, package: Package) -> None:
    tasks, say = _by_rank(package), speaker(package)
    sheet = book.add_worksheet(say("Survey tasks")[:31])
    warning = book.add_format({"bold": True, "font_color": "#7a1022"})
    header = book.add_format(
        {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#1f2430", "font_color": "#ffffff"}
    )
    more = say("As of {date}. See the sheet “{sheet}”.")
    more = more.format(date=package.notes.as_of.isoformat(), sheet=say("How to read"))
    sheet.write_string(0, 0, f"{say(NOT_EVIDENCE)} {more}", warning)
    for column, about in enumerate(TASK_COLUMNS):
        # A share is shown with its per cent sign.
        title = say(about.label) if FORMATS.get(about.name, "").endswith("%") else heading(about, say)
        sheet.write_string(1, column, title, header)
        cell = book.add_format(
            {"valign": "top", "text_wrap": about.name.startswith("reason")}
            | ({"num_format": FORMATS[about.name]} if about.name in FORMATS else {})
        )
        sheet.set_column(column, column, WIDTHS.get(about.name, 12), cell)
        for row, value in enumerate(tasks[about.name].tolist(), start=2):
            if isinstance(value, str):
                sheet.write_string(row, column, plain(value), cell)
            elif not pd.isna(value):
                sheet.write_number(row, column, value, cell)
    sheet.set_row(1, 46)
    sheet.freeze_panes(2, 2)
    sheet.autofilter(1, 0, 1 + max(len(tasks), 1), len(TASK_COLUMNS) - 1)
    for_print(sheet, say)


def for_print(sheet: Any, say: Say) -> None:
    """Set up a sheet for A4 across, one page wide, with the headings and the warning on every page."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, 1)
    sheet.set_footer(f"&L{say(NOT_EVIDENCE)}&R&P / &N")


def _write_reading_sheet(book: Any, package: Package) -> None:
    say = speaker(package)
    sheet = book.add_worksheet(say("How to read")[:31])
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 34, bold)
    sheet.set_column(1, 1, 110, wrap)
    notes = package.notes
    rows = [
        *((say("How to read") if index == 0 else "", say(text)) for index, text in enumerate(HOW_TO_READ)),
        *(
            (say("About this map") if index == 0 else "", text)
            for index, text in enumerate(notes_lines(notes, first_language(package))[1:])
        ),
        *(
            (say("model {name}, version {number}").format(name=model.name, number=model.version), model.digest)
            for model in notes.models
        ),
        *((say("input {name}").format(name=source), digest) for source, digest in sorted(notes.inputs.items())),
        *((heading(about, say), say(about.text)) for about in TASK_COLUMNS),
    ]
    for row, (left, right) in enumerate(rows):
        sheet.write_string(row, 0, plain(left), bold)
        sheet.write_string(row, 1, plain(right), wrap)
