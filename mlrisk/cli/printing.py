"""Parts of the output of a command on standard output."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrisk.cli.run_log import current_log

if TYPE_CHECKING:
    from mlrisk.cli.text.parts import Part, Table


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

    # A title of rich's would be folded to the width of the table.
    print(part.title)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, name in enumerate(part.header):
        table.add_column(name, justify="left" if number == 0 else "default", overflow="fold")
    for row in part.rows:
        table.add_row(*(escape(text) for text in row))
    console = Console()
    if not console.is_terminal:
        # A pipe has no width, so that rows are not wrapped.
        console = Console(width=200)
    console.print(table)
