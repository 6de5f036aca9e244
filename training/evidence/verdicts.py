"""What people decided about single records: which were accepted as they are, and which must not teach."""

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from training.evidence.fingerprint import keyed_records
from training.evidence.inputs import Inputs
from training.evidence.ledger import Ledger
from training.evidence.record_kinds import NO_KIND
from training.settings import TrainConfig, digest_of

ACCEPTED, REJECTED = "accepted", "rejected"
# Later than every record: a decision holds whenever the record becomes known.
ALL_DAYS = date(2200, 1, 1)


def decisions_path(config: TrainConfig) -> Path:
    """The decision log of a country: beside its config."""
    return config.home_folder / f"{config.name}.audit.jsonl"


@dataclass(frozen=True)
class Verdicts:
    """Keys of records by what a person decided last."""

    accepted: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """What two sets of decisions are compared by; empty where there is none."""
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


def open_ledger(config: TrainConfig, inputs: Inputs) -> Ledger:
    """The ledger of a run: its records on its grid, its label rule and the land that its config declares.

    Records that a person rejected stay in it and say nothing of any cell.
    """
    ledger = Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, config.data_folder)
    return without(ledger, read_verdicts(config).rejected)


def without(ledger: Ledger, rejected: frozenset[str]) -> Ledger:
    """The same ledger, in which records of these keys say nothing."""
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
