from .config import FORMATS, Config, load_config
from .planning import (
    POLICY_NAMES,
    AssetSettings,
    AuthoritySettings,
    MaskSettings,
    Months,
    PlanSettings,
    RankingSettings,
    TaskSettings,
)

__all__ = [
    "FORMATS",
    "POLICY_NAMES",
    "AssetSettings",
    "AuthoritySettings",
    "Config",
    "MaskSettings",
    "Months",
    "PlanSettings",
    "RankingSettings",
    "TaskSettings",
    "load_config",
]
