"""survey_calendar.xlsx and .ics: who does which task in which week, for the office and for telephones."""

from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from features.base import NOT_EVIDENCE, plain
from mlrisk.outputs.map_page_tasks import nearest_places
from mlrisk.outputs.plan_sheet import LINE_POINTS
from mlrisk.outputs.task_tables import for_print
from mlrisk.outputs.task_words import NO_PLAN, figure, purpose_text, team_text, work_text
from mlrisk.outputs.tasks_by_rank import tasks_by_rank
from mlrisk.outputs.wording import Say, first_language, notes_lines, speaker
from mlrisk.risk_map import Package, language

COLUMNS = (
    ("Week", 7), ("Begins", 12), ("Ends", 12), ("Team", 18), ("No.", 6), ("Place", 20), ("District", 18),
    ("Kind of work", 28), ("Days", 8), ("MGRS", 22),
)  # fmt: skip
NO_DATES = "No start date was entered: weeks are numbered from the first."
# The octets of a line of iCalendar (RFC 5545, 3.1).
LINE_OCTETS = 75


def write_calendar(package: Package, folder: Path) -> list[Path]:
    """Write survey_calendar.xlsx and .ics; without teams they say so, without a start date the .ics has no event."""
    entries = calendar_entries(package)
    return [_write_xlsx(package, folder, entries), _write_ics(package, folder, entries)]


def calendar_entries(package: Package) -> list[dict[str, Any]]:
    """The rows of the plan's calendar, each with what is known of its task and the place that is nearest."""
    calendar: Any = package.plan.get("calendar", [])
    tasks = tasks_by_rank(package)
    tasks = tasks.assign(place=nearest_places(package, tasks)).drop(
        columns=[tasks.geometry.name, "team", "week", "last_week"]
    )
    by_id = {int(row["task_id"]): row for row in tasks.drop(columns=["begins", "ends"]).to_dict("records")}
    return [{**by_id[int(entry["task_id"])], **entry} for entry in calendar if int(entry["task_id"]) in by_id]


def _write_xlsx(package: Package, folder: Path, entries: list[dict[str, Any]]) -> Path:
    path, say = folder / "survey_calendar.xlsx", speaker(package)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({
            "title": f"{say('Calendar')}, {package.notes.country}",
            "subject": NOT_EVIDENCE,
            "comments": "\n".join(notes_lines(package.notes)),
            # The date of knowledge: the same package gives the same bytes.
            "created": datetime.combine(package.notes.as_of, time(), tzinfo=UTC).replace(tzinfo=None),
        })  # fmt: skip
        sheet = book.add_worksheet(say("Calendar")[:31])
        edge = {"border": 1, "border_color": "#b9ae9d", "valign": "top", "text_wrap": True}
        header = book.add_format({**edge, "bold": True, "bg_color": "#e7e2d8"})
        cell, number = book.add_format(edge), book.add_format({**edge, "num_format": "0.0"})
        warning = book.add_format({"bold": True, "font_color": "#7a1022"})
        sheet.write_string(0, 0, " ".join([say(NOT_EVIDENCE), *_missing(entries, say)]), warning)
        for column, (title, width) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(1, column, say(title), header)
        for row, entry in enumerate(entries, start=2):
            values = _values(package, entry, say)
            for column, value in enumerate(values):
                if isinstance(value, str):
                    sheet.write_string(row, column, plain(value), cell)
                else:
                    sheet.write_number(row, column, value, number if isinstance(value, float) else cell)
            # A spreadsheet gives a wrapped cell no height of its own until somebody edits it.
            lines = [ceil(len(str(value)) / width) for value, (_, width) in zip(values, COLUMNS, strict=True)]
            sheet.set_row(row, max(lines) * LINE_POINTS + 3)
        sheet.freeze_panes(2, 0)
        sheet.autofilter(1, 0, 1 + max(len(entries), 1), len(COLUMNS) - 1)
        for_print(sheet, say)
    return path


def _missing(entries: list[dict[str, Any]], say: Say) -> list[str]:
    if not entries:
        return [f"{say(NO_PLAN)}."]
    return [] if entries[0]["begins"] else [say(NO_DATES)]


def _values(package: Package, entry: dict[str, Any], say: Say) -> list[str | int | float]:
    words = language(package.languages[0])
    begins, ends = (words.day(date.fromisoformat(entry[name])) if entry[name] else "" for name in ("begins", "ends"))
    return [
        int(entry["week"]), begins, ends, team_text(entry["team"], say), _number(entry), str(entry["place"]),
        str(entry["district"]), _work(entry, say), float(entry["days"]), str(entry["mgrs"]),
    ]  # fmt: skip


def _number(entry: dict[str, Any]) -> str | int:
    return "" if pd.isna(entry["plan_order"]) else int(entry["plan_order"])


def _work(entry: dict[str, Any], say: Say) -> str:
    work = work_text(str(entry["work"]), say)
    return work if entry["purpose"] == "survey" else f"{work} ({purpose_text(str(entry['purpose']), say)})"


def _write_ics(package: Package, folder: Path, entries: list[dict[str, Any]]) -> Path:
    """One event for each row with dates, whole days, by RFC 5545; stamped with the date of knowledge."""
    say, stamp = speaker(package), f"{package.notes.as_of:%Y%m%d}T000000Z"
    header = " ".join([NOT_EVIDENCE, *notes_lines(package.notes, first_language(package))])
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mlrisk//survey calendar//EN", "CALSCALE:GREGORIAN",
             f"X-WR-CALNAME:{_text(say('Calendar') + ', ' + package.notes.country)}",
             f"X-WR-CALDESC:{_text(header)}"]  # fmt: skip
    for number, entry in enumerate(entry for entry in entries if entry["begins"]):
        begins, ends = date.fromisoformat(entry["begins"]), date.fromisoformat(entry["ends"]) + timedelta(days=1)
        where = str(entry["place"] or entry["district"])
        days = say("{days} team-days").format(days=say(figure(float(entry["days"]))))
        about = [_work(entry, say), days, f"MGRS {entry['mgrs']}", str(entry["access_note"]), str(entry["reason_1"])]
        lines += [
            "BEGIN:VEVENT",
            f"UID:{entry['task_id']}-{number}-{begins:%Y%m%d}@mlrisk",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{begins:%Y%m%d}",
            f"DTEND;VALUE=DATE:{ends:%Y%m%d}",
            f"SUMMARY:{_text(': '.join([team_text(entry['team'], say), f'{_number(entry)} {where}'.strip()]))}",
            f"LOCATION:{_text(where)}",
            f"GEO:{entry['latitude']:.5f};{entry['longitude']:.5f}",
            f"DESCRIPTION:{_text(chr(10).join([*about, say(NOT_EVIDENCE)]))}",
            "END:VEVENT",
        ]
    path = folder / "survey_calendar.ics"
    text = "\r\n".join(folded for line in [*lines, "END:VCALENDAR"] for folded in _folded(line)) + "\r\n"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def _text(value: str) -> str:
    r"""A text as iCalendar has it.

    >>> print(_text("a; b, c"))
    a\; b\, c
    """
    for sign in ("\\", ";", ","):
        value = value.replace(sign, f"\\{sign}")
    return value.replace("\n", "\\n").replace("\r", "")


def _folded(line: str) -> list[str]:
    """A line in parts of at most LINE_OCTETS, further ones behind a space; no letter is cut."""
    parts, part = [], ""
    for letter in line:
        if len((part + letter).encode()) > LINE_OCTETS:
            parts.append(part)
            part = " "
        part += letter
    return [*parts, part]
