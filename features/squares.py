"""Boxes sorted into squares of the plane once, so that a tile finds those around it without asking all of a country."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bounds = tuple[float, float, float, float]

# Squares hold few records each, and a tile with the reach of most features touches some dozen.
SIDE_M = 4000.0
# Most squares to a side: one record far away must not cost memory for all the land between.
MOST_SQUARES = 512


@dataclass(frozen=True, eq=False)
class Squares:
    """Which of n boxes touch each square; the boxes themselves stay with whoever made them.

    Those of the square in row r and column c are `members[starts[r * columns + c]:starts[r * columns + c + 1]]`.
    """

    corner: Floats
    side_m: float
    columns: int
    starts: Integers
    members: NDArray[np.int32]

    def within(self, bounds: Bounds, reach_m: float, boxes_of: Callable[[Integers], Floats]) -> Integers:
        """Indices, ascending, of the boxes that come within `reach_m` of the bounds, to each side.

        `boxes_of` gives the boxes (k, 4) of west, south, east and north for k indices.

        >>> boxes = np.array([[0.0, 0, 1, 1], [5e4, 0, 6e4, 1], [3, 3, 3, 3]])
        >>> squares_of(boxes).within((3, 0, 9, 9), 2.0, boxes.__getitem__).tolist()
        [0, 2]
        """
        low, high = np.array(bounds[:2]) - reach_m, np.array(bounds[2:]) + reach_m
        rows = (len(self.starts) - 1) // self.columns
        first, last = np.floor((np.array([low, high]) - self.corner) / self.side_m).clip(-1, MOST_SQUARES + 1)
        left, right = max(int(first[0]), 0), min(int(last[0]), self.columns - 1)
        if left > right:
            return np.empty(0, dtype=np.int64)
        lines = np.arange(max(int(first[1]), 0), min(int(last[1]), rows - 1) + 1) * self.columns
        # The squares of one line lie side by side.
        begins, ends = self.starts[lines + left].tolist(), self.starts[lines + right + 1].tolist()
        runs = [self.members[begin:end] for begin, end in zip(begins, ends, strict=True)]
        found = np.unique(np.concatenate([self.members[:0], *runs])).astype(np.int64)
        boxes = boxes_of(found)
        return np.asarray(found[(boxes[:, 2:] >= low).all(axis=1) & (boxes[:, :2] <= high).all(axis=1)])


def squares_of(boxes: Floats) -> Squares:
    """The squares of boxes (n, 4); a box with a value that is not finite is in none."""
    finite = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    low, high = boxes[finite, :2], boxes[finite, 2:]
    corner = low.min(axis=0, initial=0.0) if not len(finite) else low.min(axis=0)
    extent = float((high - corner).max(initial=0.0))
    side_m = max(SIDE_M, extent / (MOST_SQUARES - 1))
    first, last = (
        np.floor((low - corner) / side_m).astype(np.int64),
        np.floor((high - corner) / side_m).astype(np.int64),
    )
    columns, rows = last.max(axis=0, initial=0) + 1
    wide, tall = (last - first + 1).T
    member = np.repeat(np.arange(len(finite)), wide * tall)
    number = np.arange(len(member)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    square = (first[member, 1] + number // wide[member]) * columns + first[member, 0] + number % wide[member]
    starts = np.concatenate([[0], np.cumsum(np.bincount(square, minlength=int(columns * rows)))]).astype(np.int64)
    members = finite[member[np.argsort(square, kind="stable")]].astype(np.int32)
    return Squares(corner, side_m, int(columns), starts, members)
