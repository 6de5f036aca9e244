"""Status of each cell, and the work that follows from it: survey of new land, or a later step of land release."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from features.base import Flags, Floats, new_array
from training.evidence.layers import LEAST_SHARE
from training.evidence.pieces import Pieces, covered_together
from training.evidence.reading import Reading
from training.evidence.record_cells import RecordCells
from training.evidence.record_kinds import DECLARED, KIND_NAMES
from training.evidence.states import MOST_OF_CELL, SEARCHED
from training.evidence.work import STATUS_NAMES, WORK_OF

SHA, CHA, SURVEY_FOUND, FIND, ACCIDENT = map(KIND_NAMES.index, ("SHA", "CHA", "survey_found", "find", "accident"))


class Status(IntEnum):
    """Status of a cell at a date, from dated records alone; a higher status overrides a lower one.

    UNKNOWN: nobody looked, or at less than half of the cell. DECLARED: searched only because the config says so.
    SEARCHED: at least half of it searched, and not released as a whole; any find in it lies in land released since.
    EVIDENCE_OPEN: a find or an accident that no area on record and no release covers. SUSPECTED: an open suspected area
    covers at least half. ON_RECORD: an open confirmed area, or a survey with finds, covers at least half. RELEASED:
    released as a whole by the authority, with no later evidence.
    """

    UNKNOWN = 0
    EVIDENCE_OPEN = 1
    DECLARED = 2
    SEARCHED = 3
    SUSPECTED = 4
    ON_RECORD = 5
    RELEASED = 6


def work_of(status: NDArray[np.int8]) -> NDArray[np.object_]:
    """The work that follows from each status.

    >>> work_of(np.array([Status.UNKNOWN, Status.SUSPECTED, Status.RELEASED], dtype=np.int8)).tolist()
    ['non_technical_survey', 'technical_survey', 'none']
    """
    return np.array([WORK_OF[name] for name in STATUS_NAMES], dtype=object)[status]


def in_open_area(status: NDArray[np.int8]) -> Flags:
    """Whether an open area on record, suspected or confirmed, covers most of each cell, (n,).

    >>> in_open_area(np.array([Status.UNKNOWN, Status.SUSPECTED, Status.ON_RECORD], dtype=np.int8)).tolist()
    [False, True, True]
    """
    return np.asarray((status == Status.SUSPECTED) | (status == Status.ON_RECORD))


def cell_status(
    entries: RecordCells,
    counted: Flags,
    read: Reading,
    laid: tuple[NDArray[np.int8], Floats, NDArray[np.int8]],
    released: Flags,
    area_m2: float,
) -> NDArray[np.int8]:
    """Status of every cell (n_cells,), by its value in `Status`, from the `counted` records as they are read at a date.

    `laid` are state, share and kind of the cells, `area_m2` is the area of a cell.
    """
    state, share, kind = laid
    status = new_array(len(state), np.int8, Status.UNKNOWN)
    looked = (state == SEARCHED) & (share >= MOST_OF_CELL)
    declared = kind == KIND_NAMES.index(DECLARED)
    confirmed = counted & read.open & np.isin(read.kind, (CHA, SURVEY_FOUND))
    hazards = confirmed | (counted & read.open & (read.kind == SHA))
    settled = settled_areas(entries, counted, read)
    evidence, handled = _events(entries, counted & np.isin(read.kind, (FIND, ACCIDENT)), settled, len(state))
    status[looked & declared] = Status.DECLARED
    # A find in land that was released since does not invalidate the search of the cell.
    status[(looked & ~declared) | (handled & ~evidence & _mostly_released(entries, counted, len(state)))] = (
        Status.SEARCHED
    )
    status[evidence] = Status.EVIDENCE_OPEN
    for value, mine in ((Status.SUSPECTED, hazards), (Status.ON_RECORD, confirmed)):
        status[_mostly_covered(entries, mine, entries.hazard_pieces, area_m2, len(state))] = value
    status[released] = Status.RELEASED
    return status


def settled_areas(entries: RecordCells, counted: Flags, read: Reading) -> Flags:
    """Records (n_records,) of areas on which a later step of land release follows, the open ones, or was completed."""
    on_record = read.open & np.isin(read.kind, (CHA, SURVEY_FOUND, SHA))
    return np.asarray(counted & (on_record | entries.records["finished"].to_numpy()))


def share_settled(entries: RecordCells, settled: Flags, n_cells: int) -> Floats:
    """The part of each cell (n_cells,) that the `settled` areas cover, as if none overlapped.

    Each piece of land is released once, and leaves the areas on record when it is.
    """
    mine = settled[entries.record] & ~entries.point[entries.record]
    cells, owner = np.unique(entries.place[mine], return_inverse=True)
    share = new_array(n_cells, np.float64)
    share[cells] = np.minimum(np.bincount(owner, weights=entries.share[mine], minlength=len(cells)), 1.0)
    return share


def _mostly_covered(entries: RecordCells, mine: Flags, pieces: Pieces, area_m2: float, n_cells: int) -> Flags:
    """Cells of which the records `mine` cover at least half, one alone or together."""
    covered = np.zeros(n_cells, dtype=bool)
    quality = entries.records["quality"].to_numpy()[entries.record]
    covered[entries.place[mine[entries.record] & (entries.share * quality >= MOST_OF_CELL)]] = True
    covered[covered_together(pieces, mine, entries.pairs, area_m2)] = True
    return covered


def _mostly_released(entries: RecordCells, counted: Flags, n_cells: int) -> Flags:
    """Cells of which one finished release covers at least half."""
    mine = (counted & entries.records["finished"].to_numpy())[entries.record] & (entries.share >= MOST_OF_CELL)
    covered = np.zeros(n_cells, dtype=bool)
    covered[entries.place[mine]] = True
    return covered


def _events(entries: RecordCells, events: Flags, settled: Flags, n_cells: int) -> tuple[Flags, Flags]:
    """Cells with an event that no `settled` area covers, and cells with one that an area covers.

    A release covers events no later than its end. Where the event or the release has no date, the event counts as
    covered: the cell goes back on the map (see `released_cells`), but not to its top.
    """
    event, area = entries.event_row, entries.area_row
    ends = entries.records["ends"].to_numpy()[area]
    seen = entries.records["seen"].to_numpy()[event]
    release = entries.records["finished"].to_numpy()[area]
    # A comparison with NaT is False.
    since = release & (seen > ends)
    covered = np.zeros(len(events), dtype=bool)
    covered[event[settled[area] & ~since]] = True
    sure = entries.records["quality"].to_numpy() >= LEAST_SHARE
    marks = []
    for mine in (events & ~covered & sure, events & covered & sure):
        cells = np.zeros(n_cells, dtype=bool)
        cells[entries.place[mine[entries.record]]] = True
        marks.append(cells)
    return marks[0], marks[1]
