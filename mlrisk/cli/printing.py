"""Parts of the output of a command on standard output."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlrisk.cli.run_log import current_log

if TYPE_CHECKING:
    from mlrisk.cli.text.parts import Part, Table


def print_parts(parts: "Iterable[Part]") -> None:
    """Print lines and tables on standard output, without the bar of the run below them."""
    current_log().stop()
    for part in parts:
        if isinstance(part, str):
            print(part)
        else:
            _print_table(part)


def _print_table(part: "Table") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=part.title, title_justify="left")
    for number, name in enumerate(part.header):
        table.add_column(name, justify="left" if number == 0 else "default", overflow="fold")
    for row in part.rows:
        table.add_row(*(escape(text) for text in row))
    console = Console()
    if not console.is_terminal:
        # A pipe has no width, so that rows are not wrapped.
        console = Console(width=200)
    console.print(table)
