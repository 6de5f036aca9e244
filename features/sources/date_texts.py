"""One text as a date: its day, how precise it is, and by which convention it was read."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from features.sources.date_numbers import EARLIEST_NUMBER, SIX_FIGURES, day_of_number, is_number
from features.sources.date_spans import cleaned, span_of
from features.sources.loose_dates import LOOSE, stated_loosely
from features.sources.months import month_of

Order = Literal["DMY", "MDY", "YMD"]

# Texts that mean an unknown date; any other text that is not a date is an error.
NOBODY_KNOWS = frozenset(
    {
        "?", "??", "n.d.", "nd", "n/d", "s/d", "unknown", "not known", "no date", "undated", "inconnu", "inconnue",
        "desconocido", "desconocida", "desconhecido", "sin fecha", "sans date", "sem data", "naməlum", "məlum deyil",
        "bilinmiyor", "неизвестно", "нет данных", "без даты", "н/д", "невідомо", "нема даних", "نامعلوم", "نامشخص",
        "غير معروف", "nepoznato",
    }
)  # fmt: skip

# A day may be followed by a time with or without zone, or by words without figures ("approx.", the Russian "year").
REST = r"(?P<rest>[T ,;(.\u0433\u0440].*)?$"
BETWEEN = r"( |\s?[-/.,_\\]\s?)"
YEAR_FIRST = re.compile(rf"^(?P<y>\d{{4}}){BETWEEN}(?P<m>\d{{1,2}})\2(?P<d>\d{{1,2}}){REST}")
YEAR_LAST = re.compile(rf"^(?P<one>\d{{1,2}}){BETWEEN}(?P<two>\d{{1,2}})\2(?P<y>\d{{4}}|\d{{2}}){REST}")
COMPACT = re.compile(r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<time>\d{4}(?:\d{2})?)?$")
YEAR_MONTH = re.compile(r"^(?P<y>\d{4})[-/. ](?P<m>\d{1,2})$")
DAY_MONTH_YEAR = re.compile(r"^(?P<d>\d{2})(?P<m>\d{2})(?P<y>(?:19|20)\d{2})$")
MONTH_YEAR = re.compile(r"^(?P<m>\d{1,2})[-/. ](?P<y>\d{4})$")
YEAR = re.compile(r"^(?P<y>\d{4})(?:\.0+)?$")
WEEK = re.compile(r"^(?P<y>\d{4})-?W(?P<w>\d{2})(?:-?(?P<d>[1-7]))?$", re.IGNORECASE)
# Spreadsheets show June 2019 as Jun-19; with a blank between them, 19 may be the day.
MONTH_AND_SHORT_YEAR = re.compile(r"^[^\d\s]+[-'/]\d{2}$")
TIME = re.compile(
    r"^[T ,]\s*(?P<h>\d{1,2})(?:[:.h](?P<min>\d{2}))?(?:[:.]\d{2}(?:[.,]\d+)?)?\s*"
    r"(?P<half>[AaPp]\.?\s?[Mm]\.?|[\u0635\u0645]|\u00d6[\u00d6S])?\s*"
    r"(?P<zone>Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?$"
)
AFTERNOON = ("p", "P", "\u0645", "\u00d6S")
UNIX_ZERO = "of 1 January 1970, which programs write for a missing date: check them"
# Years of the Solar and the lunar Hijri calendar.
HIJRI_YEARS = range(1250, 1500)
SHORT_YEARS = "with years of two digits"
WHOLE_WEEKS = "of whole weeks read as the last day"
IN_UTC = "with a time in UTC, of which the local day may be another: give time_zone"
NEXT_DAY = "in UTC counted to the next day, which it is where clocks are ahead"
BOTH_ORDERS_DAY, BOTH_ORDERS_MONTH = "with the day first", "with the month first"


@dataclass(frozen=True, kw_only=True)
class DateReading:
    """How the dates of a source are read: the order of its figures, its time zone, and how late its clocks may be.

    `six_figures` is the form of dates of six figures in the column that is read.
    """

    order: Order | None = None
    zone: str | None = None
    latest_hours: float = 0.0
    six_figures: str | None = None


@dataclass(kw_only=True)
class DatedText:
    """Reading of one distinct text: day, precision, convention; `swapped` if day and month could change places."""

    day: date | None = None
    precision: str = ""
    reading: str = ""
    short_year: bool = False
    swapped: bool = False
    dotted: bool = False
    missing: bool = False
    other_order: date | None = None
    in_utc: bool = False
    next_day: bool = False
    hijri: bool = False


def read_date(text: str, how: DateReading) -> DatedText:
    """The reading of a text, without a day if it is missing or not understood.

    A year of the Hijri calendars is not understood: its months are others.
    """
    one = _read(text, how)
    years = {int(figures) for figures in re.findall(r"(?<!\d)\d{4}(?!\d)", text)}
    if years & set(HIJRI_YEARS) and (one.day is None or one.day.year in HIJRI_YEARS) and not one.missing:
        return DatedText(hijri=True)
    if one.day == date(1970, 1, 1) and not one.reading:
        one.reading = UNIX_ZERO
    return one


def _read(text: str, how: DateReading) -> DatedText:
    text = cleaned(text)
    says_something = re.search(r"[1-9]|[^\W\d_]", text) is not None
    if not says_something or text.casefold() in NOBODY_KNOWS:
        return DatedText(missing=True)
    one: DatedText | None = None
    for read in (_year_first, _year_last, _parts, _compact, _number, _week):
        one = read(text, how)
        if one is not None:
            break
    if one is not None and one.day is not None:
        return one
    span = span_of(text)
    if span is None:
        one = one or _worded(text, how)
        return one if one.day is not None else _loose(text, how)
    first, last = (_read(part, how) for part in span.ends)
    if first.day is None or last.day is None or first.day > last.day or first.precision != last.precision:
        return DatedText()
    last.reading = span.reading
    return last


def _loose(text: str, how: DateReading) -> DatedText:
    inner = stated_loosely(text)
    one = DatedText() if inner is None else _read(inner, how)
    if one.day is None:
        return DatedText()
    one.reading = one.reading or LOOSE
    return one


def _year_first(text: str, how: DateReading) -> DatedText | None:
    match = YEAR_FIRST.match(text)
    if match is None:
        return None
    one = _made(int(match["y"]), int(match["m"]), int(match["d"]))
    return _with_rest(one, match["rest"], how)


def _year_last(text: str, how: DateReading) -> DatedText | None:
    match = YEAR_LAST.match(text)
    if match is None:
        return None
    first, second, short = int(match["one"]), int(match["two"]), len(match["y"]) == 2
    year = _full_year(int(match["y"])) if short else int(match["y"])
    if how.order == "YMD" and short:
        return _with_rest(_made(_full_year(first), second, int(match["y"])), match["rest"], how)
    day_first, month_first = _made(year, second, first), _made(year, first, second)
    one, other = (month_first, day_first) if how.order == "MDY" else (day_first, month_first)
    if how.order is None and one.day is None:
        one, other = other, one
        # The figures are a date only with the month first; a zero for the day has no order.
        one.reading = BOTH_ORDERS_MONTH if one.precision == "day" else ""
    elif how.order is None and first > 12:
        one.reading = BOTH_ORDERS_DAY
    elif one.day is not None and other.day is not None and first != second and one.precision == "day":
        one.swapped, one.other_order = True, other.day
    one.dotted, one.short_year = match.group(2) == ".", short
    return _with_rest(one, match["rest"], how)


def _parts(text: str, how: DateReading) -> DatedText | None:  # noqa: ARG001 one signature for all
    for pattern in (YEAR_MONTH, MONTH_YEAR, YEAR):
        match = pattern.match(text)
        if match is not None and ("m" not in pattern.groupindex or 1 <= int(match["m"]) <= 12):
            return _made(int(match["y"]), int(match["m"]) if "m" in pattern.groupindex else 0, 0)
    return None


def _compact(text: str, how: DateReading) -> DatedText | None:
    match = COMPACT.match(text)
    if match is None:
        return None
    one = _made(int(match["y"]), int(match["m"]), int(match["d"]))
    if not match["time"]:
        other = DAY_MONTH_YEAR.match(text)
        return one if other is None or one.day is not None else _year_last(".".join(other.groups()), how)
    plausible = EARLIEST_NUMBER.year - 50 <= int(match["y"]) <= _today().year + 1
    clock = int(match["time"][:2]) < 24 and int(match["time"][2:4]) < 60
    return one if plausible and clock and one.day is not None else None


def _number(text: str, how: DateReading) -> DatedText | None:
    if not is_number(text):
        return None
    found = day_of_number(text, how.six_figures)
    if found is None:
        return DatedText()
    day, reading = found
    if how.six_figures == "YM" and reading == SIX_FIGURES["YM"][1]:
        return replace(_made(day.year, day.month, 0), reading=reading)
    return DatedText(day=day, precision="day", reading=reading)


def _week(text: str, how: DateReading) -> DatedText | None:  # noqa: ARG001
    match = WEEK.match(text)
    if match is None:
        return None
    try:
        day = date.fromisocalendar(int(match["y"]), int(match["w"]), int(match["d"] or 7))
    except ValueError:
        return DatedText()
    return DatedText(day=day, precision="day", reading="" if match["d"] else WHOLE_WEEKS)


def _worded(text: str, how: DateReading) -> DatedText:
    """Dates with the name of a month and one or two figures beside it."""
    rest = re.search(r"[T ,]\s*\d{1,2}[:h]\d{2}.*$", text)
    plain = text[: rest.start()] if rest else text
    figures = re.findall(r"\d+", plain)
    month = month_of(re.sub(r"\d+", " ", plain)) if len(figures) in (1, 2) else 0
    if not month:
        return DatedText()
    years = [figure for figure in figures if len(figure) == 4]
    if MONTH_AND_SHORT_YEAR.match(plain):
        one = _made(_full_year(int(figures[0])), month, 0)
        one.short_year = True
        return one
    if len(years) == 1:
        others = [int(figure) for figure in figures if len(figure) != 4]
        one = _made(int(years[0]), month, others[0] if others else 0)
    elif len(figures) == 2 and all(len(figure) <= 2 for figure in figures):
        one = _made(_full_year(int(figures[1])), month, int(figures[0]))
        one.short_year = True
    else:
        return DatedText()
    if figures != years and one.precision != "day":
        return DatedText()
    return _with_rest(one, rest.group(0) if rest else None, how)


def _made(year: int, month: int, day: int) -> DatedText:
    """The date of a year, a month (0: not given) and a day (0: not given); without a day if it does not exist."""
    try:
        if month == 0:
            return DatedText(day=date(year, 12, 31), precision="year") if day == 0 else DatedText()
        if day == 0:
            after = date(year + month // 12, month % 12 + 1, 1)
            return DatedText(day=after - timedelta(days=1), precision="month")
        return DatedText(day=date(year, month, day), precision="day")
    except (ValueError, OverflowError):
        return DatedText()


def _full_year(short: int) -> int:
    """1930..2029 and so on: the last hundred years up to this one."""
    this = _today().year
    return this - this % 100 + short - (100 if short > this % 100 else 0)


def _with_rest(one: DatedText, rest: str | None, how: DateReading) -> DatedText:
    """The day with the text after it: a time, which may make it the next day, or words; other figures invalidate it."""
    if rest is None or not rest.strip() or one.day is None:
        return one
    match = TIME.match(rest)
    if match is None:
        return one if not re.search(r"\d", rest) else DatedText()
    if match["zone"] is None:
        return one
    hour, minute = int(match["h"]), int(match["min"] or 0)
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].startswith(AFTERNOON) else 0)
    if how.zone is not None:
        return _local(one, hour, minute, match["zone"], how.zone)
    utc = match["zone"].strip("+-:0") in ("", "Z", "UTC", "GMT")
    # Midnight in UTC is how days without a time are exported.
    one.in_utc = utc and bool(hour or minute)
    if one.in_utc and hour + minute / 60 + how.latest_hours >= 24:
        one.day, one.next_day = one.day + timedelta(days=1), True
    return one


def _local(one: DatedText, hour: int, minute: int, zone: str, own: str) -> DatedText:
    """The day in the time zone of the source."""
    figures = re.sub(r"\D", "", zone)
    offset = timedelta(hours=int(figures[:2] or 0), minutes=int(figures[2:] or 0)) * (-1 if zone[0] == "-" else 1)
    if one.day is None or hour > 24 or minute > 59:
        return one
    start = datetime(one.day.year, one.day.month, one.day.day, tzinfo=UTC)
    moment = start + timedelta(hours=hour, minutes=minute) - offset
    one.day = moment.astimezone(ZoneInfo(own)).date()
    return one


def _today() -> date:
    return datetime.now(UTC).date()
