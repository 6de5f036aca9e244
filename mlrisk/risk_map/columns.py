"""The casualty columns of the risk map and the meaning of each."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.base import Floats, Floats32
from training.settings import ACTIVITIES
from training.validation import FEATURE_BASELINES

MAIN = "casualties_per_year"

INDEX = "casualty_index"

# Beside casualties_per_year, at the end of the table.
MEANINGS: dict[str, str] = {
    "casualties_per_year_low": "lower end of the 90 % interval of casualties_per_year (0: there may be nothing)",
    "casualties_per_year_high": "upper end of it",
    INDEX: "contamination x exposure x severity, mean 1: an index of where, no count",
    "killed_per_year": "of casualties_per_year, those expected to die",
    **{f"casualties_{name}_per_year": f"casualties_per_year of {name.replace('_', ' ')}" for name in ACTIVITIES},
    "casualties_per_year_if_return": "casualties_per_year if people return and works begin before survey",
    "casualties_return_increase": "what the return adds to casualties_per_year",
    "casualties_return_increase_low": "least of it by casualty.scenario.exposure_powers",
    "casualties_return_increase_high": "greatest of it",
}

MORE = tuple(MEANINGS)


def present_casualty_columns(risk: pd.DataFrame) -> list[str]:
    """The further casualty columns that a risk map has, in order."""
    return [name for name in MORE if name in risk]


# Columns of the feature table that decide on which ground a team can work, if the sources gave them.
GROUND_COLUMNS = ("slope_deg", "road_distance_m")


def ground_columns(names: tuple[str, ...], values: Floats32) -> dict[str, Floats]:
    """The columns of a feature table (n_cells, n_features) that the effort of teams depends on."""
    place = {name: number for number, name in enumerate(names)}
    return {name: values[:, place[name]].astype(np.float64) for name in GROUND_COLUMNS if name in place}


# Baselines whose features are columns at the end of risk.parquet, as known at as_of, if the sources gave them.
RULES = {name: baseline for name, baseline in FEATURE_BASELINES.items() if baseline.on_map}

RULE_COLUMNS = tuple(baseline.feature for baseline in RULES.values())


def rule_columns(names: tuple[str, ...], values: Floats32) -> dict[str, Floats]:
    """The columns of a feature table (n_cells, n_features) that baselines rank by."""
    position = {name: number for number, name in enumerate(names)}
    return {name: values[:, position[name]].astype(np.float64) for name in RULE_COLUMNS if name in position}


def present_rule_columns(risk: pd.DataFrame) -> tuple[str, ...]:
    """The rule columns that a risk map has, in the order of the file."""
    return tuple(name for name in RULE_COLUMNS if name in risk)


def rule_scores(risk: Mapping[str, pd.Series]) -> dict[str, Floats]:
    """Score of every rule whose column the map has, larger first; NaN where its column is unknown.

    >>> scores = rule_scores(pd.DataFrame({"front_line_distance_m": [100.0, 500.0]}))
    >>> {name: score.tolist() for name, score in scores.items()}
    {'distance to the line': [-100.0, -500.0]}
    """
    return {
        name: baseline.score(risk[baseline.feature].to_numpy(dtype=np.float64))
        for name, baseline in RULES.items()
        if baseline.feature in risk
    }
