"""Text to numbers and dates, as people and spreadsheets write them."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers

Dates = NDArray[np.datetime64]

MISSING_TEXTS = frozenset({"", "nan", "none", "null", "<null>", "nat", "n/a", "na"})
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
TRUE_TEXTS = frozenset({"1", "t", "true", "y", "yes"})
FALSE_TEXTS = frozenset({"0", "f", "false", "n", "no"})
NO_DATE = np.datetime64("NaT", "D")

_GROUPS_OF_THREE = r"^[+-]?\d{1,3}(?:,\d{3})+$"
_PLAIN_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Numbers:
    """Parsed numbers (NaN: missing or not understood) and how many texts needed what."""

    values: Floats
    not_understood: int
    decimal_commas: int
    thousands: int


def as_text(column: pd.Series) -> pd.Series:
    """The column as trimmed text of dtype object, None where the value is missing.

    Whole floats lose their `.0`, so that a code read as 1.0 (a column of integers with gaps) equals the text '1'.
    """
    if pd.api.types.is_bool_dtype(column):
        return column.map({True: "true", False: "false"}).astype(object)
    if pd.api.types.is_numeric_dtype(column):
        if pd.api.types.is_integer_dtype(column) and column.notna().all():
            return column.astype("str").astype(object)
        values = column.to_numpy(dtype=np.float64, na_value=np.nan).tolist()
        return pd.Series([_number_text(value) for value in values], index=column.index, dtype=object)
    text = column.astype(object).where(column.notna(), None)
    trimmed = [None if value is None else str(value).strip() for value in text]
    known = [None if value is None or value.casefold() in MISSING_TEXTS else value for value in trimmed]
    return pd.Series(known, index=column.index, dtype=object)


def _number_text(value: float) -> str | None:
    if not isfinite(value):
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def translation_key(text: str) -> str:
    """The form in which codes are compared: ' 1', '1' and '1.0' are one code.

    >>> translation_key(" 1.0 "), translation_key("-1"), translation_key("SHA ")
    ('1', '-1', 'SHA')
    """
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return _number_text(number) or text


def parse_numbers(column: pd.Series, comma_is_decimal: bool = False) -> Numbers:
    """Numbers of a column of numbers or text; blanks inside ('1 234') and either decimal sign are understood.

    '1,234' alone is one thousand and so on, unless the same column holds a comma that can only be decimal or
    `comma_is_decimal` says so (coordinates).
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return Numbers(np.where(np.isfinite(values), values, np.nan), 0, 0, 0)
    known = as_text(column)
    values = pd.to_numeric(known, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    values[~np.isfinite(values)] = np.nan
    written = np.isnan(values) & known.notna().to_numpy()
    if not written.any():
        return Numbers(values, 0, 0, 0)
    plain, decimal, thousands = _plain_numbers(known[written].astype(str), comma_is_decimal)
    good = plain.str.match(_PLAIN_NUMBER).to_numpy(dtype=bool)
    values[np.flatnonzero(written)[good]] = plain[good].astype(np.float64).to_numpy()
    values[~np.isfinite(values)] = np.nan
    return Numbers(values, int((~good).sum()), int((decimal & good).sum()), int((thousands & good).sum()))


def _plain_numbers(text: pd.Series, comma_is_decimal: bool) -> tuple[pd.Series, Flags, Flags]:
    """Texts without blanks, with a point for a decimal sign; which had a decimal comma, which commas between groups."""
    text = text.str.replace(r"[\s\u00a0\u202f\u2019']", "", regex=True).str.replace("\u2212", "-", regex=False)
    comma, point = text.str.contains(",", regex=False), text.str.contains(".", regex=False)
    # With both signs the last one is the decimal sign: 1.234,5 and 1,234.5.
    both = comma & point
    comma_last = both & (text.str.rfind(",") > text.str.rfind("."))
    text = text.mask(both & ~comma_last, text.str.replace(",", "", regex=False))
    text = text.mask(comma_last, text.str.replace(".", "", regex=False))
    comma = text.str.contains(",", regex=False)
    grouped = comma & text.str.match(_GROUPS_OF_THREE)
    decimal = comma & (~grouped | comma_is_decimal | bool((comma & ~grouped).any()))
    thousands = comma & ~decimal
    text = text.mask(thousands, text.str.replace(",", "", regex=False))
    text = text.mask(decimal, text.str.replace(",", ".", regex=False))
    return text, decimal.to_numpy(dtype=bool), thousands.to_numpy(dtype=bool)


def parse_flags(column: pd.Series) -> tuple[Flags, int]:
    """Yes and no of a column (missing is no), and how many other texts there were, which count as yes.

    OSM writes the kind of bridge ('viaduct') where it is known, so any word but a no is a yes.
    """
    text = as_text(column).fillna("").astype(str).str.casefold()
    no = text.isin({*FALSE_TEXTS, ""})
    return (~no).to_numpy(dtype=bool), int((~no & ~text.isin(TRUE_TEXTS)).sum())


@dataclass(frozen=True)
class ParsedDates:
    """Days (NaT: missing or not understood), their precision ('day', 'month', 'year', '') and counts of doubts."""

    days: Dates
    precision: NDArray[np.str_]
    not_understood: int
    ambiguous: int
    month_first: bool


def parse_dates(column: pd.Series) -> ParsedDates:
    """Days of a column of dates, texts or years.

    A year alone is its 31 December and a month alone its last day: the latest they can be, so that nothing is known
    too early. Between day and month the day comes first, unless the column holds dates that have only the month
    first (03/25/2020) and none that have only the day first. Times and time zones are cut off: the record's own day.
    """
    text = _as_date_text(column).to_numpy(dtype=str)
    days = np.full(len(text), NO_DATE)
    precision = np.full(len(text), "", dtype="<U5")
    _fill(days, precision, _match(text, r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?$"), "day")
    _fill(days, precision, _match(text, r"^(\d{4})(\d{2})(\d{2})$"), "day")
    _fill(days, precision, _match(text, r"^(\d{4})[-/.](\d{1,2})$"), "month")
    _fill(days, precision, _match(text, r"^(\d{4})(?:\.0+)?$"), "year")
    parts = _match(text, r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[T ].*)?$")
    first, second = parts[:, 0], parts[:, 1]
    month_first = bool((second > 12).any() and not (first > 12).any())
    order = [2, 0, 1] if month_first else [2, 1, 0]
    _fill(days, precision, parts[:, order], "day")
    doubtful = (first >= 1) & (first <= 12) & (second <= 12) & (first != second) & ~_dotted(text)
    # A column with a date that fits only one order settles the order of the rest.
    ambiguous = 0 if month_first or (first > 12).any() else int(doubtful.sum())
    not_understood = int(((text != "") & np.isnat(days)).sum())
    return ParsedDates(days, precision, not_understood, ambiguous, month_first)


def _as_date_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        naive: pd.Series = column.dt.tz_localize(None) if column.dt.tz is not None else column
        written: pd.Series = naive.dt.strftime("%Y-%m-%d").fillna("")
        return written
    text = as_text(column).fillna("").astype(str)
    # ArcGIS services write dates as milliseconds since 1970.
    epoch = text.str.match(r"^-?\d{11,13}$")
    if epoch.any():
        since = text[epoch].astype(np.int64).to_numpy().astype("datetime64[ms]").astype("datetime64[D]")
        text = text.mask(epoch, pd.Series(since.astype(str), index=text.index[epoch]).reindex(text.index))
    worded = text.str.contains(r"^\d{1,2}[ ./-][A-Za-z]{3}", regex=True)
    if worded.any():
        text = text.mask(worded, _months_numbered(text[worded]).reindex(text.index))
    return text


def _months_numbered(text: pd.Series) -> pd.Series:
    """'12 March 1995' as '12.3.1995'."""
    for number, month in enumerate(MONTHS, start=1):
        pattern = rf"(?i)^(\d{{1,2}})[ ./-]{month}[a-z]*[ ,./-]+(\d{{4}})"
        text = text.str.replace(pattern, rf"\g<1>.{number}.\g<2>", regex=True)
    return text


def _match(text: NDArray[np.str_], pattern: str) -> Integers:
    """(n, groups) integers of the pattern's groups, 0 where it does not match."""
    groups = pd.Series(text, dtype=object).str.extract(pattern, expand=True)
    return np.asarray(groups.fillna("0").astype(np.int64).to_numpy())


def _dotted(text: NDArray[np.str_]) -> Flags:
    """Dates with dots are written day first everywhere."""
    return np.asarray(pd.Series(text, dtype=object).str.match(r"^\d{1,2}\.\d{1,2}\.\d{4}").to_numpy(dtype=bool))


def _fill(days: Dates, precision: NDArray[np.str_], parts: Integers, what: str) -> None:
    """Write the days of (year, month, day), (year, month) or (year,) rows where they are dates of the calendar."""
    year = parts[:, 0]
    month = parts[:, 1] if parts.shape[1] > 1 else np.where(year > 0, 12, 0)
    good = (year > 0) & (month >= 1) & (month <= 12)
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + np.where(good, month - 1, 0)
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    day = parts[:, 2] if parts.shape[1] > 2 else length
    good &= (day >= 1) & (day <= length)
    days[good] = start.astype("datetime64[D]")[good] + (day[good] - 1)
    precision[good] = what
