"""Rules of the field, which rank land where nothing can be learned, with all their weights."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from features.base import Settings
from training.settings.boosting import Positive


class FieldRule(Settings):
    """Weight and reach of one feature in the rules."""

    weight: float = Field(ge=0, description="beside the other rules; those whose feature is there are brought to one")
    reach: Positive = Field(
        description="in the unit of the feature: a distance speaks for 1/e of its weight at this value, a density or "
        "share for 1 - 1/e"
    )


# Order of weights: front lines, accidents, handed-over records, withdrawal routes, crossings, land use; recorded
# fighting, whose places are known to a few kilometres, ranks between the routes and the crossings. Their sizes are rank
# order centroids of six criteria (Barron and Barrett 1996), shared among the features of a criterion; reaches come from
# ANAMA's accounts (domain.md): mines up to 2 km in front of trenches, by crossings, in orchards, on river banks. No
# label was looked at.
FIELD_RULES: dict[str, dict[str, float]] = {
    "front_line_distance_m": {"weight": 0.25, "reach": 2000},
    "control_line_4000m_distance_m": {"weight": 0.16, "reach": 4000},
    "incident_distance_m": {"weight": 0.12, "reach": 2000},
    "incident_density_2km_per_km2": {"weight": 0.12, "reach": 0.05},
    "minefield_record_density_1km_per_km2": {"weight": 0.16, "reach": 0.05},
    "withdrawal_route_distance_m": {"weight": 0.1, "reach": 1000},
    "road_front_line_crossing_distance_m": {"weight": 0.03, "reach": 1000},
    "bridge_distance_m": {"weight": 0.03, "reach": 500},
    "orchard_distance_m": {"weight": 0.02, "reach": 250},
    "conflict_event_density_10km_per_km2": {"weight": 0.06, "reach": 0.05},
    "river_distance_m": {"weight": 0.01, "reach": 250},
}


def _with_defaults(given: Any) -> Any:
    """The rules of the field, replaced by those given for the same feature; weight 0 removes a rule."""
    return {**FIELD_RULES, **given} if isinstance(given, dict) else given


Prior = Annotated[dict[str, FieldRule], BeforeValidator(_with_defaults)]
