"""Figures by hazard polygon: one polygon is one event, however many cells it covers."""

from typing import Literal

import numpy as np
from scipy.special import gammaln

from features.base import Flags, Floats, Integers
from training.validation.ranking_metrics import AREA_SHARES, HAZARD_SHARES
from training.validation.survey_order import Order, order_of

FoundWhen = Literal["any", "all"]


def polygon_figures(
    score: Floats,
    cell: Integers,
    polygon: Integers,
    area: Floats | None = None,
    found_when: FoundWhen = "any",
    polygons: int | None = None,
) -> dict[str, float]:
    """Recall at shares of the area, its area under the curve, and the share of area to reach 80, 90, 95 % of polygons.

    `cell` and `polygon` are pairs: position of a cell in `score` and number of a polygon that lies in it. A polygon is
    found when its first cell is surveyed (`any`) or when its last one is (`all`). `polygons` counts those without any
    cell in the ranking too: they are never found. NaN without a polygon, infinite where a share is never reached.

    >>> figures = polygon_figures(np.array([4.0, 3.0, 2.0, 1.0]), np.array([1, 3, 2]), np.array([0, 0, 1]))
    >>> figures["polygons"], figures["polygon_area_95"]
    (2.0, 0.75)
    """
    order = order_of(score, np.zeros(len(score), dtype=bool), area)
    group, size = _deciding(order, cell, polygon, found_when)
    number = len(group) if polygons is None else polygons
    areas, counts = order.areas(), order.counts()
    before, total = np.cumsum(areas) - areas, areas.sum()
    figures = {"polygons": float(number)}
    for share in AREA_SHARES:
        taken = np.clip((share * total - before[group]) / areas[group], 0, 1) * counts[group]
        chance = _chance(counts[group], size, taken, found_when)
        figures[f"polygon_recall_{round(100 * share)}"] = float(chance.sum() / number) if number else float("nan")
    places = polygon_areas(order, group, size, found_when) / total
    reached = np.sort(np.concatenate([places, np.full(number - len(places), np.inf)]))
    figures["polygon_rate_auc"] = float((1 - places).sum() / number) if number else float("nan")
    for share in HAZARD_SHARES:
        at = int(np.ceil(share * number - 1e-9)) - 1
        figures[f"polygon_area_{round(100 * share)}"] = float(reached[at]) if number else float("nan")
    return figures


def missed_polygons(score: Floats, cell: Integers, polygon: Integers, area: Floats | None = None) -> Integers:
    """Numbers of the polygons whose cells are all expected in the lower half of the area, worst first."""
    order = order_of(score, np.zeros(len(score), dtype=bool), area)
    group, size = _deciding(order, cell, polygon, "any")
    places = polygon_areas(order, group, size, "any")
    numbers = np.unique(polygon)
    low = np.flatnonzero(places > order.areas().sum() / 2)
    return np.asarray(numbers[low[np.argsort(-places[low], kind="stable")]])


def polygon_areas(order: Order, group: Integers, size: Integers, found_when: FoundWhen) -> Floats:
    """Expected area surveyed when each polygon is found; `size` of the cells tied in `group` decide when that is.

    The first of q marked cells among m in random order stands at (m + 1) / (q + 1) on average, the last at q times it.
    """
    areas, counts = order.areas(), order.counts()
    step = (counts[group] + 1) / (size + 1) * areas[group] / counts[group]
    return np.asarray((np.cumsum(areas) - areas)[group] + step * (size if found_when == "all" else 1))


def _deciding(order: Order, cell: Integers, polygon: Integers, found_when: FoundWhen) -> tuple[Integers, Integers]:
    """The group of ties in which each polygon is found, and how many of its cells lie in that group."""
    if found_when not in ("any", "all"):
        raise ValueError(f"found_when ({found_when!r}) must be 'any' or 'all'")
    group, number = order.groups()[cell], np.unique(polygon, return_inverse=True)[1]
    pairs, size = np.unique(np.column_stack([number, group]), axis=0, return_counts=True)
    first = np.ones(len(pairs), dtype=bool)
    change = pairs[1:, 0] != pairs[:-1, 0]
    if found_when == "any":
        first[1:] = change
    else:
        first[:-1] = change
    return pairs[first, 1], size[first]


def _chance(count: Integers, size: Integers, taken: Floats, found_when: FoundWhen) -> Floats:
    """Hypergeometric chance that any (or all) of `size` cells are among the first `taken` of `count` tied cells.

    Between whole cells the chance is taken along the straight line, as the last cell is searched in part.
    """
    low = np.floor(taken + 1e-9)
    part = np.clip(taken - low, 0, 1)
    if found_when == "any":
        one, two = (1 - _all_within(count, size, count - t) for t in (low, np.minimum(low + 1, count)))
    else:
        one, two = (_all_within(count, size, t) for t in (low, np.minimum(low + 1, count)))
    return np.asarray(one + part * (two - one))


def _all_within(count: Integers, size: Integers, taken: Floats | Integers) -> Floats:
    """C(taken, size) / C(count, size), 0 where fewer are taken."""
    enough: Flags = taken >= size
    t = np.where(enough, taken, size).astype(float)
    logs = gammaln(t + 1) - gammaln(t - size + 1) + gammaln(count - size + 1.0) - gammaln(count + 1.0)
    return np.where(enough, np.exp(logs), 0.0)
