"""The authority's criteria as indicators of each cell, and its place in the order of priority."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.base import Floats
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
    values = {"casualties": danger(land), **indicators}
    need = np.zeros(len(land))
    for name, weight in settings.shares.items():
        need += weight * values.get(name, np.zeros(len(land)))
    classes = np.full(len(land), OTHER, dtype=np.int8)
    for name, number in sorted(CRITERIA.items(), key=lambda pair: -pair[1]):
        if name in values and settings.shares.get(name, 0) > 0:
            classes[values[name] >= HOLDS.get(name, 0.5)] = number
    return land.assign(need=need, authority_class=classes)


def danger(land: pd.DataFrame) -> Floats:
    """Share of the cells with fewer expected casualties (without a casualty model, less contamination), 0 to 1."""
    casualties = land["casualties_per_year"]
    harm = casualties if casualties.notna().all() else land["contamination"]
    return np.asarray((harm.rank(method="min") - 1).to_numpy(dtype=np.float64) / max(len(land) - 1, 1))
