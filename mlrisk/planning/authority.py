"""The authority's criteria as indicators of each cell, and its place in the order of priority."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Floats, columns_by_parts, new_array
from mlrisk.risk_map import with_columns
from mlrisk.settings import AuthoritySettings

# ANAMA's published order of priority; a cell belongs to the first class for which one of its criteria holds.
CLASSES = {
    1: "danger to life and many casualties",
    2: "needs found by surveys",
    3: "return of displaced people: houses, fields, irrigation",
    4: "funded reconstruction",
    5: "food security: farm and grazing land",
    6: "other",
}
# The class of each criterion.
CRITERIA = {
    "casualties": 1, "needs": 2, "return": 3, "water": 3, "works": 4, "farmland": 5, "protected_nature": 6,
}  # fmt: skip
# A criterion holds from this value on, 0.5 where none is given; `casualties` for the most dangerous tenth of the cells.
HOLDS = {"casualties": 0.9}
OTHER = 6
FARMED = ("farmland", "farm", "arable", "cropland", "orchard", "vineyard", "meadow", "pasture", "grassland")


def with_need(land: pd.DataFrame, indicators: Mapping[str, Floats], settings: AuthoritySettings) -> pd.DataFrame:
    """`land` with `need`, the weighted mean of the indicators (0 to 1), and `authority_class` (1 to 6).

    `indicators` hold a value from 0 to 1 for each cell; a criterion without one counts as 0 everywhere. Danger to life
    comes from the map: it is the share of the land with fewer expected casualties.
    """
    harm, ascending = danger(land)

    def criteria(rows: slice) -> dict[str, NDArray[Any]]:
        values = {name: indicator[rows] for name, indicator in indicators.items()}
        values = {"casualties": share_below(ascending, harm[rows]), **values}
        need = np.zeros(len(values["casualties"]))
        for name, weight in settings.shares.items():
            need += weight * values.get(name, np.zeros(len(need)))
        classes = np.full(len(need), OTHER, dtype=np.int8)
        for name, number in sorted(CRITERIA.items(), key=lambda pair: -pair[1]):
            if name in values and settings.shares.get(name, 0) > 0:
                classes[values[name] >= HOLDS.get(name, 0.5)] = number
        return {"need": need, "authority_class": classes}

    return with_columns(land, columns_by_parts(len(land), criteria))


def danger(land: pd.DataFrame) -> tuple[Floats, Floats]:
    """Expected casualties (without a casualty model, contamination) of each cell, (n,), and in ascending order."""
    casualties = land["casualties_per_year"]
    harm = (casualties if casualties.notna().all() else land["contamination"]).to_numpy(dtype=np.float64)
    ascending = new_array(len(harm), np.float64)
    ascending[:] = harm
    ascending.sort()
    return harm, ascending


def share_below(ascending: Floats, values: Floats) -> Floats:
    """Share of all cells (n,) with less than each of the `values`, 0 to 1; NaN where a value is.

    >>> share_below(np.array([1.0, 2.0, 2.0]), np.array([2.0, 1.0])).tolist()
    [0.5, 0.0]
    """
    below = np.searchsorted(ascending, values) / max(len(ascending) - 1, 1)
    return np.where(np.isnan(values), np.nan, below)
