"""Exact distance from every cell centre to the k-th nearest of many points."""

import numpy as np
from numpy.typing import NDArray

from features.descent import ranked_distances_m
from features.grid import Grid

Floats = NDArray[np.float64]


def neighbour_distances_m(tile: Grid, places: Floats, which: tuple[int, ...]) -> NDArray[np.float32]:
    """Distance to the k-th nearest of places (n, 2) for every k of `which`, ascending: (len(which), *tile.shape).

    Points at one place count each. The longest distance where there are fewer than k; NaN outside the area.
    """
    found = ranked_distances_m(tile, places, places, np.array(which))
    found[:, ~tile.mask] = np.nan
    return found
