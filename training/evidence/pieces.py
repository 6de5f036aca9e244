"""Pieces of polygons in cells that only several of them cover together."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, Integers

Shapes = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Parts of polygons in cells that no polygon covers sufficiently by itself.

    `pair` numbers the (cell, record) pairs, by cell, and `shape` has the part of the record in the cell. `enough` is
    the share of a cell from which it counts as covered.
    """

    pair: Integers
    shape: Shapes
    enough: float


def cut_pieces(
    grid: Grid,
    shapes: Shapes,
    mine: Flags,
    pairs: tuple[NDArray[np.int32], NDArray[np.int32], Floats],
    enough: float,
) -> Pieces:
    """Pieces of the records `mine` in cells that they could cover together but that none covers alone.

    `shapes` has the geometry of each record; `pairs` are place, record and share, by place.
    """
    place, record, share = pairs
    partly = np.flatnonzero(mine[record] & (share < enough))
    cells, owner = np.unique(place[partly], return_inverse=True)
    together = np.bincount(owner, weights=share[partly], minlength=len(cells)) >= enough - 1e-9
    pair = partly[together[owner]] if len(partly) else partly
    if not len(pair):
        return Pieces(pair, np.zeros(0, dtype=object), enough)
    flat = np.flatnonzero(grid.mask)[place[pair]]
    row, column = flat // grid.shape[1], flat % grid.shape[1]
    half = grid.cell_size_m / 2
    east, north = grid.eastings_m[column], grid.northings_m[row]
    squares = shapely.box(east - half, north - half, east + half, north + half)
    return Pieces(pair, np.asarray(shapely.intersection(shapes[record[pair]], squares), dtype=object), enough)


def covered_together(
    pieces: Pieces,
    mine: Flags,
    pairs: tuple[NDArray[np.int32], NDArray[np.int32], Floats],
    area_m2: float,
) -> NDArray[np.int32]:
    """Cells (area `area_m2`) that several of the records `mine` cover together; overlapping land counts once."""
    place, record, share = pairs
    chosen = mine[record[pieces.pair]]
    pair, shapes = pieces.pair[chosen], pieces.shape[chosen]
    cells, owner = np.unique(place[pair], return_inverse=True)
    if not len(cells):
        return cells
    enough = np.bincount(owner, weights=share[pair], minlength=len(cells)) >= pieces.enough - 1e-9
    owner, shapes = (np.cumsum(enough) - 1)[owner[enough[owner]]], shapes[enough[owner]]
    # Pairs are sorted by cell, so that the pieces of one cell are adjacent.
    column = np.arange(len(owner)) - np.searchsorted(owner, owner)
    table = np.full((int(enough.sum()), int(column.max(initial=0)) + 1), None, dtype=object)
    table[owner, column] = shapes
    covered = shapely.area(shapely.union_all(table, axis=1)) / area_m2
    return np.asarray(cells[enough][covered >= pieces.enough])
