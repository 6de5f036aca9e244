"""Ranks land for mine survey: probability of explosive ordnance and expected casualties per grid cell.

Importing mlrisk is light; the first use of a function loads what it needs.
"""

from typing import TYPE_CHECKING, Any

from mlrisk.version import __version__

if TYPE_CHECKING:
    from mlrisk.commands import check, evidence, features, load_risk_map, run, write_features
    from mlrisk.commands.api import verify
    from mlrisk.commands.rank import rank
    from mlrisk.commands.retrain import retrain
    from mlrisk.settings import load_config
    from mlrisk.synthetic import synthetic_country
    from training.train import train

_HOMES = {
    "check": "mlrisk.commands.api",
    "evidence": "mlrisk.commands.api",
    "features": "mlrisk.commands.api",
    "load_config": "mlrisk.settings.config",
    "load_risk_map": "mlrisk.commands.api",
    "rank": "mlrisk.commands.rank",
    "retrain": "mlrisk.commands.retrain",
    "run": "mlrisk.commands.api",
    "synthetic_country": "mlrisk.synthetic",
    "train": "training.train",
    "verify": "mlrisk.commands.api",
    "write_features": "mlrisk.commands.api",
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
