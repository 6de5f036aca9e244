"""The evidence ledger: every record on every cell, from which the evidence of any date is rebuilt."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import ConfigError, Flags, Floats, Grid, Integers, day_after, decode_cell_id
from features.sources import Sources
from training.evidence.declared import declared_weights
from training.evidence.inputs import Inputs
from training.evidence.record_cells import RecordCells, lay_records
from training.evidence.record_kinds import DECLARED, KIND_NAMES, KINDS, NO_KIND, chosen_kinds, weight_of
from training.evidence.released import RELEASED_SHARE, released_cells
from training.evidence.selection import origin_of_cells
from training.evidence.states import FOUND, MOST_OF_CELL, SEARCHED, STATE_NAMES, UNKNOWN, Evidence
from training.settings import LabelSettings, TrainConfig

# Below this share of a cell a search says nothing of it, nor does an event whose place is that uncertain.
LEAST_SHARE = 0.1

# A polygon in which devices were counted but not located: some of its cells are positive, none is known to be.
MOST_UNLOCATED = 0.5

CLEARED_WITH_DEVICES = KIND_NAMES.index("cleared_with_devices")


@dataclass(frozen=True, eq=False, kw_only=True)
class Ledger:
    """All records of a country on its cells. Building it meets polygons and cells once; a date costs a few sums.

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
        return cls(grid=grid, labels=labels, entries=entries, declared=declared, declared_weight=weight)

    def known(self, as_of: date) -> Flags:
        """Which records are known at the end of the day `as_of`; those without any date always are."""
        known_from = self.entries.records["known_from"].to_numpy()
        return np.asarray(np.isnat(known_from) | (known_from < day_after(as_of)))

    def at(self, as_of: date) -> Evidence:
        """The evidence of every cell from the records known at `as_of`.

        Weak kinds are laid first and stronger ones over them; a stronger search overrules a hazard only where it
        covers at least half of the cell. Cells that a search covers in part count by their covered share.
        """
        known = self.known(as_of)
        layers = _Layers.unknown(self.grid.n_cells)
        layers.state[self.declared], layers.share[self.declared] = SEARCHED, 1.0
        layers.weight[self.declared], layers.kind[self.declared] = self.declared_weight, KIND_NAMES.index(DECLARED)
        return self._laid(as_of, known, known, layers)

    def between(self, after: date, until: date) -> Evidence:
        """The evidence of the records that became known after the day `after` and by the end of `until` alone.

        What such a record says is read with all that is known at `until`: a release in which every device was
        located is searched land, whenever the finds were recorded. Records without a date, and land that the config
        declares, belong to no interval. Raises ConfigError when the interval is empty.
        """
        if until <= after:
            raise ConfigError(f"until ({until}) must be later than after ({after})")
        known_from = self.entries.records["known_from"].to_numpy()
        counted = (known_from >= day_after(after)) & (known_from < day_after(until))
        return self._laid(until, counted, self.known(until), _Layers.unknown(self.grid.n_cells))

    def origins(self, after: date, until: date) -> NDArray[np.object_]:
        """Who chose each cell, (n_cells,), from the records of an interval as in `between`; empty where nobody says."""
        known_from = self.entries.records["known_from"].to_numpy()
        counted = (known_from >= day_after(after)) & (known_from < day_after(until))
        pairs = np.flatnonzero(counted[self.entries.record])
        told = self.entries.records["chosen_by"].to_numpy()[self.entries.record[pairs]]
        return origin_of_cells(self.grid.n_cells, self.entries.place[pairs], told)

    def of(self, cell_id: int, as_of: date) -> pd.DataFrame:
        """Every record that speaks of a cell at `as_of`, the strongest first; the columns are those of `rows`.

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
        """One row a (cell, record), or some of them, by cell from north to south and west to east.

        `kind` and `state` are what the record says with all that is known at `as_of`; `weight` is what it counts for
        the cell (0 where it says nothing of it or is no kind that makes labels) and `known` whether it was known.
        Records that become known later are listed too: the ledger is the whole of the books.
        """
        entries, known = self.entries, self.known(as_of)
        kind, factor, unlocated = self._said(known)
        record = entries.record[chosen]
        records = entries.records.iloc[record].reset_index(drop=True)
        named = np.array([*KIND_NAMES, ""], dtype=object)[kind[record]]
        state = np.array([*(_state_of(name) for name in KIND_NAMES), UNKNOWN])[kind[record]]
        counts = np.array([*(self._counts_as(name) for name in KIND_NAMES), 0.0])[kind[record]]
        value = self._value(kind, factor, record, entries.share[chosen])
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
                "known": known[record],
                "share": entries.share[chosen],
                "quality": records["quality"].to_numpy(),
                "weight": np.where(value >= LEAST_SHARE, counts * value, 0.0),
                "devices": records["devices"].to_numpy(),
                "unlocated_devices": np.where(records["source"] == "land_release", unlocated[record], np.nan),
                "releases": records["finished"].to_numpy(),
                "inclusion_prob": records["inclusion_prob"].to_numpy(),
                "chosen_by": records["chosen_by"].astype("str"),
            }
        )

    def declared_rows(self, chosen: Integers) -> pd.DataFrame:
        """The same columns for some of the cells that the config declares to be searched: no record stands behind."""
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
                **dict.fromkeys(("devices", "unlocated_devices"), np.full(size, np.nan)),
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

    def _said(self, known: Flags) -> tuple[NDArray[np.int8], Floats, Floats]:
        """Kind of each record, what its share is multiplied by, and its devices that no known find accounts for."""
        entries = self.entries
        finished = entries.records["finished"].to_numpy()
        located = np.zeros(len(known))
        mine = known[entries.find_row]
        np.add.at(located, entries.release_row[mine], entries.quantity[mine])
        unlocated = np.where(finished, np.maximum(entries.records["devices"].to_numpy() - located, 0.0), 0.0)
        kind = np.where(unlocated > 0, CLEARED_WITH_DEVICES, entries.records["kind"].to_numpy()).astype(np.int8)
        # Devices that were counted in a polygon make the share of its cells positive that they can fill.
        expected = unlocated / np.maximum(entries.records["covered"].to_numpy(), 1.0)
        spread = np.minimum(MOST_UNLOCATED, expected)
        factor = np.where(kind == CLEARED_WITH_DEVICES, spread, entries.records["quality"].to_numpy())
        return kind, factor, unlocated

    def _value(
        self,
        kind: NDArray[np.int8],
        factor: Floats,
        record: NDArray[np.int32],
        share: Floats,
    ) -> Floats:
        """Part of the cell that each pair speaks of, times how sure its place is."""
        # A hazard makes its cell found however small the part; a search counts by the part that it covers.
        whole = np.array([*(_state_of(name) == FOUND for name in KIND_NAMES), False])
        whole[CLEARED_WITH_DEVICES] = False
        return np.where(whole[kind][record], 1.0, share) * factor[record]

    def _laid(self, as_of: date, counted: Flags, known: Flags, layers: "_Layers") -> Evidence:
        """Evidence of the `counted` records, read with what is `known`, laid over `layers`."""
        entries = self.entries
        kind, factor, _ = self._said(known)
        said = np.where(counted, kind, NO_KIND)
        counts: dict[str, int] = {}
        for name in chosen_kinds(self.labels):
            mine = said == KIND_NAMES.index(name)
            counts[name] = int(mine.sum())
            if counts[name]:
                pairs = np.flatnonzero(mine[entries.record])
                value = self._value(kind, factor, entries.record[pairs], entries.share[pairs])
                drawn = entries.records["inclusion_prob"].to_numpy()[entries.record[pairs]]
                layers.lay(name, weight_of(name, self.labels), entries.place[pairs], value, drawn)
        if self.labels.declared_searched:
            counts[DECLARED] = int((layers.kind == KIND_NAMES.index(DECLARED)).sum())
        released = released_cells(entries, self.grid.n_cells, self.grid.cell_size_m**2, counted)
        return Evidence(
            as_of=as_of,
            state=layers.state,
            share=layers.share,
            weight=layers.weight,
            released=released,
            counts=counts,
            kind=layers.kind,
            inclusion_prob=layers.inclusion_prob,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Layers:
    """State, share, weight, kind and inclusion probability of the cells, written kind by kind."""

    state: NDArray[np.int8]
    share: Floats
    weight: Floats
    kind: NDArray[np.int8]
    inclusion_prob: Floats

    @classmethod
    def unknown(cls, size: int) -> "_Layers":
        return cls(
            state=np.full(size, UNKNOWN, dtype=np.int8),
            share=np.zeros(size),
            weight=np.zeros(size),
            kind=np.full(size, NO_KIND, dtype=np.int8),
            inclusion_prob=np.full(size, np.nan),
        )

    def lay(
        self,
        name: str,
        kind_weight: float,
        place: NDArray[np.int32],
        value: Floats,
        drawn: Floats,
    ) -> None:
        """Write one kind over the weaker evidence below; pairs come by place, `value` is their share of the cell."""
        if not len(place):
            return
        first = np.flatnonzero(np.diff(place, prepend=-1))
        cells, best = place[first], np.maximum.reduceat(value, first)
        # Of several draws the surest one: a census beside a sample makes the cell certain.
        surest = np.fmax.reduceat(np.where(value >= LEAST_SHARE, drawn, np.nan), first)
        self.inclusion_prob[cells] = np.fmax(self.inclusion_prob[cells], surest)
        state, touched = _state_of(name), best >= LEAST_SHARE
        if state == SEARCHED:
            touched &= (self.state[cells] != FOUND) | (best >= MOST_OF_CELL)
        # A second record of less weight never takes weight from a cell in the same state.
        stronger = touched & ((self.state[cells] != state) | (kind_weight * best > self.weight[cells]))
        cells, best = cells[stronger], best[stronger]
        self.state[cells], self.share[cells], self.weight[cells] = state, best, kind_weight * best
        self.kind[cells] = KIND_NAMES.index(name)


def _state_of(name: str) -> int:
    return KINDS[name].state if name in KINDS else SEARCHED


def open_ledger(config: TrainConfig, inputs: Inputs) -> Ledger:
    """The ledger of a run: its records on its grid, its label rule and the land that its config declares."""
    return Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, config.data_folder)
