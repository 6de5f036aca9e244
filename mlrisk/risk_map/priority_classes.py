"""Survey priority classes: which share of the ranked area each covers, and the words and colours of every map.

No colour is green and none is near white: a reader must not see a promise in the lowest class.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.base import by_parts, parts_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PriorityClass:
    """One class of the map; `share_to` is the share of the ranked area at which it ends, None where it has none."""

    code: int
    text: str
    colour: str
    share_to: float | None = None


CLASSES = (
    PriorityClass(1, "survey first (first 1 % of the ranked area)", "#3d0a33", 0.01),
    PriorityClass(2, "survey next (1 to 5 %)", "#a5123f", 0.05),
    PriorityClass(3, "survey soon (5 to 10 %)", "#e0602a", 0.10),
    PriorityClass(4, "survey later (10 to 20 %)", "#f2b544", 0.20),
    PriorityClass(5, "lower survey priority: not evidence of absence", "#8ea6c8", 1.0),
    PriorityClass(6, "no basis to rank", "#6a6470"),
    PriorityClass(7, "released by the authority (recorded decision)", "#d9c3e6"),
)
OUTSIDE = 0
NO_BASIS, RELEASED = 6, 7
# Order of precedence when several cells share a pixel: the classes that a planner must not overlook come first.
MOST_URGENT_FIRST = (1, 2, 3, 4, NO_BASIS, 5, RELEASED, OUTSIDE)

EVIDENCE_CODES = {"unknown": 0, "searched": 1, "found": 2}
EVIDENCE_TEXTS = {
    "unknown": "unknown: not searched, or no record of it",
    "searched": "surveyed or cleared, no EO recorded",
    "found": "found: explosive ordnance, accident or direct evidence",
}
# Land that counts as searched because the config declares it has its own class on the page.
DECLARED_TEXT, DECLARED_COLOUR = "declared as surveyed in the settings: no record", "#b7c4d8"
EVIDENCE_COLOURS = {"unknown": "#6a6470", "searched": "#8ea6c8", "found": "#a5123f"}

# From low to high, darker with each step, so that it is legible in grey print too.
RAMP = ("#a3b3cf", "#c2ab97", "#e9b550", "#e58a35", "#cf4d2e", "#991c45", "#3d0a33")


@dataclass(frozen=True)
class Scale:
    """Bins of a quantity: one more label and colour than there are edges, and an edge belongs to the bin above it."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    colours: tuple[str, ...] = RAMP

    def codes(self, values: ArrayLike) -> NDArray[np.uint8]:
        """The bin of each value, counted from 1; 0 for a missing value.

        >>> CONTAMINATION_SCALE.codes([0.0005, 0.01, 0.9]).tolist()
        [1, 4, 7]
        """
        numbers = np.asarray(values, dtype=np.float64)
        return np.where(np.isfinite(numbers), np.digitize(numbers, self.edges) + 1, OUTSIDE).astype(np.uint8)


def decimal(value: float) -> str:
    """A number without exponent, as a planner writes it.

    >>> decimal(3e-05)
    '0.00003'
    """
    return np.format_float_positional(value, trim="-")


def _scale(edges: tuple[float, ...], factor: float, unit: str) -> Scale:
    texts = [decimal(round(edge * factor, 12)) for edge in edges]
    between = [f"{low} to {high}{unit}" for low, high in itertools.pairwise(texts)]
    return Scale(edges, (f"below {texts[0]}{unit}", *between, f"{texts[-1]}{unit} and more"))


# Fixed steps of about half a decade, so that maps of several dates and countries can be compared.
CONTAMINATION_SCALE = _scale((0.001, 0.003, 0.01, 0.03, 0.1, 0.3), 100, " %")


def casualty_scale(casualties_per_year: ArrayLike) -> Scale:
    """Steps of 1 and 3 in each decade that end below the greatest value, because cells differ in size and exposure.

    >>> casualty_scale([0.0, 0.02]).edges
    (3e-05, 0.0001, 0.0003, 0.001, 0.003, 0.01)
    """
    greatest = float(np.max(np.nan_to_num(np.asarray(casualties_per_year, dtype=np.float64)), initial=0.0))
    decade = floor(log10(greatest)) if greatest > 0 else 0
    edges = [step * 10.0**power for power in range(decade - 3, decade + 1) for step in (1, 3)]
    last = len([edge for edge in edges if edge <= greatest]) if greatest > 0 else 7
    # Python's 3 * 10.0**-5 is 3.0000000000000004e-05; the legend shows the rounded literal.
    return _scale(tuple(float(f"{edge:.0e}") for edge in edges[last - 6 : last]), 1, "")


def priority_class(risk: pd.DataFrame) -> NDArray[np.int8]:
    """Class code of each row of `risk`, by the share of ranked area that precedes the cell in its list of work.

    `rank` counts within each `work`; a map without that column is one list. A rank counts even on released land: an
    older decision never hides a ranked cell.
    """
    ends = np.array([cls.share_to for cls in CLASSES if cls.share_to is not None])
    known = risk["rank"].notna().to_numpy()
    codes = by_parts(
        len(risk),
        lambda part: np.where(risk["released"].to_numpy(dtype=bool)[part], RELEASED, NO_BASIS).astype(np.int8),
    )
    ranks = risk["rank"].to_numpy(dtype=np.int32, na_value=0)
    for name in risk["work"].unique() if "work" in risk else [""]:
        mine = known & risk["work"].eq(name).to_numpy() if "work" in risk else known
        ascending = _ascending(ranks[mine])
        # Counts, not shares, are compared: 0.05 * 100 must not depend on rounding.
        limits = np.round(ends * int(mine.sum()), 6)
        for part in parts_of(len(risk)):
            rank = ranks[part][mine[part]]
            # A share before the cell, not up to it: the first cell is "survey first" however small the area.
            before = rank - 1 if ascending is None else np.searchsorted(ascending, rank, side="left")
            codes[part][mine[part]] = np.digitize(before, limits[:-1]).astype(np.int8) + 1
    return codes


def _ascending(ranks: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """Ranks (n,) in ascending order; None where they are 1 to n, as on a whole map."""
    if not len(ranks) or int(ranks.max()) != len(ranks):
        return np.sort(ranks)
    taken = np.zeros(len(ranks) + 1, dtype=bool)
    taken[ranks] = True
    return None if taken[1:].all() else np.sort(ranks)
