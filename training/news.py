"""What is new: the records of today's books beside those that a version was trained on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.base.records import known_at
from training.config import TrainConfig
from training.identity import digest_of
from training.inputs import Inputs
from training.kinds import KIND_NAMES, NO_KIND
from training.ledger import Ledger
from training.recorded import label_digest
from training.seen import files_digest

KEY_LENGTH = 16
# What neither makes a model nor decides about one: it may change without a new training.
WITHOUT_EFFECT = ("as_of", "tracking", "compute", "output", "ranking")


@dataclass(frozen=True, eq=False)
class News:
    """Records by what became of them since a version was trained; each frame has source, kind, event and known_from.

    `new` became known after its date, `late` are records from before that it did not have (a file that was overlooked,
    a correction), `gone` are keys of records that it had and that are no longer in the books.
    """

    since: date
    new: pd.DataFrame
    late: pd.DataFrame
    gone: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many records of each sort there are."""
        return {"new": len(self.new), "late": len(self.late), "gone": len(self.gone)}


def keyed_records(ledger: Ledger, as_of: date) -> pd.DataFrame:
    """Every record known at `as_of` with a key that depends on what it says and where, not on its row in a file.

    Columns: key, source, kind, event, known_from; records that say nothing of any cell are left out.
    """
    records, entries = ledger.entries.records, ledger.entries
    first = np.full(len(records), -1, dtype=np.int64)
    # Pairs come by place: written backwards, the first cell of each record is what stays.
    first[entries.record[::-1]] = ledger.cell_ids(entries.place[::-1])
    names = np.array([*KIND_NAMES, ""], dtype=object)[records["kind"].to_numpy()]
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
    table = table[ledger.known(as_of) & (records["kind"].to_numpy() != NO_KIND)].reset_index(drop=True)
    # Two records that say the same of the same place are two records.
    said = pd.Series(["|".join(map(str, row)) for row in table.itertuples(index=False)], dtype=object)
    times = said.groupby(said).cumcount()
    keys = [
        hashlib.sha256(f"{text}#{time}".encode()).hexdigest()[:KEY_LENGTH]
        for text, time in zip(said, times, strict=True)
    ]
    return table[["source", "kind", "event", "known_from"]].assign(key=pd.array(keys, dtype="str"))


def records_text(ledger: Ledger, as_of: date) -> str:
    """The keys of all records known at a date, one a line: what a later run compares its books with."""
    return "\n".join(sorted(keyed_records(ledger, as_of)["key"]))


def news_since(ledger: Ledger, as_of: date, before: str, since: date) -> News:
    """What the books of today hold beyond those of `before` (a `records_text`), which were read as of `since`."""
    table, known = keyed_records(ledger, as_of), set(before.split())
    fresh = table[~table["key"].isin(known)]
    late = (fresh["known_from"] <= since.isoformat()).to_numpy()
    gone = known - set(table["key"])
    return News(since, fresh[~late].reset_index(drop=True), fresh[late].reset_index(drop=True), tuple(sorted(gone)))


def fingerprint(config: TrainConfig, inputs: Inputs, ledger: Ledger) -> str:
    """SHA-256 over everything that a training would learn from: inputs, label set, known records and settings.

    A later `as_of` under which nothing more is known gives the same: the same results twice are no news.
    """
    settings: dict[str, Any] = config.model_dump(mode="json")
    parts: Mapping[str, str] = {
        "inputs": json.dumps(dict(sorted(inputs.digests.items()))),
        "labels": label_digest(ledger.at(config.as_of)),
        "records": records_text(ledger, config.as_of),
        "known": json.dumps({n: len(known_at(t, config.as_of)) for n, t in sorted(inputs.sources.vectors.items())}),
        # Units, works and declared areas are no sources of records, and are learned from all the same.
        "files": files_digest(config, (config.casualty, config.contamination)),
        "settings": json.dumps({key: settings[key] for key in sorted(settings) if key not in WITHOUT_EFFECT}),
    }
    return digest_of(parts)


def told_counts(frame: pd.DataFrame) -> dict[str, int]:
    """Records of a frame by kind.

    >>> told_counts(pd.DataFrame({"kind": ["find", "find", "cleared"]}))
    {'cleared': 1, 'find': 2}
    """
    return {str(name): int(count) for name, count in frame.groupby("kind").size().items()}


def _days(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Dates as ISO texts, empty where there is none."""
    return pd.to_datetime(column).dt.strftime("%Y-%m-%d").fillna("").astype(str)
