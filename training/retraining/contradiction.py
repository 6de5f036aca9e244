"""Whether the newest results of a district fit what was known better turned round: found for searched."""

import numpy as np
from scipy.special import log_expit, logit, logsumexp

from features.base import Flags, Floats
from training.retraining.contest import Arena
from training.retraining.loss import blocks_of

LEAST = 1e-3
# Log-odds by which honest results of a district lie off what was stated: their spread, measured on synthetic countries
# 141 and 142 (39 districts and years), as far as the other districts have not moved the middle.
SPREAD = 1.0
OFFSETS = np.linspace(-9, 9, 181)
# Survey goes where scores are high, and there the best of them disappoint: less is found than was stated, never more.
MIDDLE = (-2.0, 0.0)


def turned_round(arena: Arena, rows: Flags, others: Flags | None) -> float:
    """Log of how many times better the results of `rows` fit the champion's statement when they are turned round.

    A Bayes factor (Jeffreys 1939). Both readings may lie off the stated log-odds as a whole, by a normal offset around
    that of the other districts, so that what tells them apart is how far off the share is and which land it is that was
    found. Cells of one block count as one: they are no independent witnesses.
    """
    middle = 0.0 if others is None else float(np.clip(shift(arena, others), *MIDDLE))
    stated = logit(np.clip(arena.stated_champion[rows], LEAST, 1 - LEAST))
    area = arena.area[rows]
    weight = area * min(1.0, len(np.unique(blocks_of(arena, rows))) / area.sum())
    sign = np.where(arena.positive[rows], 1.0, -1.0)
    return _fit(stated, -sign, weight, middle) - _fit(stated, sign, weight, middle)


def shift(arena: Arena, rows: Flags) -> float:
    """Log-odds of the share found beyond those of the stated one."""
    found, stated = found_and_stated(arena, rows)
    return float(logit(found) - logit(stated))


def found_and_stated(arena: Arena, rows: Flags) -> tuple[float, float]:
    """Share of some cells that was found, and that the champion stated."""
    area = arena.area[rows]
    # Half a cell on either side (Jeffreys 1946): of ten cells without a find the share is not known to be nothing.
    found = (float(arena.positive[rows] @ area) + 0.5) / (float(area.sum()) + 1)
    return found, min(max(float(np.average(arena.stated_champion[rows], weights=area)), LEAST), 1 - LEAST)


def _fit(stated: Floats, sign: Floats, weight: Floats, middle: float) -> float:
    """Log likelihood of outcomes (1 found, -1 searched) up to a constant, over all offsets of the stated log-odds."""
    each = log_expit(sign * (stated + OFFSETS[:, None])) @ weight
    return float(logsumexp(each - ((OFFSETS - middle) / SPREAD) ** 2 / 2))
