"""The meaning of each record at a date, given all that is known by then."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from features.base import Flags, Floats, day_after
from training.evidence.bags import Bags, bags_at
from training.evidence.record_cells import RecordCells
from training.evidence.record_kinds import KIND_NAMES, NO_KIND

CLEARED_WITH_DEVICES = KIND_NAMES.index("cleared_with_devices")


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """The meaning of each record at a date, arrays (n_records,).

    `known` marks records that are known at the end of that day; `kind` is a place in KIND_NAMES (NO_KIND for a record
    that is no evidence, such as a hazard area known to be withdrawn), `bags` holds the cells expected from counted
    devices of releases, `unlocated` the number of devices that no known find accounts for. `open` marks hazard areas
    and surveys on which no end of work is known; `reopens` records that put released land back on the map.
    """

    known: Flags
    kind: NDArray[np.int8]
    bags: Bags
    unlocated: Floats
    open: Flags
    reopens: Flags


def known_by(entries: RecordCells, as_of: date) -> Flags:
    """Which records are known at the end of the day `as_of`; those without any date always are."""
    return _by(entries.records["known_from"].to_numpy(), as_of)


def read_at(entries: RecordCells, as_of: date) -> Reading:
    """The meaning of each record given all that is known at `as_of`: a status or a find counts once it is known."""
    records, known = entries.records, known_by(entries, as_of)
    changed = _by(records["status_from"].to_numpy(), as_of)
    withdrawn, closed = records["withdrawn"].to_numpy() & changed, records["closed"].to_numpy() & changed
    kind = np.where(withdrawn, NO_KIND, records["kind"].to_numpy()).astype(np.int8)
    undated = np.isnat(records["seen"].to_numpy())
    reopens = records["reopens"].to_numpy() & ~withdrawn & ~(closed & undated)
    bags = bags_at(entries, known)
    unlocated = _unlocated(entries, known)
    counted = records["finished"].to_numpy() & (records["devices"].to_numpy() > 0) & (bags.located == 0)
    return Reading(
        known=known,
        kind=np.where(counted, CLEARED_WITH_DEVICES, kind).astype(np.int8),
        bags=bags,
        unlocated=unlocated,
        open=~closed,
        reopens=reopens,
    )


def _by(dates: NDArray[np.datetime64], as_of: date) -> Flags:
    return np.asarray(np.isnat(dates) | (dates < day_after(as_of)))


def _unlocated(entries: RecordCells, known: Flags) -> Floats:
    """Devices of each release that no known find accounts for; a find that states no quantity accounts for one."""
    finished, devices = entries.records["finished"].to_numpy(), entries.records["devices"].to_numpy()
    located = np.zeros(len(known))
    mine = known[entries.event_row] & finished[entries.area_row] & entries.is_find[entries.event_row]
    np.add.at(located, entries.area_row[mine], np.fmax(devices[entries.event_row[mine]], 1.0))
    return np.where(finished, np.maximum(devices - located, 0.0), 0.0)
