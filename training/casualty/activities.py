"""Activities of the victims: recognised in the words of a register, their mix, and casualties split by activity."""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.base import Floats, Integers, new_array, parts_of
from training.settings import ACTIVITIES

UNNAMED = -1
# Words of IMSMA forms and of the registers in data/ (English and Spanish), by activity; the first match counts.
WORDS: dict[str, frozenset[str]] = {
    "official": frozenset(
        {"official", "duty", "duties", "military", "police", "patrol", "patrolling", "soldier", "demining", "fuerza"}
        | {"publica", "pública", "erradicador", "erradicacion", "desminado", "rescate"}
    ),
    "infrastructure": frozenset(
        {"infrastructure", "construction", "building", "works", "repair", "road", "power", "mantenimiento"}
        | {"infraestructura"}
    ),
    "agriculture": frozenset(
        {"agriculture", "agricultural", "farming", "farm", "ploughing", "plowing", "harvest", "harvesting", "herding"}
        | {"tending", "animals", "livestock", "grazing", "agricultura", "animales", "cuidado", "recogiendo", "caza"}
        | {"pesca", "hunting", "fishing", "collecting", "gathering", "wood", "firewood", "water"}
    ),
    "unauthorised_travel": frozenset(
        {"travel", "travelling", "traveling", "unauthorised", "unauthorized", "passing", "walking", "driving"}
        | {"transito", "tránsito", "viajando", "pasando"}
    ),
}
SILENT = frozenset({"", "unknown", "none", "sin información", "sin informacion", "not known", "n/a"})
# Iterations of proportional fitting, after which the error is far below a tenth of a per cent.
TURNS = 50


def activity_of(texts: NDArray[np.str_]) -> Integers:
    """Number of the activity in ACTIVITIES for each text, UNNAMED if the text is empty; unknown words are `other`.

    >>> import numpy as np
    >>> activity_of(np.array(["Farming", "juggling", ""])).tolist()
    [1, 4, -1]
    """
    known = {text: _activity(text) for text in set(texts.tolist())}
    return np.array([known[text] for text in texts.tolist()], dtype=np.int64)


def mix_of(activity: Integers, casualties: Floats, prior: Mapping[str, float]) -> Floats:
    """Share of the casualties by activity, (len(ACTIVITIES),): from records that name it, else from the `prior`."""
    named = activity >= 0
    counted = np.bincount(activity[named], weights=casualties[named], minlength=len(ACTIVITIES)).astype(np.float64)
    given = np.array([prior.get(name, 0.0) for name in ACTIVITIES])
    unnamed = float(casualties[~named].sum()) if casualties.sum() else 1.0
    total = counted + unnamed * given / given.sum()
    return np.asarray(total / total.sum())


def split(casualties: Floats, layers: Floats, mix: Floats) -> Floats:
    """Casualties (n,) of cells split by activity, (n, activities): rows sum to the cell, columns to the mix.

    `layers` (n, activities) say where each activity takes people. Iterative proportional fitting (Deming and Stephan
    1940); rows are fitted last, so that their sums are exact.
    """
    total = float(casualties.sum())
    if total <= 0:
        return np.zeros_like(layers)
    table = new_array(layers.shape, np.float64)
    for rows in parts_of(len(table)):
        part = np.maximum(layers[rows], 0) * casualties[rows, None]
        # Where all layers are 0, an activity is distributed as the casualties are.
        empty = ~(part.sum(axis=1) > 0)
        part[empty] = casualties[rows][empty, None]
        table[rows] = part
    table[:, ~(_sums(table) > 0)] = casualties[:, None]
    for _ in range(TURNS):
        factor = mix * total / np.maximum(_sums(table), 1e-300)
        for rows in parts_of(len(table)):
            part = table[rows]
            part *= factor
            sums = part.sum(axis=1, keepdims=True)
            part *= np.divide(casualties[rows, None], sums, out=np.zeros_like(sums), where=sums > 0)
    return table


def _sums(table: Floats) -> Floats:
    """The sum of each column, (activities,), row by row as of the whole table."""
    total = np.zeros(table.shape[1])
    for rows in parts_of(len(table)):
        total = np.concatenate([total[None], table[rows]]).sum(axis=0)
    return total


def _activity(text: str) -> int:
    if text.strip() in SILENT:
        return UNNAMED
    if text in ACTIVITIES:
        return ACTIVITIES.index(text)
    spoken = set(re.split(r"[^\w]+", text.casefold().replace("_", " ")))
    fits = (name for name, wanted in WORDS.items() if spoken & wanted)
    return ACTIVITIES.index(next(fits, "other"))
