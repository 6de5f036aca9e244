"""Names of the casualty columns of the risk map, and what each says."""

import pandas as pd

from training.settings.casualty import ACTIVITIES

MAIN = "casualties_per_year"
INDEX = "casualty_index"
# Beside casualties_per_year, at the end of the table.
MEANINGS: dict[str, str] = {
    "casualties_per_year_low": "lower end of the 90 % interval of casualties_per_year (block bootstrap)",
    "casualties_per_year_high": "upper end of it",
    INDEX: "contamination x exposure x severity, mean 1: an index of where, no count",
    "killed_per_year": "of casualties_per_year, those expected to die",
    **{f"casualties_{name}_per_year": f"casualties_per_year of {name.replace('_', ' ')}" for name in ACTIVITIES},
    "casualties_per_year_if_return": "casualties_per_year if people return and works begin before survey",
    "casualties_return_increase": "what the return adds to casualties_per_year",
}
MORE = tuple(MEANINGS)


def present_casualty_columns(risk: pd.DataFrame) -> list[str]:
    """The further casualty columns that a risk map has, in order."""
    return [name for name in MORE if name in risk]
