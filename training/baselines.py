"""Rules of thumb that every model is shown beside: what a planner would do without it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RuleOfThumb:
    """Rank by one feature; `sign` is -1 where less comes first (a distance)."""

    feature: str
    sign: int


# A new rule of thumb is one line. It is reported where its feature exists.
BASELINES: dict[str, RuleOfThumb] = {
    "distance to the line": RuleOfThumb("front_line_distance_m", -1),
    "distance to an incident": RuleOfThumb("incident_distance_m", -1),
    "incident density": RuleOfThumb("incident_density_2km_per_km2", 1),
}


def rule_scores(names: tuple[str, ...], values: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Score of every rule whose feature is in the table, by rule name; a larger score is surveyed first."""
    position = {name: index for index, name in enumerate(names)}
    return {
        rule: baseline.sign * values[:, position[baseline.feature]].astype(np.float64)
        for rule, baseline in BASELINES.items()
        if baseline.feature in position
    }
