"""Draws of whole blocks of land with replacement: neighbouring cells are alike, so they are drawn together."""

import numpy as np

from features.base import Floats, Integers


def draw_blocks(block: Integers, rng: np.random.Generator, draws: int) -> tuple[Integers, Floats]:
    """Number of the block of each row, (n,) from 0, and how often each block is drawn, (draws, blocks).

    The block bootstrap (Künsch 1989): each draw takes as many blocks as there are. `block` (n,) names the block of each
    row by values of any kind.

    >>> place, times = draw_blocks(np.array([7, 7, 9]), np.random.default_rng(0), 2)
    >>> place.tolist(), times.sum(axis=1).tolist()
    ([0, 0, 1], [2.0, 2.0])
    """
    names, place = np.unique(block, return_inverse=True)
    chosen = rng.integers(0, max(len(names), 1), (draws, len(names)))
    times = np.zeros((draws, len(names)))
    np.add.at(times, (np.arange(draws)[:, None], chosen), 1.0)
    return place.reshape(-1).astype(np.int64), times
