"""Numbers that are dates: day numbers of spreadsheets, seconds since 1970, six figures such as 930615."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

NUMBER = re.compile(r"^-?\d{5,19}(?:\.\d+)?$")
# Day 0 of spreadsheets, as most count (Excel for Windows, LibreOffice).
SPREADSHEET_ZERO = date(1899, 12, 30)
EARLIEST_NUMBER = date(1950, 1, 1)
SPREADSHEET = "read as day numbers of a spreadsheet"
SECONDS, MILLISECONDS = "read as seconds since 1970", "read as milliseconds since 1970"
MICROSECONDS, NANOSECONDS = "read as microseconds since 1970", "read as nanoseconds since 1970"
# Number of digits: the reading and the parts of a second.
SINCE_1970 = {
    **dict.fromkeys((9, 10), (SECONDS, 1)), **dict.fromkeys((11, 12, 13), (MILLISECONDS, 10**3)),
    **dict.fromkeys((15, 16), (MICROSECONDS, 10**6)), **dict.fromkeys((18, 19), (NANOSECONDS, 10**9)),
}  # fmt: skip
# The form that six figures of a column have, by the order of its parts: how it is parsed, and how it reads.
SIX_FIGURES = {
    "YMD": ("%y%m%d", "of six figures read as year, month, day"),
    "DMY": ("%d%m%y", "of six figures read as day, month, year"),
    "MDY": ("%m%d%y", "of six figures read as month, day, year"),
    "YM": ("%Y%m", "of six figures read as year and month"),
}
NUMBER_READINGS = (
    SPREADSHEET, *dict.fromkeys(reading for reading, _ in SINCE_1970.values()),
    *(reading for _, reading in SIX_FIGURES.values()),
)  # fmt: skip


def is_number(text: str) -> bool:
    """Whether a text has the figures of a number that may be a date."""
    return NUMBER.match(text) is not None


def day_of_number(text: str, form: str | None) -> tuple[date, str] | None:
    """The day that a number means and the phrase that says how it was read; None if that is no plausible day.

    `form` is that of six figures in the column.
    """
    digits = len(text.lstrip("-").split(".")[0])
    if form is not None and _is_short(text):
        day = _day_of_six(text, form)
        return None if day is None else (day, SIX_FIGURES[form][1])
    if digits == 5 and float(text) > 0:
        return _plausible(SPREADSHEET_ZERO + timedelta(days=int(float(text))), SPREADSHEET)
    if digits not in SINCE_1970:
        return None
    reading, parts = SINCE_1970[digits]
    return _plausible(date(1970, 1, 1) + timedelta(days=int(float(text) / parts // 86_400)), reading)


def six_figures_form(texts: Iterable[str], order: str | None) -> str | None:
    """The one form that all dates of six figures in a column fit; None for none, and for several.

    Five figures beside six have lost a zero in a spreadsheet: its day numbers never have six. `order` of the config
    decides where it is given.

    >>> six_figures_form(["930615", "930702"], None), six_figures_form(["150693", "x"], None)
    ('YMD', 'DMY')
    >>> six_figures_form(["010203"], None), six_figures_form(["010203"], "DMY"), six_figures_form(["40321"], None)
    (None, 'DMY', None)
    """
    short = [text for text in texts if _is_short(text)]
    if not any(len(text) == 6 for text in short):
        return None
    if order is not None:
        return order
    fitting = [{form for form in SIX_FIGURES if _day_of_six(text, form) is not None} for text in short]
    shared = set.intersection(*(forms for forms in fitting if forms)) if any(fitting) else set()
    return next(iter(shared)) if len(shared) == 1 else None


def _is_short(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) in (5, 6)


def _day_of_six(text: str, form: str) -> date | None:
    """The day of six figures, the first of its month in YM; None if it is none, or an implausible one."""
    today = datetime.now(UTC).date()
    try:
        day = datetime.strptime(text.zfill(6), SIX_FIGURES[form][0]).replace(tzinfo=UTC).date()
        # The last hundred years.
        day = day.replace(year=day.year - 100) if day.year > today.year and form != "YM" else day
    except ValueError:
        return None
    return day if EARLIEST_NUMBER <= day <= today else None


def _plausible(day: date, reading: str) -> tuple[date, str] | None:
    until = datetime.now(UTC).date() + timedelta(days=366)
    return (day, reading) if EARLIEST_NUMBER <= day <= until else None
