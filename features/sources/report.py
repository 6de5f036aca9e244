"""The account of each source: rows read, kept, repaired and set aside, with reasons."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd

from features.base import Flags, Integers
from features.sources.schema import COORDINATE_ALIASES, SCHEMAS

# Number of rows named: enough to find a mistake, too few to copy a table into a report.
MOST_ROWS_NAMED = 10
# Number of examples, enough to recognise the values.
MOST_VALUES = 3
LONGEST_VALUE, SHORTEST_VALUE = 40, 3


# Parts of the names under which registers keep personal data, in the languages of the field.
PERSONAL = re.compile(
    "name|birth|born|address|phone|mobile|passport|identit|national_id|fio|фио|имя|фамил|рожд|адрес|телефон|паспорт"
    "|soyad|doğum|dogum|ünvan|nombre|apellid|nacimi|direcci|telef|prénom|prenom|naissanc|adresse|іменем|адреса",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """The account of one source.

    `repaired` counts rows by repair, whether or not the row was set aside later for another reason; each row set aside
    is counted once, by the first reason that applied, so rows_read = rows_kept + set aside (unless a note says that
    multi-part points were split). `noted` counts rows that were kept unchanged although they should be checked.
    `digest` is the SHA-256 of the bytes of the file(s).
    """

    source: str
    path: str
    digest: str
    rows_read: int
    rows_kept: int
    repaired: dict[str, int]
    set_aside: dict[str, int]
    notes: tuple[str, ...]
    noted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file or layer of a source: the unit of its places (`unit`: line, row) and the text that names it."""

    places: Integers
    unit: str = "row"
    suffix: str = ""


@dataclass(kw_only=True)
class Tally:
    """Counts and notes collected while a source is read; `rows` are the numbers of the rows kept in the end.

    `parts` are the files and layers read so far; the last one is the one that is being read.
    """

    rows_read: int = 0
    repaired: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rows: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    parts: list[Part] = field(default_factory=list)

    def repair(self, reason: str, count: int) -> None:
        """Count rows that were repaired."""
        if count:
            self.repaired[reason] = self.repaired.get(reason, 0) + count

    def put_aside(self, reason: str, count: int) -> None:
        """Count rows that are set aside."""
        if count:
            self.set_aside[reason] = self.set_aside.get(reason, 0) + count

    def remark(self, reason: str, count: int) -> None:
        """Count rows that are kept unchanged but should be checked."""
        if count:
            self.noted[reason] = self.noted.get(reason, 0) + count

    def note(self, text: str) -> None:
        """Add a remark once."""
        if text not in self.notes:
            self.notes.append(text)

    def where(self, flags: Flags) -> str:
        """The rows of the part that is being read, such as 'lines 3 and 7 of a.csv'."""
        if not self.parts or len(self.parts[-1].places) != len(flags):
            return name_rows((np.flatnonzero(flags) + 1).tolist())
        part = self.parts[-1]
        return f"{name_rows(part.places[flags].tolist(), part.unit)}{part.suffix}"

    def examples(self, column: pd.Series, flags: Flags) -> str:
        """Distinct values of the rows with their places: 'such as 'x' (line 3)'. Only for canonical columns.

        If the name of the file's column suggests personal data, only rows are shown, whatever it is mapped to. A column
        with another name than a schema's may have been mapped by mistake and hold free text: only the form of its
        values is shown.
        """
        if PERSONAL.search(str(column.name)):
            return f"in {self.where(flags)}"
        texts = column[flags].astype(str).str.strip().str[:LONGEST_VALUE]
        if not is_own_name(column.name):
            texts = texts.map(shape_of)
        shown = [repr(text) for text in texts.drop_duplicates().head(MOST_VALUES)]
        return f"such as {', '.join(shown)} ({self.where(flags)})"

    def report(self, source: str, path: str, digest: str, rows_kept: int) -> SourceReport:
        """The finished account."""
        return SourceReport(
            source=source,
            path=path,
            digest=digest,
            rows_read=self.rows_read,
            rows_kept=rows_kept,
            repaired=dict(self.repaired),
            set_aside=dict(self.set_aside),
            notes=tuple(self.notes),
            noted=dict(self.noted),
        )


def name_rows(rows: Sequence[int], unit: str = "row") -> str:
    """Numbers of rows (or of lines, by `unit`) as text, the first of them when there are many.

    >>> name_rows([4])
    'row 4'
    >>> name_rows(range(1, 14), "line")
    'lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more'
    """
    named = ", ".join(str(row) for row in rows[:MOST_ROWS_NAMED])
    more = f" and {len(rows) - MOST_ROWS_NAMED} more" if len(rows) > MOST_ROWS_NAMED else ""
    return f"{unit}{'' if len(rows) == 1 else 's'} {named}{more}"


def report_rows(reports: Iterable[SourceReport]) -> list[dict[str, object]]:
    """One plain dict a source, ready for JSON or a table: the fields of SourceReport by name."""
    return [{**asdict(report), "notes": list(report.notes)} for report in reports]


def is_own_name(name: object) -> bool:
    """Whether a column has a name of a schema or of an axis, or no name because it is a constant of the config.

    >>> is_own_name("killed"), is_own_name("Longitude"), is_own_name("victim_name")
    (True, True, False)
    """
    axes = {alias.casefold() for aliases in COORDINATE_ALIASES.values() for alias in aliases}
    own = axes | {column for schema in SCHEMAS.values() for column in schema.columns}
    return name is None or str(name).strip().casefold() in own


def shape_of(text: str) -> str:
    """The form of a text without its content: every letter as x and every figure as 9.

    A code of at most SHORTEST_VALUE signs names no person and is unchanged.

    >>> shape_of("12.3.1987 A. Name")
    '99.9.9999 x. xxxx'
    """
    if len(text) <= SHORTEST_VALUE:
        return text
    return "".join("x" if sign.isalpha() else "9" if sign.isdigit() else sign for sign in text)
