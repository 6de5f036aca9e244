"""What is new: the records of today's books beside those that a version was trained on."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from training.evidence import Ledger, keyed_records


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


def news_since(ledger: Ledger, as_of: date, before: str, since: date) -> News:
    """What the books of today hold beyond those of `before` (a `records_text`), which were read as of `since`."""
    table, known = keyed_records(ledger, as_of), set(before.split())
    fresh = table[~table["key"].isin(known)]
    late = (fresh["known_from"] <= since.isoformat()).to_numpy()
    gone = known - set(table["key"])
    return News(since, fresh[~late].reset_index(drop=True), fresh[late].reset_index(drop=True), tuple(sorted(gone)))


def counts_by_kind(frame: pd.DataFrame) -> dict[str, int]:
    """Records of a frame by kind.

    >>> counts_by_kind(pd.DataFrame({"kind": ["find", "find", "cleared"]}))
    {'cleared': 1, 'find': 2}
    """
    return {str(name): int(count) for name, count in frame.groupby("kind").size().items()}
