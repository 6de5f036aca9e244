"""Selection of rows by a where clause in tables without a database, by SQLite in memory."""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from time import monotonic

import numpy as np
import pandas as pd

from features.base import InputError, Integers
from features.sources.column_names import shown_names
from features.sources.parsing import MISSING_TEXTS, PLAIN_NUMBER
from features.sources.report import PERSONAL

# A clause over a million rows takes a second; one that takes much longer is a mistake.
LONGEST_S = 20.0
STEPS = 100_000
ROW = "mlrisk_row"
# A column of codes has few distinct values, each of which occurs several times.
MOST_CODES, CODE_REPEATS = 8, 3
ORDERED_NUMBER = re.compile(r"(\"(?:[^\"]|\"\")+\"|[A-Za-z_]\w*)\s*(?:<=|>=|<(?!>)|>)\s*[-+]?\d")
COMPARED_DAY = re.compile(
    r"(\"(?:[^\"]|\"\")+\"|[A-Za-z_]\w*)\s*(?:<=|>=|<>|!=|=|<|>|BETWEEN)\s*'\d{4}-\d{2}-\d{2}", re.IGNORECASE
)
# Days with the year last sort by their day of the month.
ORDERED_OTHERWISE = re.compile(
    r"(\"(?:[^\"]|\"\")+\"|[A-Za-z_]\w*)\s*(?:<=|>=|<(?!>)|>|BETWEEN)\s*'(\d{1,2}[./-]\d{1,2}[./-]\d{2,4})",
    re.IGNORECASE,
)


def select_rows(what: str, table: pd.DataFrame, where: str) -> Integers:
    """Positions (from 0) of the rows that the clause selects, in the order of the table.

    A column of which every value is a number compares as numbers, every other as text; an empty number is NULL, an
    empty text is ''. LIKE does not tell capitals from small letters. Raises InputError for an invalid clause, one
    without a column of the table, or one that compares texts as if they were numbers or dates.
    """
    names = [str(name) for name in table.columns]
    refuse_other_days(what, where)
    numeric = {name for name in names if _is_numeric(table[name])}
    _refuse_mistakes(what, table, where, numeric)
    clause = re.sub(r"\bILIKE\b", "LIKE", where, flags=re.IGNORECASE)
    own = ROW
    while own.casefold() in {name.casefold() for name in names}:
        own += "_"
    # SQLite does not distinguish names that differ only in case: such columns cannot be named at all.
    folded = [name.casefold() for name in names]
    usable = [name for name in names if folded.count(name.casefold()) == 1] + [
        name
        for name in names
        if folded.count(name.casefold()) > 1 and folded.index(name.casefold()) == names.index(name)
    ]
    columns = [f"{_quoted(name)} {'NUMERIC' if name in numeric else 'TEXT'}" for name in usable]
    rows = zip(range(len(table)), *(_values(table[name], name in numeric) for name in usable), strict=True)
    base = sqlite3.connect(":memory:")
    try:
        base.execute(f"CREATE TABLE t ({', '.join([f'{own} INTEGER', *columns])})")
        base.executemany(f"INSERT INTO t VALUES ({', '.join('?' * (len(usable) + 1))})", rows)  # noqa: S608
        until = monotonic() + LONGEST_S
        base.set_progress_handler(lambda: monotonic() > until, STEPS)
        # The clause is the user's own, over the user's own table, in a database that holds nothing else.
        found = base.execute(f"SELECT {own} FROM t WHERE ({clause}\n) ORDER BY {own}").fetchall()  # noqa: S608
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        raise InputError(f"{what}: where ({where!r}) does not fit: {error}; it has {shown_names(names)}") from error
    finally:
        base.close()
    return np.array([row for (row,) in found], dtype=np.int64)


def _refuse_mistakes(what: str, table: pd.DataFrame, where: str, numeric: set[str]) -> None:
    by_name = {str(name).casefold(): str(name) for name in table.columns}
    for name in re.findall(r"\"((?:[^\"]|\"\")+)\"", re.sub(r"'(?:[^']|'')*'", "''", where)):
        if name.replace('""', '"').casefold() not in by_name:
            # SQLite would take the name for a text and select nothing.
            raise InputError(f"{what}: where ({where!r}) names {name!r}: it has {shown_names(by_name.values())}")
    for match in ORDERED_NUMBER.finditer(where):
        column = by_name.get(_plain(match.group(1)))
        if column is not None and column not in numeric:
            texts = table[column].astype(str).str.strip()
            other = texts[(texts != "") & ~texts.str.match(PLAIN_NUMBER)]
            shown = f" (row {other.index[0] + 1})" if len(other) else ""
            raise InputError(f"{what}: where ({where!r}) orders {column} as numbers, and it holds texts{shown}")
    refuse_texts_as_days(what, where, {str(name): table[name] for name in table.columns})


def refuse_other_days(what: str, where: str) -> None:
    """InputError for a clause that orders texts by a day such as 01.06.2019, which compares the day of the month."""
    match = ORDERED_OTHERWISE.search(where)
    if match is not None:
        raise InputError(
            f"{what}: where ({where!r}) orders {match.group(1)} by {match.group(2)!r} as text, that is by its first "
            "figures: bring the dates into the form 2024-07-31, in the file and in where"
        )


def compared_with_days(where: str) -> set[str]:
    """Names, folded, of the columns that a clause compares with a day such as '2024-07-31'.

    >>> compared_with_days("seen >= '2019-01-01' AND kind = 'x'")
    {'seen'}
    """
    return {_plain(match.group(1)) for match in COMPARED_DAY.finditer(where)}


def refuse_texts_as_days(what: str, where: str, columns: Mapping[str, pd.Series]) -> None:
    """InputError if the clause compares a column with a day and the column has days in another form."""
    wanted = compared_with_days(where)
    for name, column in columns.items():
        if name.casefold() not in wanted:
            continue
        texts = column.dropna().astype(str).str.strip()
        other = texts[(texts != "") & ~texts.str.match(r"^\d{4}-\d{2}-\d{2}")]
        if len(other):
            raise InputError(
                f"{what}: where ({where!r}) compares {name} with a date as text, and it is written otherwise (row "
                f"{other.index[0] + 1}): bring the dates into the form 2024-07-31"
            )


def why_nothing(where: str, columns: Mapping[str, pd.Series]) -> str:
    """The values of the columns that a clause names, if they are few, as the end of a sentence: it fits no row."""
    contents = []
    for name, column in columns.items():
        if not _names(where, name) or PERSONAL.search(name):
            continue
        texts = column.dropna().astype(str).str.strip()
        distinct = sorted(set(texts[texts != ""]))
        # Codes repeat; names of people and places do not.
        if 0 < len(distinct) <= MOST_CODES and len(texts) >= CODE_REPEATS * len(distinct):
            contents.append(f"{name} holds {', '.join(map(repr, distinct))}")
    return f": {'; '.join(contents)}" if contents else ": check the values that it compares"


def columns_named(where: str, names: Iterable[object]) -> list[str]:
    """The columns that a clause names."""
    return [str(name) for name in names if _names(where, str(name))]


def _names(where: str, name: str) -> bool:
    outside = re.sub(r"'(?:[^']|'')*'", "''", where)
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", outside, re.IGNORECASE) is not None


def _plain(name: str) -> str:
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name).casefold()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_numeric(column: pd.Series) -> bool:
    text = column.dropna().astype(str).str.strip()
    text = text[text != ""]
    return bool(len(text)) and bool(text.str.match(PLAIN_NUMBER).all()) and not text.str.match(r"^[+-]?0\d").any()


def _values(column: pd.Series, numeric: bool) -> list[object]:
    texts = [None if value is None or value != value else str(value).strip() for value in column]  # noqa: PLR0124
    if not numeric:
        return list(texts)
    return [None if text is None or text.casefold() in MISSING_TEXTS else float(text) for text in texts]
