"""Survey finds nearby over those expected there: an empirical-Bayes ratio that tends to 1 away from surveyed land."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.base import Floats, Integers

# Kernels are cut off at this many widths; about a three-thousandth of their weight lies beyond.
REACH = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class LocalRatio:
    """Log-odds to be added to a score: ln((sum K y + a) / (sum K p + a)) over labelled cells, their own left out.

    `column` and `row` are those of labelled cells, counted from the CRS origin; `found` is y and `expected` p, from
    models that were trained without the region, scaled so that both have the same sum. K is a Gaussian of `width_cells`
    with 1 in its middle, `prior` is a: the expected finds below which nearby results count little (Clayton and Kaldor
    1987, Biometrics 43, 671). The value of a cell depends on its place alone.
    """

    cell_size_m: float
    width_cells: float
    prior: float
    column: Integers
    row: Integers
    found: Floats
    expected: Floats

    def __call__(self, centres_m: Floats) -> Floats:
        """Log-odds (n,) at the centres (n, 2) of cells; 0 beyond the reach of every labelled cell."""
        west, south, sums = self._sums
        cell = np.floor(centres_m / self.cell_size_m).astype(np.int64) - [west, south]
        inside = ((cell >= 0) & (cell < sums.shape[1:][::-1])).all(axis=1)
        out = np.zeros(len(centres_m))
        found, expected = sums[:, cell[inside, 1], cell[inside, 0]]
        out[inside] = np.log((np.maximum(found, 0) + self.prior) / (np.maximum(expected, 0) + self.prior))
        return out

    @cached_property
    def _sums(self) -> tuple[int, int, Floats]:
        """Column and row of the first cell, and (2, rows, columns): kernel sums of found and of expected."""
        margin = int(np.ceil(REACH * self.width_cells))
        west, south = int(self.column.min()) - margin, int(self.row.min()) - margin
        shape = int(self.row.max()) - south + margin + 1, int(self.column.max()) - west + margin + 1
        laid = np.zeros((2, *shape))
        laid[0, self.row - south, self.column - west] = self.found
        laid[1, self.row - south, self.column - west] = self.expected
        return west, south, smoothed(laid, self.width_cells, margin) - laid

    def text(self) -> str:
        """The labelled cells and the kernel as JSON."""
        lists = {name: getattr(self, name).tolist() for name in ("column", "row")}
        lists |= {name: np.round(getattr(self, name), 6).tolist() for name in ("found", "expected")}
        return json.dumps(
            {"cell_size_m": self.cell_size_m, "width_cells": self.width_cells, "prior": self.prior, **lists}
        )

    @classmethod
    def from_text(cls, text: str) -> "LocalRatio":
        """The inverse of `text`."""
        fields: Mapping[str, Any] = json.loads(text)
        arrays = {name: np.array(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **arrays})


def smoothed(laid: Floats, width_cells: float, margin: int) -> Floats:
    """Sums (k, rows, columns) under a Gaussian with 1 in its middle, cut off at `margin` cells in either direction."""
    away = np.arange(-margin, margin + 1)
    kernel = np.exp(-0.5 * (away / width_cells) ** 2)
    for axis in (1, 2):
        length = laid.shape[axis]
        padded = np.pad(laid, [(margin, margin) if place == axis else (0, 0) for place in range(3)])
        laid = sum(
            weight * np.take(padded, np.arange(start, start + length), axis=axis) for start, weight in enumerate(kernel)
        )
    return np.asarray(laid)


def fit_local_ratio(
    centres_m: Floats, found: Floats, expected: Floats, cell_size_m: float, width_cells: float, prior: float
) -> LocalRatio:
    """The ratio of labelled cells (n,): `found` in [0, 1] times their area, `expected` the same of held-out p."""
    cell = np.floor(centres_m / cell_size_m).astype(np.int64)
    scale = float(found.sum() / expected.sum()) if expected.sum() > 0 else 1.0
    return LocalRatio(
        cell_size_m=cell_size_m,
        width_cells=width_cells,
        prior=prior,
        column=cell[:, 0],
        row=cell[:, 1],
        found=np.asarray(np.round(found, 6), dtype=np.float64),
        expected=np.asarray(np.round(expected * scale, 6), dtype=np.float64),
    )
