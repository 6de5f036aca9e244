"""Labels between 0 and 1: a row with label q counts as a found row of weight q and a searched row of weight 1 - q."""

import numpy as np

from features.base import Floats, Integers


def split_rows(target: Floats) -> tuple[Integers, Floats, Floats]:
    """Index, label (0 or 1) and weight of every row; rows whose target lies between appear twice, the found parts last.

    Cross entropy of a soft label is the weighted sum of those of its two parts, which every learner can take.

    >>> rows, label, part = split_rows(np.array([1.0, 0.25, 0.0]))
    >>> rows.tolist(), label.tolist(), part.tolist()
    ([0, 1, 2, 1], [1.0, 0.0, 0.0, 1.0], [1.0, 0.75, 1.0, 0.25])
    """
    soft = np.flatnonzero((target > 0) & (target < 1))
    rows = np.concatenate([np.arange(len(target)), soft])
    label = np.concatenate([np.where((target > 0) & (target < 1), 0.0, target), np.ones(len(soft))])
    part = np.ones(len(target))
    part[soft] = 1 - target[soft]
    return rows, label, np.concatenate([part, target[soft]])
