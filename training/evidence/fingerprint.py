"""Keys of records and digests of files and labels, which show whether two runs learn from the same data."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from features.base import InputError, known_at
from features.sources import SourceSpec, digest_files, find_files, parts_of
from training.evidence.inputs import Inputs
from training.evidence.ledger import Ledger
from training.evidence.reading import read_at
from training.evidence.record_kinds import KIND_NAMES, NO_KIND
from training.evidence.states import Evidence
from training.settings import TrainConfig, digest_of


def files_digest(config: TrainConfig, part: object = None) -> str:
    """SHA-256 over every file that the config, or a part of it, names, including those for planning.

    Empty if a file cannot be read or a source is not a local file: the run that opens it raises the error that says
    which and why.
    """
    parts: dict[str, str] = {}
    try:
        for place, spec in enumerate(_specs(config if part is None else part)):
            folder = config.home_folder if spec.beside_config else config.data_folder
            paths = find_files("file", spec, folder)
            terms = (config.home_folder / spec.terms,) if spec.terms is not None else ()
            for path in paths:
                parts_of(path, strict=True)
            parts[f"file {place}"] = digest_files((*paths, *terms))
    except (OSError, InputError):
        return ""
    return digest_of(parts)


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


def label_digest(evidence: Evidence) -> str:
    """SHA-256 of states, targets and weights, which identifies the label set."""
    return digest_of(
        {
            "state": evidence.state.tobytes().hex(),
            "target": evidence.target.tobytes().hex(),
            "weight": evidence.weight.tobytes().hex(),
        }
    )


KEY_LENGTH = 16

# Settings that neither shape a model nor decide about one: they may change without a new training.
WITHOUT_EFFECT = ("as_of", "tracking", "compute", "output", "ranking")


def keyed_records(ledger: Ledger, as_of: date) -> pd.DataFrame:
    """Every record known at `as_of` with a key that depends on what it says and where, not on its row in a file.

    Columns: key, source, kind, event, known_from, number (of the row in its file), row (of the ledger's records);
    records that concern no cell are left out.
    """
    records, entries, read = ledger.entries.records, ledger.entries, read_at(ledger.entries, as_of)
    # The key holds the number of devices; the kind is that of the record, unless it is withdrawn by then.
    kind = np.where(read.kind == NO_KIND, NO_KIND, records["kind"].to_numpy())
    first = np.full(len(records), -1, dtype=np.int64)
    # Pairs are sorted by place: assigned in reverse, the first cell of each record remains.
    first[entries.record[::-1]] = ledger.cell_ids(entries.place[::-1])
    names = np.array([*KIND_NAMES, ""], dtype=object)[kind]
    table = pd.DataFrame(
        {
            "source": records["source"].astype(str),
            "kind": names,
            "event": _days(records["event_date"]),
            "known_from": _days(records["known_from"]),
            "id": records["record_id"].fillna("").astype(str),
            "cell": first.astype(str),
            "covered": records["covered"].round(3).astype(str),
            "devices": records["devices"].astype(str),
        }
    )
    kept = read.known & (kind != NO_KIND)
    table = table[kept].reset_index(drop=True)
    # Two identical records of the same place remain two records.
    records_as_text = pd.Series(["|".join(map(str, row)) for row in table.itertuples(index=False)], dtype=object)
    times = records_as_text.groupby(records_as_text).cumcount()
    keys = [
        hashlib.sha256(f"{text}#{time}".encode()).hexdigest()[:KEY_LENGTH]
        for text, time in zip(records_as_text, times, strict=True)
    ]
    place = {"number": records["number"].to_numpy()[kept], "row": np.flatnonzero(kept)}
    return table[["source", "kind", "event", "known_from"]].assign(key=pd.array(keys, dtype="str"), **place)


def records_text(ledger: Ledger, as_of: date) -> str:
    """Key and source of all records known at a date, one a line, with which a later run compares its records."""
    table = keyed_records(ledger, as_of)
    return "\n".join(sorted(f"{key} {source}" for key, source in zip(table["key"], table["source"], strict=True)))


def fingerprint(config: TrainConfig, inputs: Inputs, ledger: Ledger) -> str:
    """SHA-256 over everything that a training would learn from: inputs, label set, known records and settings.

    A later `as_of` by which nothing more is known gives the same fingerprint, since it brings no new results.
    """
    settings: dict[str, Any] = config.model_dump(mode="json")
    parts: Mapping[str, str] = {
        "inputs": json.dumps(dict(sorted(inputs.digests.items()))),
        "labels": label_digest(ledger.at(config.as_of)),
        "records": records_text(ledger, config.as_of),
        "known": json.dumps({n: len(known_at(t, config.as_of)) for n, t in sorted(inputs.sources.vectors.items())}),
        # Units, works and declared areas are not sources of records, but models learn from them too.
        "files": files_digest(config, (config.casualty, config.contamination)),
        "settings": json.dumps({key: settings[key] for key in sorted(settings) if key not in WITHOUT_EFFECT}),
    }
    return digest_of(parts)


def _days(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Dates as ISO texts, empty where there is none."""
    return pd.to_datetime(column).dt.strftime("%Y-%m-%d").fillna("").astype(str)
