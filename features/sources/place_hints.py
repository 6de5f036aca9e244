"""What a table without coordinates may hold instead: a hint for the message that refuses it."""

import re
from collections.abc import Sequence

import pandas as pd

# Names of metres in registers: Latin, Spanish, Russian.
METRES = re.compile(
    r"^(x|y|easting|northing|e|n|este|norte|x_?coord|y_?coord|coord_?[xy]|utm_?[xyen]|point_[xy])$", re.IGNORECASE
)
MGRS = re.compile(r"^\d{1,2}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{2}\s?(\d\s?){2,10}$")
FIXES = re.compile(r"^-?\d+\.\d+ -?\d+\.\d+ -?\d+(\.\d+)? \d+(\.\d+)?(;|$)")
PAIR = re.compile(r"^\(?\s*-?\d+\.\d+\u00b0?\s*[,;/ ]\s*-?\d+\.\d+\u00b0?\s*\)?$")
GEOMETRY = re.compile(
    r"^(SRID=\d+;)?\s*(POINT|LINESTRING|POLYGON|MULTI\w+|GEOMETRYCOLLECTION)\b|^(0x|\\x)?0[01][0-9A-Fa-f]{16,}$",
    re.IGNORECASE,
)
FORMS = (
    (GEOMETRY, "holds geometry: give columns: {{geometry: {0}}}"),
    (FIXES, "holds fixes of a survey form: give columns: {{geometry: {0}}}"),
    (MGRS, "holds grid references (MGRS): convert them to degrees"),
    (PAIR, "holds both coordinates: split it into two columns"),
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
    for name in names:
        texts = table[name].dropna().astype(str).str.strip()
        texts = texts[texts != ""].head(LOOK_ROWS)
        for form, hint in FORMS:
            if len(texts) and texts.str.match(form).all():
                return f"column {name!r} {hint.format(name)}"
    return _metres(names)


def _metres(names: Sequence[str]) -> str:
    found = sorted(name for name in names if METRES.match(name))
    if len(found) != 2:
        return ""
    both = f"{{longitude: {found[0]}, latitude: {found[1]}}}"
    return f"columns {found[0]!r} and {found[1]!r} look like metres: give columns: {both} and their crs"
