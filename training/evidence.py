"""Evidence per cell at a date: what was found, what was searched, and what nobody has looked at."""

from datetime import date
from pathlib import Path

from features.base.grid import Grid
from features.sources.opening import Sources
from training.config import LabelSettings
from training.declared import geographic_centres
from training.kinds import KIND_NAMES, KINDS
from training.ledger import Ledger
from training.states import FOUND, SEARCHED, STATE_NAMES, UNKNOWN, Evidence

__all__ = ["FOUND", "KINDS", "KIND_NAMES", "SEARCHED", "STATE_NAMES", "UNKNOWN", "Evidence", "Ledger"]
__all__ += ["evidence_at", "geographic_centres"]


def evidence_at(grid: Grid, sources: Sources, as_of: date, labels: LabelSettings, data_folder: Path) -> Evidence:
    """The evidence of every cell from the records known at `as_of`; whoever asks for several dates keeps a Ledger."""
    return Ledger.build(grid, sources, labels, data_folder).at(as_of)
