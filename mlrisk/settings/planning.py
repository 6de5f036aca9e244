"""Settings of a survey plan: assets, season, masks, the authority's criteria, tasks."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from features.base import Settings
from features.sources import SourceSpec
from training.evidence import CLEARANCE, NON_TECHNICAL_SURVEY, TECHNICAL_SURVEY
from training.settings import Positive, Share

Months = tuple[int, ...]
# IMAS 08.10, 08.20 and 09.10; training.evidence says which status of a cell makes which work.
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Work = Literal["non_technical_survey", "technical_survey", "clearance"]

# Rates from the field (ANAMA; world figure for manual work; the machine's 1,500 m2 an hour over six hours). The ground
# on which a kind can work is unverified and should be replaced by the operator's own rules. No rate for rats is known.
KNOWN_ASSETS: dict[str, dict[str, Any]] = {
    # Visits and interviews: land covered in a day, and the share of contaminated cells that they reveal.
    # Both unverified.
    "nts_teams": {"rate_m2_per_day": 1_000_000.0, "detection": 0.5, "works": (NON_TECHNICAL_SURVEY,), "coverage": 1.0},
    "deminers": {"rate_m2_per_day": 10.0},
    "dogs": {"rate_m2_per_day": 1000.0, "greatest_slope_deg": 30.0},
    "machines": {
        "rate_m2_per_day": 9000.0,
        "greatest_slope_deg": 15.0,
        "greatest_road_m": 2000.0,
        "not_on": (
            "forest",
            "orchard",
            "vineyard",
            "residential",
            "built_up",
            "commercial",
            "industrial",
            "retail",
            "bare_rock",
            "water",
            "wetland",
        ),
        "least_settlement_m": 200.0,
    },
    "rats": {"greatest_slope_deg": 30.0},
}

# Barron and Barrett (1996): rank order centroids of six criteria, because the order is published without weights.
ANAMA_WEIGHTS = {
    "casualties": 0.4083,
    "needs": 0.2417,
    "return": 0.1583,
    "works": 0.1028,
    "farmland": 0.0611,
    "water": 0.0139,
    "protected_nature": 0.0139,
}


class AssetSettings(Settings):
    """A kind of team: how many, which works, how quick, how thorough, and on what ground."""

    number: int = Field(0, ge=0, le=100_000, description="teams (or machines, or deminers) that work side by side")
    rate_m2_per_day: Positive = Field(description="ground that one team processes on a full working day")
    coverage: float | None = Field(
        None, gt=0, le=1, description="share of the ground that one survey processes; ranking.plan.coverage if none"
    )
    detection: float = Field(
        0.8, gt=0, lt=1, description="probability that one survey of a contaminated cell finds it; unverified"
    )
    cost_per_day: float = Field(0.0, ge=0, description="of one team, in any currency")
    greatest_slope_deg: Positive = Field(90.0, description="steeper ground cannot be worked")
    greatest_road_m: float | None = Field(None, gt=0, description="ground further from a road cannot be reached")
    not_on: tuple[str, ...] = Field((), description="classes of land_use that cannot be worked")
    works: tuple[Work, ...] = Field(
        (TECHNICAL_SURVEY, CLEARANCE), min_length=1, description="kinds of work that such a team does, see WORKS"
    )
    travel_km_per_hour: Positive = Field(30.0, description="on the way to work, in a straight line")
    hours_per_day: Positive = Field(8.0, le=24, description="working day, daily travel from the base included")
    names: tuple[str, ...] = Field((), description="of its teams; those without one are numbered")
    least_settlement_m: float = Field(0.0, ge=0, description="ground nearer to a settlement is built up: not worked")


class PlanSettings(Settings):
    """The season, and how ground is surveyed."""

    working_days: Positive = Field(200.0, description="days of a season on which a team works")
    coverage: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of the ground that one survey processes, in lanes; clearance takes all of it; unverified",
    )
    most_passes: int = Field(2, ge=1, le=10, description="surveys of the same ground in one season at the most")
    months: Months = Field((), description="months of the season, 1 to 12; for masks that hold in some months alone")
    least_workable_share: Share = Field(0.5, description="a kind is not sent to a task of which it can work less")
    start: date | None = Field(None, description="first day of the season; without one weeks are numbered")
    days_off: tuple[Weekday, ...] = Field(("saturday", "sunday"), max_length=6, description="of every week")
    holidays: tuple[date, ...] = Field((), description="further days on which no team works")
    least_days: float = Field(0.5, ge=0, description="a team goes to a task for so long at least, or not at all")
    learning_first: bool = Field(False, description="whether learning and check tasks may come first in the plan")

    @property
    def days_of_week(self) -> int:
        """Days of a week on which teams work."""
        return 7 - len(set(self.days_off))

    @field_validator("months")
    @classmethod
    def _months(cls, value: Months) -> Months:
        return check_months(value)


class MaskSettings(Settings):
    """Land that no task may hold, for a stated reason."""

    reason: str = Field(min_length=3, description="access, security, season or in words; stands in every output")
    area: SourceSpec = Field(description="polygons of the land")
    months: Months = Field((), description="months in which the land is shut; none means all")

    @field_validator("months")
    @classmethod
    def _months(cls, value: Months) -> Months:
        return check_months(value)


class LayerSettings(Settings):
    """Land on which one of the authority's criteria holds."""

    area: SourceSpec = Field(description="polygons or points")
    reach_m: float = Field(0.0, ge=0, description="land this near to it counts too")


class AuthoritySettings(Settings):
    """The authority's order of priority as weighted criteria; by default ANAMA's published order."""

    weights: dict[str, float] = Field(
        default_factory=lambda: dict(ANAMA_WEIGHTS), min_length=1, description="criterion: weight; see CRITERIA"
    )
    layers: dict[str, LayerSettings] = Field(default_factory=dict, description="criterion: land that speaks for it")

    @model_validator(mode="after")
    def _known(self) -> "AuthoritySettings":
        unknown = sorted((set(self.weights) | set(self.layers)) - set(ANAMA_WEIGHTS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no criterion: choose from {', '.join(ANAMA_WEIGHTS)}")
        if any(weight < 0 for weight in self.weights.values()) or not sum(self.weights.values()) > 0:
            raise ValueError("weights must not be negative, and one of them must be more than 0")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The weights brought to a sum of one."""
        total = sum(self.weights.values())
        return {name: weight / total for name, weight in self.weights.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """A note if the weights had to be scaled to a sum of one."""
        total = sum(self.weights.values())
        if abs(total - 1) < 0.005:
            return ()
        return (f"ranking.authority.weights sum to {total:g}: each was divided by it",)


class TaskSettings(Settings):
    """How cells are grouped into survey tasks."""

    number: int = Field(100, ge=1, le=100_000, description="tasks in the plan at the most")
    least_km2: float = Field(0.25, gt=0, description="a task grows to this area even into worse-ranked cells")
    greatest_km2: float = Field(4.0, gt=0, description="a task is not grown beyond this area")
    worst_share: Share = Field(0.2, description="tasks hold cells from this best share of the ranked land only")
    compactness: float = Field(1.0, ge=0, description="how much nearness to the first cell counts beside rank; 0: not")
    across_rivers: bool = Field(False, description="a task may lie on both sides of a river")
    across_districts: bool = Field(False, description="a task may lie in several districts")


def check_months(value: Months) -> Months:
    """Months as numbers from 1 to 12."""
    wrong = [month for month in value if not 1 <= month <= 12]
    if wrong:
        raise ValueError(f"{wrong} are no months: give numbers from 1 to 12")
    return value


def with_known_assets(given: Any) -> Any:
    """Assets by name, completed with the defaults of kinds of that name; other names need a rate of their own."""
    if not isinstance(given, dict):
        return given
    filled = {}
    for name, asset in given.items():
        own = {} if asset is None else asset
        if isinstance(own, dict):
            own = {**KNOWN_ASSETS.get(str(name), {}), **own}
            if "rate_m2_per_day" not in own:
                known = ", ".join(kind for kind, about in KNOWN_ASSETS.items() if "rate_m2_per_day" in about)
                raise ValueError(
                    f"{name} has no rate_m2_per_day, and no rate of such a kind is known: give it, or use {known}"
                )
        filled[name] = own
    return filled


Assets = Annotated[dict[str, AssetSettings], BeforeValidator(with_known_assets)]


# The ranking policies; the table of policies holds the same names.
POLICY_NAMES = ("contamination", "casualty", "harm_per_day", "search", "authority", "explore", "prior")


class RankingSettings(Settings):
    """How cells are put in order and what is explained."""

    policy: str = Field("contamination", description="which score ranks; one of POLICY_NAMES")
    tasks: TaskSettings = TaskSettings()
    assets: Assets = Field(default_factory=dict, description="kinds of teams by name; without one there is no plan")
    plan: PlanSettings = PlanSettings()
    masks: tuple[MaskSettings, ...] = Field((), description="land that no task may hold")
    authority: AuthoritySettings = AuthoritySettings()
    explore_share: Share = Field(0.1, description="of the team-days, for land of which the map knows least")
    audit_share: Share = Field(0.05, description="of the team-days, for cells drawn at random: what the map misses")
    audit_cells: int = Field(
        0,
        ge=0,
        description="cells of the audit at least in expectation, whatever the team-days; 0: by the share alone",
    )
    audit_season: str | None = Field(
        None,
        description="name of the season of the audit; the year of as_of if not given. Another one draws anew",
    )
    audit_panel: bool = Field(
        False, description="whether cells that an earlier audit has searched may be drawn again, on purpose"
    )
    district_floor: Share = Field(
        0.25, description="part of its share of the land that each district gets of the team-days, whatever its ranks"
    )
    declared: Literal["as_searched", "as_unknown"] = Field(
        "as_searched",
        description="whether land that only the config declares searched ranks by what is left after a search",
    )
    explained_cells: int = Field(20_000, ge=0, description="the first so many cells of each work get reasons in words")

    @field_validator("policy")
    @classmethod
    def _known_policy(cls, value: str) -> str:
        if value not in POLICY_NAMES:
            raise ValueError(f"{value!r} is no policy: choose from {', '.join(POLICY_NAMES)}")
        return value

    @model_validator(mode="after")
    def _shares_of_one(self) -> "RankingSettings":
        if self.explore_share + self.audit_share > 1:
            raise ValueError(
                f"explore_share ({self.explore_share:g}) and audit_share ({self.audit_share:g}) must not exceed 1 "
                "together"
            )
        return self
