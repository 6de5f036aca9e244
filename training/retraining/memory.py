"""The gate's memory: all results since an anchor version, which small steps do not move, and a sequential test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from features.base import Flags, Floats, Integers
from models.contamination import ContaminationModel
from training.contamination import CellDataset
from training.evidence import FOUND, NO_REGION, UNKNOWN, Ledger
from training.retraining.contest import Arena, districts_of
from training.retraining.contradiction import log_reversal_factor
from training.settings import TrainConfig

SINCE_ANCHOR = "results since the anchor"
# Number of dates from which results may be reversed, evenly spaced by results; the evidence is averaged over them.
STARTS = 12
# A district with fewer cells is not tested.
FEWEST_CELLS = 8
# Dates whose evidence (log) differs by less than this are equal, and the earliest is taken: a person should rather
# inspect a row too many than one too few.
AS_GOOD = 3.0
# Log-odds by which honest results lie off those of the months before: less than districts differ.
SPREAD_IN_TIME = 0.75


@dataclass(frozen=True, eq=False, kw_only=True)
class Memory:
    """Results since the anchor on land that was unknown then, as an arena of the anchor's statements.

    `known_from` (n,) is the day on which the result of a cell became known. `since` is the anchor's date, or where the
    window begins if that is later; `number` is the anchor's. `stated` (n,) is what the champion of the round stated in
    which a result came first, None where no round is on file. `earlier` are the versions that ranked since the anchor,
    the oldest first: the day up to which each had learned, and what it states of every cell (n,).
    """

    arena: Arena
    known_from: NDArray[np.datetime64]
    since: date
    number: str
    stated: Floats | None = None
    earlier: tuple[tuple[date, Floats], ...] = ()

    def by_statement(self, start: date) -> list["Memory"]:
        """The memory by the statements of the anchor, of each round's champion, and of the champion before `start`.

        The anchor cannot learn what is wrong, and may know little of land that later models chose. The champions know
        more, until they have learned from wrong results: the last one before the day from which results may be reversed
        has learned none of them.
        """
        before = [stated for day, stated in self.earlier if day < start]
        by = [stated for stated in (self.stated, before[-1] if before else None) if stated is not None]
        return [self, *(replace(self, arena=replace(self.arena, stated_champion=stated)) for stated in by)]


@dataclass(frozen=True)
class ReversalEvidence:
    """Evidence that the results of a district, or of the country (""), fit the anchor's probabilities when reversed.

    `log_e` is the log of an e-value: if results are recorded correctly, the probability that it ever exceeds log(1 /
    a), in all rounds together, is at most a (Ville 1939). `start` is the day from which reversed results fit best.
    """

    district: str
    cells: int
    log_e: float
    start: date


def memory_of(
    config: TrainConfig,
    ledger: Ledger,
    then: CellDataset,
    anchor: ContaminationModel,
    number: str,
    since: date,
    rounds: Sequence[pd.DataFrame] = (),
    champions: Sequence[tuple[date, ContaminationModel]] = (),
) -> Memory | None:
    """Results known after `since` on land that was unknown at the anchor's date, `then`; None where there are none.

    `rounds` are the champions' statements in the contests since the anchor (`statements`), `champions` the versions
    that ranked since, with the days up to which they had learned; both the oldest first.
    """
    if since >= config.as_of:
        return None
    outcome = ledger.between(since, config.as_of)
    cell = np.flatnonzero(outcome.labelled & (then.evidence.state == UNKNOWN) & (then.regions != NO_REGION))
    if not len(cell):
        return None
    values = then.table.reindexed(anchor.ranker.features)[cell]
    score = anchor.ranker.raw(values, 1)
    stated = anchor.calibration(score)
    arena = Arena(
        name=SINCE_ANCHOR,
        cell=cell,
        champion=score,
        challenger=score,
        stated_champion=stated,
        stated_challenger=stated,
        positive=outcome.state[cell] == FOUND,
        area=outcome.share[cell],
        centres_m=then.grid.centres_m()[cell],
        block_m=config.contamination.block_m,
        cell_size_m=then.grid.cell_size_m,
        fold=np.zeros(len(cell), dtype=np.int64),
        district=then.regions[cell],
        origin=np.full(len(cell), "", dtype=object),
    )
    return Memory(
        arena=arena,
        known_from=_known_from(ledger, cell, config.as_of),
        since=since,
        number=number,
        stated=_stated(then.grid.cell_ids()[cell], stated, rounds),
        earlier=tuple((day, _statement(model, then, cell)) for day, model in champions),
    )


def _statement(model: ContaminationModel, then: CellDataset, cell: Integers) -> Floats:
    """What a version states of some cells, by their features at the anchor's date: later ones hold their results."""
    return model.calibration(model.ranker.raw(then.table.reindexed(model.ranker.features)[cell], 1))


def _stated(cell_id: Integers, anchor: Floats, rounds: Sequence[pd.DataFrame]) -> Floats | None:
    """What the champion of a cell's first round stated; the anchor's statement where no round had the cell."""
    if not any(len(one) for one in rounds):
        return None
    first = pd.concat(rounds).drop_duplicates("cell_id").set_index("cell_id")["stated"].reindex(cell_id).to_numpy()
    return np.asarray(np.where(np.isfinite(first), first, anchor), dtype=np.float64)


def reversal_evidence(memory: Memory) -> list[ReversalEvidence]:
    """The evidence of reversed results: the whole country first, then each district with enough cells."""
    everything = np.ones(len(memory.arena.cell), dtype=bool)
    groups: list[tuple[str, Flags, Flags | None]] = [("", everything, None)]
    groups += [
        (name, rows, ~rows if int((~rows).sum()) >= FEWEST_CELLS else None)
        for name, rows in districts_of(memory.arena)
        if int(rows.sum()) >= FEWEST_CELLS
    ]
    return [_turned(memory, name, rows, others) for name, rows, others in groups if int(rows.sum()) >= FEWEST_CELLS]


def _turned(memory: Memory, name: str, rows: Flags, others: Flags | None) -> ReversalEvidence:
    days = memory.known_from[rows]
    starts = np.unique(np.quantile(days.astype("datetime64[D]").astype(np.int64), np.linspace(0, 1, STARTS + 1)[:-1],
                                   method="lower"))  # fmt: skip
    each = [[_since(one, rows, others, int(day)) for one in memory.by_statement(_date(int(day)))] for day in starts]
    best_of = np.array([max(values) for values in each])
    logs = np.concatenate(each)
    good = best_of >= best_of.max() - AS_GOOD
    best = _date(int(starts[int(np.flatnonzero(good).min())]))
    # The mean of e-values is an e-value: it covers all days from which results may have been reversed, by anybody's
    # statements.
    return ReversalEvidence(name, int(rows.sum()), float(logsumexp(logs) - np.log(logs.size)), best)


def _date(days: int) -> date:
    """The day so many days after 1 January 1970."""
    return date(1970, 1, 1) + timedelta(days=days)


def _since(memory: Memory, rows: Flags, others: Flags | None, day: int) -> float:
    """The evidence of the results from a day on, beside those of before, or of the other districts where these are few.

    Earlier results say how far survey of chosen land disappoints; reversed results seem not to disappoint.
    """
    late = memory.known_from.astype("datetime64[D]").astype(np.int64) >= day
    if int((~late).sum()) >= FEWEST_CELLS:
        return log_reversal_factor(memory.arena, rows & late, ~late, SPREAD_IN_TIME)
    return log_reversal_factor(memory.arena, rows & late, others)


def _known_from(ledger: Ledger, cell: Integers, as_of: date) -> NDArray[np.datetime64]:
    """The last day up to a date on which a record of each cell became known."""
    entries = ledger.entries
    known = ledger.known(as_of)[entries.record]
    days = entries.records["known_from"].to_numpy().astype("datetime64[D]").astype(np.int64)[entries.record]
    dated = known & ~np.isnat(entries.records["known_from"].to_numpy()[entries.record])
    last = np.full(ledger.grid.n_cells, np.iinfo(np.int64).min, dtype=np.int64)
    np.maximum.at(last, entries.place[dated], days[dated])
    return last[cell].astype("datetime64[D]")
