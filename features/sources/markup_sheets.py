"""Tables of web pages and of the XML of Excel 2003, which programs save under the names of workbooks."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from features.sources.encodings import decode

Rows = list[list[str | None]]

ROWS, CELLS = ("tr", "row"), ("td", "th", "cell")
# A table of fewer rows or columns is the layout of a page.
FEWEST_ROWS, FEWEST_COLUMNS = 2, 2
# The widest sheet of Excel.
MOST_COLUMNS = 16_384


@dataclass(kw_only=True)
class _Table:
    """One table while it is read: its rows, the open row and cell, and cells that reach down into later rows."""

    name: str
    rows: Rows = field(default_factory=list)
    row: list[str | None] | None = None
    cell: list[str] | None = None
    down: dict[int, int] = field(default_factory=dict)
    reach: tuple[int, int] = (1, 1)


class _Reader(HTMLParser):
    """Collects the tables of a document; unclosed rows and cells end where the next one begins."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self._open: list[_Table] = []
        self._sheet = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a sheet, table, row or cell."""
        given = {name.rpartition(":")[2]: value or "" for name, value in attrs}
        name = tag.rpartition(":")[2]
        if name == "worksheet":
            self._sheet = given.get("name", "")
        elif name == "table":
            self._open.append(_Table(name=self._sheet or f"table {len(self.tables) + 1}"))
            self.tables.append(self._open[-1])
        elif self._open and name in ROWS:
            _end_row(self._open[-1])
            table = self._open[-1]
            table.rows.extend([[] for _ in range(min(_number(given, "index", 1) - 1, MOST_COLUMNS) - len(table.rows))])
            table.row = []
        elif self._open and name in CELLS and self._open[-1].row is not None:
            _begin_cell(self._open[-1], given)
        elif name == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        """Close what begins with the tag."""
        name = tag.rpartition(":")[2]
        if not self._open:
            return
        if name == "table":
            _end_row(self._open.pop())
        elif name in ROWS:
            _end_row(self._open[-1])
        elif name in CELLS:
            _end_cell(self._open[-1])

    def handle_data(self, data: str) -> None:
        """Add text to the open cell."""
        if self._open and self._open[-1].cell is not None:
            self._open[-1].cell.append(data)


def markup_sheets(content: bytes, what: str) -> dict[str, Rows]:
    """The tables of a document by name, without those that only lay out a page; empty for other content.

    >>> markup_sheets(b"<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a.xls")
    {'table 1': [['a', 'b'], ['1', '2']]}
    """
    reader = _Reader()
    reader.feed(decode(content, None, what).text)
    reader.close()
    for table in reader.tables:
        _end_row(table)
    return {
        table.name: table.rows
        for table in reader.tables
        if len(table.rows) >= FEWEST_ROWS and max(map(len, table.rows)) >= FEWEST_COLUMNS
    }


def _number(given: dict[str, str], name: str, otherwise: int) -> int:
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else otherwise


def _begin_cell(table: _Table, given: dict[str, str]) -> None:
    _end_cell(table)
    row = table.row if table.row is not None else []
    # Excel names the column of a cell after empty ones.
    row.extend([None] * (min(_number(given, "index", 1) - 1, MOST_COLUMNS) - len(row)))
    while table.down.get(len(row), 0):
        table.down[len(row)] -= 1
        row.append(None)
    across = _number(given, "colspan", 1 + _number(given, "mergeacross", 0))
    table.reach = (min(across, MOST_COLUMNS), _number(given, "rowspan", 1 + _number(given, "mergedown", 0)))
    table.cell = []


def _end_cell(table: _Table) -> None:
    if table.cell is None or table.row is None:
        return
    text = " ".join("".join(table.cell).split())
    across, down = table.reach
    for column in range(len(table.row), len(table.row) + across):
        table.down[column] = down - 1
    table.row.extend([text or None, *[None] * (across - 1)])
    table.cell = None


def _end_row(table: _Table) -> None:
    _end_cell(table)
    if table.row is not None:
        table.rows.append(table.row)
    table.row = None
