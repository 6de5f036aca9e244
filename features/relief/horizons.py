"""The cells that an observer sees: bounds of the horizon decide most of them, rays the few remaining ones.

A ray goes from the observer to a cell centre, one row or column at a step, over heights interpolated linearly between
the two cells beside it (R3, Franklin and Ray 1994). The rays of a narrow sector pass over almost the same ground, so an
upper and a lower bound of the steepest rise so far are kept for each sector, step by step. A cell above the upper bound
is visible and one below the lower bound is not; for a cell between them its own ray is cast.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.base import Flags, Floats32, Integers

EARTH_RADIUS_M = 6_371_000.0
# Refraction offsets 13 % of the earth's curvature (Gauss 1823); the rest hides 0.6 m at 3 km.
DROP_PER_M2 = (1 - 0.13) / (2 * EARTH_RADIUS_M)
# A standing soldier or a weapon on a parapet; the mine lies on the ground, so the target has no height.
EYE_HEIGHT_M = 2.0
# Sectors in an eighth of the circle for every step of the range: more leave fewer cells in doubt and cost more.
SECTORS_PER_STEP = 1
# Unknown ground lies so deep that it neither hides nor bounds anything.
DEEP_M = -1e9
# Error of a bound in single precision, as a share of the greatest rise: ten roundings.
ROUNDED = 10 * 2.0**-24


class Sectors(NamedTuple):
    """Where the borders of sectors pass, for steps k = 0 to the range and borders 0 (straight on) to n (diagonal).

    `first[k, j]` cells to the side of the axis and the share `rest[k, j]` of a cell further; `of[k, c]` is the sector
    of the cell c to the side; `bent[k, j]` says that a cell lies between the borders j and j + 1; `half[k]` cells to
    the side are within range. `drop_m` is the drop of one step straight on; the error of interpolation between two
    cells is at most a quarter of it.
    """

    first: NDArray[np.uint32]
    rest: Floats32
    bent: Flags
    of: Integers
    half: Integers
    drop_m: float


@lru_cache(maxsize=4)
def sectors(range_m: float, cell_size_m: float) -> Sectors:
    """The sectors of an eighth of the circle for cells of this size."""
    reach = int(range_m // cell_size_m)
    steps, sides = np.arange(reach + 1)[:, None], np.arange(reach + 1)
    number = max(1, reach * SECTORS_PER_STEP)
    borders = np.arange(number + 1)
    within = (steps * steps + sides * sides) * cell_size_m * cell_size_m <= range_m * range_m
    first, rest = steps * borders // number, steps * borders % number / number
    bent = np.diff(first, append=first[:, -1:]) > 0
    bent[:, :-1] &= rest[:, 1:] > 0
    of = np.minimum(sides * number // np.maximum(steps, 1), number - 1)
    drop_m = DROP_PER_M2 * cell_size_m**2
    half = within.sum(axis=1) - 1
    return Sectors(first.astype(np.uint32), rest.astype(np.float32), bent, of, half, drop_m)


@njit(cache=True, nogil=True, error_model="numpy")
def add_seen_lengths(  # type: ignore[no-untyped-def]  # noqa: ANN201
    heights: Any, halo: int, wanted: Any, observers: Any, of_circle: Any, within: Any, seen: Any
):
    """Add the length of each observer (row, column, length) to the wanted cells in range, and to those it sees."""
    reach, number = len(of_circle.half) - 1, of_circle.rest.shape[1] - 1
    ground = np.empty((2 * reach + 1, 2 * reach + 1), np.float32)
    view = np.zeros(ground.shape, np.uint8)
    ring, borders = np.empty(reach + 2, np.float32), np.empty((2, number + 1), np.float32)
    bounds = np.empty((2, number), np.float32)
    for place in range(len(observers)):
        row, column, length = observers[place]
        if np.isnan(heights[row + halo, column + halo]):
            continue
        _surroundings(heights, row + halo - reach, column + halo - reach, ground)
        of_rows = (-row, wanted.shape[0] - 1 - row)
        of_columns = (-column, wanted.shape[1] - 1 - column)
        view[reach, reach] = 1
        for eighth in range(8):
            _look(ground.ravel(), eighth, of_rows, of_columns, of_circle, ring, borders, bounds, view.ravel())
        _add(view, wanted, row, column, length, of_circle.half, within, seen)


@njit(cache=True, nogil=True)
def _surroundings(heights: Any, top: int, left: int, ground: Any) -> None:
    """Copy heights into the square around an observer; unknown ones are deep."""
    west, east = max(0, -left), min(len(ground), heights.shape[1] - left)
    for y in range(len(ground)):
        if not 0 <= y + top < heights.shape[0]:
            ground[y] = DEEP_M
            continue
        ground[y, :west], ground[y, east:] = DEEP_M, DEEP_M
        known, copy = heights[y + top, west + left : east + left], ground[y, west:east]
        for x in range(len(known)):
            copy[x] = known[x] if known[x] == known[x] else DEEP_M


@njit(cache=True, nogil=True)
def _add(view: Any, wanted: Any, row: int, column: int, length: int, half: Any, within: Any, seen: Any) -> None:
    reach = len(half) - 1
    for y in range(max(0, row - reach), min(wanted.shape[0], row + reach + 1)):
        wide = half[abs(y - row)]
        left, right = max(0, column - wide), min(wanted.shape[1], column + wide + 1)
        flags = view[y - row + reach, left - column + reach : right - column + reach]
        here, near, sees = wanted[y, left:right], within[y, left:right], seen[y, left:right]
        for x in range(len(flags)):
            near[x] += length if here[x] else 0
            sees[x] += length if here[x] and flags[x] else 0


@njit(cache=True, nogil=True, error_model="numpy")
def _look(  # type: ignore[no-untyped-def]  # noqa: ANN202
    ground: Any,
    eighth: int,
    of_rows: tuple[int, int],
    of_columns: tuple[int, int],
    of_circle: Any,
    ring: Any,
    borders: Any,
    bounds: Any,
    view: Any,
):
    """Put into `view` whether each cell of an eighth of the circle that lies in the tile is seen.

    The tile reaches from the first to the second of `of_rows` and `of_columns`, counted from the observer.
    """
    reach = len(of_circle.half) - 1
    down, right = 1 if eighth & 1 else -1, 1 if eighth & 2 else -1
    if down < 0:
        of_rows = (-of_rows[1], -of_rows[0])
    if right < 0:
        of_columns = (-of_columns[1], -of_columns[0])
    step, side, along, across = right, down * (2 * reach + 1), of_columns, of_rows
    if eighth & 4:
        step, side, along, across = side, step, across, along
    inner, here = max(0, across[0]), reach * (2 * reach + 2)
    eye = np.float64(ground[here]) + EYE_HEIGHT_M
    upper, lower = bounds[0], bounds[1]
    upper[:], lower[:] = -np.inf, -np.inf
    greatest = 0.0
    for k in range(1, min(reach, along[1]) + 1):
        outer = min(k, of_circle.half[k], across[1])
        if outer < 0:
            return
        per_step = 1 / k
        for c in range(min(k, outer + 1) + 1):
            height = np.float64(ground[here + k * step + c * side])
            ring[c] = (height - eye - of_circle.drop_m * (k * k + c * c)) * per_step
            size = abs(ring[c]) if height > DEEP_M else 0.0
            greatest = size if size > greatest else greatest  # noqa: FURB136
        ring[min(k, outer + 1) + 1] = DEEP_M
        doubt = greatest * ROUNDED + of_circle.drop_m / 4
        if k >= along[0]:
            for c in range(inner, outer + 1):
                sector = of_circle.of[k, c]
                sees = ring[c] >= upper[sector] + doubt
                if not sees and ring[c] >= lower[sector] - doubt:
                    sees = _is_seen(ground, here, step, side, k, c, eye, of_circle.drop_m)
                view[here + k * step + c * side] = sees
        stop = of_circle.of[k, outer] + 1
        first, rest, bent = of_circle.first[k], of_circle.rest[k], of_circle.bent[k]
        _raise(ring, first, rest, bent, borders, upper[:stop], lower[:stop])


@njit(cache=True, nogil=True)
def _raise(ring: Any, first: Any, rest: Any, bent: Any, borders: Any, upper: Any, lower: Any) -> None:
    """Lift the bounds of the sectors to the rises of a ring; heights bend where a cell lies between the borders."""
    at, between = borders[0], borders[1]
    for j in range(len(upper) + 1):
        one, other = ring[first[j]], ring[first[j] + np.uint32(1)]
        border = one + (other - one) * rest[j]
        at[j] = border
        between[j] = other if bent[j] else border
    left, right = at[: len(upper)], at[1 : len(upper) + 1]
    # min() and max() would test for NaN at each step.
    for j in range(len(upper)):
        low = left[j] if left[j] < right[j] else right[j]  # noqa: FURB136
        high = left[j] if left[j] > right[j] else right[j]  # noqa: FURB136
        low = between[j] if between[j] < low else low  # noqa: FURB136
        high = between[j] if between[j] > high else high  # noqa: FURB136
        lower[j] = low if low > lower[j] else lower[j]  # noqa: FURB136
        upper[j] = high if high > upper[j] else upper[j]  # noqa: FURB136


@njit(cache=True, nogil=True, error_model="numpy")
def _is_seen(ground: Any, here: int, step: int, side: int, along: int, across: int, eye: float, drop_m: float) -> bool:
    """Whether the ray that goes `along` steps, and `across` to the side over all, passes above the ground."""
    # Whole numbers as floats are exact and save a conversion at every step.
    full, more, part, distance = np.float64(along), np.float64(across), 0.0, 0.0
    bend = drop_m * (full * full + more * more) / (full * full)
    slope = (np.float64(ground[here + along * step + across * side]) - eye) / full - bend * full
    first = here
    for _ in range(1, along):
        first += step
        part += more
        distance += 1.0
        if part >= full:
            part -= full
            first += side
        second = first + (side if part > 0 else 0)
        between = np.float64(ground[first]) * (full - part) + np.float64(ground[second]) * part
        if between > full * (eye + distance * (slope + bend * distance)):
            return False
    return True
