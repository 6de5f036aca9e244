"""Parts of the output of a command on standard output."""

import json
import os
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrisk.cli.run_log import current_log

if TYPE_CHECKING:
    from mlrisk.cli.text.parts import Part, Table


# Width of a table that goes into a file or a program, and one that no table has.
PIPE_COLUMNS, WIDEST = 200, 10_000
# What the running command has printed, for `--json`.
_PRINTED: list[Any] = []


def print_parts(parts: "Iterable[Part]") -> None:
    """Print lines and tables on standard output, without the bar of the run below them."""
    current_log().stop()
    shown = list(parts)
    _PRINTED.extend(shown)
    for part in shown:
        if isinstance(part, str):
            print(part)
        else:
            _print_table(part)


def write_printed(file: Path) -> None:
    """Write what the command has printed as JSON: `lines`, and `tables` with a mapping a row."""
    file.write_text(json.dumps(_tree(_PRINTED), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _PRINTED.clear()


def _tree(parts: "Iterable[Part]") -> dict[str, Any]:
    """Lines, and tables as their title and a mapping a row."""
    every = list(parts)
    return {
        "lines": [part for part in every if isinstance(part, str)],
        "tables": [
            {"title": part.title, "rows": [dict(zip(part.header, row, strict=True)) for row in part.rows]}
            for part in every
            if not isinstance(part, str)
        ],
    }


def _print_table(part: "Table") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # A pipe has no width, so that rows are not wrapped.
        console = Console(width=PIPE_COLUMNS)
    # A title of rich's would be folded to the width of the table.
    print(textwrap.fill(part.title, console.width) if console.is_terminal else part.title)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, name in enumerate(part.header):
        table.add_column(name, justify="left" if number == 0 else "default", overflow="fold")
    for row in part.rows:
        table.add_row(*(escape(text) for text in row))
    if table.__rich_measure__(console, console.options.update(width=WIDEST)).maximum <= console.width:
        console.print(table)
    else:
        print("\n".join(_stacked(part, console.width)))


def _stacked(part: "Table", width: int) -> Iterator[str]:
    """The rows of a table that is wider than the terminal: the first cell, below it the others, a line each.

    A text is broken between words, and within one only where the word alone is wider.
    """
    for row in part.rows:
        yield from textwrap.wrap(row[0], width) or ["-"]
        for name, text in zip(part.header[1:], row[1:], strict=True):
            if text:
                start = f"  {name}: " if name else "  "
                yield from textwrap.wrap(start + text, width, subsequent_indent="    ", break_on_hyphens=False)
