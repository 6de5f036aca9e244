"""How the models are judged: protocols, folds, baselines and intervals."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from features.base import Settings
from training.settings.boosting import Positive

# The baselines with which the model is compared; training.validation.BASELINES holds their functions.
BASELINE_NAMES = (
    "random order",
    "distance to the line",
    "distance to an incident",
    "incident density",
    "distance to a settlement",
    "distance to what is known",
    "rules of the field",
    "logistic regression",
    "random forest",
)


class ValidationSettings(Settings):
    """How the models are judged."""

    protocols: tuple[Literal["as_of", "leave_region_out", "knndm", "random"], ...] = Field(
        ("as_of", "leave_region_out", "knndm", "random"),
        description="how the model is judged; see the page on protocols",
    )
    regions: Literal["districts", "blocks"] | dict[str, tuple[float, float, float, float]] = Field(
        "districts",
        description="districts, square blocks, or named boxes (west, south, east, north in degrees); districts "
        "become blocks where there is no such source",
    )
    folds: int = Field(5, ge=2, le=50, description="regions are dealt to so many folds; boxes are a fold each")
    block_m: Positive = Field(20_000, description="side of the square blocks")
    buffer_m: Literal["auto"] | Annotated[float, Field(ge=0)] = Field(
        "auto",
        description="training cells this near to a held-out cell are left out; auto: within the range of the labels' "
        "autocorrelation, estimated",
    )
    horizon_years: float = Field(
        1.0, gt=0, le=20, description="as_of: judged on results recorded within this time after the earlier date"
    )
    rounds: int = Field(2, ge=1, le=20, description="as_of: earlier dates, a horizon apart, that are judged from")
    explained_cells: int = Field(
        2_000, ge=0, le=100_000, description="cells drawn for the report's account of what moves the scores; 0: none"
    )
    known_in_new_region: tuple[Literal["incidents", "finds", "hazard_areas", "land_release", "survey"], ...] = Field(
        (),
        description="sources that a new region has on the day on which it is first mapped, though they make labels or "
        "bring home what survey found: a region that is held out keeps their records. None by default, because a "
        "record that labels a cell would tell its held-out neighbours the answer; what makes no label (conflict "
        "events, accidents that are no labels) always stays",
    )
    placebo_trees: int = Field(
        60,
        ge=0,
        le=1000,
        description="trees of the placebo: the recipe on land that is shifted from under its labels and records. What "
        "it scores above chance stands beside every figure; 0: no placebo",
    )
    baselines: tuple[str, ...] = Field(BASELINE_NAMES, description="rankings that the model is judged beside")
    draws: int = Field(200, ge=10, le=10_000, description="bootstrap draws of blocks of land behind every interval")
    picture_dpi: int = Field(220, ge=20, le=600, description="dots per inch of the report's pictures")

    @field_validator("baselines")
    @classmethod
    def _known_baselines(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in BASELINE_NAMES]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: choose from {', '.join(BASELINE_NAMES)}")
        return value

    @field_validator("regions")
    @classmethod
    def _two_boxes(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) < 2:
            raise ValueError(f"needs at least two boxes to leave one out, got {len(value)}")
        for box in value.values() if isinstance(value, dict) else ():
            ordered_box(box)
        return value


def ordered_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box whose corners are in order; swapped ones would silently hold nothing."""
    west, south, east, north = box
    if west >= east or south >= north:
        raise ValueError(f"{list(box)} must be west, south, east, north with west < east and south < north")
    return box
