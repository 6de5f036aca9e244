"""Who chose the land that a record speaks of: what a ranking asked for stands apart from what people report."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, words

MODEL, PEOPLE, CHANCE, UNSAID = "model", "people", "chance", ""
# What a survey plan of `mlrisk rank` wanted with a task: results written into its tasks need no mark by hand.
OF_PURPOSE = {"survey": MODEL, "explore": MODEL, "audit": CHANCE}
# What several records of a cell make together: a draw stands above a report, and a report above a ranking, for what
# people know without the ranking says something of the ranking.
STRENGTH = (UNSAID, MODEL, PEOPLE, CHANCE)


def chosen_by(source: str, table: gpd.GeoDataFrame, inclusion_prob: Floats) -> NDArray[np.object_]:
    """Who chose the land of each record: what it says, else chance where it was drawn, else whom its purpose names.

    `purpose` is that of the task of a survey plan. Nobody looks for an accident: people always report them.
    """
    chosen = words(table, "chosen_by").astype(object) if "chosen_by" in table else np.full(len(table), UNSAID, object)
    chosen = np.where(np.isin(chosen, STRENGTH), chosen, UNSAID).astype(object)
    if "purpose" in table:
        planned = np.array([OF_PURPOSE.get(str(name), UNSAID) for name in words(table, "purpose")], dtype=object)
        chosen = np.where(chosen == UNSAID, planned, chosen)
    drawn = (inclusion_prob > 0) & (inclusion_prob < 1)
    chosen[(chosen == UNSAID) & drawn] = CHANCE
    if source == "incidents":
        chosen[:] = PEOPLE
    return np.asarray(chosen)


def origin_of_cells(n_cells: int, place: NDArray[np.int32], chosen: NDArray[np.object_]) -> NDArray[np.object_]:
    """Who chose each cell, from the pairs of cells (`place`) and what their records say (`chosen`).

    >>> origin_of_cells(3, np.array([0, 0, 2]), np.array(["model", "people", "model"], dtype=object)).tolist()
    ['people', '', 'model']
    """
    strength = np.zeros(n_cells, dtype=np.int64)
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(STRENGTH)}
    np.maximum.at(strength, place, np.array([numbers[str(name)] for name in chosen], dtype=np.int64))
    return np.array(STRENGTH, dtype=object)[strength]
