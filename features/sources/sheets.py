"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods), and what programs save under their names, as rows of text."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from features.base import InputError, Integers, read_bytes
from features.sources.archives import BROKEN_ZIP
from features.sources.kinds import HEAD_BYTES, OLE, describe_head, is_markup
from features.sources.markup_sheets import markup_sheets
from features.sources.report import Tally
from features.sources.text_tables import Cells, as_frame

# A sheet of two million rows unpacks to this size; a larger one is passed on unchanged.
MOST_BOOK_BYTES = 500_000_000
MOST_XML_BYTES = 1_000_000_000
BETWEEN_CELLS = re.compile(rb"(</?table:[^<>]*>)\s+(?=</?table:)")
# Values that spreadsheets write if a formula has no value.
ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")


def filled_sheets(path: Path) -> list[str]:
    """The sheets of a workbook that hold anything; empty for a file that is none."""
    try:
        content = read_bytes(path, MOST_BOOK_BYTES)
        if tables := _marked_tables(content, str(path)):
            return list(tables)
        book = CalamineWorkbook.from_filelike(io.BytesIO(_without_line_ends(content)))
        return [name for name in book.sheet_names if book.get_sheet_by_name(name).height]
    except (CalamineError, OSError, ValueError, *BROKEN_ZIP):
        return []


def read_sheet(what: str, content: bytes, layer: str | None, tally: Tally) -> tuple[pd.DataFrame, Integers]:
    """The table on a sheet, every cell as text, and the number of each row in the sheet.

    `layer` names the sheet if several have content. Raises InputError for a file that is not a workbook, or has no such
    sheet or no table on it.
    """
    sheets = _sheets(what, content)
    filled = [name for name, rows in sheets.items() if any(cell not in ("", None) for row in rows for cell in row)]
    if layer is not None and layer not in sheets:
        raise InputError(f"{what}: layer ({layer!r}) is none of its sheets: it has {', '.join(sheets)}")
    if layer is None and len(filled) != 1:
        problem = f"holds {len(filled)} sheets ({', '.join(filled)}): give layer" if filled else "holds no table"
        raise InputError(f"{what} {problem}")
    name = filled[0] if layer is None else layer
    rows = [[_text(cell) for cell in row] for row in sheets[name]]
    numbered = [(row, number) for number, row in enumerate(rows, start=1) if any(row)]
    if not numbered:
        raise InputError(f"{what}: sheet {name!r} is empty: a table needs a header row")
    cells = Cells([row for row, _ in numbered], [number for _, number in numbered], "row")
    table, places = as_frame(what, cells, tally)
    return table, np.asarray(places)


def _marked_tables(content: bytes, what: str) -> dict[str, list[list[str | None]]]:
    return markup_sheets(content, what) if is_markup(content[:HEAD_BYTES]) else {}


def _sheets(what: str, content: bytes) -> Mapping[str, Sequence[Sequence[object]]]:
    """The rows of every sheet, or of every table of a web page under the name of a workbook."""
    if tables := _marked_tables(content, what):
        return tables
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_without_line_ends(content)))
        return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (CalamineError, OSError, ValueError, *BROKEN_ZIP) as error:
        if not content.startswith(OLE) and (kind := describe_head(content[:HEAD_BYTES])):
            raise InputError(f"{what} cannot be read as a workbook: {kind}") from error
        raise InputError(
            f"{what} cannot be read as a workbook ({error}): it is cut, or protected by a password; save it anew "
            "as .xlsx or CSV"
        ) from error


def _without_line_ends(content: bytes) -> bytes:
    """An OpenDocument workbook without line ends between cells, which GDAL and QGIS write and calamine refuses.

    Texts in the cells stay as they are.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        if "content.xml" not in book.namelist():
            return content
        if book.getinfo("content.xml").file_size > MOST_XML_BYTES:
            return content
        with zipfile.ZipFile(made, "w") as anew:
            for name in book.namelist():
                part = book.read(name)
                anew.writestr(name, BETWEEN_CELLS.sub(rb"\1", part) if name == "content.xml" else part)
    return made.getvalue()


def _text(cell: object) -> str | None:
    """A cell as text in CSV: dates in the form 2024-07-31, whole numbers without a fraction."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, time | timedelta):
        return str(cell)
    text = str(cell)
    return None if text in ERRORS else text
