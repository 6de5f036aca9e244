"""The evidence ledger: every record on every cell, from which the evidence of any date is rebuilt."""

import logging
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import ConfigError, Flags, Floats, Grid, Integers, by_parts, day_after, decode_cell_id, new_array
from features.sources import Sources
from training.evidence.declared import declared_weights
from training.evidence.detection import detection_table
from training.evidence.layers import LEAST_SHARE, Layers
from training.evidence.reading import Reading, known_by, read_at
from training.evidence.record_cells import RecordCells, lay_records
from training.evidence.record_kinds import (
    DECLARED,
    KIND_NAMES,
    KINDS,
    NO_KIND,
    RELEASES,
    chosen_kinds,
    state_of_kind,
    weight_of,
)
from training.evidence.released import RELEASED_SHARE, released_cells
from training.evidence.selection import origin_of_cells
from training.evidence.states import FOUND, NO_BAG, SEARCHED, STATE_NAMES, SURE, UNKNOWN, Evidence
from training.evidence.status import cell_status, settled_areas, share_settled
from training.settings import LabelSettings

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Ledger:
    """All records of a country on its cells. Polygons and cells are intersected once; each date costs a few sums.

    `declared` are the places of the cells that the config declares to be searched, `declared_weight` their weights.
    """

    grid: Grid
    labels: LabelSettings
    entries: RecordCells
    declared: NDArray[np.int32]
    declared_weight: Floats

    @classmethod
    def build(cls, grid: Grid, sources: Sources, labels: LabelSettings, data_folder: Path) -> "Ledger":
        """Lay every record, whatever its date; raises ConfigError for labels that name an unknown kind."""
        chosen_kinds(labels)
        declared, weight = declared_weights(grid, labels.declared_searched, data_folder)
        entries = lay_records(grid, sources, RELEASED_SHARE)
        LOGGER.info("evidence: %d records on the cells", len(entries.records))
        return cls(grid=grid, labels=labels, entries=entries, declared=declared, declared_weight=weight)

    def known(self, as_of: date) -> Flags:
        """Which records are known at the end of the day `as_of`; those without any date always are."""
        return known_by(self.entries, as_of)

    def at(self, as_of: date) -> Evidence:
        """The evidence of every cell from the records known at `as_of`.

        Weak kinds are laid first and stronger ones over them; a stronger search overrules a hazard only where it
        covers at least half of the cell. Cells that a search covers in part count by their covered share.
        """
        read = read_at(self.entries, as_of)
        layers = Layers.unknown(self.grid.n_cells)
        layers.state[self.declared], layers.share[self.declared] = SEARCHED, 1.0
        layers.weight[self.declared], layers.kind[self.declared] = self.declared_weight, KIND_NAMES.index(DECLARED)
        return self._laid(as_of, read.known, read, layers)

    def between(self, after: date, until: date) -> Evidence:
        """The evidence of the records that became known after the day `after` and by the end of `until` alone.

        Such a record is read with all that is known at `until`: a release in which every device was located is searched
        land, no matter when the finds were recorded. Records without a date, and land that the config declares, belong
        to no interval. Raises ConfigError when the interval is empty.
        """
        if until <= after:
            raise ConfigError(f"until ({until}) must be later than after ({after})")
        known_from = self.entries.records["known_from"].to_numpy()
        counted = (known_from >= day_after(after)) & (known_from < day_after(until))
        return self._laid(until, counted, read_at(self.entries, until), Layers.unknown(self.grid.n_cells))

    def detection(self, as_of: date) -> pd.DataFrame:
        """Detection by method and team as known at `as_of`, see `detection_table`."""
        return detection_table(self.entries, read_at(self.entries, as_of))

    def origins(self, after: date, until: date) -> NDArray[np.object_]:
        """Who chose each cell, (n_cells,), from the records of an interval as in `between`; empty if not recorded."""
        known_from = self.entries.records["known_from"].to_numpy()
        counted = (known_from >= day_after(after)) & (known_from < day_after(until))
        pairs = np.flatnonzero(counted[self.entries.record])
        chosen_by = self.entries.records["chosen_by"].to_numpy()[self.entries.record[pairs]]
        return origin_of_cells(self.grid.n_cells, self.entries.place[pairs], chosen_by)

    def of(self, cell_id: int, as_of: date) -> pd.DataFrame:
        """Every record that concerns a cell at `as_of`, the strongest first, with the columns of `rows`.

        Raises ConfigError for a cell outside the area.
        """
        place = self._place(cell_id)
        start, stop = np.searchsorted(self.entries.place, [place, place + 1])
        rows = self.rows(as_of, slice(start, stop))
        if place in self.declared:
            rows = pd.concat([rows, self.declared_rows(np.flatnonzero(self.declared == place))], ignore_index=True)
        strength = [KINDS[name].strength if name in KINDS else 0 for name in rows["kind"]]
        order = np.lexsort((-rows["weight"].to_numpy(), -np.array(strength), ~rows["known"].to_numpy()))
        return rows.iloc[order].reset_index(drop=True)

    def rows(self, as_of: date, chosen: slice = slice(None)) -> pd.DataFrame:
        """One row for each (cell, record), or for some of them, by cell from north to south and west to east.

        `kind` and `state` are read from the record with all that is known at `as_of`; `weight` is its weight for the
        cell (0 if it is no evidence on the cell or not of a kind that makes labels) and `known` whether it was known.
        Records that become known later are listed too: the ledger holds all records.
        """
        entries, read = self.entries, read_at(self.entries, as_of)
        kind = read.kind
        record = entries.record[chosen]
        records = entries.records.iloc[record].reset_index(drop=True)
        named = np.array([*KIND_NAMES, ""], dtype=object)[kind[record]]
        state = np.array([*(state_of_kind(name) for name in KIND_NAMES), UNKNOWN])[kind[record]]
        counts = np.array([*(self._counts_as(name) for name in KIND_NAMES), 0.0])[kind[record]]
        value = self._value(read, record, entries.share[chosen])
        return pd.DataFrame(
            {
                "cell_id": self.cell_ids(entries.place[chosen]),
                "source": records["source"].astype("str"),
                "record_number": records["number"].to_numpy(np.int64),
                "record_id": records["record_id"].astype("str"),
                "kind": pd.array(named, dtype="str"),
                "state": pd.array(np.array(STATE_NAMES, dtype=object)[state], dtype="str"),
                "event_date": records["event_date"],
                "recorded_date": records["recorded_date"],
                "known_from": records["known_from"],
                "known": read.known[record],
                "share": entries.share[chosen],
                "quality": records["quality"].to_numpy(),
                "weight": np.where(value >= LEAST_SHARE, counts * value, 0.0),
                "found_probability": read.bags.probability[chosen],
                "devices": records["devices"].to_numpy(),
                "unlocated_devices": np.where(records["source"] == "land_release", read.unlocated[record], np.nan),
                "releases": records["finished"].to_numpy(),
                "inclusion_prob": records["inclusion_prob"].to_numpy(),
                "chosen_by": records["chosen_by"].astype("str"),
            }
        )

    def declared_rows(self, chosen: Integers) -> pd.DataFrame:
        """The same columns for some of the cells that the config declares to be searched, which have no record."""
        size = len(chosen)
        never = np.full(size, np.datetime64("NaT", "ns"))
        return pd.DataFrame(
            {
                "cell_id": self.cell_ids(self.declared[chosen]),
                "source": pd.array(["config"] * size, dtype="str"),
                "record_number": np.zeros(size, dtype=np.int64),
                "record_id": pd.array([None] * size, dtype="str"),
                "kind": pd.array([DECLARED] * size, dtype="str"),
                "state": pd.array([STATE_NAMES[SEARCHED]] * size, dtype="str"),
                **dict.fromkeys(("event_date", "recorded_date", "known_from"), never),
                "known": np.ones(size, dtype=bool),
                "share": np.ones(size),
                "quality": np.ones(size),
                "weight": self.declared_weight[chosen],
                **dict.fromkeys(("found_probability", "devices", "unlocated_devices"), np.full(size, np.nan)),
                "releases": np.zeros(size, dtype=bool),
                "inclusion_prob": np.full(size, np.nan),
                "chosen_by": pd.array([""] * size, dtype="str"),
            }
        )

    def cell_ids(self, places: NDArray[np.int32]) -> Integers:
        """Ids of cells by their place in `grid.cell_ids()`."""
        return self._ids[places]

    @cached_property
    def _ids(self) -> Integers:
        return self.grid.cell_ids()

    def _place(self, cell_id: int) -> int:
        column, row = (int(part[0]) for part in decode_cell_id(np.array([cell_id])))
        column, row = column - self.grid.column_min, self.grid.row_min + self.grid.shape[0] - 1 - row
        rows, columns = self.grid.shape
        if not (0 <= row < rows and 0 <= column < columns and self.grid.mask[row, column]):
            raise ConfigError(f"cell ({cell_id}) is not in the area: take an id from risk.parquet")
        return int(np.count_nonzero(self.grid.mask.reshape(-1)[: row * columns + column]))

    def _counts_as(self, name: str) -> float:
        if name in KINDS and name in (*self.labels.found, *self.labels.searched):
            return weight_of(name, self.labels)
        return 0.0

    def _value(self, read: Reading, record: NDArray[np.int32], share: Floats) -> Floats:
        """Part of the cell that each pair concerns, times the certainty of its place."""
        records = self.entries.records
        quality, covered = records["quality"].to_numpy()[record], records["covered"].to_numpy()[record]
        # In a cell that a hazard area only touches, survey would find what lies in the common part. It counts as a
        # share of the cell or of the area, whichever is larger, because a small field inside a cell is there as a
        # whole. A search counts by the part of the cell that it covers.
        found = np.array([*(state_of_kind(name) == FOUND for name in KIND_NAMES), False])[read.kind][record]
        own = np.divide(share, covered, out=np.zeros(len(share)), where=covered > 0)
        return np.asarray(np.where(found, np.maximum(share, own), share) * quality)

    def _laid(self, as_of: date, counted: Flags, read: Reading, layers: Layers) -> Evidence:
        """Evidence of the `counted` records as they `read`, laid over `layers`."""
        entries = self.entries
        kinds = np.where(counted, read.kind, NO_KIND)
        counts: dict[str, int] = {}
        for name in chosen_kinds(self.labels):
            mine = kinds == KIND_NAMES.index(name)
            counts[name] = int(mine.sum())
            if counts[name]:
                pairs = np.flatnonzero(mine[entries.record])
                value = self._value(read, entries.record[pairs], entries.share[pairs])
                drawn = entries.records["inclusion_prob"].to_numpy()[entries.record[pairs]]
                layers.lay(name, weight_of(name, self.labels), entries.place[pairs], value, drawn)
        if self.labels.declared_searched:
            counts[DECLARED] = int((layers.kind == KIND_NAMES.index(DECLARED)).sum())
        area_m2 = self.grid.cell_size_m**2
        target, bag = self._soft(kinds, read, layers)
        released = released_cells(entries, self.grid.n_cells, area_m2, counted, read.reopens)
        laid = layers.state, layers.share, layers.kind
        return Evidence(
            as_of=as_of,
            state=layers.state,
            share=layers.share,
            weight=layers.weight,
            target=target,
            bag=bag,
            released=released,
            status=cell_status(entries, counted, read, laid, released, area_m2),
            settled=share_settled(entries, settled_areas(entries, counted, read), self.grid.n_cells),
            counts=counts,
            kind=layers.kind,
            inclusion_prob=layers.inclusion_prob,
        )

    def _soft(self, kinds: NDArray[np.int8], read: Reading, layers: Layers) -> tuple[Floats, NDArray[np.int32]]:
        """Target of every cell and its bag; cells that a bag makes almost certain are set to found in `layers`.

        Counted devices matter only where a release decides the state of the cell: finds, accidents and surveys rank
        higher.
        """
        entries, n_cells = self.entries, self.grid.n_cells
        chosen = [KIND_NAMES.index(name) for name in chosen_kinds(self.labels)]
        mine = np.flatnonzero((read.bags.probability > 0) & np.isin(kinds, chosen)[entries.record])
        place, probability = entries.place[mine], read.bags.probability[mine]
        cells, owner = np.unique(place, return_inverse=True)
        chance = new_array(n_cells, np.float64)
        with np.errstate(divide="ignore"):
            chance[cells] = -np.expm1(np.bincount(owner, weights=np.log1p(-probability), minlength=len(cells)))
        bag = new_array(n_cells, np.int32, NO_BAG)
        # The bag with the greatest target for a cell comes last and so remains.
        order = np.argsort(probability, kind="stable")
        bag[place[order]] = entries.record[mine][order]
        releases = [KIND_NAMES.index(name) for name in RELEASES]
        released = by_parts(n_cells, lambda part: np.isin(layers.kind[part], releases))
        soft = released & (layers.state == SEARCHED) & (chance > 0)
        layers.state[soft & (chance >= SURE)] = FOUND
        soft &= chance < SURE
        bag[~soft] = NO_BAG
        bag[soft] = np.unique(bag[soft], return_inverse=True)[1].reshape(-1)
        target = by_parts(n_cells, lambda part: np.where(soft[part], chance[part], layers.state[part] == FOUND))
        return target, bag
