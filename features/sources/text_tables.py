"""Delimited text as people save it: separators, quotes, titles above the header; every row knows its line."""

import csv
import io
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from features.base import InputError, Integers
from features.sources.column_names import shown_names
from features.sources.encodings import decode
from features.sources.kinds import HEAD_BYTES, describe_head
from features.sources.report import Tally

SEPARATORS = (",", ";", "\t", "|", "^", "~")
# A district as WKT runs to megabytes; the csv module stops at 128 KB by default.
LONGEST_FIELD = 1 << 28
# Number of lines by which the separator is found.
HEAD_LINES = 50
# The separator has to cut this share of them into the same number of fields.
EVEN_SHARE = 0.5
SEPARATOR_LINE = "sep="
# Degrees have up to three digits, and more decimals than this.
DEGREE_DIGITS = 3


@dataclass(frozen=True)
class Cells:
    """Rows of text of a file without blank ones, and their places: lines of a text or rows of a sheet."""

    records: list[list[Any]]
    places: Sequence[int]
    unit: str = "line"


def read_text(what: str, content: bytes, encoding: str | None, tally: Tally) -> tuple[pd.DataFrame, Integers]:
    """The table in delimited text and the line of each row; `what` names source and file in messages.

    Raises InputError for a text without rows, a quote that swallows rows, rows of unequal length, and a column twice.
    """
    decoded = decode(content, encoding, what)
    text = decoded.text.rstrip("\x1a\r\n ")  # Ctrl-Z ends text files of CP/M and MS-DOS.
    if decoded.note:
        tally.note(decoded.note)
    if not text.strip():
        raise InputError(f"{what} is empty: a table needs a header line")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise InputError(f"{what} is no delimited text: line {line} holds a zero byte; save it as CSV in UTF-8")
    if text.lstrip("\ufeff \r\n").startswith(("<", "{", "[")):
        raise InputError(f"{what} is no delimited text: {describe_head(text.lstrip()[:HEAD_BYTES].encode())}")
    with _long_fields():
        try:
            cells, separator = _cells(what, text, tally)
        except csv.Error as error:
            raise InputError(f"{what} is no delimited text: {error}") from error
    return as_frame(what, cells, tally, separator)


# The limit belongs to the process: only one table at a time changes it, and restores it.
_LIMIT = threading.Lock()


@contextmanager
def _long_fields() -> Iterator[None]:
    with _LIMIT:
        before = csv.field_size_limit(LONGEST_FIELD)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _cells(what: str, text: str, tally: Tally) -> tuple[Cells, str]:
    """The fields of a text, and its separator, stated or found."""
    first, _, rest = text.partition("\n")
    stated = first.strip().casefold()
    if stated.startswith(SEPARATOR_LINE) and len(stated) <= len(SEPARATOR_LINE) + 1:
        separator, text, before = first.strip()[len(SEPARATOR_LINE) :] or "\t", rest, 1
    else:
        separator, before = find_separator(text), 0
    if separator != ",":
        tally.note(f"separator {separator!r}")
    # Some programs put single quotes around every field.
    quote = "'" if _quoted_alone(text, separator) else '"'
    if quote == "'":
        tally.note("fields in single quotes")
    return _split(what, text, separator, before, quote), separator


def _quoted_alone(text: str, separator: str) -> bool:
    """Whether every field of the first line stands in single quotes."""
    first = text.lstrip("\r\n").partition("\n")[0].strip()
    fields = first.split(separator)
    return len(fields) > 1 and all(len(field) > 1 and field[0] == field[-1] == "'" for field in map(str.strip, fields))


def as_frame(what: str, cells: Cells, tally: Tally, separator: str = "") -> tuple[pd.DataFrame, Integers]:
    """The table under its header and the place of each row.

    Lines of one field above the header, such as titles and comments, are skipped, and so is a row of HXL tags.
    """
    records, places, unit = cells.records, cells.places, cells.unit
    start = _header_at(records)
    if start:
        tally.note(f"header read from {unit} {places[start]}: what stands above it is a title or a comment")
    header = [(name or "").strip() for name in records[start]]
    rows = records[start + 1 :]
    kept = list(places[start + 1 :])
    if rows and _is_hxl(rows[0]):
        tally.note(f"HXL tags in {unit} {kept[0]} passed over")
        rows, kept = rows[1:], kept[1:]
    width = _same_width(what, header, rows, kept, unit, separator)
    even = rows if all(len(row) == width for row in rows) else [row[:width] for row in rows]
    table = pd.DataFrame(even, columns=header[:width], dtype=object)
    unnamed = [number for number, name in enumerate(table.columns) if not name]
    blank = [number for number in unnamed if not any(row[number] for row in rows)]
    table = table.iloc[:, [number for number in range(width) if number not in blank]]
    names = [str(name) or f"(column {number + 1} without a name)" for number, name in enumerate(table.columns)]
    if len(set(names)) < len(names):
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        raise InputError(f"{what} has columns of the same name: {shown_names(twice, among=names)}")
    table.columns = pd.Index(names)
    return table, np.array(kept, dtype=np.int64)


def find_separator(text: str) -> str:
    r"""The separator that cuts the header and the next lines into the same and largest number of fields.

    Titles above the header may have other numbers of fields, where more than half of the lines agree.

    >>> find_separator('a;"b, c";d\n1,5;2;3\n')
    ';'
    >>> find_separator('Register of accidents\na;b\n1;2\n3;4\n')
    ';'
    """
    head = text.splitlines(keepends=True)[:HEAD_LINES]
    best: tuple[bool, int, float] = (False, 1, 0.0)
    found = ""
    for separator in SEPARATORS:
        counts = [len(line) for line in csv.reader(head, delimiter=separator, skipinitialspace=True) if any(line)]
        even = counts[:-1] if len(head) == HEAD_LINES else counts
        if not even:
            continue
        most, lines = Counter(even).most_common(1)[0]
        rank = (lines == len(even), most, lines / len(even))
        if most > 1 and rank[2] > EVEN_SHARE and rank > best:
            best, found = rank, separator
    return found or max(SEPARATORS, key=head[0].count)


def _split(what: str, text: str, separator: str, before: int, quote: str) -> Cells:
    """Fields of every line that is not blank; a row of several lines is checked for a quote that swallowed others."""
    # The lines of one row at a time: a register of millions of rows is in memory once.
    own: list[str] = []
    reader = csv.reader(
        _noted(io.StringIO(text, newline=""), own), delimiter=separator, skipinitialspace=True, quotechar=quote
    )
    records: list[list[Any]] = []
    places: list[int] = []
    last, usual = 0, Counter[int]()
    try:
        for record in reader:
            begin, last = last, reader.line_num
            if last > begin + 1:
                _check_quotes(what, own, separator, usual, begin + before + 1, quote)
            own.clear()
            if any(record):
                records.append(record)
                places.append(begin + before + 1)
                usual[len(record)] += 1
    except csv.Error as error:
        raise InputError(f"{what} is no delimited text (line {last + before + 1}): {error}") from error
    return Cells(records, places)


def _noted(lines: Iterable[str], own: list[str]) -> Iterator[str]:
    """The lines, each of which is added to `own` when it is read."""
    for line in lines:
        own.append(line)
        yield line


def _check_quotes(what: str, lines: list[str], separator: str, usual: "Counter[int]", first: int, quote: str) -> None:
    """Refuse a row of several lines whose quotes do not fit, or whose lines are rows by themselves."""
    opened = next((number for number, line in enumerate(lines) if line.count(quote) % 2), 0)
    here = f"the quote that opens in line {first + opened}"
    do = "delete it, or close it in its field (a quote within a text is written twice)"
    try:
        list(csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True, quotechar=quote))
    except csv.Error as error:
        never = "never ends" if "end of data" in str(error) else "ends in the middle of a text"
        raise InputError(
            f"{what}: {here} {never}: it would swallow {len(lines) - 1} lines up to line {first + len(lines) - 1}; {do}"
        ) from error
    width = usual.most_common(1)[0][0] if usual else 0
    alone = [
        len(next(csv.reader([line], delimiter=separator, quoting=csv.QUOTE_NONE))) for line in lines if line.strip()
    ]
    if width > 1 and all(count == width for count in alone[1:]):
        raise InputError(
            f"{what}: {here} ends only in line {first + len(lines) - 1}, and each line between is a row by itself; {do}"
        )


def _header_at(records: Sequence[Sequence[str | None]]) -> int:
    """The place of the header: the first row with more than one field, if the table has several."""
    filled = [sum(bool(field and field.strip()) for field in record) for record in records[:HEAD_LINES]]
    if max(filled) < 2:
        return 0
    first = next(number for number, count in enumerate(filled) if count > 1)
    # Headings over groups of columns, in merged cells, leave gaps that the names below them do not have.
    while first + 1 < len(filled) and filled[first] < filled[first + 1] and _are_names(records[first + 1]):
        first += 1
    # A comment may hold separators; the header never begins with a comment sign and has the width of the table.
    while first + 1 < len(filled) and _is_comment(records[first]) and not _is_hxl(records[first]):
        first += 1
    return first


def _are_names(record: Sequence[str | None]) -> bool:
    """Whether no field of a row looks like a number, a date or a geometry."""
    return not any(re.search(r"^[-+\d.,\s]+$|^\d|\(\s*[-\d]", field.strip()) for field in record if field)


def _is_comment(record: Sequence[str | None]) -> bool:
    return bool(record[0]) and str(record[0]).startswith("# ")


def _is_hxl(record: Sequence[str | None]) -> bool:
    """Whether a row holds tags of the humanitarian exchange language, such as #geo+lat."""
    tags = [field for field in record if field]
    return len(tags) > 1 and all(tag.startswith("#") and tag[1:2].isalpha() for tag in tags)


def _same_width(
    what: str,
    header: list[str],
    rows: list[list[str | None]],
    places: list[int],
    unit: str,
    separator: str,
) -> int:
    """The number of columns; InputError for a row that has more or fewer fields, but for empty ones at its end."""
    width = len(header)
    while width > 1 and not header[width - 1] and all(len(row) < width or not row[width - 1] for row in rows):
        width -= 1
    for row, place in zip(rows, places, strict=True):
        while len(row) > width and not row[-1]:
            row.pop()
        if len(row) == width:
            continue
        if len(row) < width:
            advice = "it is cut, or separators are missing"
        elif separator == "," and _is_cut(row, width):
            advice = "numbers with a decimal comma need quotes or another separator, such as ';'"
        else:
            advice = f"a text that holds {separator!r} needs quotes"
        raise InputError(f"{what}: {unit} {place} has {len(row)} fields and the header {width}: {advice}")
    return width


def _is_cut(row: list[str | None], width: int) -> bool:
    """Whether a row looks as if the decimal commas of coordinates had cut its numbers."""
    fields = [str(field or "").strip().lstrip("+-") for field in row]
    cut = [(before, after) for before, after in pairwise(fields) if before.isdigit() and after.isdigit()]
    # Whole numbers in adjacent columns, such as casualties, look alike; cut decimals are long, or occur twice.
    degrees = any(len(before) <= DEGREE_DIGITS < len(after) for before, after in cut)
    return degrees or len(cut) > len(row) - width > 1
