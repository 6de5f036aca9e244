from .config import FORMATS, Config, load_config
from .planning import (
    POLICY_NAMES,
    WEEKDAYS,
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
    "WEEKDAYS",
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
