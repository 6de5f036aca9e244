from .commands.chain import run, train
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
    "__version__",
    "check",
    "evidence",
    "features",
    "load_config",
    "load_risk_map",
    "rank",
    "retrain",
    "run",
    "synthetic_country",
    "train",
    "verify",
    "write_features",
]
