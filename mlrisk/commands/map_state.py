"""The state of the map in an output folder: whether ranking would make the same map now."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from features.base import InputError, Place, file_sizes, local_copy
from mlrisk.settings import Config
from training.registry import Store, row_of
from training.retraining import LastRun, RetrainSession
from training.settings import program_digest, public_settings

CELLS = "risk.parquet"
# The packages whose code and texts affect a map.
PROGRAM = ("features", "models", "training", "mlrisk")
# Settings that do not affect the map. Dates are compared through the last run, since most features do not depend on
# them.
SAME_MAP = ("as_of", "compute", "retraining", "tracking")


class RankingModel(BaseModel):
    """A version that ranked: its name and number, and the digest of its files."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    number: str
    digest: str


class InputDigest(BaseModel):
    """The digest of a source that went into a map."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str


class MapRecord(BaseModel):
    """The origin of a map according to summary.json; `written` has the size of each file in bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    as_of: date
    models: tuple[RankingModel, ...]
    inputs: tuple[InputDigest, ...]
    files: str
    program: str
    written: dict[str, int]
    settings: dict[str, Any]


def read_map_record(folder: Place) -> MapRecord | None:
    """The record of the map in an output folder; None if a file is missing or empty, or its cells are truncated.

    Sheets and layers that people fill in may grow.
    """
    try:
        summary = local_copy("output.folder", folder, ["summary.json"]) / "summary.json"
        map_record = MapRecord.model_validate_json(summary.read_text(encoding="utf-8"))
        there = file_sizes("output.folder", folder)
        sizes = {name: there[Path(name).name] for name in map_record.written}
    except (InputError, OSError, KeyError, ValueError, ValidationError):
        return None
    whole = all(sizes.values()) and sizes.get(CELLS) == map_record.written.get(CELLS)
    return map_record if whole else None


def is_current(map_record: MapRecord | None, config: Config, session: RetrainSession, last_run: LastRun | None) -> bool:
    """Whether a map comes from today's champions, all of today's records, this program and this config.

    `last_run.inputs` are the digests of the sources when they were opened; a long run reads the other files of the map
    some time later.
    """
    if map_record is None or last_run is None or not session.files or map_record.files != session.files:
        return False
    if not last_run.holds(session.mark, map_record.as_of) or {one.digest for one in map_record.inputs} != set(
        last_run.inputs.values()
    ):
        return False
    if map_record.program != program_digest(*PROGRAM) or {
        (m.name, m.number, m.digest) for m in map_record.models
    } != _champions(config, session.store):
        return False
    settings: Mapping[str, Any] = json.loads(json.dumps(public_settings(config), default=str))
    return all(map_record.settings.get(key) == value for key, value in settings.items() if key not in SAME_MAP)


def _champions(config: Config, store: Store) -> set[tuple[str, str, str]]:
    numbers = store.champions(config.name)
    return {
        (name, number, row_of(store, name, number).tags.get("digest", ""))
        for name, number in numbers.items()
        if number is not None
    }
