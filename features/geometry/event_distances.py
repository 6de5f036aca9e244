"""Distance to the nearest event that a cell does not own: the event of its own label must not shorten it."""

from collections.abc import Sequence

import numpy as np

from features.base import LONGEST_DISTANCE_M, Floats, Floats32, Grid, Integers
from features.geometry.distances import distance_m
from features.geometry.exclusions import OwnRecords, OwnRecordsByRule
from features.geometry.layers import Layer


def event_distance_m(tile: Grid, layers: Sequence[Layer], by_rule: OwnRecordsByRule) -> Floats32:
    """Distance (tile.shape) to the nearest of the points that a cell does not own; NaN outside the area.

    `layers` are the points by the rule that applies to them, in the order of `by_rule`.
    """
    least = np.where(tile.mask, np.float32(LONGEST_DISTANCE_M), np.float32(np.nan))
    for layer, (_, own) in zip(layers, by_rule, strict=True):
        if own is None or own.cells:
            found = distance_m(tile, layer)
            if own is not None:
                _ask_owners_again(tile, found, layer, own)
        else:
            found = distance_m(tile, layer, own)
        np.minimum(least, found, out=least)
    return least


def nearest_other(centres: Floats, layer: Layer, owner: Integers) -> Floats:
    """Distance (n_cells,) from each centre to the nearest point that its cell does not own, at most the longest one.

    `owner` (n_points,) is the index of the cell that owns a point, -1 where none does. This is the own-event rule: a
    record that makes the label of a cell must not shorten that cell's distance.

    A cell queries the tree for more neighbours until one of them is not its own, hence for at most twice as many as it
    owns. As each point has one owner, all queries together return a few times the number of points.
    """
    found, n_points = np.full(len(centres), np.inf), len(layer.start)
    asking, count = np.arange(len(centres) if n_points else 0), 2
    while len(asking):
        distance, index = layer.tree.query(centres[asking], k=np.arange(1, count + 1))
        exists = index < n_points
        other = exists & (owner[np.where(exists, index, 0)] != asking[:, None])
        found[asking] = np.where(other, distance, np.inf).min(axis=1)
        # The other cells have found a point that they do not own, or have seen all points.
        asking = asking[~other.any(axis=1) & exists.all(axis=1)]
        count *= 2
    return np.asarray(np.minimum(found, LONGEST_DISTANCE_M))


def _ask_owners_again(tile: Grid, distance: Floats32, layer: Layer, own: OwnRecords) -> None:
    """For cells that own points, the distance to the nearest point that they do not own."""
    rows, columns = own.windows[:, 0], own.windows[:, 2]
    centres = np.column_stack([tile.eastings_m[columns], tile.northings_m[rows]])
    owner = np.full(len(layer.start), -1)
    owner[own.members] = np.repeat(np.arange(len(own.windows)), np.diff(own.starts))
    distance[rows, columns] = nearest_other(centres, layer, owner)
