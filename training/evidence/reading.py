"""What the records say with all that is known at a date."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from features.base import Flags, Floats, day_after
from training.evidence.record_cells import RecordCells
from training.evidence.record_kinds import KIND_NAMES, NO_KIND

# A polygon in which devices were counted but not located: some of its cells are positive, none is known to be.
MOST_UNLOCATED = 0.5

CLEARED_WITH_DEVICES = KIND_NAMES.index("cleared_with_devices")


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """The records as they read at a date, arrays (n_records,).

    `known` at the end of that day; `kind` is a place in KIND_NAMES (NO_KIND where a record says nothing, such as a
    hazard area that is known to be withdrawn), `factor` what the share of its cells is multiplied by, `unlocated` the
    devices of a release that no known find accounts for. `open` marks hazard areas and surveys on which no end of work
    is known; `reopens` records that put released land back on the map.
    """

    known: Flags
    kind: NDArray[np.int8]
    factor: Floats
    unlocated: Floats
    open: Flags
    reopens: Flags


def known_by(entries: RecordCells, as_of: date) -> Flags:
    """Which records are known at the end of the day `as_of`; those without any date always are."""
    return _by(entries.records["known_from"].to_numpy(), as_of)


def read_at(entries: RecordCells, as_of: date) -> Reading:
    """The records as they read with all that is known at `as_of`: a status, a find, counts as soon as it is known."""
    records, known = entries.records, known_by(entries, as_of)
    changed = _by(records["status_from"].to_numpy(), as_of)
    withdrawn, closed = records["withdrawn"].to_numpy() & changed, records["closed"].to_numpy() & changed
    kind = np.where(withdrawn, NO_KIND, records["kind"].to_numpy()).astype(np.int8)
    undated = np.isnat(records["seen"].to_numpy())
    reopens = records["reopens"].to_numpy() & ~withdrawn & ~(closed & undated)
    kind, factor, unlocated = _with_devices(entries, known, kind)
    return Reading(known=known, kind=kind, factor=factor, unlocated=unlocated, open=~closed, reopens=reopens)


def _by(dates: NDArray[np.datetime64], as_of: date) -> Flags:
    return np.asarray(np.isnat(dates) | (dates < day_after(as_of)))


def _with_devices(
    entries: RecordCells, known: Flags, kind: NDArray[np.int8]
) -> tuple[NDArray[np.int8], Floats, Floats]:
    """Kind of each record, what its share is multiplied by, and its devices that no known find accounts for."""
    finished = entries.records["finished"].to_numpy()
    located = np.zeros(len(known))
    mine = known[entries.event_row] & finished[entries.area_row] & entries.is_find[entries.event_row]
    quantity = np.fmax(entries.records["devices"].to_numpy()[entries.event_row[mine]], 1.0)
    np.add.at(located, entries.area_row[mine], quantity)
    unlocated = np.where(finished, np.maximum(entries.records["devices"].to_numpy() - located, 0.0), 0.0)
    kind = np.where(unlocated > 0, CLEARED_WITH_DEVICES, kind).astype(np.int8)
    # Devices that were counted in a polygon make the share of its cells positive that they can fill.
    expected = unlocated / np.maximum(entries.records["covered"].to_numpy(), 1.0)
    spread = np.minimum(MOST_UNLOCATED, expected)
    return kind, np.where(kind == CLEARED_WITH_DEVICES, spread, entries.records["quality"].to_numpy()), unlocated
