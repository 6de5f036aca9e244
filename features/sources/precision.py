"""Codes of the precision of places, which published tables hold in place of metres."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.sources.parsing import parse_numbers
from features.sources.report import Tally
from features.sources.settings import Scalar

ERROR = "location_error_m"
# Half the width of what each code means. UCDP GED (Hogbladh 2019): 1 the place itself, 2 within some 25 km of it, 3 a
# district, 4 a province, 5 a line or a larger area, 6 the country, 7 waters or air. ACLED: 1 the town, 2 a part of a
# region, 3 a region. Neither states a width beyond 25 km: those are typical ones.
PRECISION_M: dict[str, dict[str, Scalar]] = {
    "where_prec": {"1": 1_000, "2": 25_000, "3": 25_000, "4": 75_000, "5": 75_000, "6": 250_000, "7": 250_000},
    "geo_precision": {"1": 1_000, "2": 25_000, "3": 75_000},
}
# A scale of precision has few steps, and metres between places in registers are rarely so small.
LAST_CODE, FEWEST_CODES = 10, 2

Values = Mapping[str, Scalar | dict[str, Scalar]]


def precision_m(column: str) -> dict[str, Scalar] | None:
    """Metres by code, for a column of a published table that holds codes of precision; None for any other.

    >>> precision_m("geo_precision"), precision_m("accuracy")
    ({'1': 1000, '2': 25000, '3': 75000}, None)
    """
    return PRECISION_M.get(column.strip().casefold())


def with_precision(values: Values, theirs: Mapping[str, str], table: pd.DataFrame, tally: Tally) -> Values:
    """The translations, with that of the codes of a published table where location errors are read from them.

    Other columns whose values look like such codes are noted.
    """
    column = theirs.get(ERROR)
    if column is None or ERROR in values:
        return values
    codes = precision_m(column)
    if codes is None:
        _note_codes(table[column], tally)
        return values
    shown = ", ".join(f"{code}: {metres}" for code, metres in codes.items())
    tally.note(f"{ERROR}: {column} holds codes of precision, read as metres ({shown}): values replaces them")
    return {**values, ERROR: codes}


def _note_codes(column: pd.Series, tally: Tally) -> None:
    numbers = parse_numbers(column).values
    known = np.unique(numbers[np.isfinite(numbers)])
    if len(known) < FEWEST_CODES or known[-1] > LAST_CODE or (known != np.round(known)).any():
        return
    shown = ", ".join(f"{value:.0f}" for value in known)
    tally.note(f"{ERROR}: its values ({shown}) may be codes of precision and no metres: give values: {{{ERROR}: ...}}")
