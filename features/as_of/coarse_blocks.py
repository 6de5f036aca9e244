"""Blocks of coarse cells, anchored to the CRS origin, for features that spread over a country: water and travel.

A block is computed with a margin of fixed width on every side, so that a value depends on the place alone and not on
the tile or the area of interest. Neighbouring blocks may differ along their common border because neither reads beyond
its margin.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import hypot

import numpy as np
import pyproj
from numba import njit
from numpy.typing import NDArray

from features.as_of.snapshot import Snapshot
from features.base import Floats, Floats32, Grid

# Fine enough for valleys and field tracks, coarse enough that a country takes seconds.
COARSE_M = 100.0
# Sources keep records within 50 km of the area: the far corner of the margin, sqrt(2) * (side + margin) = 44.5 km from
# the opposite corner of the block, must lie within.
SIDE_M = 20_000.0
MARGIN_M = 11_500.0


@dataclass(frozen=True)
class Block:
    """The block with index (`column`, `row`) from the CRS origin, over cells of `cell_size_m`."""

    crs: pyproj.CRS
    cell_size_m: float
    column: int
    row: int

    @property
    def factor(self) -> int:
        """Cells along the side of a coarse cell."""
        return coarse_factor(self.cell_size_m)

    @property
    def coarse_m(self) -> float:
        """Side of a coarse cell in metres."""
        return self.cell_size_m * self.factor

    @property
    def side(self) -> int:
        """Coarse cells along the side of the block."""
        return max(1, int(SIDE_M // self.coarse_m))

    @property
    def margin(self) -> int:
        """Coarse cells of the margin on each side."""
        return max(1, int(MARGIN_M // self.coarse_m))

    @property
    def grid(self) -> Grid:
        """The coarse cells of block and margin."""
        cells = self.side + 2 * self.margin
        column, row = self.column * self.side - self.margin, self.row * self.side - self.margin
        return Grid(
            crs=self.crs,
            cell_size_m=self.coarse_m,
            column_min=column,
            row_min=row,
            mask=np.ones((cells, cells), dtype=bool),
        )

    def kept(self, field: NDArray[np.generic]) -> Floats32:
        """The block of an array on `grid`, with one ring of the margin: (side + 2, side + 2)."""
        cut = slice(self.margin - 1, self.margin + self.side + 1)
        return np.ascontiguousarray(field[cut, cut], dtype=np.float32)


def coarse_factor(cell_size_m: float) -> int:
    """Cells along the side of a coarse cell, which is at least 100 m wide.

    >>> coarse_factor(30.0), coarse_factor(500.0)
    (4, 1)
    """
    return max(1, int(np.ceil(COARSE_M / cell_size_m)))


def blocks_of(tile: Grid) -> Iterator[Block]:
    """The blocks that the rectangle of the tile touches, south to north and west to east."""
    cells = Block(tile.crs, tile.cell_size_m, 0, 0).side * coarse_factor(tile.cell_size_m)
    rows, columns = tile.shape
    for row in range(tile.row_min // cells, (tile.row_min + rows - 1) // cells + 1):
        for column in range(tile.column_min // cells, (tile.column_min + columns - 1) // cells + 1):
            yield Block(tile.crs, tile.cell_size_m, column, row)


def assemble(
    tile: Grid, snapshot: Snapshot, make: Callable[[Snapshot, Block], dict[str, Floats32]], smooth: frozenset[str]
) -> dict[str, Floats32]:
    """The fields that `make` gives for a block (`Block.kept` arrays), brought onto the cells of the tile.

    Names in `smooth` are interpolated bilinearly between the centres of coarse cells, at the border of a block with
    the block's own ring; others take the value of their coarse cell. A cell is NaN only where its coarse cell is.
    """
    out: dict[str, Floats32] = {}
    # Neighbouring tiles that are computed at the same time begin with different blocks, so that they do not wait for
    # each other.
    for block in sorted(blocks_of(tile), key=lambda block: _apart_m(block, tile)):
        cells = block.side * block.factor
        left = block.column * cells - tile.column_min
        top = tile.row_min + tile.shape[0] - (block.row + 1) * cells
        for name, field in snapshot.cached_block(make, block).items():
            if name not in out:
                out[name] = np.full(tile.shape, np.nan, dtype=np.float32)
            _paste(out[name], field, block.factor, top, left, name in smooth)
    return out


def _apart_m(block: Block, tile: Grid) -> float:
    """Distance from the middle of the block to the middle of the tile."""
    west, south, east, north = tile.bounds
    side_m = block.side * block.coarse_m
    return hypot((block.column + 0.5) * side_m - (west + east) / 2, (block.row + 0.5) * side_m - (south + north) / 2)


def block_heights(snapshot: Snapshot, block: Block) -> Floats:
    """Elevation of the coarse cells of block and margin, NaN where the DEM has none."""
    return np.asarray(snapshot.sources.rasters["dem"].read(block.grid), dtype=np.float64)


@njit(cache=True, nogil=True, error_model="numpy")
def _paste(out: Floats32, field: Floats32, factor: int, top: int, left: int, smooth: bool) -> None:
    """Fill the part of `out` under a block whose first cell lies at array row `top` and column `left`."""
    cells = (field.shape[0] - 2) * factor
    for row in range(max(top, 0), min(top + cells, out.shape[0])):
        for column in range(max(left, 0), min(left + cells, out.shape[1])):
            down, across = row - top, column - left
            own = field[down // factor + 1, across // factor + 1]
            if not smooth or factor == 1 or np.isnan(own):
                out[row, column] = own
                continue
            # Coordinates in half cells make the weights exact integers.
            v, u = 2 * down + 1 + factor, 2 * across + 1 + factor
            i, j = v // (2 * factor), u // (2 * factor)
            below, right = v - 2 * factor * i, u - 2 * factor * j
            total, weights = 0.0, 0
            for di in range(2):
                for dj in range(2):
                    weight = (below if di else 2 * factor - below) * (right if dj else 2 * factor - right)
                    value = field[i + di, j + dj] if weight else own
                    if weight and not np.isnan(value):
                        total += weight * value
                        weights += weight
            out[row, column] = total / weights
