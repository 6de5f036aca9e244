from .boosting import BoostingSettings, Positive, Share
from .casualty import ACTIVITIES, CasualtySettings, PlannedWorks
from .compute import ComputeSettings
from .config import (
    ContaminationSettings,
    DeclaredArea,
    LabelSettings,
    NotifySettings,
    RegionWeights,
    RetrainingSettings,
    SurveyBiasSettings,
    TrainConfig,
    TuningSettings,
)
from .prior import FIELD_RULES, FieldRule
from .provenance import (
    code_version,
    digest_of,
    flattened,
    grid_text,
    masked,
    program_digest,
    public_settings,
    schema_digest,
)
from .validation import BASELINE_NAMES, ValidationSettings

__all__ = [
    "ACTIVITIES",
    "BASELINE_NAMES",
    "FIELD_RULES",
    "BoostingSettings",
    "CasualtySettings",
    "ComputeSettings",
    "ContaminationSettings",
    "DeclaredArea",
    "FieldRule",
    "LabelSettings",
    "NotifySettings",
    "PlannedWorks",
    "Positive",
    "RegionWeights",
    "RetrainingSettings",
    "Share",
    "SurveyBiasSettings",
    "TrainConfig",
    "TuningSettings",
    "ValidationSettings",
    "code_version",
    "digest_of",
    "flattened",
    "grid_text",
    "masked",
    "program_digest",
    "public_settings",
    "schema_digest",
]
