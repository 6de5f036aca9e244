"""Cells that decisions of the authority released as a whole, and what puts them back on the map."""

import numpy as np
import shapely
from numpy.typing import NDArray

from features.base import Flags
from training.evidence.record_cells import RecordCells

# A cell counts as released only when practically all of it was: what is left over would drop off the plan.
RELEASED_SHARE = 0.99


def released_cells(entries: RecordCells, n_cells: int, area_m2: float, counted: Flags) -> Flags:
    """Cells (n_cells,) that the finished releases among the `counted` records cover wholly.

    A find, an accident, a survey that found something or a hazard area opens the cell again unless it is dated no
    later than the earliest release that touches the cell, or than one that covers it alone: the decision stands in the
    records, but land where somebody was hurt goes back on the map. Undated evidence counts as later, except hazard
    areas that are closed. `area_m2` is that of a cell.
    """
    released = np.zeros(n_cells, dtype=bool)
    finished = entries.records["finished"].to_numpy() & counted & ~entries.point
    pairs = np.flatnonzero(finished[entries.record])
    if not len(pairs):
        return released
    whole = pairs[entries.share[pairs] >= RELEASED_SHARE]
    released[entries.place[whole]] = True
    released[_together(entries, finished, area_m2)] = True
    # NaT is the smallest integer: an undated release is never later than what was found.
    ends = entries.records["ends"].to_numpy().astype(np.int64)
    earliest = np.full(n_cells, np.iinfo(np.int64).max)
    np.minimum.at(earliest, entries.place[pairs], ends[entries.record[pairs]])
    # What is found while a cell is cleared as a whole is no reason to go there again, whatever was released before.
    decided = np.full(n_cells, np.iinfo(np.int64).min)
    np.maximum.at(decided, entries.place[whole], ends[entries.record[whole]])
    seen = entries.records["seen"].to_numpy()
    opening = (entries.records["reopens"].to_numpy() & counted)[entries.record]
    cells, dates = entries.place[opening], seen[entries.record[opening]]
    before = ~np.isnat(dates) & (dates.astype(np.int64) <= np.maximum(earliest, decided)[cells])
    released[cells[~before]] = False
    return released


def _together(entries: RecordCells, finished: Flags, area_m2: float) -> NDArray[np.int32]:
    """Cells that several releases cover together, none of them alone; overlapping land counts once."""
    mine = finished[entries.record[entries.part]]
    part, shapes = entries.part[mine], entries.shapes[mine]
    cells, owner = np.unique(entries.place[part], return_inverse=True)
    if not len(cells):
        return cells
    enough = np.bincount(owner, weights=entries.share[part], minlength=len(cells)) >= RELEASED_SHARE - 1e-9
    owner, shapes = (np.cumsum(enough) - 1)[owner[enough[owner]]], shapes[enough[owner]]
    # Pairs lie by cell: the pieces of one cell stand side by side.
    column = np.arange(len(owner)) - np.searchsorted(owner, owner)
    table = np.full((int(enough.sum()), int(column.max(initial=0)) + 1), None, dtype=object)
    table[owner, column] = shapes
    covered = shapely.area(shapely.union_all(table, axis=1)) / area_m2
    return np.asarray(cells[enough][covered >= RELEASED_SHARE])
