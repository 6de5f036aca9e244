"""Ranks of values among knots, and their terms in a regression, by a compiled kernel: the same bits as np.interp."""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from features.base import Floats, Floats32, Integers

# Number of rows that are ranked together: one column of them stays in the cache of the processor.
ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class RankTable:
    """Rising knots of each feature and their ranks, (n_features, width), padded to a power of two.

    `last` (n_features,) is the place of each last knot; infinity follows it, so that no value is beyond the padding.
    """

    knot: Floats
    rank: Floats
    last: Integers

    @classmethod
    def of(cls, knots: Sequence[Sequence[float] | Floats]) -> "RankTable":
        """The table of the quantiles of each feature, of which equal ones share the mean of their ranks."""
        rising = [_rising(np.array(row, dtype=np.float64)) for row in knots]
        width = 1 << max((len(knot) for knot, _ in rising), default=1).bit_length()
        table = cls(
            knot=np.full((len(rising), width), np.inf),
            rank=np.zeros((len(rising), width)),
            last=np.array([len(knot) - 1 for knot, _ in rising], dtype=np.int64),
        )
        for number, (knot, rank) in enumerate(rising):
            table.knot[number, : len(knot)], table.rank[number, : len(knot)] = knot, rank
        return table

    def terms(self, values: Floats32, slope: Floats, bend: Floats) -> Floats:
        """`slope * r + bend * r^2` of each value, (n_rows, n_features), where r is its rank in [0, 1] less 1/2.

        Between knots the rank is interpolated, beyond them held; it is 1/2 where the value is unknown.
        """
        terms = np.empty(values.shape)
        _fill_terms(np.ascontiguousarray(values, dtype=np.float32), self.knot, self.rank, self.last, slope, bend, terms)
        return terms

    def ranks(self, values: Floats32) -> Floats:
        """The rank of each value less 1/2, (n_rows, n_features)."""
        return self.terms(values, np.ones(len(self.last)), np.zeros(len(self.last)))


def _rising(knots: Floats) -> tuple[Floats, Floats]:
    """Distinct knots, each with the mean of the ranks that it has."""
    knot, first, times = np.unique(knots, return_index=True, return_counts=True)
    return knot, (first + (times - 1) / 2) / (len(knots) - 1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_terms(
    values: Floats32, knot: Floats, rank: Floats, last: Integers, slope: Floats, bend: Floats, terms: Floats
) -> None:
    """Search the knot below each value by halves, for a column of rows at a time, and interpolate as np.interp does."""
    n_rows, n_features = values.shape
    column = np.empty(ROWS_AT_ONCE, dtype=np.float64)
    below = np.empty(ROWS_AT_ONCE, dtype=np.int32)
    for first in range(0, n_rows, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, n_rows - first)
        for number in range(n_features):
            x, y, end = knot[number], rank[number], last[number]
            for row in range(rows):
                column[row] = values[first + row, number]
            below[:] = 0
            step = len(x) // 2
            while step:
                for row in range(rows):
                    below[row] += step if x[below[row] + step] <= column[row] else 0
                step //= 2
            for row in range(rows):
                value, at = column[row], below[row]
                if not np.isfinite(value):
                    r = 0.5
                elif at >= end:
                    r = y[end]
                elif value <= x[at]:
                    r = y[at]
                else:
                    r = (y[at + 1] - y[at]) / (x[at + 1] - x[at]) * (value - x[at]) + y[at]
                r -= 0.5
                terms[first + row, number] = r * slope[number] + r * r * bend[number]
