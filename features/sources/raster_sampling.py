"""Values of a raster's pixels at the cells of a grid, which depend on the position of each cell alone."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from features.base import Flags, Floats, Floats32
from features.sources.raster_positions import Positions

Pixels = Floats32 | Floats


@dataclass(frozen=True)
class Picture:
    """Pixels of a window of a raster, NaN where it has no value, and the column and row of its first pixel."""

    values: Pixels
    left: int
    top: int

    def fill(self, out: Floats, positions: Positions, how: str) -> None:
        """Put values into the NaN cells of `out` (rows, columns); a cell without a value stays NaN.

        'nearest' takes the pixel that the cell centre lies in. 'bilinear' weighs the four around it, one without a
        value giving its weight to the others, where the nearest has a value. 'average', 'sum' and 'mode' take the
        pixels under the sample points of the cell: their mean, the sum of each pixel's value times the share of the
        pixel that lies in the cell, and the most frequent value, the smallest of equals.
        """
        KERNELS[how](self.values, self.left, self.top, positions, out)

    def at(self, column: Floats, row: Floats) -> Floats:
        """Values of the pixels that positions (n,) lie in, NaN outside the window."""
        return np.asarray(_at_places(self.values, self.left, self.top, column, row))


def clean(
    raw: np.ma.MaskedArray, scale: float, offset: float, valid: tuple[float, float], sentinels: tuple[float, ...]
) -> Pixels:
    """Scaled values, with NaN if masked, a sentinel, beyond 1e37 or, once scaled, out of range.

    float32 where that holds every value exactly: unscaled float32 and integers of at most 16 bits.
    """
    plain = scale == 1 and offset == 0
    narrow = plain and np.can_cast(raw.dtype, np.float32)
    out = np.empty(raw.shape, dtype=np.float32 if narrow else np.float64)
    mask = np.ma.getmaskarray(raw)
    _clean(np.ascontiguousarray(raw.data), mask, float(scale), float(offset), valid, sentinels, out)
    return out


@njit(cache=True, nogil=True)
def _clean(
    raw: Pixels,
    mask: Flags,
    scale: float,
    offset: float,
    valid: tuple[float, float],
    sentinels: tuple[float, ...],
    out: Pixels,
) -> None:
    for i in range(raw.shape[0]):
        for j in range(raw.shape[1]):
            value = np.float64(raw[i, j])
            known = not mask[i, j] and abs(value) <= 1e37
            for sentinel in sentinels:
                known = known and value != sentinel
            value = value * scale + offset
            out[i, j] = value if known and valid[0] <= value <= valid[1] else np.nan


@njit(cache=True, nogil=True)
def _pixel(values: Pixels, left: int, top: int, column: float, row: float) -> float:
    """The value at a position, NaN outside the window and where the position is NaN."""
    inside = left <= column < left + values.shape[1] and top <= row < top + values.shape[0]
    if not inside:
        return np.nan
    return np.float64(values[int(np.floor(row)) - top, int(np.floor(column)) - left])


@njit(cache=True, nogil=True)
def _line(k: Floats, up: float) -> tuple[float, float, float, float]:
    """Column and row at the western end of a square's cross-line, and their change to the eastern end."""
    west, east = k[0] * (1 - up) + k[2] * up, k[1] * (1 - up) + k[3] * up
    west_row, east_row = k[4] * (1 - up) + k[6] * up, k[5] * (1 - up) + k[7] * up
    return west, east - west, west_row, east_row - west_row


@njit(cache=True, nogil=True)
def _turned(column: float, low: float, turn: float) -> float:
    if turn > 0 and column < low:
        return column + turn
    if turn > 0 and column >= low + turn:
        return column - turn
    return column


@njit(cache=True, nogil=True)
def _at_places(values: Pixels, left: int, top: int, column: Floats, row: Floats) -> Floats:
    out = np.empty(column.size)
    for i in range(column.size):
        out[i] = _pixel(values, left, top, column[i], row[i])
    return out


@njit(cache=True, nogil=True)
def _nearest(values: Pixels, left: int, top: int, at: Positions, out: Floats) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            if np.isnan(out[i, j]):
                k = at.corners[at.square_row[i], at.square_column[j]]
                column, right, row, down = _line(k, at.up[i])
                column = _turned(column + right * at.across[j], at.low, at.turn)
                out[i, j] = _pixel(values, left, top, column, row + down * at.across[j])


@njit(cache=True, nogil=True, error_model="numpy")
def _bilinear(values: Pixels, left: int, top: int, at: Positions, out: Floats) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            if np.isnan(out[i, j]):
                k = at.corners[at.square_row[i], at.square_column[j]]
                column, right, row, down = _line(k, at.up[i])
                column = _turned(column + right * at.across[j], at.low, at.turn)
                out[i, j] = _between(values, left, top, column, row + down * at.across[j])


@njit(cache=True, nogil=True, error_model="numpy")
def _between(values: Pixels, left: int, top: int, column: float, row: float) -> float:
    if np.isnan(_pixel(values, left, top, column, row)):
        return np.nan
    west, north = int(np.floor(column - 0.5)), int(np.floor(row - 0.5))
    across, down = column - 0.5 - west, row - 0.5 - north
    total, weight = 0.0, 0.0
    for step_down in range(2):
        for step_across in range(2):
            x, y = west + step_across - left, north + step_down - top
            if 0 <= x < values.shape[1] and 0 <= y < values.shape[0] and not np.isnan(values[y, x]):
                share = (across if step_across else 1 - across) * (down if step_down else 1 - down)
                total += share * values[y, x]
                weight += share
    return total / weight


@njit(cache=True, nogil=True)
def _gather(values: Pixels, left: int, top: int, at: Positions, i: int, j: int, found: Floats) -> int:
    """Put the values under the sample points of cell (i, j) into `found`; returns their number."""
    n = 0
    for y in range(i * at.n_points, (i + 1) * at.n_points):
        x = j * at.n_points
        column, right, row, down = _line(at.corners[at.square_row[y], at.square_column[x]], at.up[y])
        for point in range(x, x + at.n_points):
            place = _turned(column + right * at.across[point], at.low, at.turn)
            value = _pixel(values, left, top, place, row + down * at.across[point])
            if not np.isnan(value):
                found[n] = value
                n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _average(values: Pixels, left: int, top: int, at: Positions, out: Floats) -> None:
    found = np.empty(at.n_points**2)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            n = _gather(values, left, top, at, i, j, found) if np.isnan(out[i, j]) else 0
            if n:
                out[i, j] = found[:n].sum() / n


@njit(cache=True, nogil=True, error_model="numpy")
def _sum(values: Pixels, left: int, top: int, at: Positions, out: Floats) -> None:
    found = np.empty(at.n_points**2)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            n = _gather(values, left, top, at, i, j, found) if np.isnan(out[i, j]) else 0
            if n:
                k = at.corners[at.square_row[i * at.n_points], at.square_column[j * at.n_points]]
                _, right, _, right_row = _line(k, 0.5)
                up, up_row = (k[2] + k[3] - k[0] - k[1]) / 2, (k[6] + k[7] - k[4] - k[5]) / 2
                cell_pixels = abs(right * up_row - right_row * up) * at.cell_share
                out[i, j] = found[:n].sum() * cell_pixels / at.n_points**2


@njit(cache=True, nogil=True)
def _mode(values: Pixels, left: int, top: int, at: Positions, out: Floats) -> None:
    found = np.empty(at.n_points**2)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            n = _gather(values, left, top, at, i, j, found) if np.isnan(out[i, j]) else 0
            if n:
                out[i, j] = most_frequent(found[:n])


@njit(cache=True, nogil=True)
def most_frequent(values: Floats) -> float:
    """The most frequent of the values (n,), n > 0, the smallest of equals; none is NaN.

    >>> most_frequent(np.array([3.0, 1.0, 3.0])), most_frequent(np.array([2.0, 1.0]))
    (3.0, 1.0)
    """
    if values.min() == values.max():
        return float(values[0])
    ordered = np.sort(values)
    best, longest, run = ordered[0], 0, 0
    for i in range(ordered.size):
        run = run + 1 if i and ordered[i] == ordered[i - 1] else 1
        if run > longest:
            best, longest = ordered[i], run
    return float(best)


KERNELS = {"nearest": _nearest, "bilinear": _bilinear, "average": _average, "sum": _sum, "mode": _mode}
