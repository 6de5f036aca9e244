"""Rules of thumb that a risk map carries, so that it can be judged beside them years later."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Rule: the feature that it ranks by, and -1 where less comes first. The features are columns at the end of
# risk.parquet where the sources gave them, as they were known at as_of.
RULES: dict[str, tuple[str, int]] = {
    "distance to the line": ("front_line_distance_m", -1),
    "distance to an incident": ("incident_distance_m", -1),
    "incident density": ("incident_density_2km_per_km2", 1),
    "distance to a hazard area": ("hazard_area_distance_m", -1),
}
RULE_COLUMNS = tuple(feature for feature, _ in RULES.values())


def rule_columns(names: tuple[str, ...], values: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """The columns of a feature table (n_cells, n_features) that rules of thumb rank by."""
    position = {name: number for number, name in enumerate(names)}
    return {name: values[:, position[name]].astype(np.float64) for name in RULE_COLUMNS if name in position}


def present_rule_columns(risk: pd.DataFrame) -> tuple[str, ...]:
    """The rule columns that a risk map has, in the order of the file."""
    return tuple(name for name in RULE_COLUMNS if name in risk)


def rule_scores(risk: Mapping[str, pd.Series]) -> dict[str, NDArray[np.float64]]:
    """Score of every rule whose column the map has, larger first; NaN where the rule knows nothing.

    >>> scores = rule_scores(pd.DataFrame({"front_line_distance_m": [100.0, 500.0]}))
    >>> {name: score.tolist() for name, score in scores.items()}
    {'distance to the line': [-100.0, -500.0]}
    """
    return {
        rule: sign * risk[feature].to_numpy(dtype=np.float64)
        for rule, (feature, sign) in RULES.items()
        if feature in risk
    }
