"""Parts of the output of a command: a line, a table of texts, counts and intervals in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column is set to the left."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


# A part of the output of a command: a line or a table.
Part = str | Table


def counts(numbers: Mapping[str, int]) -> str:
    """Counts by name in one line.

    >>> counts({"kept": 1200, "set aside": 3})
    'kept 1,200, set aside 3'
    """
    return ", ".join(f"{name} {count:,}" for name, count in numbers.items()) or "-"


def interval(row: Mapping[Any, Any], name: str, digits: int) -> str:
    """The bounds of a figure in brackets, empty where they are NaN because none were drawn.

    >>> interval({"recall_low": 0.25, "recall_high": 0.5}, "recall", 2)
    ' (0.25-0.50)'
    """
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f" ({low:.{digits}f}-{high:.{digits}f})" if low == low else ""  # noqa: PLR0124 NaN where none was drawn


def versions(rows: Iterable[Mapping[str, Any]]) -> list[Part]:
    """Model versions with their alias and the start of their digest."""
    return [f"{row['alias']}: {row['name']} version {row['number']} ({row['digest'][:12]})" for row in rows]


def notes(warnings: Iterable[str]) -> list[Part]:
    """The warnings of a run, a line each."""
    return [f"note: {warning}" for warning in warnings]
