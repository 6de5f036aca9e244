"""Canonical columns from those of a file: mapped, translated, parsed and checked; all others are dropped."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.base import ConfigError, Flags, Floats, InputError
from features.sources.column_names import shown_names
from features.sources.crosswalk import SourceTerms, translated, with_found_columns
from features.sources.date_texts import BOTH_ORDERS_MONTH, DateReading
from features.sources.dates import ParsedDates, parse_dates
from features.sources.parsing import as_text, parse_flags, parse_numbers, translation_key
from features.sources.precision import with_precision
from features.sources.publications import looks_like, unmapped_columns
from features.sources.report import Tally
from features.sources.schema import CASUALTIES, DATE, FLAG, NUMBER, OPEN_ENDED, SHARE, TEXT, VOCABULARIES, Schema
from features.sources.settings import Scalar, SourceSpec

Faults = dict[str, Flags]

IMPOSSIBLE_DATE, NEGATIVE_CASUALTIES, NO_OUTCOME = "impossible date", "negative casualties", "no outcome"
NOT_UNDERSTOOD = "date not understood"
# The order in which reasons are tested: a row gets the first that applies.
FAULTS = (NO_OUTCOME, NOT_UNDERSTOOD, IMPOSSIBLE_DATE, NEGATIVE_CASUALTIES)
# Columns without which a record says neither that ordnance is there nor that it is not.
DECISIVE = frozenset({"hazard_type", "release_type"})
# From this share on the whole column has an unknown form, and leaving out its rows would leave out a country.
REFUSED_SHARE = 0.5
# Ordnance that a survey looks for was laid later, and programs write an empty date as 1899-12-30, 1900-01-00 or
# 1900-01-01.
EARLIEST_DAY = np.datetime64("1900-02-01")


def take_canonical(
    source: str,
    spec: SourceSpec,
    schema: Schema,
    path: Path,
    table: pd.DataFrame,
    tally: Tally,
    terms: SourceTerms | None = None,
    latest_hours: float = 0.0,
) -> tuple[pd.DataFrame, Faults]:
    """The canonical columns that the file or the configuration gives, typed, and the rows with faults.

    Text columns have dtype str, numbers float64 (NaN missing), flags bool, dates datetime64[ns] without time zone.
    `year` becomes `date`, with `date_precision` beside it. `latest_hours` is how far clocks may be ahead of UTC. Raises
    InputError where most dates of a column are not understood.
    """
    names = [str(name) for name in table.columns]
    theirs = resolve_columns(source, path, with_found_columns(spec, terms, names), schema, names)
    _note_names(source, spec, names, theirs, tally)
    values = with_precision(spec.values, theirs, table, tally)
    n_rows = len(table)
    taken: dict[str, pd.Series] = {}
    dates: dict[str, ParsedDates] = {}
    faults: Faults = {}
    how = DateReading(order=spec.date_order, zone=spec.time_zone, latest_hours=latest_hours)
    for ours, kind in schema.columns.items():
        column = _translated(ours, theirs, values.get(ours), table, tally)
        if column is None:
            continue
        if ours not in values:
            column = translated(ours, column, terms, tally)
        if kind == DATE:
            dates[ours] = _dates(ours, column, how, f"sources.{source}: {path}", tally)
        elif kind == TEXT:
            taken[ours] = _texts(ours, column, tally)
        elif kind == FLAG:
            flags, other = parse_flags(column)
            taken[ours] = pd.Series(flags)
            if other.any():
                text = f"{ours}: {int(other.sum())} values that are neither yes nor no count as yes"
                tally.note(f"{text}, {tally.examples(column, other)}")
        else:
            taken[ours] = pd.Series(_numbers(ours, kind, column, faults, tally))
    if "outcome" in taken:
        faults[NO_OUTCOME] = taken["outcome"].isna().to_numpy()
    _add_dates(taken, dates, schema, n_rows, faults, tally)
    order = [*schema.columns, "date_precision"]
    return pd.DataFrame({name: taken[name] for name in order if name in taken}, index=range(n_rows)), faults


def _note_names(source: str, spec: SourceSpec, names: Sequence[str], theirs: Mapping[str, str], tally: Tally) -> None:
    """Note columns with another name than the canonical one, and unmapped columns of a published table."""
    renamed = [f"{ours} from {name!r}" for ours, name in theirs.items() if ours != name]
    if renamed:
        tally.note(f"columns: {', '.join(renamed)}")
    for ours, name in theirs.items():
        twins = [other for other in names if other != name and other.casefold() == name.casefold()]
        if twins:
            tally.note(f"{ours} is read from {name!r}: {', '.join(map(repr, twins))} differs in capitals alone")
    if note := unmapped_columns(source, names, {*theirs, *spec.values}):
        tally.note(note)


def resolve_columns(source: str, path: Path, spec: SourceSpec, schema: Schema, names: Sequence[str]) -> dict[str, str]:
    """The file's name of every canonical column that the file has, by canonical name.

    Raises InputError, listing the file's columns, for a mapped or required column that it does not have.
    """
    folded = {name.casefold(): name for name in reversed(names)}
    found: dict[str, str] = {}
    for ours in schema.columns:
        mapped = spec.columns.get(ours)
        wanted = ours if mapped is None else mapped
        name = wanted if wanted in names else folded.get(wanted.strip().casefold())
        translated = isinstance(spec.values.get(ours), dict)
        if name is not None:
            found[ours] = name
        elif mapped is not None or translated or (ours in schema.required and ours not in spec.values):
            raise InputError(
                f"sources.{source}: {path} has no column {wanted!r} for {ours}: {looks_like(source, names)}"
                f"give columns: {{{ours}: ...}}; it has {shown_names(names)}"
            )
    return found


def _translated(
    ours: str,
    theirs: Mapping[str, str],
    values: Scalar | dict[str, Scalar] | None,
    table: pd.DataFrame,
    tally: Tally,
) -> pd.Series | None:
    """The column with the constant or translation of the configuration applied; None if there is no column."""
    if values is not None and not isinstance(values, dict):
        return pd.Series([values] * len(table))
    if ours not in theirs:
        return None
    column = table[theirs[ours]].reset_index(drop=True)
    if values is None:
        return column
    book = _book(ours, values)
    # A code may read 'NA' or 'none': a value that the translation names is not missing.
    written = column.map(lambda value: "" if pd.isna(value) else translation_key(str(value)))
    known = as_text(column).map(lambda text: "" if text is None else translation_key(text))
    keys = written.where(written.isin(book.keys()), known)
    other = (~keys.isin(book.keys()) & (keys != "")).to_numpy(dtype=bool)
    if other.any():
        tally.note(
            f"{ours}: {int(other.sum())} values are not in its translation and count as missing, "
            f"{tally.examples(column, other)}"
        )
    return keys.map(book).astype(object)


def _book(ours: str, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The translation by normalised codes; ConfigError for two keys of one code with two meanings."""
    book: dict[str, Scalar] = {}
    for key, value in values.items():
        code = translation_key(key)
        if book.get(code, value) != value:
            raise ConfigError(
                f"values.{ours}: {key!r} is the code {code!r}, which is given with another value: keep one"
            )
        book[code] = value
    return book


def _texts(ours: str, column: pd.Series, tally: Tally) -> pd.Series:
    text = as_text(column)
    words = VOCABULARIES.get(ours)
    if words is not None:
        silent = text.isna().to_numpy(dtype=bool)
        if silent.any() and ours in DECISIVE:
            tally.note(
                f"{ours}: {int(silent.sum())} records say nothing of it and teach nothing ({tally.where(silent)})"
            )
        spelled = {word.casefold(): word for word in words}
        known = text.map(lambda value: None if value is None else spelled.get(value.casefold()))
        other = (known.isna() & text.notna()).to_numpy(dtype=bool)
        if other.any():
            tally.note(
                f"{ours}: {int(other.sum())} values are none of {', '.join(words)} and count as missing, "
                f"{tally.examples(text, other)}"
            )
        text = known
    return text.astype("str")


def _numbers(ours: str, kind: str, column: pd.Series, faults: Faults, tally: Tally) -> Floats:
    parsed = parse_numbers(column, counts=kind in (NUMBER, CASUALTIES))
    values = parsed.values
    tally.repair("decimal comma", parsed.decimal_commas)
    for flags, text in (
        (parsed.not_understood, "values are no numbers and count as missing"),
        (parsed.thousands, "numbers with signs between groups of three read as thousands"),
        (parsed.doubtful, "numbers read as fractions, which may be thousands"),
    ):
        if flags.any():
            tally.note(f"{ours}: {int(flags.sum())} {text}, {tally.examples(column, flags)}")
    if kind == CASUALTIES:
        faults[NEGATIVE_CASUALTIES] = faults.get(NEGATIVE_CASUALTIES, False) | (values < 0)
        return values
    wrong = (values < 0) | ((values > 1) if kind == SHARE else np.zeros(len(values), dtype=bool))
    if wrong.any():
        limits = "outside 0..1" if kind == SHARE else "negative"
        tally.note(
            f"{ours}: {int(wrong.sum())} values are {limits} and count as missing, {tally.examples(column, wrong)}"
        )
    return np.where(wrong, np.nan, values)


def _dates(ours: str, column: pd.Series, how: DateReading, what: str, tally: Tally) -> ParsedDates:
    parsed = parse_dates(column, how)
    lost, written = parsed.not_understood, as_text(column).notna().to_numpy(dtype=bool)
    n_lost = int(lost.sum())
    if n_lost:
        text = f"{ours}: {n_lost} values are no dates that are understood, {tally.examples(column, lost)}"
        if parsed.hijri.any():
            text += f"; {int(parsed.hijri.sum())} have years of a Hijri calendar: convert them to the Gregorian one"
        if n_lost > REFUSED_SHARE * written.sum():
            raise InputError(
                f"{what}: {text}: what is not understood may lie after any date of knowledge; write "
                "dates as 2019-06-15, or give date_order"
            )
        tally.note(text)
    if parsed.ambiguous.any():
        order = "month first" if parsed.month_first else "day first"
        text = f"dates such as 03/04/2001 read {order}"
        tally.note(f"{ours}: {int(parsed.ambiguous.sum())} {text} ({tally.where(parsed.ambiguous)})")
    if parsed.month_first and how.order is None:
        tally.note(f"{ours}: dates read month first, as only that order fits all of them")
    if BOTH_ORDERS_MONTH in parsed.readings:
        tally.note(f"{ours}: dates of both orders in one column: give date_order if one of them is wrong")
    for phrase, flags in parsed.readings.items():
        tally.note(f"{ours}: {int(flags.sum())} dates {phrase}, {tally.examples(column, flags)}")
    return parsed


def _add_dates(
    taken: dict[str, pd.Series],
    dates: dict[str, ParsedDates],
    schema: Schema,
    n_rows: int,
    faults: Faults,
    tally: Tally,
) -> None:
    """Put the dates into `taken`: `year` fills `date`, impossible ones become faults, missing ones are counted."""
    impossible, lost = np.zeros(n_rows, dtype=bool), np.zeros(n_rows, dtype=bool)
    for ours, parsed in dates.items():
        # The year replaces a date that is not understood, and the other way round.
        other = dates.get({"date": "year", "year": "date"}.get(ours, ""))
        lost |= parsed.not_understood & (True if other is None else np.isnat(other.days))
        late, early = _beyond(parsed)
        if ours == OPEN_ENDED:
            parsed.days[late] = np.datetime64("NaT")
            late = np.zeros(n_rows, dtype=bool)
        impossible |= late | early
        parsed.days[late | early] = np.datetime64("NaT")
    if impossible.any():
        faults[IMPOSSIBLE_DATE] = impossible
    if lost.any():
        faults[NOT_UNDERSTOOD] = lost
    if schema.always_dated or {"date", "year"} & set(dates):
        days, precision = np.full(n_rows, np.datetime64("NaT", "D")), np.full(n_rows, "", dtype="<U5")
        for ours in ("date", "year"):
            if ours in dates:
                gap = np.isnat(days)
                days[gap], precision[gap] = dates[ours].days[gap], dates[ours].precision[gap]
        taken["date"] = pd.Series(days.astype("datetime64[ns]"))
        taken["date_precision"] = pd.Series(precision, dtype="str")
        n_undated = int((np.isnat(days) & ~impossible & ~lost).sum())
        tally.note(f"undated: {n_undated}") if n_undated else None
    for ours, parsed in dates.items():
        if ours not in ("date", "year"):
            taken[ours] = pd.Series(parsed.days.astype("datetime64[ns]"))


def today() -> date:
    """The day on which the program runs: nothing can be recorded after it."""
    return datetime.now(UTC).date()


def _beyond(parsed: ParsedDates) -> tuple[Flags, Flags]:
    """Rows dated after today, and before February 1900. The present year or month is not in the future."""
    years, months = parsed.days.astype("datetime64[Y]"), parsed.days.astype("datetime64[M]")
    begins = np.where(parsed.precision == "year", years.astype("datetime64[D]"), parsed.days)
    begins = np.where(parsed.precision == "month", months.astype("datetime64[D]"), begins)
    # East of Greenwich the local day may be the next one.
    late = begins > np.datetime64(today() + timedelta(days=1))
    early = parsed.days < EARLIEST_DAY
    return late, early
