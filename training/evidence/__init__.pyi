from .balance import few_searched_notes
from .detection import FEWEST_CHECKED, measured_detection
from .fingerprint import files_digest, keyed_records, label_digest, records_text
from .inputs import OUTCOME_SOURCES, Inputs, contamination_context, read_inputs
from .ledger import Ledger
from .record_kinds import KIND_NAMES, KINDS, closed_hazards
from .regions import NO_REGION, block_names, cell_regions, district_names, district_numbers
from .selection import CHANCE, PEOPLE, STRENGTH
from .states import FOUND, NO_BAG, SEARCHED, STATE_NAMES, UNKNOWN, Evidence
from .status import Status, in_open_area, work_of
from .verdicts import (
    ACCEPTED,
    ALL_DAYS,
    REJECTED,
    Verdicts,
    decisions_path,
    open_inputs,
    open_ledger,
    read_verdicts,
    without,
)
from .work import (
    CLEARANCE,
    NO_WORK,
    NON_TECHNICAL_SURVEY,
    STATUS_NAMES,
    TECHNICAL_SURVEY,
    WORK_OF,
    WORKS,
)

__all__ = [
    "ACCEPTED",
    "ALL_DAYS",
    "CHANCE",
    "CLEARANCE",
    "FEWEST_CHECKED",
    "FOUND",
    "KINDS",
    "KIND_NAMES",
    "NON_TECHNICAL_SURVEY",
    "NO_BAG",
    "NO_REGION",
    "NO_WORK",
    "OUTCOME_SOURCES",
    "PEOPLE",
    "REJECTED",
    "SEARCHED",
    "STATE_NAMES",
    "STATUS_NAMES",
    "STRENGTH",
    "TECHNICAL_SURVEY",
    "UNKNOWN",
    "WORKS",
    "WORK_OF",
    "Evidence",
    "Inputs",
    "Ledger",
    "Status",
    "Verdicts",
    "block_names",
    "cell_regions",
    "closed_hazards",
    "contamination_context",
    "decisions_path",
    "district_names",
    "district_numbers",
    "few_searched_notes",
    "files_digest",
    "in_open_area",
    "keyed_records",
    "label_digest",
    "measured_detection",
    "open_inputs",
    "open_ledger",
    "read_inputs",
    "read_verdicts",
    "records_text",
    "without",
    "work_of",
]
