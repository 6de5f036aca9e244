"""Settings of a training run: the parts of the YAML on sources, evidence, models and validation."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from features.base import FAMILY_NAMES, Settings, check_families
from features.sources import SourceSpec, SourcesSettings
from training.settings.boosting import BoostingSettings, Positive, Share
from training.settings.casualty import CasualtySettings
from training.settings.compute import ComputeSettings
from training.settings.prior import Prior
from training.settings.validation import ValidationSettings, ordered_box


def _as_specs(value: Any) -> Any:
    """A path, a source or a list of either: always a list of sources."""
    entries = value if isinstance(value, (list, tuple)) else [value]
    return [{"path": entry} if isinstance(entry, str) else entry for entry in entries]


Area = Annotated[tuple[SourceSpec, ...], BeforeValidator(_as_specs), Field(min_length=1)]


class GridSettings(Settings):
    """Which cells there are."""

    crs: str = Field(description="a projected CRS in metres, such as EPSG:32638")
    cell_size_m: float = Field(gt=0, description="side of a cell")
    area: Area = Field(description="polygons of the area, or points that mark its cells; one source or several")


class DeclaredArea(Settings):
    """Land that the config declares to be searched: someone answers for this sentence, so it needs a reason."""

    area: SourceSpec | None = Field(None, description="polygons; none means the whole area of the grid")
    bounds: tuple[float, float, float, float] | None = Field(
        None, description="west, south, east, north in degrees: only cells whose centre lies within"
    )
    weight: float = Field(0.3, gt=0, le=1, description="how much such a cell counts beside a cleared one")
    reason: str = Field(min_length=10, description="why this land counts as searched")

    @field_validator("bounds")
    @classmethod
    def _west_to_east(cls, value: Any) -> Any:
        return value if value is None else ordered_box(value)


class LabelSettings(Settings):
    """Which kinds of records make which labels; the kinds are those of training.evidence.ledger.KINDS."""

    found: tuple[str, ...] = Field(
        ("find", "accident", "CHA", "survey_found", "cleared_with_devices"), description="kinds that make a cell found"
    )
    searched: tuple[str, ...] = Field(
        ("cleared", "reduced", "cancelled", "survey_searched"), description="kinds that make a cell searched"
    )
    weights: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict, description="weight of a kind, where it differs"
    )
    declared_searched: tuple[DeclaredArea, ...] = Field((), description="land declared to be searched")


class SurveyBiasSettings(Settings):
    """Correction of survey bias: survey went where people expected ordnance, and other land is unknown."""

    weights: Literal["none", "propensity"] = Field(
        "none", description="propensity: labelled cells of land that is seldom surveyed count more"
    )
    unlabelled: Literal["refuse", "background"] = Field(
        "refuse",
        description="with too few searched cells: refuse to train, or draw unknown land as a background that found "
        "cells stand out from; it is no label and its contamination is an index",
    )
    background_weight: float = Field(
        0.0,
        ge=0,
        le=10,
        description="weight of unknown land beside that of all searched land; 0: it plays no part. Never where records "
        "are withheld: such land would be called empty",
    )
    bags: int = Field(4, ge=1, le=50, description="draws of unknown land, each with a booster of its own")


class ScreeningSettings(Settings):
    """Screening of features whose direction changes from region to region, because they mislead in the next region."""

    least_agreement: Share = Field(
        0.0,
        description="share of the regions learned from in which a feature must point the same way; 0: all features",
    )


class TuningSettings(Settings):
    """Nested tuning: parameters are chosen on inner folds of the training side of a fold, never on its test cells."""

    trials: int = Field(0, ge=0, le=1000, description="parameter sets to try beside those of the config; 0: no tuning")
    budget_share: float = Field(0.1, gt=0, lt=1, description="recall at this share of the area is what counts")
    inner_folds: int = Field(3, ge=2, le=20, description="groups of regions that are held out in turn")


RegionWeights = Literal["none", "equal", "worst"]


class ContaminationSettings(Settings):
    """Labels, model and calibration of contamination."""

    labels: LabelSettings = LabelSettings()
    model: BoostingSettings = BoostingSettings()
    linear_share: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="part of the log-odds that a logistic regression on ranks gives; 0 is the trees alone",
    )
    constraints: Literal["evidence", "none"] | dict[str, Literal[-1, 0, 1]] = Field(
        "evidence",
        description="monotone directions: those that the field's evidence supports, none, or by feature name",
    )
    screening: ScreeningSettings = ScreeningSettings()
    region_weights: RegionWeights = Field(
        "none", description="equal: every region counts alike; worst: regions that are predicted worst count more"
    )
    tuning: TuningSettings = TuningSettings()
    survey_bias: SurveyBiasSettings = SurveyBiasSettings()
    leave_out: tuple[str, ...] = Field((), description="features or families that the model must not see")
    outcomes: Literal["hidden", "neighbours"] = Field(
        "hidden",
        description="features of survey outcomes that make labels. neighbours: the model sees those of other blocks "
        "(contamination.own_block_m), distances clipped, and each fold those of what it learns from alone; for "
        "extending a survey, not for another region",
    )
    local_width_cells: float = Field(
        1.5,
        ge=0,
        le=50,
        description="what survey found nearby against what was expected moves the score of a cell: width of the "
        "Gaussian in cells; 0: it does not. Away from survey it is nothing, so no held-out region is judged with it",
    )
    local_prior_finds: float = Field(
        1.5, gt=0, le=100, description="expected finds nearby below which that ratio stays near one"
    )
    members: int = Field(10, ge=3, le=100, description="block bootstrap members behind the interval")
    block_m: Positive = Field(10_000, description="side of the blocks of the bootstrap")
    events_in_labels: tuple[Literal["incidents", "finds"], ...] = Field(
        (), description="event sources that made the labels by another way, such as published labels derived from them"
    )
    own_block_m: Positive = Field(5_000, description="block whose undated records a cell's own features leave out")


class NotifySettings(Settings):
    """Notification of decisions; nobody is notified unless the config names a recipient."""

    file: str | None = Field(None, description="JSON file, relative to the config: text, decision, reasons, next_step")
    command: tuple[str, ...] = Field((), description="program and arguments; gets the same JSON on standard input")


class RetrainingSettings(Settings):
    """When a challenger may take the champion's place; `mlrisk retrain` reads it."""

    policy: Literal["auto", "approve"] = Field(
        "auto", description="auto: who passes the gate ranks; approve: a person signs with --approve NAME"
    )
    budget_percent: Literal[5, 10, 20] = Field(10, description="per cent of the area that survey can reach")
    margin: Share = Field(0.02, description="loss of recall at that share that counts as none, for the whole country")
    doubt: Share = Field(
        0.9, description="refuse when the loss exceeds the margin in more than this share of the bootstrap draws"
    )
    district_margin: Share = Field(0.1, description="loss of ROC AUC in a district that counts as none")
    district_doubt: Share = Field(0.95, description="as doubt, for each district; there are many, and each is small")
    casualty_margin: Share = Field(
        0.02, description="share of Poisson deviance on the newest accidents that counts as none"
    )
    least_found: int = Field(
        15,
        ge=1,
        description="found, and searched, cells from which on a district is judged; accidents for casualty risk",
    )
    most_turned: float = Field(
        10, ge=1, description="how many times better a district's newest results may fit with found for searched"
    )
    most_shift: float = Field(
        4, gt=0, description="log-odds by which the share found in a district may exceed the stated one"
    )
    most_calibration_error: Share = Field(0.15, description="calibration error on held-out regions")
    calibration_margin: Share = Field(0.1, description="calibration error beyond the champion's that counts as none")
    most_domain_loss: Share = Field(0.05, description="share of the land that may fall out of the domain")
    most_vanished: Share = Field(
        0.02,
        description="share of a source's records that may be gone since the champion; more is accepted by a person",
    )
    auc_margin: Share = Field(0.03, description="loss of ROC AUC on all newest results that counts as none")
    auc_doubt: Share = Field(0.8, description="as doubt, for that loss")
    memory_years: float = Field(2.0, gt=0, le=20, description="results since the anchor count for so long")
    most_e: float = Field(
        20,
        ge=1,
        description="e-value of results turned round, found for searched, from which on they are in quarantine",
    )
    untested: Literal["wait", "approve"] = Field(
        "wait",
        description="where the newest results are too few to test anything. wait: the champion goes on; approve: a "
        "person signs",
    )
    notify: NotifySettings = NotifySettings()
    beaten: Literal["sign", "say"] = Field(
        "sign",
        description="where a baseline ranks better than the challenger, with an interval that leaves out zero. sign: "
        "a person decides; say: the report names it, and the gate decides",
    )
    lock_wait_s: float = Field(0, ge=0, description="how long a second run waits for the first; 0: it refuses at once")


class TrackingSettings(Settings):
    """Where runs and model versions are kept."""

    uri: str = Field(
        "sqlite:///mlflow.db",
        description="an MLflow tracking URI; a relative sqlite path is one beside the config file",
    )
    artifacts: str | None = Field(
        None,
        description="where models and reports go: a folder, relative to the config file, or a URI such as s3://bucket; "
        "beside a database if not given, and where a tracking server keeps them",
    )


class TrainConfig(Settings):
    """Everything that a trained model depends on."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="registers <name>.contamination and .casualty")
    as_of: date = Field(description="the date of knowledge: nothing recorded after it may influence anything")
    grid: GridSettings
    sources: SourcesSettings
    features: tuple[str, ...] = Field(FAMILY_NAMES, min_length=1, description="feature families")
    contamination: ContaminationSettings = ContaminationSettings()
    casualty: CasualtySettings = CasualtySettings()
    validation: ValidationSettings = ValidationSettings()
    prior: Prior = Field(
        default_factory=dict,
        validate_default=True,
        description="rules of the field by feature: what ranks under ranking.policy prior, and a baseline beside every "
        "model. A rule given here replaces the one of its name; weight 0 takes it out",
    )
    retraining: RetrainingSettings = RetrainingSettings()
    tracking: TrackingSettings = TrackingSettings()
    compute: ComputeSettings = ComputeSettings()
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of every random draw; the same seed gives the same map")
    home_folder: Path = Field(Path(), exclude=True, description="set by load_config: the folder of the config file")
    data_folder: Path = Field(Path(), exclude=True, description="set by load_config: the folder of relative sources")

    @field_validator("as_of", mode="before")
    @classmethod
    def _whole_day(cls, value: Any) -> Any:
        # With a time of day, two maps of the same date would differ.
        if hasattr(value, "hour"):
            raise ValueError(f"{value} has a time of day: give a date such as 2024-07-31")
        return value

    @field_validator("features")
    @classmethod
    def _known_families(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_families(value)

    @model_validator(mode="after")
    def _sizes_agree(self) -> "TrainConfig":
        buffer_m = self.validation.buffer_m
        if buffer_m != "auto" and 0 < buffer_m < self.grid.cell_size_m:
            raise ValueError(
                f"validation.buffer_m ({buffer_m:g}) must be auto, 0 or at least "
                f"grid.cell_size_m ({self.grid.cell_size_m:g})"
            )
        return self
