from .api import Checked, check, evidence, features, load_risk_map, run, write_features, write_report
from .explain_cell import CellStory, write_story
from .rank import Ranking
from .retrain import Retrained

__all__ = [
    "CellStory",
    "Checked",
    "Ranking",
    "Retrained",
    "check",
    "evidence",
    "features",
    "load_risk_map",
    "run",
    "write_features",
    "write_report",
    "write_story",
]
