"""Numbers and flags from text as people and spreadsheets write it."""

import re
from dataclasses import dataclass
from math import isfinite
from unicodedata import decimal

import numpy as np
import pandas as pd

from features.base import Flags, Floats

MISSING_TEXTS = frozenset({"", "nan", "none", "null", "<null>", "nat", "n/a", "na"})
TRUE_TEXTS = frozenset({"1", "t", "true", "y", "yes"})
FALSE_TEXTS = frozenset({"0", "f", "false", "n", "no"})

_GROUPS_OF_THREE = r"^[+-]?\d{1,3}(?:,\d{3})+$"
_POINT_GROUPS = r"^[+-]?\d{1,3}(?:\.\d{3}){2,}$"
_POINT_GROUP = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
# The signs themselves: the regular expressions of Arrow have no \u.
_BLANKS = "[\\s\u00a0\u202f\u2019']"
_BLANK_GROUPS = rf"^[+-]?\d{{1,3}}(?:{_BLANKS}\d{{3}})+(?:[.,]\d+)?$"
PLAIN_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Parsed numbers (NaN: missing or not understood), and how each text was read.

    `thousands` had signs between groups of three; `doubtful` may have had ('1.234' read as a fraction).
    """

    values: Floats
    not_understood: Flags
    decimal_commas: int
    thousands: Flags
    doubtful: Flags


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


def ascii_digits(text: pd.Series) -> pd.Series:
    """Texts with the digits of every script as 0 to 9, and the Arabic decimal sign as a comma."""
    other = ~text.map(str.isascii)
    return text.mask(other, text[other].map(_plain_digits).reindex(text.index)) if other.any() else text


def _plain_digits(text: str) -> str:
    return "".join(str(decimal(char)) if char.isdecimal() else char for char in text).replace("\u066b", ",")


def translation_key(text: str) -> str:
    """The form in which codes are compared: as written, but for blanks around it and for '1.0', which is '1'.

    >>> translation_key(" 1.0 "), translation_key("010"), translation_key("1E2"), translation_key("SHA ")
    ('1', '010', '1E2', 'SHA')
    """
    return re.sub(r"^(-?(?:0|[1-9]\d*))\.0+$", r"\1", text.strip())


def parse_numbers(column: pd.Series, comma_is_decimal: bool = False, counts: bool = False) -> Numbers:
    """Numbers of a column of numbers or text; blanks between groups ('1 234') and either decimal sign are understood.

    '1,234' alone is one thousand and so on, unless the same column holds a comma that can only be decimal or
    `comma_is_decimal` says so (coordinates). '1.234' is a fraction, unless the column holds `counts` and every point
    in it stands between groups of three. Infinite values are missing.
    """
    values = np.full(len(column), np.nan)
    none = np.zeros(len(column), dtype=bool)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan).copy()
        values[~np.isfinite(values)] = np.nan
        return Numbers(values=values, not_understood=none, decimal_commas=0, thousands=none, doubtful=none)
    known = as_text(column)
    written = known.notna().to_numpy(dtype=bool)
    if not written.any():
        return Numbers(values=values, not_understood=none, decimal_commas=0, thousands=none, doubtful=none)
    plain, decimals, thousands, doubtful = _plain_numbers(known[written].astype(str), comma_is_decimal, counts)
    good = plain.str.match(PLAIN_NUMBER).to_numpy(dtype=bool)
    places = np.flatnonzero(written)
    values[places[good]] = plain[good].astype(np.float64).to_numpy()
    values[~np.isfinite(values)] = np.nan
    flags = [none.copy() for _ in range(3)]
    for flag, here in zip(flags, (~good, thousands & good, doubtful & good), strict=True):
        flag[places[here]] = True
    return Numbers(
        values=values,
        not_understood=flags[0],
        decimal_commas=int((decimals & good).sum()),
        thousands=flags[1],
        doubtful=flags[2],
    )


def _plain_numbers(text: pd.Series, comma_is_decimal: bool, counts: bool) -> tuple[pd.Series, Flags, Flags, Flags]:
    """Texts with a decimal point, and flags of those that had a decimal comma, signs between groups, or perhaps."""
    text = ascii_digits(text).str.replace("\u2212", "-", regex=False).str.replace(r"^([+-])\s+", r"\1", regex=True)
    blanks = text.str.match(_BLANK_GROUPS)
    text = text.mask(blanks, text.str.replace(_BLANKS, "", regex=True))
    comma, point = text.str.contains(",", regex=False), text.str.contains(".", regex=False)
    # With both signs the last one is the decimal sign: 1.234,5 and 1,234.5.
    both = comma & point
    comma_last = both & (text.str.rfind(",") > text.str.rfind("."))
    text = text.mask(both & ~comma_last, text.str.replace(",", "", regex=False))
    text = text.mask(comma_last, text.str.replace(".", "", regex=False))
    comma, point = text.str.contains(",", regex=False), text.str.contains(".", regex=False) & ~comma
    grouped = comma & text.str.match(_GROUPS_OF_THREE)
    decimals = comma & (~grouped | comma_is_decimal | bool((comma & ~grouped).any()))
    thousands = comma & ~decimals
    # 3.000.000 can only be groups; 1.234 is a group if all texts with a point in a column of counts have this form.
    several = point & text.str.match(_POINT_GROUPS)
    one = point & ~several & text.str.match(_POINT_GROUP) if counts else several & False
    all_groups = bool((point == (one | several)).all())
    pointed = several | (one & all_groups)
    text = text.mask(thousands, text.str.replace(",", "", regex=False))
    text = text.mask(decimals, text.str.replace(",", ".", regex=False))
    text = text.mask(pointed, text.str.replace(".", "", regex=False))
    flags = [part.to_numpy(dtype=bool) for part in (decimals, thousands | pointed, one & ~pointed)]
    return text, flags[0], flags[1], flags[2]


def parse_flags(column: pd.Series) -> tuple[Flags, Flags]:
    """Flags of a column (missing is no), and which rows hold other texts, which count as yes.

    OSM writes the kind of bridge ('viaduct') where it is known, so every word counts as yes except a no.
    """
    text = as_text(column).fillna("").astype(str).str.casefold()
    no = text.isin({*FALSE_TEXTS, ""})
    return (~no).to_numpy(dtype=bool), (~no & ~text.isin(TRUE_TEXTS)).to_numpy(dtype=bool)
