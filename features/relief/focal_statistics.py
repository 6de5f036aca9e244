"""Statistics of square windows around every cell: mean, spread, range and rank, at a cost that hardly grows with size.

Heights are (rows, columns), NaN where there is none. A window is cut at the edge of the array and takes its valid
cells alone; the value is NaN only where the centre is. `margin` rows and columns on each side are left out.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.base import Floats, Floats32, Integers

Heights = Floats32 | Floats
Centimetres = NDArray[np.int32]

# The percentile compares a cell with at most this many others along a side, evenly spread over its window.
PERCENTILE_SIDE = 15
# Marks a missing height among whole centimetres.
NO_HEIGHT = np.int32(-(2**31))


def window_mean_std(height: Heights, half: int, margin: int = 0) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the valid cells within `half` cells to each side.

    Heights are summed as whole centimetres: integer sums are exact in any order, so a value does not depend on where
    the running sums began.

    >>> mean, std = window_mean_std(np.array([[1.0, 2.0, 3.0]]), 1)
    >>> mean.tolist(), std[0, 0].tolist()
    ([[1.5, 2.0, 2.5]], 0.5)
    """
    return moments(to_centimetres(height), half, margin)


def to_centimetres(height: Heights) -> Centimetres:
    """Heights as whole centimetres, NO_HEIGHT where there is none."""
    return np.asarray(_to_centimetres(height))


def moments(centimetres: Centimetres, half: int, margin: int = 0, *, gaps: bool = False) -> tuple[Floats, Floats]:
    """`window_mean_std` of heights that `to_centimetres` has converted already.

    With `gaps` cells without a height get the values of their window too.
    """
    rows, columns = centimetres.shape
    mean, std = np.empty((2, rows - 2 * margin, columns - 2 * margin))
    _moments(centimetres, half, margin, gaps, mean, std)
    return mean, std


def window_range(height: Heights, half: int, margin: int = 0) -> Heights:
    """Greatest minus least height of the valid cells within `half` cells to each side.

    Down the columns the maximum of a window is that of a suffix and a prefix of blocks as long as it (van Herk 1992,
    Gil & Werman 1993); along the rows windows double until two of them cover it.

    >>> window_range(np.array([[5.0, 1.0, 2.0, 2.0]]), 1).tolist()
    [[4.0, 4.0, 1.0, 0.0]]
    """
    out = np.empty(_inner(height, margin).shape, dtype=height.dtype)
    _range(height, half, margin, out)
    return out


def window_percentile(height: Heights, half: int, margin: int) -> Floats32:
    """Share of valid cells within `half` cells that lie lower than the centre, ties counted by half, in 0..1.

    The window is sampled on an even lattice; `margin` is at least `half`. A cell without neighbours has 0.5.
    """
    stride = max(1, -(-2 * half // (PERCENTILE_SIDE - 1)))
    steps = np.arange(-(half // stride), half // stride + 1) * stride
    out = np.empty(_inner(height, margin).shape, dtype=np.float32)
    _percentile(height, steps, margin, bool(np.isnan(height).any()), out)
    return out


def _inner(array: NDArray[np.generic], margin: int) -> NDArray[np.generic]:
    return array[margin : array.shape[0] - margin, margin : array.shape[1] - margin]


@njit(cache=True, nogil=True)
def _to_centimetres(height: Heights) -> Centimetres:
    out = np.empty(height.shape, dtype=np.int32)
    for i in range(height.shape[0]):
        for j in range(height.shape[1]):
            value = np.float64(height[i, j])
            out[i, j] = np.int32(np.rint(value * 100.0)) if np.isfinite(value) else NO_HEIGHT
    return out


@njit(cache=True, nogil=True)
def _add_row(row: Centimetres, sign: int, count: Integers, total: Integers, squares: Integers) -> None:
    for j in range(row.size):
        known = row[j] != NO_HEIGHT
        value = np.int64(row[j]) if known else np.int64(0)
        count[j] += sign if known else 0
        total[j] += sign * value
        squares[j] += sign * value * value


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(centimetres: Centimetres, half: int, margin: int, gaps: bool, mean: Floats, std: Floats) -> None:
    rows, columns = centimetres.shape
    count, total, squares = np.zeros(columns, np.int64), np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    for i in range(max(margin - half - 1, 0), min(margin + half, rows)):
        _add_row(centimetres[i], 1, count, total, squares)
    for i in range(mean.shape[0]):
        centre = margin + i
        if centre + half < rows:
            _add_row(centimetres[centre + half], 1, count, total, squares)
        if centre - half - 1 >= 0:
            _add_row(centimetres[centre - half - 1], -1, count, total, squares)
        _along_row(centimetres[centre], half, margin, gaps, count, total, squares, mean[i], std[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _along_row(
    row: Centimetres,
    half: int,
    margin: int,
    gaps: bool,
    count: Integers,
    total: Integers,
    squares: Integers,
    mean: Floats,
    std: Floats,
) -> None:
    columns, n, s, q = row.size, np.int64(0), np.int64(0), np.int64(0)
    for j in range(max(margin - half - 1, 0), min(margin + half, columns)):
        n, s, q = n + count[j], s + total[j], q + squares[j]
    for j in range(mean.size):
        into, out = margin + j + half, margin + j - half - 1
        if into < columns:
            n, s, q = n + count[into], s + total[into], q + squares[into]
        if out >= 0:
            n, s, q = n - count[out], s - total[out], q - squares[out]
        if n == 0 or (row[margin + j] == NO_HEIGHT and not gaps):
            mean[j] = std[j] = np.nan
            continue
        # Deviations from a whole number near the mean keep the squares exact; int64 wraps around, and back again.
        pivot = np.int64(np.float64(s) / np.float64(n))
        rest = np.float64(s - pivot * n) / np.float64(n)
        spread = np.float64(q - 2 * pivot * s + n * pivot * pivot) / np.float64(n) - rest * rest
        mean[j] = (np.float64(pivot) + rest) / 100.0
        std[j] = np.sqrt(max(spread, 0.0)) / 100.0


@njit(cache=True, nogil=True)
def _range(height: Heights, half: int, margin: int, out: Heights) -> None:
    rows, columns = height.shape
    side = 2 * half + 1
    # The greatest heights and the greatest depths (heights with the sign turned), which make the range together.
    suffix = np.empty((2, side, columns), dtype=height.dtype)
    prefix = np.empty((2, columns), dtype=height.dtype)
    padded = np.empty(columns + 2 * half, dtype=height.dtype)
    both = np.empty((2, out.shape[1]), dtype=height.dtype)
    for i in range(out.shape[0]):
        first, offset = margin + i - half, i % side
        if offset == 0:
            prefix[:] = -np.inf
            _fill_suffix(height, first, suffix)
        elif 0 <= first + side - 1 < rows:
            _raise(prefix[0], height[first + side - 1], 1)
            _raise(prefix[1], height[first + side - 1], -1)
        for k in range(2):
            padded[:] = -np.inf
            padded[half : half + columns] = suffix[k, offset]
            _raise(padded[half : half + columns], prefix[k], 1)
            _row_max(padded, side, margin, both[k])
        for j in range(out.shape[1]):
            known = not np.isnan(height[margin + i, margin + j])
            out[i, j] = both[0, j] + both[1, j] if known else np.nan


@njit(cache=True, nogil=True)
def _fill_suffix(height: Heights, first: int, suffix: Heights) -> None:
    """Maxima from each row of the block that begins at row `first` to its end; rows beyond the array are ignored."""
    suffix[:, suffix.shape[1] - 1] = -np.inf
    for k in range(suffix.shape[1] - 1, -1, -1):
        if k < suffix.shape[1] - 1:
            suffix[:, k] = suffix[:, k + 1]
        if 0 <= first + k < height.shape[0]:
            _raise(suffix[0, k], height[first + k], 1)
            _raise(suffix[1, k], height[first + k], -1)


@njit(cache=True, nogil=True)
def _raise(one: Heights, other: Heights, sign: int) -> None:
    """Replace values by the greater of them and `sign` times the other, in place; NaN in the other is ignored."""
    factor = one.dtype.type(sign)
    for j in range(one.size):
        value = factor * other[j]
        one[j] = value if value > one[j] else one[j]  # noqa: FURB136  # max() may keep NaN


@njit(cache=True, nogil=True)
def _row_max(padded: Heights, side: int, margin: int, out: Heights) -> None:
    """Maxima of `side` values along a row, which is overwritten: windows double until two of them cover one."""
    reach = 1
    while 2 * reach <= side:
        size = padded.size - reach
        _raise(padded[:size], padded[reach:], 1)
        reach *= 2
    last = side - reach
    for j in range(out.size):
        out[j] = max(padded[margin + j], padded[margin + j + last])


@njit(cache=True, nogil=True, error_model="numpy")
def _percentile(height: Heights, steps: Integers, margin: int, holed: bool, out: Floats32) -> None:
    columns = out.shape[1]
    score, count = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for i in range(out.shape[0]):
        centre = height[margin + i, margin : margin + columns]
        score[:] = 0
        count[:] = steps.size**2 - 1
        for down in steps:
            for right in steps:
                other = height[margin + i + down, margin + right : margin + right + columns]
                if down != 0 or right != 0:
                    _compare(centre, other, score)
                    if holed:
                        _discount(other, count)
        for j in range(columns):
            share = np.float32(0.5) * np.float32(score[j]) / np.float32(count[j]) if count[j] else np.float32(0.5)
            out[i, j] = np.nan if np.isnan(centre[j]) else share


@njit(cache=True, nogil=True)
def _compare(centre: Heights, other: Heights, score: NDArray[np.int32]) -> None:
    for j in range(score.size):
        score[j] += np.int32(other[j] < centre[j]) + np.int32(other[j] <= centre[j])


@njit(cache=True, nogil=True)
def _discount(other: Heights, count: NDArray[np.int32]) -> None:
    for j in range(count.size):
        count[j] -= np.int32(np.isnan(other[j]))
