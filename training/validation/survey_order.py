"""Cells in the order of a survey: best score first, tied cells in one group, cells without a score last."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from features.base import Flags, Floats, Integers


@dataclass(frozen=True, eq=False)
class Order:
    """A ranking of n cells in G groups of tied cells.

    `cells` (n,) are the positions of the cells in the caller's arrays, best first; `positive` and `area` follow it.
    `start` (G,) is where each group begins in them.
    """

    cells: Integers
    positive: Flags
    area: Floats
    start: Integers

    def groups(self) -> Integers:
        """Group of each cell, (n,) in the caller's order, 0 for the best."""
        number = np.zeros(len(self.cells), dtype=np.int64)
        number[self.start] = 1
        group = np.empty(len(self.cells), dtype=np.int64)
        group[self.cells] = np.cumsum(number) - 1
        return group

    def counts(self) -> Integers:
        """Number of cells in each group, (G,)."""
        return np.diff(np.append(self.start, len(self.cells)))

    def areas(self) -> Floats:
        """Area of each group, (G,)."""
        return np.add.reduceat(self.area, self.start) if len(self.start) else np.zeros(0)

    def expected_before(self) -> Floats:
        """Expected area that is surveyed before the middle of each cell, (n,) in the caller's order."""
        areas = self.areas()
        return np.asarray((np.cumsum(areas) - areas / 2)[self.groups()])

    def sums(self, block: Integers | None = None, times: Floats | None = None) -> "Sums":
        """Area and positive area along the ranking; ties form one segment, and so do runs of cells without a positive.

        With `block` (n,) numbered from 0 in the caller's order and `times` (draws, blocks), how often each block was
        drawn, the sums have one row for each draw.
        """
        found = np.add.reduceat(self.positive.astype(np.int64), self.start) if len(self.start) else self.start
        # A run of cells without a positive affects figures by its area alone: one segment represents it.
        opens = np.ones(len(found), dtype=bool)
        opens[1:] = (found[1:] > 0) | (found[:-1] > 0)
        start = self.start[opens]
        count = np.diff(np.append(start, len(self.cells)))
        hits = np.where(self.positive, self.area, 0.0)
        if block is None or times is None:
            weights = np.vstack([np.add.reduceat(part, start) for part in (self.area, hits)])[:, None, :]
        else:
            bounds = np.append(start, len(self.cells))
            at, shape = block[self.cells], (len(start), times.shape[1])
            weights = np.stack([(csr_array((part, at, bounds), shape) @ times.T).T for part in (self.area, hits)])
        return Sums(np.ascontiguousarray(weights[0]), np.ascontiguousarray(weights[1]), count, found[opens])


@dataclass(frozen=True, eq=False)
class Sums:
    """Segments of a ranking, best first: `area` and positive area `hits` (draws, segments), and their numbers of cells.

    `count` and `found` (segments,) number the cells and the positive cells; a segment with a positive is one group of
    tied cells.
    """

    area: Floats
    hits: Floats
    count: Integers
    found: Integers

    @cached_property
    def area_to(self) -> Floats:
        """Area up to the end of each segment, (draws, segments)."""
        return np.cumsum(self.area, axis=1)

    @cached_property
    def hits_to(self) -> Floats:
        """Positive area up to the end of each segment, (draws, segments)."""
        return np.cumsum(self.hits, axis=1)


def order_of(score: Floats, positive: Flags, area: Floats | None = None) -> Order:
    """Order cells by `score`, largest first; NaN comes last, as one tie. Every cell has the area 1 if none is given.

    >>> order = order_of(np.array([1.0, np.nan, 2.0, 1.0]), np.array([True, False, False, False]))
    >>> order.cells.tolist(), order.start.tolist()
    ([2, 0, 3, 1], [0, 1, 3])
    """
    cells = np.argsort(-score, kind="stable")
    ranked = score[cells]
    new = np.ones(len(cells), dtype=bool)
    new[1:] = (ranked[1:] != ranked[:-1]) & ~(np.isnan(ranked[1:]) & np.isnan(ranked[:-1]))
    part = np.ones(len(cells)) if area is None else np.asarray(area, dtype=np.float64)[cells]
    return Order(cells, positive.astype(bool)[cells], part, np.flatnonzero(new))
