"""What the last retraining saw, so that the next one knows that nothing is new before it opens a source."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

import features
import models
import training
from features.compute import code_digest
from features.errors import InputError
from features.files import digest_files, find_file
from features.records import RULED_OUT_BY, dates_of
from features.specs import SourceSpec
from training.config import TrainConfig
from training.identity import digest_of
from training.inputs import Inputs
from training.ledger import Ledger

# The date is compared by itself: a timer moves it every day, and mostly nothing becomes known by that.
MOVES = ("as_of",)
PACKAGES = (features, models, training)


@dataclass(frozen=True)
class Seen:
    """What a retraining came to, for the next one.

    `mark` stands for files, settings and code; it holds for dates from `as_of` up to the day before `until`, on which
    something in the files becomes known (empty: nothing does). `champion` and `known` are numbers of contamination
    versions, `decision` is that of `known`. `inputs` are the digests that a map of these files carries, and `notes`
    what was said of the news.
    """

    mark: str
    as_of: str
    until: str
    champion: str
    known: str
    decision: str
    inputs: dict[str, str]
    notes: tuple[str, ...]

    def holds(self, mark: str, as_of: date) -> bool:
        """Whether nothing can be new at a date under this mark."""
        day = as_of.isoformat()
        return bool(mark) and self.mark == mark and self.as_of <= day and (not self.until or day < self.until)


def seen_path(config: TrainConfig) -> Path:
    """Where it is written down: beside the config. Whoever takes it away loses some seconds of the next run."""
    return config.home_folder / f".{config.name}.retrain.seen.json"


def files_digest(config: TrainConfig) -> str:
    """SHA-256 over the bytes of every file that the config names, those of the planning too.

    Empty where one cannot be read: whoever opens it says which and why.
    """
    parts: dict[str, str] = {}
    try:
        for place, spec in enumerate(_specs(config)):
            paths = tuple(find_file("file", path, config.data_folder) for path in spec.paths)
            terms = (config.home_folder / spec.terms,) if spec.terms is not None else ()
            parts[f"file {place}"] = digest_files((*paths, *terms))
    except (OSError, InputError):
        return ""
    return digest_of(parts)


def mark_of(config: TrainConfig, files: str) -> str:
    """SHA-256 over the digest of the files, all settings but the date, and our own code; empty without a digest."""
    if not files:
        return ""
    settings: dict[str, Any] = config.model_dump(mode="json", exclude=set(MOVES))
    parts = {"settings": json.dumps(settings, sort_keys=True), "files": files}
    for package in PACKAGES:
        parts[f"code {package.__name__}"] = code_digest(Path(str(package.__file__)).parent)
    return digest_of(parts)


def read_seen(config: TrainConfig) -> Seen | None:
    """What the last retraining saw; None where nothing is written down or it cannot be read."""
    try:
        told = json.loads(seen_path(config).read_text(encoding="utf-8"))
        return Seen(**{**told, "notes": tuple(told["notes"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_seen(config: TrainConfig, seen: Seen) -> None:
    """Write it down in one step; a folder that cannot be written costs the next run its short way and nothing else."""
    path = seen_path(config)
    beside = path.with_suffix(".part")
    try:
        beside.write_text(json.dumps(asdict(seen), ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(path)
    except OSError:
        path.unlink(missing_ok=True)


def next_known(inputs: Inputs, ledger: Ledger, as_of: date) -> str:
    """The first day after `as_of` on which any record of the sources may become known, empty where none does."""
    columns = [
        dates_of(table, name) for table in inputs.sources.vectors.values() for name in RULED_OUT_BY if name in table
    ]
    columns.append(ledger.entries.records["known_from"].to_numpy().astype("datetime64[ns]"))
    days = np.concatenate(columns).astype("datetime64[D]")
    later = days[~np.isnat(days) & (days > np.datetime64(as_of))]
    return str(later.min()) if len(later) else ""


def _specs(node: object) -> Iterator[SourceSpec]:
    """Every source that a config names, wherever it stands."""
    if isinstance(node, SourceSpec):
        yield node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from _specs(getattr(node, name))
    elif isinstance(node, dict):
        for value in node.values():
            yield from _specs(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _specs(value)
