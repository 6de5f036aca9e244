"""The catalogue of features as Markdown, from the code: `python -m features.table.catalogue > docs/features.md`."""

import sys

from features.base import FeatureInfo
from features.families import FAMILIES

HEAD = """# Features

Made from the code by `python -m features.table.catalogue > docs/features.md`: edit the families, not this file.

A feature exists where its sources are configured; a source that is missing drops its features and no other. Every
value is that of the cell's centre or of the cell, as of `as_of`, float32, NaN where it is unknown. The trend is the
direction in which contamination moves with the feature where the field's evidence supports one; the contamination
model is bound to it unless `contamination.constraints` says otherwise.
"""
# Columns that depend on the data.
IN_THE_DATA = {
    "control": (
        "Each holder in the data has `held_by_<holder>` (1 on its land, 0 elsewhere) and "
        "`front_line_side_of_<holder>_m` (distance to the front line, positive on its land, negative elsewhere), "
        "both NaN on nobody's land."
    ),
    "control_points": (
        "Each holder in the data has `places_held_by_<holder>` (1 where its places win the vote at the last date, 0 "
        "elsewhere), each pair of them `control_line_<h>m_<one>_<other>_distance_m` for both bandwidths h."
    ),
    "land_use": "Each class of land use in the data adds columns, described in the metadata of the feature files.",
    "covariates": "Each covariate raster and each numeric column of a covariate table is a feature under its own name.",
}
HEADER = ("name", "unit", "sources", "trend", "meaning", "formula")
TRENDS = {-1: "falls", 0: "free", 1: "rises"}


def catalogue() -> str:
    """The whole page; the families in the order in which tables are built."""
    parts = [HEAD]
    for name, family in FAMILIES.items():
        text = sys.modules[family.build.__module__].__doc__
        parts.append(f"## {name.replace('_', ' ').capitalize()}\n\n{_first_line(text)}\n")
        if family.features:
            parts.append("\n".join([_line(HEADER), _line(["---"] * len(HEADER)), *map(_row, family.features)]) + "\n")
        if family.described is not None:
            parts.append(IN_THE_DATA[name] + "\n")
    return "\n".join(parts)


def _row(info: FeatureInfo) -> str:
    return _line((f"`{info.name}`", info.unit, ", ".join(info.sources), TRENDS[info.trend], info.text, info.formula))


def _line(cells: list[str] | tuple[str, ...]) -> str:
    r"""One line of a Markdown table.

    >>> print(_line(["a", "b|c"]))
    | a | b\|c |
    """
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


if __name__ == "__main__":
    sys.stdout.write(catalogue())
