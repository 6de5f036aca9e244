"""The result of a retraining, in a module that a run without news imports without all that training needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from training.registry import RegisteredVersion

if TYPE_CHECKING:
    from training.contamination import CellDataset
    from training.evidence import Ledger
    from training.retraining.check import Check
    from training.retraining.contest import Contest
    from training.retraining.new_records import News

FIRST, UNCHANGED, PROMOTED, REFUSED, WAITING = "first", "unchanged", "promoted", "refused", "waiting"
# Too few results to test anything: the champion stays, and results go on being counted.
HELD = "held"


@dataclass(frozen=True, eq=False, kw_only=True)
class Decision:
    """The result of a retraining.

    `kind` is FIRST (there was no champion), UNCHANGED, PROMOTED, REFUSED, HELD or WAITING (for --approve). `champion`
    is the number of the contamination version that ranks now (empty: none does), `before` that of its predecessor,
    `challenger` that of the judged version. `notes` are sentences for the operator; `facts` go into the line of the
    decision log. `quarantine` names rows that a person has to inspect; `keeps_map` says that no map must be made from
    the sources. `ledger` and `dataset` are of today, for the next ranking; None if they were not needed.
    """

    kind: str
    champion: str
    before: str | None
    challenger: str | None
    checks: "tuple[Check, ...]" = ()
    notes: tuple[str, ...] = ()
    news: "News | None" = None
    contest: "Contest | None" = None
    psi: pd.DataFrame = field(default_factory=pd.DataFrame)
    ledger: "Ledger | None" = None
    dataset: "CellDataset | None" = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    quarantine: tuple[str, ...] = ()
    keeps_map: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why the gate refused, empty if it did not."""
        return tuple(f"{check.name}: {check.text}" for check in self.checks if not check.passed)


def no_change(known: RegisteredVersion, before: str, notes: tuple[str, ...], news: "News | None") -> Decision:
    """UNCHANGED: `known` was trained on all records, and `before` goes on ranking."""
    decided = known.tags.get("decision", "")
    sentence = f"nothing new since version {known.number} was trained" + (f" ({decided})" if decided else "")
    waits = (
        (f"version {known.number} waits: --approve NAME --version {known.number} signs",) if decided == WAITING else ()
    )
    return Decision(
        kind=UNCHANGED,
        champion=before,
        before=before,
        challenger=known.number,
        notes=(*notes, f"{sentence}: no version changes", *waits),
        news=news,
    )
