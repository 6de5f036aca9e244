from .casualty import CellContamination, casualty_columns
from .champions import Champions, champion_reports, load_champions
from .policies import (
    EARLIER_DETECTION,
    EVIDENCE_OPEN,
    by_explore,
    by_prior,
    new_finds,
    odds_left,
    ranked,
    residual_factor,
)
from .prior import PRIOR, basis_of, prior_champions
from .scoring import cell_scores, explained, scorer_of, with_reasons

__all__ = [
    "EARLIER_DETECTION",
    "EVIDENCE_OPEN",
    "PRIOR",
    "CellContamination",
    "Champions",
    "basis_of",
    "by_explore",
    "by_prior",
    "casualty_columns",
    "cell_scores",
    "champion_reports",
    "explained",
    "load_champions",
    "new_finds",
    "odds_left",
    "prior_champions",
    "ranked",
    "residual_factor",
    "scorer_of",
    "with_reasons",
]
