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
# Of the texts of a column of places; the others are named as unreadable.
PLACES_SHARE = 0.8


def place_hint(table: pd.DataFrame) -> str:
    """What the table holds instead of coordinates, and what would do; '' if that is unknown.

    >>> place_hint(pd.DataFrame({"x": [640000], "y": [4400000]}))
    "columns 'x' and 'y' look like metres: give columns: {longitude: x, latitude: y} and their crs"
    """
    names = [str(name) for name in table.columns]
    if len(names) == 1 and re.search(r"\S(  +)\S", names[0]):
        return "blanks stand between its columns: save it as CSV"
    found = place_columns(table)
    if found:
        return f"{' and '.join(map(repr, found))} hold places: give columns: {{geometry: {found[0]}}}, or the other"
    return _metres(names)


def place_columns(table: pd.DataFrame) -> list[str]:
    """The columns whose texts are places: geometry, fixes, grid references, or both coordinates.

    >>> place_columns(pd.DataFrame({"id": ["1"], "where": ["38SPK4000005000"]}))
    ['where']
    """
    return [str(name) for name in table if _holds_places(table[name])]


def _holds_places(column: pd.Series) -> bool:
    texts = column.dropna().astype(str).str.strip()
    texts = texts[texts != ""].head(LOOK_ROWS)
    if not len(texts):
        return False
    placed = np.isfinite(places_of(texts)[0]).all(axis=1)
    shares = (texts.str.match(GEOMETRY).mean(), texts.str.match(FIXES).mean(), placed.mean())
    return bool(max(shares) >= PLACES_SHARE)


def _metres(names: Sequence[str]) -> str:
    found = sorted(name for name in names if METRES.match(name))
    if len(found) != 2:
        return ""
    both = f"{{longitude: {found[0]}, latitude: {found[1]}}}"
    return f"columns {found[0]!r} and {found[1]!r} look like metres: give columns: {both} and their crs"
