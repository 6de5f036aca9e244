from .commands.chain import run, train
from .commands.country import Country, evaluate, open_country
from .commands.evidence_files import evidence
from .commands.feature_files import features, write_features
from .commands.rank import rank
from .commands.retrain import retrain
from .commands.source_check import check
from .followup.verification import verify
from .risk_map.reading import load_risk_map
from .settings.config import load_config
from .synthetic import synthetic_country
from .version import __version__

__all__ = [
    "Country",
    "__version__",
    "check",
    "evaluate",
    "evidence",
    "features",
    "load_config",
    "load_risk_map",
    "open_country",
    "rank",
    "retrain",
    "run",
    "synthetic_country",
    "train",
    "verify",
    "write_features",
]
