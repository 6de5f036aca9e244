"""A record of the last retraining, which shows the next one that nothing is new before it opens a source."""

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from features.base import RULED_OUT_BY, dates_of
from training.evidence import Inputs, Ledger, read_verdicts
from training.settings import TrainConfig, digest_of, program_digest


class LastRun(BaseModel):
    """The result of a retraining, for the next one.

    `mark` stands for files, settings and code. It holds for dates from `since`, the last day on which a record of the
    files became known (None: none did), up to the day before `until`, the next such day (None: there is none).
    `champion` and `known` (the version that learned from all records) are numbers of contamination versions,
    `champion_run` and `known_run` the runs that made
    them, `decision` is that of `known`. `inputs` are the digests that a map of these files carries, and `notes` are
    sentences about new records.
    """

    model_config = ConfigDict(frozen=True, strict=False, extra="forbid")

    mark: str
    since: date | None
    until: date | None
    champion: str
    champion_run: str
    known: str
    known_run: str
    decision: str
    inputs: dict[str, str]
    notes: tuple[str, ...]

    def holds(self, mark: str, as_of: date) -> bool:
        """Whether the records known at a date are those of the retraining, from the same files by the same code."""
        started = self.since is None or self.since <= as_of
        return bool(mark) and self.mark == mark and started and (self.until is None or as_of < self.until)


def last_run_path(config: TrainConfig) -> Path:
    """The file of the last run, beside the config; without it the next run only takes some seconds longer."""
    return config.home_folder / f".{config.name}.retrain.seen.json"


def mark_of(config: TrainConfig, files: str) -> str:
    """SHA-256 over the digest of the files, all settings but the date, and the program; empty without a digest.

    The date is compared separately: a timer moves it every day, and on most days nothing becomes known.
    """
    if not files:
        return ""
    settings: dict[str, Any] = config.model_dump(mode="json", exclude={"as_of"})
    parts = {"settings": json.dumps(settings, sort_keys=True), "files": files}
    parts["verdicts"] = read_verdicts(config).digest
    parts["code"] = program_digest("features", "models", "training")
    return digest_of(parts)


def read_last_run(config: TrainConfig) -> LastRun | None:
    """The record of the last retraining; None where there is none or it cannot be read."""
    try:
        return LastRun.model_validate_json(last_run_path(config).read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def write_last_run(config: TrainConfig, last_run: LastRun) -> None:
    """Write the file in one step; without permission to write, only the short cut of the next run is lost."""
    path = last_run_path(config)
    beside = path.with_suffix(".part")
    try:
        beside.write_text(last_run.model_dump_json(indent=1), encoding="utf-8")
        beside.replace(path)
    except OSError:
        for one in (path, beside):
            with suppress(OSError):
                one.unlink(missing_ok=True)


def known_days(inputs: Inputs, ledger: Ledger, as_of: date) -> tuple[date | None, date | None]:
    """The last day up to `as_of` and the first one after it on which a record or a status may become known, or None."""
    names = (*RULED_OUT_BY, "status_date")
    columns = [dates_of(table, name) for table in inputs.sources.vectors.values() for name in names if name in table]
    columns.append(ledger.entries.records["known_from"].to_numpy().astype("datetime64[ns]"))
    days = np.concatenate(columns).astype("datetime64[D]")
    days, today = days[~np.isnat(days)], np.datetime64(as_of)
    past, later = days[days <= today], days[days > today]
    return (past.max().item() if len(past) else None), (later.min().item() if len(later) else None)
