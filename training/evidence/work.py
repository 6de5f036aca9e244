"""Names of the statuses of a cell, and the work that follows from each."""

from typing import Final

STATUS_NAMES = (
    "unknown", "evidence_open", "declared", "searched", "suspected", "on_record", "released",
)  # fmt: skip
NON_TECHNICAL_SURVEY: Final = "non_technical_survey"
TECHNICAL_SURVEY: Final = "technical_survey"
CLEARANCE: Final = "clearance"
NO_WORK: Final = "none"
# The lists of work, IMAS 08.10, 08.20 and 09.10, in the order in which they are shown.
WORKS: Final = (NON_TECHNICAL_SURVEY, TECHNICAL_SURVEY, CLEARANCE)
# `ranking.declared` decides whether declared land counts as new land.
WORK_OF = {
    "unknown": NON_TECHNICAL_SURVEY,
    "evidence_open": NON_TECHNICAL_SURVEY,
    "declared": NON_TECHNICAL_SURVEY,
    "searched": NON_TECHNICAL_SURVEY,
    "suspected": TECHNICAL_SURVEY,
    "on_record": CLEARANCE,
    "released": NO_WORK,
}
