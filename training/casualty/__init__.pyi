from .accidents import Accidents, accident_notes, read_accidents
from .activities import mix_of, split
from .exposure import activity_layers, ground_of, people_if_return, people_today, presence
from .fitting import expected_casualties, fit_casualty, patterns_of, scaled
from .history import History, Moment, UnitPeriods, open_history
from .judging import CasualtyJudgement, judge_casualty, unit_blocks
from .severity import killed_share
from .units import units_of

__all__ = [
    "Accidents",
    "CasualtyJudgement",
    "History",
    "Moment",
    "UnitPeriods",
    "accident_notes",
    "activity_layers",
    "expected_casualties",
    "fit_casualty",
    "ground_of",
    "judge_casualty",
    "killed_share",
    "mix_of",
    "open_history",
    "patterns_of",
    "people_if_return",
    "people_today",
    "presence",
    "read_accidents",
    "scaled",
    "split",
    "unit_blocks",
    "units_of",
]
