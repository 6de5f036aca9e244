from .decision import FIRST, PROMOTED, REFUSED, UNCHANGED, WAITING, Decision
from .last_run import LastRun, read_last_run
from .retrain import decide
from .settling import Signature, waiting_version
from .short_cut import RetrainSession, begin, lock_path, unchanged_decision

__all__ = [
    "FIRST",
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
    "lock_path",
    "read_last_run",
    "unchanged_decision",
    "waiting_version",
]
