"""Canonical columns out of a file's own: mapped, translated, parsed and checked; all others stay behind."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.base import Flags, Floats, InputError
from features.sources.crosswalk import SourceTerms, named, translated
from features.sources.parsing import ParsedDates, as_text, parse_dates, parse_flags, parse_numbers, translation_key
from features.sources.report import Tally
from features.sources.schema import CASUALTIES, DATE, FLAG, OPEN_ENDED, SHARE, TEXT, VOCABULARIES, Schema
from features.sources.settings import Scalar, SourceSpec

Faults = dict[str, Flags]

IMPOSSIBLE_DATE, NEGATIVE_CASUALTIES, NO_OUTCOME = "impossible date", "negative casualties", "no outcome"
# No explosive ordnance that a survey looks for was laid before, and 1899-12-30 is how spreadsheets write "empty".
EARLIEST_YEAR = 1900


def take_canonical(
    source: str,
    spec: SourceSpec,
    schema: Schema,
    path: Path,
    table: pd.DataFrame,
    tally: Tally,
    terms: SourceTerms | None = None,
) -> tuple[pd.DataFrame, Faults]:
    """The canonical columns that the file or the configuration gives, typed, and the rows with faults.

    Text columns have dtype str, numbers float64 (NaN missing), flags bool, dates datetime64[ns] without time zone.
    `year` becomes `date`, with `date_precision` beside it.
    """
    names = [str(name) for name in table.columns]
    theirs = resolve_columns(source, path, named(spec, terms, names), schema, names)
    renamed = [f"{ours} from {name!r}" for ours, name in theirs.items() if ours != name]
    if renamed:
        tally.note(f"columns: {', '.join(renamed)}")
    n_rows = len(table)
    taken: dict[str, pd.Series] = {}
    dates: dict[str, ParsedDates] = {}
    faults: Faults = {}
    for ours, kind in schema.columns.items():
        column = _translated(ours, theirs, spec.values.get(ours), table, tally)
        if column is None:
            continue
        if ours not in spec.values:
            column = translated(ours, column, terms, tally)
        if kind == DATE:
            dates[ours] = _dates(ours, column, tally)
        elif kind == TEXT:
            taken[ours] = _texts(ours, column, tally)
        elif kind == FLAG:
            flags, n_other = parse_flags(column)
            taken[ours] = pd.Series(flags)
            tally.note(f"{ours}: {n_other} values that are neither yes nor no count as yes") if n_other else None
        else:
            taken[ours] = pd.Series(_numbers(ours, kind, column, faults, tally))
    if "outcome" in taken:
        faults[NO_OUTCOME] = taken["outcome"].isna().to_numpy()
    _add_dates(taken, dates, schema, n_rows, faults, tally)
    order = [*schema.columns, "date_precision"]
    return pd.DataFrame({name: taken[name] for name in order if name in taken}, index=range(n_rows)), faults


def resolve_columns(source: str, path: Path, spec: SourceSpec, schema: Schema, names: Sequence[str]) -> dict[str, str]:
    """Our name -> the file's name for every canonical column that the file has.

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
                f"sources.{source}: {path} has no column {wanted!r} for {ours}: give columns: {{{ours}: ...}}; "
                f"it has {', '.join(names)}"
            )
    return found


def _translated(
    ours: str,
    theirs: Mapping[str, str],
    values: Scalar | dict[str, Scalar] | None,
    table: pd.DataFrame,
    tally: Tally,
) -> pd.Series | None:
    """The column with the configuration's constant or translation applied; None where nobody gives it."""
    if values is not None and not isinstance(values, dict):
        return pd.Series([values] * len(table))
    if ours not in theirs:
        return None
    column = table[theirs[ours]].reset_index(drop=True)
    if values is None:
        return column
    book = {translation_key(key): value for key, value in values.items()}
    keys = as_text(column).map(lambda text: "" if text is None else translation_key(text))
    n_other = int((~keys.isin(book.keys()) & (keys != "")).sum())
    if n_other:
        tally.note(f"{ours}: {n_other} values are not in its translation and count as missing")
    return keys.map(book).astype(object)


def _texts(ours: str, column: pd.Series, tally: Tally) -> pd.Series:
    text = as_text(column)
    words = VOCABULARIES.get(ours)
    if words is not None:
        spelled = {word.casefold(): word for word in words}
        known = text.map(lambda value: None if value is None else spelled.get(value.casefold()))
        n_other = int((known.isna() & text.notna()).sum())
        if n_other:
            tally.note(f"{ours}: {n_other} values are none of {', '.join(words)} and count as missing")
        text = known
    return text.astype("str")


def _numbers(ours: str, kind: str, column: pd.Series, faults: Faults, tally: Tally) -> Floats:
    parsed = parse_numbers(column)
    values = parsed.values
    tally.repair("decimal comma", parsed.decimal_commas)
    if parsed.not_understood:
        tally.note(f"{ours}: {parsed.not_understood} values are no numbers and count as missing")
    if parsed.thousands:
        tally.note(f"{ours}: {parsed.thousands} commas read as thousands separators")
    if kind == CASUALTIES:
        faults[NEGATIVE_CASUALTIES] = faults.get(NEGATIVE_CASUALTIES, False) | (values < 0)
        return values
    wrong = (values < 0) | ((values > 1) if kind == SHARE else np.zeros(len(values), dtype=bool))
    if wrong.any():
        limits = "outside 0..1" if kind == SHARE else "negative"
        tally.note(f"{ours}: {int(wrong.sum())} values are {limits} and count as missing")
    return np.where(wrong, np.nan, values)


def _dates(ours: str, column: pd.Series, tally: Tally) -> ParsedDates:
    parsed = parse_dates(column)
    if parsed.not_understood:
        tally.note(f"{ours}: {parsed.not_understood} values are no dates and count as missing")
    if parsed.ambiguous:
        tally.note(f"{ours}: {parsed.ambiguous} dates such as 03/04/2001 read day first")
    if parsed.month_first:
        tally.note(f"{ours}: dates read month first, as only that order fits all of them")
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
    impossible = np.zeros(n_rows, dtype=bool)
    for ours, parsed in dates.items():
        late, early = _beyond(parsed)
        if ours == OPEN_ENDED:
            parsed.days[late] = np.datetime64("NaT")
            late = np.zeros(n_rows, dtype=bool)
        impossible |= late | early
        parsed.days[late | early] = np.datetime64("NaT")
    if impossible.any():
        faults[IMPOSSIBLE_DATE] = impossible
    if schema.always_dated or {"date", "year"} & set(dates):
        days, precision = np.full(n_rows, np.datetime64("NaT", "D")), np.full(n_rows, "", dtype="<U5")
        for ours in ("date", "year"):
            if ours in dates:
                gap = np.isnat(days)
                days[gap], precision[gap] = dates[ours].days[gap], dates[ours].precision[gap]
        taken["date"] = pd.Series(days.astype("datetime64[ns]"))
        taken["date_precision"] = pd.Series(precision, dtype="str")
        n_undated = int((np.isnat(days) & ~impossible).sum())
        tally.note(f"undated: {n_undated}") if n_undated else None
    for ours, parsed in dates.items():
        if ours not in ("date", "year"):
            taken[ours] = pd.Series(parsed.days.astype("datetime64[ns]"))


def today() -> date:
    """The day on which the program runs: nothing can be recorded after it."""
    return datetime.now(UTC).date()


def _beyond(parsed: ParsedDates) -> tuple[Flags, Flags]:
    """Rows dated after today, and before 1900. A year or month that has begun is not in the future."""
    years, months = parsed.days.astype("datetime64[Y]"), parsed.days.astype("datetime64[M]")
    begins = np.where(parsed.precision == "year", years.astype("datetime64[D]"), parsed.days)
    begins = np.where(parsed.precision == "month", months.astype("datetime64[D]"), begins)
    # East of Greenwich the local day may be the next one.
    late = begins > np.datetime64(today() + timedelta(days=1))
    early = parsed.days < np.datetime64(f"{EARLIEST_YEAR}-01-01")
    return late, early
