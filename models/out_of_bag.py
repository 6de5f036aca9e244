"""Out-of-bag scores of labelled cells: what the members say of a cell from whose block they did not learn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.base import Flags, Floats, Integers


@dataclass(frozen=True, eq=False, kw_only=True)
class OutOfBag:
    """Log-odds to be added to the score of each labelled cell, so that its own label does not place it.

    The ranker has learned the label of every labelled cell: its score there repeats what was found. Added to that
    score, `shift` gives the mean score of the members without the cell's block (Breiman 1996, Out-of-bag estimation).
    `column` and `row` are those of the cells, counted from the CRS origin.
    """

    cell_size_m: float
    column: Integers
    row: Integers
    shift: Floats

    def __call__(self, centres_m: Floats) -> Floats:
        """Log-odds (n,) at the centres (n, 2) of cells; 0 where no labelled cell was learned."""
        cell = np.floor(centres_m / self.cell_size_m).astype(np.int64)
        key, order = self._sorted
        wanted = _key(cell[:, 0], cell[:, 1])
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.where(key[place] == wanted, self.shift[order[place]], 0.0)

    @cached_property
    def _sorted(self) -> tuple[Integers, Integers]:
        key = _key(self.column, self.row)
        order = np.argsort(key, kind="stable")
        return key[order], order

    def text(self) -> str:
        """The cells and their log-odds as JSON."""
        lists = {name: getattr(self, name).tolist() for name in ("column", "row", "shift")}
        return json.dumps({"cell_size_m": self.cell_size_m, **lists})

    @classmethod
    def from_text(cls, text: str) -> "OutOfBag":
        """The inverse of `text`."""
        fields: Mapping[str, Any] = json.loads(text)
        arrays = {name: np.array(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **arrays})


def fit_out_of_bag(
    centres_m: Floats, cell_size_m: float, raw: Floats, member_raw: Sequence[Floats], left_out: Sequence[Flags],
    found: Flags,
) -> OutOfBag | None:  # fmt: skip
    """The shifts of labelled cells (n,) from `raw` to the mean of `member_raw` (n,) over members that `left_out` them.

    A cell that every member has learned takes the mean shift of the cells with its label, `found` or not; None if
    members left out no cell at all.
    """
    times = np.sum(left_out, axis=0) if left_out else np.zeros(len(raw))
    judged = times > 0
    if not judged.any():
        return None
    total = np.sum([np.where(out, score, 0.0) for score, out in zip(member_raw, left_out, strict=True)], axis=0)
    shift = total / np.maximum(times, 1) - raw
    for label in (found, ~found):
        alike = label & judged
        shift[label & ~judged] = shift[alike if alike.any() else judged].mean()
    cell = np.floor(centres_m / cell_size_m).astype(np.int64)
    return OutOfBag(cell_size_m=cell_size_m, column=cell[:, 0], row=cell[:, 1], shift=np.round(shift, 6))


def _key(column: Integers, row: Integers) -> Integers:
    """One number for each place; rows stay below 2**31 in every projection."""
    return np.asarray(column * 2**32 + row)
