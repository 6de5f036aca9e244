"""Baselines that rank by one feature, as a planner would do without a model."""

from dataclasses import dataclass

from features.base import Floats

INCIDENT_DISTANCE = "incident_distance_m"


@dataclass(frozen=True)
class FeatureBaseline:
    """Rank by one feature; `sign` is -1 where less comes first (a distance).

    `on_held_out` and `on_map` say where it is compared with a model: on held-out land, and on a finished map.
    """

    feature: str
    sign: int
    on_held_out: bool = True
    on_map: bool = True

    def score(self, values: Floats) -> Floats:
        """The score (n,) of the values of the feature (n,); a larger score is surveyed first, NaN stays unknown."""
        return self.sign * values


# A new baseline of one feature is one line here, and its name in BASELINE_NAMES of the settings where it is judged on
# held-out land. Hazard areas make labels: on held-out land the distance to one would give the answer away.
FEATURE_BASELINES: dict[str, FeatureBaseline] = {
    "distance to the line": FeatureBaseline("front_line_distance_m", -1),
    "distance to an incident": FeatureBaseline(INCIDENT_DISTANCE, -1),
    "incident density": FeatureBaseline("incident_density_2km_per_km2", 1),
    "distance to a settlement": FeatureBaseline("settlement_distance_m", -1, on_map=False),
    "distance to a hazard area": FeatureBaseline("hazard_area_distance_m", -1, on_held_out=False),
}
