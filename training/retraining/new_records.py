"""New records: today's records compared with those on which a version was trained."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from training.evidence import Ledger, keyed_records


@dataclass(frozen=True, eq=False, kw_only=True)
class News:
    """Records that are new, late or gone since a training; each frame has source, kind, event and known_from.

    `new` records became known after its date, `late` ones are older but were missing (an overlooked file, a
    correction). `gone` are keys of records that no longer exist, `gone_from` their numbers by source, and `had` is the
    number of records of each source at the training.
    """

    since: date
    new: pd.DataFrame
    late: pd.DataFrame
    gone: tuple[str, ...]
    gone_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    had: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many records of each sort there are."""
        return {"new": len(self.new), "late": len(self.late), "gone": len(self.gone)}


def news_since(ledger: Ledger, as_of: date, before: str, since: date) -> News:
    """Today's records compared with those of `before` (a `records_text`), which were read as of `since`."""
    table = keyed_records(ledger, as_of)
    # Versions that were trained by an earlier mlrisk have no source beside the key.
    known = {key: source or "records" for key, _, source in (line.partition(" ") for line in before.splitlines())}
    fresh = table[~table["key"].isin(known.keys())]
    late = (fresh["known_from"] <= since.isoformat()).to_numpy()
    gone = sorted(known.keys() - set(table["key"]))
    had = Counter(known.values())
    return News(
        since=since,
        new=fresh[~late].reset_index(drop=True),
        late=fresh[late].reset_index(drop=True),
        gone=tuple(gone),
        gone_from={source: tuple(key for key in gone if known[key] == source) for source in sorted(had)},
        had=dict(had),
    )


def counts_by_kind(frame: pd.DataFrame) -> dict[str, int]:
    """Records of a frame by kind.

    >>> counts_by_kind(pd.DataFrame({"kind": ["find", "find", "cleared"]}))
    {'cleared': 1, 'find': 2}
    """
    return {str(name): int(count) for name, count in frame.groupby("kind").size().items()}
