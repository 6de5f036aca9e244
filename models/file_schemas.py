"""Schemas of the JSON files of a version, by which files from elsewhere are read."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from models.level import LevelKind

# Rounding can put a sum of shares beyond its end, or a neighbour below the last value, by a last digit.
ROUNDING = 1e-9
MOST_FEATURES, MOST_MEMBERS, MOST_LIST = 5_000, 200, 100_000


def _plain(text: str) -> str:
    """A name of one printable line without quotes, tags or parts of a path."""
    if not text.isprintable() or text != text.strip() or any(sign in text for sign in "\"'`<>/\\"):
        raise ValueError("a name is one plain line without quotes, tags and slashes")
    return text


def _rising(values: Sequence[float]) -> Sequence[float]:
    if any(left >= right for left, right in pairwise(values)):
        raise ValueError("the values have to rise")
    return values


def _never_falling(values: Sequence[float]) -> Sequence[float]:
    if any(left > right + ROUNDING for left, right in pairwise(values)):
        raise ValueError("the values must never fall")
    return values


def _different(names: Sequence[str]) -> Sequence[str]:
    if len(set(names)) != len(names):
        raise ValueError("a name stands twice")
    return names


MOST_CELLS, MOST_LAID = 20_000_000, 200_000_000
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Share = Annotated[float, Field(allow_inf_nan=False, ge=-ROUNDING, le=1 + ROUNDING)]
Spread = Annotated[float, Field(allow_inf_nan=False, ge=0, le=100)]
LogOdds = Annotated[float, Field(allow_inf_nan=False, ge=-50, le=50)]
Place = Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
Numbers = Annotated[list[Finite], Field(max_length=MOST_LIST)]
Rising = Annotated[list[Finite], Field(max_length=MOST_LIST), AfterValidator(_rising)]
RisingShares = Annotated[list[Share], Field(max_length=MOST_LIST), AfterValidator(_never_falling)]
Features = TypeAdapter(Annotated[list[Name], Field(min_length=1, max_length=MOST_FEATURES), AfterValidator(_different)])


class FileSchema(BaseModel):
    """A file of a version: unknown keys are refused, and types are strict."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def fault(self, features: Sequence[str]) -> str:  # noqa: ARG002 most files know nothing of features
        """The reason why the file does not fit a model of these features, in words; empty where it fits."""
        return ""


class BlendFile(FileSchema):
    """blend.json: the share of the regression and the number of members."""

    linear_share: Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)]
    members: Annotated[int, Field(ge=1, le=MOST_MEMBERS)]


class CalibrationFile(FileSchema):
    """calibration.json: a curve that never falls."""

    method: Name
    score: Annotated[Rising, Field(min_length=1)]
    probability: RisingShares
    between_regions: NotNegative | None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.score) != len(self.probability):
            raise ValueError("score and probability differ in length")
        return self


class VennAbersFile(FileSchema):
    """venn_abers.json: two step functions that never fall, the lower below the upper."""

    edge: Rising
    low: RisingShares
    high: RisingShares
    regions: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.low) == len(self.high) == len(self.edge) + 1:
            raise ValueError("low and high have one entry more than edge")
        if any(low > high + ROUNDING for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("low lies above high")
        return self


class MissedShareFile(FileSchema):
    """missed_share.json: a bound that never falls as the score rises."""

    score: Rising
    share: RisingShares
    blocks: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.score) != len(self.share):
            raise ValueError("score and share differ in length")
        return self


class LevelFile(FileSchema):
    """level.json: finds for each one that the curve states, and the cells by which that was measured."""

    kind: LevelKind
    factor: Positive
    low: NotNegative
    high: NotNegative | None
    cells: Annotated[int, Field(ge=0)]
    found: Annotated[int, Field(ge=0)]
    on_new_land: LogOdds = 0.0
    in_areas: LogOdds = 0.0


class LikelyRangeFile(FileSchema):
    """likely_range.json: log-odds by which the share found may differ from the probability."""

    edge: Rising
    between: Annotated[list[Spread], Field(min_length=1, max_length=MOST_LIST)]
    width: Spread
    level_sd: Spread

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.between) != len(self.edge) + 1:
            raise ValueError("between has one entry more than edge")
        return self


class LocalRatioFile(FileSchema):
    """local_ratio.json: labelled cells and the kernel about them."""

    cell_size_m: Positive
    width_cells: Annotated[float, Field(gt=0, le=100)]
    prior: Positive
    column: Annotated[list[Place], Field(min_length=1, max_length=MOST_CELLS)]
    row: Annotated[list[Place], Field(min_length=1, max_length=MOST_CELLS)]
    found: Annotated[list[NotNegative], Field(max_length=MOST_CELLS)]
    expected: Annotated[list[NotNegative], Field(max_length=MOST_CELLS)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.column) == len(self.row) == len(self.found) == len(self.expected):
            raise ValueError("column, row, found and expected differ in length")
        # The kernel is laid over the whole rectangle about the cells.
        if (max(self.column) - min(self.column) + 1) * (max(self.row) - min(self.row) + 1) > MOST_LAID:
            raise ValueError(f"its cells lie further apart than a rectangle of {MOST_LAID:,} cells")
        return self


class OutOfBagFile(FileSchema):
    """out_of_bag.json: labelled cells, and the log-odds by which members without their blocks differ there."""

    cell_size_m: Positive
    column: Annotated[list[Place], Field(min_length=1, max_length=MOST_CELLS)]
    row: Annotated[list[Place], Field(min_length=1, max_length=MOST_CELLS)]
    shift: Annotated[list[LogOdds], Field(max_length=MOST_CELLS)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.column) == len(self.row) == len(self.shift):
            raise ValueError("column, row and shift differ in length")
        return self


class DomainFile(FileSchema):
    """domain.json: training points in weighted features, and the range of every feature."""

    mean: Numbers
    scale: Annotated[list[Positive], Field(max_length=MOST_FEATURES)]
    weight: Annotated[list[Share], Field(max_length=MOST_FEATURES)]
    points: Annotated[list[Numbers], Field(min_length=1, max_length=MOST_LIST)]
    mean_distance: Positive
    threshold: NotNegative
    lowest: Annotated[list[Finite | None], Field(max_length=MOST_FEATURES)]
    highest: Annotated[list[Finite | None], Field(max_length=MOST_FEATURES)]

    def fault(self, features: Sequence[str]) -> str:
        """The reason why the domain does not fit a model of these features."""
        count = len(features)
        lists = {"mean": self.mean, "scale": self.scale, "weight": self.weight}
        lists |= {"lowest": self.lowest, "highest": self.highest}  # type: ignore[dict-item]
        wrong = [name for name, values in lists.items() if len(values) != count]
        if any(len(point) != count for point in self.points):
            wrong.append("points")
        if wrong:
            return f"{', '.join(wrong)}: another number of entries than the {count} features"
        if not sum(self.weight):
            return "no feature has a weight"
        ends = zip(self.lowest, self.highest, strict=True)
        if any((low is None) != (high is None) or (low or 0) > (high or 0) for low, high in ends):
            return "lowest lies above highest"
        return ""


class LinearFile(FileSchema):
    """booster_linear.json: a logistic regression on ranks."""

    features: list[Name]
    knots: list[Annotated[Numbers, Field(min_length=2), AfterValidator(_never_falling)]]
    slope: Numbers
    bend: Numbers
    intercept: Finite
    centre: Numbers

    def fault(self, features: Sequence[str]) -> str:
        """The reason why the regression does not fit a model of these features."""
        if list(features) != self.features:
            return "its features are not those of features.json"
        wrong = [name for name in ("knots", "slope", "bend", "centre") if len(getattr(self, name)) != len(features)]
        return f"{', '.join(wrong)}: another number of entries than features" if wrong else ""


class ScaleFile(FileSchema):
    """scale.json: the figures of the casualty model besides its fits."""

    per_accident: NotNegative
    yearly_change: Finite
    dispersion: Finite | None
    is_index: bool
    dated: bool
    members: Annotated[int, Field(ge=0, le=MOST_MEMBERS)]
    shape: NotNegative = 0.0
    shape_top: NotNegative = 0.0
    belief: Share = 1.0
    accidents: NotNegative = 0.0


class PartFile(FileSchema):
    """part.json: the weight of each pattern in the accidents."""

    weights: dict[Name, NotNegative]
    scales: dict[Name, NotNegative]
    accidents_per_year: NotNegative
    mean_where_any: NotNegative | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if missing := [name for name, weight in self.weights.items() if weight and name not in self.scales]:
            raise ValueError(f"weights name {missing[0]}, scales do not")
        return self


class ReferenceBins(FileSchema):
    """Bins of one feature over the land that was learned from."""

    edges: Rising
    share: list[Share]
    unknown: Share

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.share) != len(self.edges) + 1:
            raise ValueError("share has one entry more than edges")
        return self


class SchemaRow(FileSchema):
    """The description of one feature."""

    name: Name
    unit: Annotated[str, Field(max_length=100)]
    family: Name
    sources: list[Name]


Schema = TypeAdapter(Annotated[list[SchemaRow], Field(max_length=MOST_FEATURES)])
Reference = TypeAdapter(Annotated[dict[Name, ReferenceBins], Field(max_length=MOST_FEATURES)])
Target = Literal["contamination", "casualty"]
