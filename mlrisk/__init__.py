"""Ranks land for mine survey: probability of explosive ordnance and expected casualties per grid cell.

Importing mlrisk is light; the first use of a function loads what it needs.
"""

from typing import TYPE_CHECKING, Any

from mlrisk.version import __version__

if TYPE_CHECKING:
    from mlrisk.api import check, evidence, features, load_risk_map, run, verify, write_features
    from mlrisk.config import load_config
    from mlrisk.retraining import retrain
    from mlrisk.risk_map import rank
    from mlrisk.synthetic import synthetic_country
    from training.train import train

_HOMES = {
    "check": "mlrisk.api",
    "evidence": "mlrisk.api",
    "features": "mlrisk.api",
    "load_config": "mlrisk.config",
    "load_risk_map": "mlrisk.api",
    "rank": "mlrisk.risk_map",
    "retrain": "mlrisk.retraining",
    "run": "mlrisk.api",
    "synthetic_country": "mlrisk.synthetic",
    "train": "training.train",
    "verify": "mlrisk.api",
    "write_features": "mlrisk.api",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlrisk' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
