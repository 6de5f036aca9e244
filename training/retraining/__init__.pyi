from .decision import FIRST, HELD, PROMOTED, REFUSED, UNCHANGED, WAITING, Decision
from .last_run import LastRun, read_last_run
from .notify import notify
from .quarantine import decide_records, vanished_note
from .retrain import decide
from .settling import Signature, next_step, waiting_version
from .short_cut import RetrainSession, begin, lock_path, unchanged_decision

__all__ = [
    "FIRST",
    "HELD",
    "PROMOTED",
    "REFUSED",
    "UNCHANGED",
    "WAITING",
    "Decision",
    "LastRun",
    "RetrainSession",
    "Signature",
    "begin",
    "decide",
    "decide_records",
    "lock_path",
    "next_step",
    "notify",
    "read_last_run",
    "unchanged_decision",
    "vanished_note",
    "waiting_version",
]
