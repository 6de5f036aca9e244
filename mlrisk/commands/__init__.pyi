from .chain import run, write_report
from .country import Country, evaluate, open_country, scikit_learn_boosting
from .evidence_files import evidence
from .explain_cell import CellStory, write_story
from .feature_files import features, write_features
from .init import WrittenConfig, init
from .new_training import Unchanged, train_what_is_new
from .rank import Ranking
from .retrain import RetrainResult
from .source_check import SourceCheck, check
from .warm import CompiledKernels, warm

__all__ = [
    "CellStory",
    "CompiledKernels",
    "Country",
    "Ranking",
    "RetrainResult",
    "SourceCheck",
    "Unchanged",
    "WrittenConfig",
    "check",
    "evaluate",
    "evidence",
    "features",
    "init",
    "open_country",
    "run",
    "scikit_learn_boosting",
    "train_what_is_new",
    "warm",
    "write_features",
    "write_report",
    "write_story",
]
