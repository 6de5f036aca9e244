"""Cleared polygons with counted devices: how many of their cells held some, beyond those with a located find."""

from dataclasses import dataclass

import numpy as np

from features.base import Flags, Floats, Integers
from training.evidence.record_cells import RecordCells

# Prior of the cells for each further device, and the number of devices that it is worth: contaminated cells of 250 to
# 1,000 m usually hold several devices.
PRIOR_CELLS_A_DEVICE, PRIOR_DEVICES = 0.2, 10.0
# Teams locate a find in nearly every place: devices beyond the located ones lie mostly in the same cells. Of the
# further cells that the counts alone would give, this share is still expected.
ELSEWHERE = 0.1


@dataclass(frozen=True, eq=False)
class Bags:
    """Expected contaminated cells of each record beyond those with a located find, (n_records,), 0 where it is no bag.

    `probability` spreads that over the pairs (n_pairs,) of the record by share of the cell. `located` counts the cells
    with a find in each record. `cells_a_device` is estimated from polygons with located finds.
    """

    expected: Floats
    probability: Floats
    located: Floats
    cells_a_device: float


def bags_at(entries: RecordCells, known: Flags) -> Bags:
    """The bags among the finished releases that are `known`.

    A polygon with D devices is expected to hold them in 1 + c (D - 1) cells: c is the mean of the polygons with
    located finds, sum(cells - 1) / sum(D - 1), shrunk to PRIOR_CELLS_A_DEVICE by PRIOR_DEVICES (empirical Bayes with a
    conjugate gamma). No polygon holds more such cells than it covers.
    """
    records = entries.records
    size, finished = len(records), records["finished"].to_numpy() & known
    mine = known[entries.event_row] & entries.is_find[entries.event_row] & finished[entries.area_row]
    # A find outside the area has no cell.
    place = np.full(size, -1, dtype=np.int64)
    place[entries.record[::-1]] = entries.place[::-1]
    held = np.column_stack([entries.area_row[mine], place[entries.event_row[mine]]])
    held = np.unique(held[held[:, 1] >= 0], axis=0)
    located = np.bincount(held[:, 0], minlength=size).astype(np.float64)
    devices = np.where(finished, np.nan_to_num(records["devices"].to_numpy()), 0.0)
    teaching = (located > 0) & (devices >= 1)
    counted = np.maximum(devices, located)[teaching]
    cells = float((located[teaching] - 1).sum()) + PRIOR_CELLS_A_DEVICE * PRIOR_DEVICES
    rate = min(cells / (float((counted - 1).sum()) + PRIOR_DEVICES), 1.0)
    covered = np.maximum(records["covered"].to_numpy(), 1.0)
    whole = np.where(devices > 0, np.minimum(1 + rate * np.maximum(devices - 1, 0.0), covered), 0.0)
    expected = np.where(located > 0, ELSEWHERE * np.maximum(whole - located, 0.0), whole)
    probability = _spread(entries, expected, held)
    return Bags(expected, probability, located, rate)


def _spread(entries: RecordCells, expected: Floats, taken: Integers) -> Floats:
    """The expectation of each record on its pairs, by share; `taken` (n, 2) are records and places with a find."""
    pairs = np.flatnonzero(expected[entries.record] > 0)
    record, stride = entries.record[pairs].astype(np.int64), int(entries.place.max(initial=0)) + 1
    free = ~np.isin(record * stride + entries.place[pairs], taken[:, 0] * stride + taken[:, 1])
    share = np.where(free, entries.share[pairs], 0.0)
    total = np.bincount(record, weights=share, minlength=len(expected))[record]
    probability = np.zeros(len(entries.record))
    spread = np.divide(expected[record] * share, total, out=np.zeros(len(pairs)), where=total > 0)
    probability[pairs] = np.minimum(spread, 1.0)
    return probability
