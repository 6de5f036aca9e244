"""Who chose the land of a record: land that a ranking proposed is distinguished from land that people reported."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, words

MODEL, PEOPLE, CHANCE, UNSAID = "model", "people", "chance", ""
# Purposes of tasks in a survey plan of `mlrisk rank`: results entered in its tasks need no mark by hand.
OF_PURPOSE = {"survey": MODEL, "explore": MODEL, "audit": CHANCE}
# Precedence among several records of a cell: a draw ranks above a report, and a report above a ranking, because
# knowledge that people have without the ranking is a test of it.
STRENGTH = (UNSAID, MODEL, PEOPLE, CHANCE)


def chosen_by(source: str, table: gpd.GeoDataFrame, inclusion_prob: Floats) -> NDArray[np.object_]:
    """Who chose the land of each record: as recorded, else by the purpose of its task, else chance where it was drawn.

    The purpose is that of a task in a survey plan. Accidents are always reported by people.
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
    """Who chose each cell, from pairs of a cell (`place`) and who chose it by a record (`chosen`).

    >>> origin_of_cells(3, np.array([0, 0, 2]), np.array(["model", "people", "model"], dtype=object)).tolist()
    ['people', '', 'model']
    """
    strength = np.zeros(n_cells, dtype=np.int64)
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(STRENGTH)}
    np.maximum.at(strength, place, np.array([numbers[str(name)] for name in chosen], dtype=np.int64))
    return np.array(STRENGTH, dtype=object)[strength]
