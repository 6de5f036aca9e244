"""What a table without coordinates may hold instead: a column of places, or a hint for the message that refuses it."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.sources.places_in_text import places_of

# Names of metres in registers: Latin, Spanish, Russian.
METRES = re.compile(
    r"^(x|y|easting|northing|e|n|este|norte|x_?coord|y_?coord|coord_?[xy]|utm_?[xyen]|point_[xy])$", re.IGNORECASE
)
FIXES = re.compile(r"^-?\d+\.\d+ -?\d+\.\d+ -?\d+(\.\d+)? \d+(\.\d+)?(;|$)")
GEOMETRY = re.compile(
    r"^\{\s*\"(type|coordinates)\"\s*:|^(SRID=\d+;)?\s*(POINT|LINESTRING|POLYGON|MULTI\w+|GEOMETRYCOLLECTION)\b|^(0x|\\x)?0[01][0-9A-Fa-f]{16,}$",
    re.IGNORECASE,
)
LOOK_ROWS = 20


def place_hint(table: pd.DataFrame) -> str:
    """What the table holds instead of coordinates, and what would do; '' if that is unknown.

    >>> place_hint(pd.DataFrame({"x": [640000], "y": [4400000]}))
    "columns 'x' and 'y' look like metres: give columns: {longitude: x, latitude: y} and their crs"
    """
    names = [str(name) for name in table.columns]
    if len(names) == 1 and re.search(r"\S(  +)\S", names[0]):
        return "blanks stand between its columns: save it as CSV"
    return _metres(names)


def place_column(table: pd.DataFrame) -> str | None:
    """The only column whose texts are places: geometry, fixes, grid references, or both coordinates; None for several.

    >>> place_column(pd.DataFrame({"id": ["1"], "where": ["38SPK4000005000"]}))
    'where'
    """
    found = [str(name) for name in table if _holds_places(table[name])]
    return found[0] if len(found) == 1 else None


def _holds_places(column: pd.Series) -> bool:
    texts = column.dropna().astype(str).str.strip()
    texts = texts[texts != ""].head(LOOK_ROWS)
    if not len(texts):
        return False
    return bool(
        texts.str.match(GEOMETRY).all() or texts.str.match(FIXES).all() or np.isfinite(places_of(texts)[0]).all()
    )


def _metres(names: Sequence[str]) -> str:
    found = sorted(name for name in names if METRES.match(name))
    if len(found) != 2:
        return ""
    both = f"{{longitude: {found[0]}, latitude: {found[1]}}}"
    return f"columns {found[0]!r} and {found[1]!r} look like metres: give columns: {both} and their crs"
