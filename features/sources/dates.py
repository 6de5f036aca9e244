"""Dates as people and programs write them; a text that is not a date is distinguished from a missing one."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags
from features.sources.date_numbers import NUMBER_READINGS, six_figures_form
from features.sources.date_spans import SPANS, WHOLE_QUARTERS
from features.sources.date_texts import (
    BOTH_ORDERS_DAY,
    BOTH_ORDERS_MONTH,
    IN_UTC,
    NEXT_DAY,
    SHORT_YEARS,
    UNIX_ZERO,
    WHOLE_WEEKS,
    DatedText,
    DateReading,
    read_date,
)
from features.sources.loose_dates import LOOSE
from features.sources.parsing import as_text, ascii_digits

Dates = NDArray[np.datetime64]

# Readings that are noted with their rows.
CONVENTIONS = (*NUMBER_READINGS, WHOLE_WEEKS, WHOLE_QUARTERS, SPANS, UNIX_ZERO, LOOSE)
NO_DATE = np.datetime64("NaT", "D")
ISO_LOCAL = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$"


@dataclass(frozen=True, kw_only=True)
class ParsedDates:
    """Days (NaT: missing or not understood), their precision ('day', 'month', 'year', '') and doubtful readings.

    `readings` gives the rows that were read by a convention, by the phrase that states it.
    """

    days: Dates
    precision: NDArray[np.str_]
    not_understood: Flags
    ambiguous: Flags
    month_first: bool
    hijri: Flags
    readings: dict[str, Flags] = field(default_factory=dict)


def latest_hours(longitude: float) -> float:
    """Hours that legal time may be ahead of UTC at a longitude: solar time and an hour for time zones and summer.

    >>> latest_hours(46.7), latest_hours(-74.1)
    (4.0, -4.0)
    """
    return float(round(longitude / 15) + 1)


def parse_dates(column: pd.Series, how: DateReading | None = None) -> ParsedDates:
    """Days of a column of dates, texts, years or numbers.

    A year alone is its 31 December and a month alone its last day: the latest they can be, so that nothing is known
    too early. Between day and month the day comes first, unless `order` says otherwise or the column holds dates that
    have only the month first (03/25/2020) and none that have only the day first; a date that fits one order alone is
    read by it. A time with a zone counts by its own day; one in UTC by the latest local day that it can be.
    """
    how = how or DateReading()
    codes, distinct = pd.factorize(_as_date_text(column))
    how = replace(how, six_figures=six_figures_form(map(str, distinct), how.order))
    found = [read_date(str(text), how) for text in distinct]
    month_first, both = _settle(found, how)
    days = np.array([NO_DATE if one.day is None else np.datetime64(one.day, "D") for one in found] or [NO_DATE])
    precision = np.array([one.precision for one in found] or [""], dtype="<U5")
    lost = np.array([one.day is None and not one.missing for one in found] or [False])
    hijri = np.array([one.hijri for one in found] or [False])
    # If the column shows one order, it decides the rest; dates with points always have the day first.
    settled = how.order is not None or ((month_first or _shows_day_first(found)) and not both)
    doubt = np.array([one.swapped and not one.dotted and not settled for one in found] or [False])
    readings: dict[str, Flags] = {}
    for phrase, flags in _readings(found, both):
        if flags.any():
            readings[phrase] = np.asarray(flags[codes])
    return ParsedDates(
        days=days[codes], precision=precision[codes], not_understood=np.asarray(lost[codes]),
        ambiguous=np.asarray(doubt[codes]), month_first=month_first, hijri=np.asarray(hijri[codes]), readings=readings,
    )  # fmt: skip


def _as_date_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        form = "%Y-%m-%d" if column.dt.tz is None else "%Y-%m-%dT%H:%M:%S%z"
        written: pd.Series = column.dt.strftime(form).fillna("")
        return written
    text = ascii_digits(as_text(column).fillna("").astype(str))
    # The usual forms are cut to their day first, so that few distinct texts remain to be read one by one.
    return text.mask(text.str.match(ISO_LOCAL), text.str.slice(0, 10))


def _settle(found: list[DatedText], how: DateReading) -> tuple[bool, bool]:
    """Whether the column is read month first, and whether it holds both orders; swaps the days of the former."""
    if how.order is not None:
        return how.order == "MDY", False
    month = any(one.reading == BOTH_ORDERS_MONTH for one in found)
    day = _shows_day_first(found)
    if month and not day:
        for one in found:
            if one.swapped:
                one.day = one.other_order
        return True, False
    return False, month and day


def _shows_day_first(found: list[DatedText]) -> bool:
    return any(one.reading == BOTH_ORDERS_DAY for one in found)


def _readings(found: list[DatedText], both: bool) -> Iterator[tuple[str, Flags]]:
    orders = (BOTH_ORDERS_DAY, BOTH_ORDERS_MONTH) if both else ()
    for phrase in (*CONVENTIONS, *orders):
        yield phrase, np.array([one.reading == phrase and one.day is not None for one in found] or [False])
    yield SHORT_YEARS, np.array([one.short_year and one.day is not None for one in found] or [False])
    yield IN_UTC, np.array([one.in_utc for one in found] or [False])
    yield NEXT_DAY, np.array([one.next_day for one in found] or [False])
