"""Cells that the authority released as a whole, and the later evidence that puts them back on the map."""

import numpy as np

from features.base import Flags
from training.evidence.pieces import covered_together
from training.evidence.record_cells import RecordCells

# A cell counts as released only if practically all of it was: otherwise the rest would drop off the plan.
RELEASED_SHARE = 0.99


def released_cells(entries: RecordCells, n_cells: int, area_m2: float, counted: Flags, reopens: Flags) -> Flags:
    """Cells (n_cells,) that the finished releases among the `counted` records cover wholly.

    A find, an accident, a survey that found something or a hazard area reopens the cell unless it is dated no later
    than the earliest release that touches the cell, or than a release that covers the cell alone. The decision remains
    in the records, but land where somebody was hurt goes back on the map. Undated evidence counts as later, except
    hazard areas that are closed. `reopens` marks such evidence as it is read at the date; `area_m2` is the area of a
    cell.
    """
    released = np.zeros(n_cells, dtype=bool)
    finished = entries.records["finished"].to_numpy() & counted & ~entries.point
    pairs = np.flatnonzero(finished[entries.record])
    if not len(pairs):
        return released
    whole = pairs[entries.share[pairs] >= RELEASED_SHARE]
    released[entries.place[whole]] = True
    released[covered_together(entries.release_pieces, finished, entries.pairs, area_m2)] = True
    # NaT is the smallest integer, so that an undated release is never later than a find.
    ends = entries.records["ends"].to_numpy().astype(np.int64)
    touched, owner = np.unique(entries.place[pairs], return_inverse=True)
    earliest = np.full(len(touched) + 1, np.iinfo(np.int64).max)
    np.minimum.at(earliest, owner, ends[entries.record[pairs]])
    # A find made while a whole cell is cleared is no reason to survey it again, whatever was released before.
    decided = np.full(len(touched) + 1, np.iinfo(np.int64).min)
    np.maximum.at(decided, np.searchsorted(touched, entries.place[whole]), ends[entries.record[whole]])
    seen = entries.records["seen"].to_numpy()
    opening = (reopens & counted)[entries.record]
    cells, dates = entries.place[opening], seen[entries.record[opening]]
    # Cells that no release touches get the dates of another one: they are not released, whatever those are.
    until = np.maximum(earliest, decided)[np.searchsorted(touched, cells)]
    before = ~np.isnat(dates) & (dates.astype(np.int64) <= until)
    released[cells[~before]] = False
    return released
