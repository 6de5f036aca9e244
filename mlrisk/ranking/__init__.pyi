from .casualty import CellContamination, casualty_columns
from .champions import Champions, champion_reports, load_champions
from .policies import EVIDENCE_OPEN, by_explore, new_finds, ranked, unfound
from .scoring import MEMBER, cell_scores, explained, scorer_of, with_reasons

__all__ = [
    "EVIDENCE_OPEN",
    "MEMBER",
    "CellContamination",
    "Champions",
    "by_explore",
    "casualty_columns",
    "cell_scores",
    "champion_reports",
    "explained",
    "load_champions",
    "new_finds",
    "ranked",
    "scorer_of",
    "unfound",
    "with_reasons",
]
