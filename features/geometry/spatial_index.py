"""Boxes sorted into squares of the plane, so that a tile finds those around it without searching the whole country."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, Integers

Bounds = tuple[float, float, float, float]

# Squares hold few records each, and a tile with the reach of most features touches some dozen.
SIDE_M = 4000.0
# Most squares to a side: one record far away must not cost memory for all the land between.
MOST_SQUARES = 512


@dataclass(frozen=True, eq=False, kw_only=True)
class Squares:
    """Which of n boxes touch each square; the boxes themselves stay with the caller.

    The boxes of the square in row r and column c are `members[starts[r * columns + c]:starts[r * columns + c + 1]]`.
    """

    corner: Floats
    side_m: float
    columns: int
    starts: Integers
    members: NDArray[np.int32]

    def within(self, bounds: Bounds, reach_m: float, one: Floats, other: Floats) -> Integers:
        """Indices, ascending, of the boxes that come within `reach_m` of the bounds, to each side.

        `one` and `other` (n, 2) are opposite corners of the boxes, any two.

        >>> low, high = np.array([[0.0, 0], [5e4, 0], [3, 3]]), np.array([[1.0, 1], [6e4, 1], [3, 3]])
        >>> squares_of(low, high).within((3, 0, 9, 9), 2.0, low, high).tolist()
        [0, 2]
        """
        low, high = np.array(bounds[:2]) - reach_m, np.array(bounds[2:]) + reach_m
        found = _collect(self.corner, self.side_m, self.columns, self.starts, self.members, one, other, low, high)
        return np.sort(found)


def squares_of(one: Floats, other: Floats) -> Squares:
    """The squares of boxes with opposite corners (n, 2); a box with a value that is not finite is in none."""
    finite = np.flatnonzero(np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1))
    low, high = np.minimum(one[finite], other[finite]), np.maximum(one[finite], other[finite])
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
    return Squares(corner=corner, side_m=side_m, columns=int(columns), starts=starts, members=members)


@numba.njit(cache=True, nogil=True)
def _collect(
    corner: Floats,
    side_m: float,
    columns: int,
    starts: Integers,
    members: NDArray[np.int32],
    one: Floats,
    other: Floats,
    low: Floats,
    high: Floats,
) -> Integers:
    """Indices of the boxes that meet the rectangle, each from the first of its squares there."""
    rows = (len(starts) - 1) // columns
    left, right = _between(low[0], high[0], corner[0], side_m, columns)
    top, bottom = _between(low[1], high[1], corner[1], side_m, rows)
    most = 0
    for row in range(top, bottom):
        if left < right:
            most += starts[row * columns + right] - starts[row * columns + left]
    found, count = np.empty(most, np.int64), 0
    for row in range(top, bottom):
        for column in range(left, right):
            for place in range(starts[row * columns + column], starts[row * columns + column + 1]):
                index = members[place]
                west, east = min(one[index, 0], other[index, 0]), max(one[index, 0], other[index, 0])
                south, north = min(one[index, 1], other[index, 1]), max(one[index, 1], other[index, 1])
                if east < low[0] or west > high[0] or north < low[1] or south > high[1]:
                    continue
                first_column = max(int(np.floor((west - corner[0]) / side_m)), left)
                first_row = max(int(np.floor((south - corner[1]) / side_m)), top)
                if column == first_column and row == first_row:
                    found[count] = index
                    count += 1
    return found[:count]


@numba.njit(cache=True, nogil=True)
def _between(low: float, high: float, corner: float, side_m: float, count: int) -> tuple[int, int]:
    """The first of `count` squares in a row that reaches into [low, high], and the one after the last."""
    first = min(max(np.floor((low - corner) / side_m), 0.0), float(count))
    last = min(max(np.floor((high - corner) / side_m), -1.0), count - 1.0)
    return int(first), int(last) + 1
