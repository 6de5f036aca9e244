"""The authority's criteria as indicators of each cell, and the class of its order of priority."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.base import Floats
from mlrisk.settings import AuthoritySettings

# ANAMA's published order of priority; a cell belongs to the first class that one of its criteria speaks for.
CLASSES = {
    1: "danger to life and many casualties",
    2: "needs found by surveys",
    3: "return of displaced people: houses, fields, irrigation",
    4: "funded reconstruction",
    5: "food security: farm and grazing land",
    6: "other",
}
# Criterion: its class. `casualties` speaks for a cell among the most dangerous tenth, the others where they hold.
CRITERIA = {
    "casualties": 1, "needs": 2, "return": 3, "water": 3, "works": 4, "farmland": 5, "protected_nature": 6,
}  # fmt: skip
HOLDS = {"casualties": 0.9}
OTHER = 6
FARMED = ("farmland", "farm", "arable", "cropland", "orchard", "vineyard", "meadow", "pasture", "grassland")


def with_need(land: pd.DataFrame, indicators: Mapping[str, Floats], settings: AuthoritySettings) -> pd.DataFrame:
    """`land` with `need`, the weighted mean of the indicators (0 to 1), and `authority_class` (1 to 6).

    `indicators` hold a value from 0 to 1 for each cell; a criterion without one counts as 0 everywhere. Danger to life
    is made of the map itself: the share of the land that has fewer expected casualties.
    """
    known = {"casualties": danger(land), **indicators}
    need = np.zeros(len(land))
    for name, weight in settings.shares.items():
        need += weight * known.get(name, np.zeros(len(land)))
    classes = np.full(len(land), OTHER, dtype=np.int8)
    for name, number in sorted(CRITERIA.items(), key=lambda pair: -pair[1]):
        if name in known and settings.shares.get(name, 0) > 0:
            classes[known[name] >= HOLDS.get(name, 0.5)] = number
    return land.assign(need=need, authority_class=classes)


def danger(land: pd.DataFrame) -> Floats:
    """Share of the cells with fewer expected casualties (contamination where there is no casualty model), 0 to 1."""
    casualties = land["casualties_per_year"]
    by = casualties if casualties.notna().all() else land["contamination"]
    return np.asarray((by.rank(method="min") - 1).to_numpy(dtype=np.float64) / max(len(land) - 1, 1))
