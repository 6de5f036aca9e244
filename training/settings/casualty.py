"""Settings of the casualty model: units, exposure, model, activities and the scenario of return."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from features.base import Settings
from features.sources import SourceSpec
from training.settings.boosting import BoostingSettings, Positive, Share

ACTIVITIES = ("unauthorised_travel", "agriculture", "infrastructure", "official", "other")
# Equal shares of casualties by activity, for registers without activities and a config without shares.
EVEN_MIX = dict.fromkeys(ACTIVITIES, 0.2)


class PlannedWorks(Settings):
    """Works planned for a future date, which bring people to land where they are not today."""

    area: SourceSpec = Field(description="polygons of the works")
    people: Positive = Field(description="people at work on all of it at a time")
    start_date: date | None = Field(None, description="counted from this day on; none: from now")
    end_date: date | None = Field(None, description="counted until this day; none: for good")

    @model_validator(mode="after")
    def _in_order(self) -> "PlannedWorks":
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date ({self.end_date}) must not be before start_date ({self.start_date})")
        return self


class ScenarioSettings(Settings):
    """The scenario of a return before survey, whose casualties are `casualties_per_year_if_return`."""

    future_date: date | None = Field(None, description="the future date; none: all planned works are under way")
    exposure_powers: tuple[Positive, Positive] = Field(
        (0.4, 1.0), description="least and greatest exposure_power that the range of the return is computed with"
    )
    return_share: Share = Field(1.0, description="share of planned_population that has come by then")
    works: tuple[PlannedWorks, ...] = Field((), description="works under way at that date")

    @field_validator("exposure_powers")
    @classmethod
    def _rising_to_one(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] <= value[1] <= 1:
            raise ValueError(f"exposure_powers ({value[0]:g}, {value[1]:g}) must be two powers of at most 1 in order")
        return value


class CasualtySettings(Settings):
    """Unit, period, exposure and model of casualty risk."""

    leave_out: tuple[str, ...] = Field((), description="features or families that the model must not see")
    units: Literal["squares", "districts"] | SourceSpec = Field(
        "squares",
        description="accidents are counted in squares of unit_m, in the districts, or in polygons such as villages",
    )
    unit_m: Positive = Field(1_000, description="side of the square unit in which accidents are counted")
    window_years: int = Field(8, ge=1, le=40, description="yearly periods before as_of that the model learns from")
    undated_years: Positive = Field(10, description="years that undated accidents are spread over")
    casualties_per_accident: Positive = Field(1.3, description="used where a record gives neither killed nor injured")
    exposure_floor: Positive = Field(
        0.5, description="people per km2 that are assumed everywhere: nobody lives there, somebody passes"
    )
    exposure_bandwidth_m: Positive = Field(2_000, description="how far people go about from where they live")
    exposure_power: float = Field(
        0.6,
        gt=0,
        le=1,
        description="harm grows with the people on a piece of land to this power: where many go, dangers become known "
        "(an assumption; 1 is proportional)",
    )
    kernel_bandwidths_m: tuple[Positive, ...] = Field(
        (2_000, 5_000), min_length=1, description="bandwidths of the decayed accident kernels"
    )
    kernel_half_lives_years: tuple[Positive, ...] = Field(
        (1, 3), min_length=1, description="half-lives of the decayed accident kernels"
    )
    contamination_every_years: int = Field(
        4, ge=0, le=40, description="the held-out contamination score is made anew so often; 0: the model has none"
    )
    fewest_accidents: int = Field(100, ge=0, description="below this the result is an index, and the run says so")
    loss: Literal["poisson", "tweedie"] = Field(
        "poisson", description="what the trees learn: accidents, or casualties weighted by severity"
    )
    death_weight: float = Field(1.0, ge=1, le=100, description="injured people that one death counts as (tweedie)")
    hurdle: Literal["auto", "never", "always"] = Field(
        "auto", description="a part for whether anything happens at all; auto: where counts are overdispersed"
    )
    members: int = Field(10, ge=3, le=100, description="block bootstrap members behind the interval")
    judged_years: int = Field(2, ge=1, le=20, description="years that are forecast from their start and judged")
    activity_mix: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=lambda: dict(EVEN_MIX),
        description="shares of casualties by activity, where records do not name it",
    )
    scenario: ScenarioSettings = ScenarioSettings()
    model: BoostingSettings = BoostingSettings(n_trees=300, max_depth=4, min_leaf_weight_share=0.001, lambda_l2=5.0)

    @field_validator("activity_mix")
    @classmethod
    def _known_activities(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(value) - set(ACTIVITIES))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no activity: choose from {', '.join(ACTIVITIES)}")
        if abs(sum(value.values()) - 1) > 0.01:
            raise ValueError(f"shares sum to {sum(value.values()):g}: they must sum to 1")
        return value
