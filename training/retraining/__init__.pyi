from .contest import asked_of
from .decision import FIRST, PROMOTED, REFUSED, UNCHANGED, WAITING, Decision
from .last_run import Seen, read_seen
from .retrain import decide
from .short_cut import Begun, at_a_glance, begin, lock_path

__all__ = [
    "FIRST",
    "PROMOTED",
    "REFUSED",
    "UNCHANGED",
    "WAITING",
    "Begun",
    "Decision",
    "Seen",
    "asked_of",
    "at_a_glance",
    "begin",
    "decide",
    "lock_path",
    "read_seen",
]
