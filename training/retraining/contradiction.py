"""Whether the newest results of a district fit earlier knowledge better when reversed, found for searched."""

import numpy as np
from scipy.special import log_expit, logit, logsumexp

from features.base import Flags, Floats
from training.retraining.contest import Arena
from training.retraining.loss import blocks_of

LEAST = 1e-3
# Spread of the log-odds of honest results of a district about those stated, measured on synthetic countries 141 and 142
# (39 districts and years); the other districts shift its centre.
SPREAD = 1.0
OFFSETS = np.linspace(-9, 9, 181)
# Survey goes where scores are high, and the highest scores tend to be too high: less is found than stated, not more.
MIDDLE = (-2.0, 0.0)


def log_reversal_factor(arena: Arena, rows: Flags, others: Flags | None, spread: float = SPREAD) -> float:
    """Log of the factor by which the results of `rows` fit the champion's probabilities better when reversed.

    A Bayes factor (Jeffreys 1939). Under both hypotheses the results may differ from the stated log-odds by a normal
    offset around that of the other districts. The evidence is therefore the size of the offset and which cells were
    found. Cells of one block count as one between them, because they are not independent.
    """
    middle = 0.0 if others is None else float(np.clip(shift(arena, others), *MIDDLE))
    stated = logit(np.clip(arena.stated_champion[rows], LEAST, 1 - LEAST))
    block = blocks_of(arena, rows)
    area = arena.area[rows]
    weight = area / np.maximum(np.bincount(block, weights=area), 1.0)[block]
    sign = np.where(arena.positive[rows], 1.0, -1.0)
    return _fit(stated, -sign, weight, middle, spread) - _fit(stated, sign, weight, middle, spread)


def shift(arena: Arena, rows: Flags) -> float:
    """Log-odds of the share found minus those of the stated share."""
    found, stated = found_and_stated_shares(arena, rows)
    return float(logit(found) - logit(stated))


def found_and_stated_shares(arena: Arena, rows: Flags) -> tuple[float, float]:
    """Share of the cells that was found, and the share that the champion stated."""
    area = arena.area[rows]
    # Half a cell on either side (Jeffreys 1946): ten cells without a find do not prove a share of 0.
    found = (float(arena.positive[rows] @ area) + 0.5) / (float(area.sum()) + 1)
    return found, min(max(float(np.average(arena.stated_champion[rows], weights=area)), LEAST), 1 - LEAST)


def _fit(stated: Floats, sign: Floats, weight: Floats, middle: float, spread: float) -> float:
    """Log likelihood of outcomes (1 found, -1 searched) up to a constant, over all offsets of the stated log-odds."""
    each = log_expit(sign * (stated + OFFSETS[:, None])) @ weight
    return float(logsumexp(each - ((OFFSETS - middle) / spread) ** 2 / 2))
