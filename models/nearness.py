"""Whether rows lie within a distance of any of some points, by a compiled kernel that stops at the first one."""

import numba
import numpy as np
from numpy.typing import NDArray

from features.base import Floats

# Sums of squares are added in another order than elsewhere: within this relative margin nothing is decided.
MARGIN = 1e-9
OUTSIDE, INSIDE, UNDECIDED = 0, 1, 2
# Coordinates that are added up before a point is given up as too far.
AT_ONCE = 16


def near_any(rows: Floats, points: Floats, distance: float) -> NDArray[np.int8]:
    """INSIDE, OUTSIDE or UNDECIDED of each of the `rows` (n, k): whether a point (m, k) lies within the distance.

    UNDECIDED are rows whose nearest point lies at the distance but for rounding.
    """
    # The coordinates that tell points apart come first; those that are the same everywhere count as well, at the end.
    order = np.argsort(-points.var(axis=0), kind="stable")
    padding = -len(order) % AT_ONCE
    shuffled, placed = (
        np.ascontiguousarray(np.pad(table[:, order], ((0, 0), (0, padding)))) for table in (rows, points)
    )
    found = np.empty(len(rows), dtype=np.int8)
    _search(shuffled, placed, distance * distance, found)
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _search(rows: Floats, points: Floats, most: float, found: NDArray[np.int8]) -> None:
    """Try points in an order that brings forward those that were near the rows before: neighbours are alike."""
    n_points, width = points.shape
    order = np.arange(n_points)
    least, greatest = most * (1 - MARGIN), most * (1 + MARGIN)
    for row in range(len(rows)):
        one, state = rows[row], OUTSIDE
        for place in range(n_points):
            point = points[order[place]]
            total = 0.0
            for start in range(0, width, AT_ONCE):
                part = 0.0
                for k in range(start, start + AT_ONCE):
                    part += (one[k] - point[k]) * (one[k] - point[k])
                total += part
                if total > greatest:
                    break
            if total <= least:
                state = INSIDE
                order[place], order[place // 2] = order[place // 2], order[place]
                break
            if total <= greatest:
                state = UNDECIDED
        found[row] = state
