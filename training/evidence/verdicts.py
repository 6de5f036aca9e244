"""Decisions of people about single records: which are accepted as they are, and which must not make labels."""

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from training.evidence.fingerprint import keyed_records
from training.evidence.inputs import Inputs, read_inputs
from training.evidence.ledger import Ledger
from training.evidence.record_kinds import NO_KIND
from training.settings import TrainConfig, digest_of

ACCEPTED, REJECTED = "accepted", "rejected"
# Later than every record: a decision holds whenever the record becomes known.
ALL_DAYS = date(2200, 1, 1)


def decisions_path(config: TrainConfig) -> Path:
    """The file of the decision log of a country, in the folder of its config."""
    return config.home_folder / f"{config.name}.audit.jsonl"


@dataclass(frozen=True)
class Verdicts:
    """Keys of records by the last decision about each."""

    accepted: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """A digest by which two sets of decisions are compared; empty without decisions."""
        if not (self.accepted or self.rejected):
            return ""
        return digest_of({ACCEPTED: " ".join(sorted(self.accepted)), REJECTED: " ".join(sorted(self.rejected))})


def read_verdicts(config: TrainConfig) -> Verdicts:
    """The decisions in the log of a country; the last one about a record holds."""
    last: dict[str, str] = {}
    path = decisions_path(config)
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line.get("what") in (ACCEPTED, REJECTED):
            last |= dict.fromkeys(line.get("records", ()), line["what"])
    by = {what: frozenset(key for key, verdict in last.items() if verdict == what) for what in (ACCEPTED, REJECTED)}
    return Verdicts(by[ACCEPTED], by[REJECTED])


def open_inputs(config: TrainConfig) -> Inputs:
    """The area and every source of a config without the records that a person rejected.

    Raises ConfigError and InputError that name the fault.
    """
    inputs, rejected = read_inputs(config), read_verdicts(config).rejected
    return withdrawn(config, inputs, rejected) if rejected else inputs


def withdrawn(config: TrainConfig, inputs: Inputs, rejected: frozenset[str]) -> Inputs:
    """The inputs without records of these keys: they make neither labels nor features. Rows keep their numbers."""
    sources = inputs.sources
    ledger = Ledger.build(inputs.grid, sources, config.contamination.labels, config.data_folder)
    table = keyed_records(ledger, ALL_DAYS)
    gone = table[table["key"].isin(rejected)]
    vectors, rows = dict(sources.vectors), dict(sources.rows)
    for source, part in gone.groupby("source"):
        name = str(source)
        numbers = rows.get(name, np.arange(1, len(vectors[name]) + 1))
        kept = ~np.isin(numbers, part["number"].to_numpy(np.int64))
        vectors[name], rows[name] = vectors[name][kept].reset_index(drop=True), numbers[kept]
        if not kept.any():
            del vectors[name], rows[name]
    return replace(inputs, sources=replace(sources, vectors=vectors, rows=rows), withdrawn=frozenset(gone["key"]))


def open_ledger(config: TrainConfig, inputs: Inputs) -> Ledger:
    """The ledger of a run: its records on its grid, its label rule and the land that its config declares.

    Records that a person rejected say nothing of any cell.
    """
    ledger = Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, config.data_folder)
    # Keys number equal records: if one of them is withdrawn, the others get new keys.
    return ledger if inputs.withdrawn else without(ledger, read_verdicts(config).rejected)


def without(ledger: Ledger, rejected: frozenset[str]) -> Ledger:
    """The same ledger, in which records of these keys are no evidence."""
    if not rejected:
        return ledger
    keys = keyed_records(ledger, ALL_DAYS)
    rows = keys.loc[keys["key"].isin(rejected), "row"].to_numpy(np.int64)
    records = ledger.entries.records.copy()
    for column, nothing in (("kind", NO_KIND), ("finished", False), ("reopens", False)):
        values = records[column].to_numpy().copy()
        values[rows] = nothing
        records[column] = values
    return replace(ledger, entries=replace(ledger.entries, records=records))
