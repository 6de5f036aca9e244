"""Distance to the nearest event that a cell does not own: what makes its label must not shorten its distance."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from features.base import LONGEST_DISTANCE_M, Floats, Floats32, Grid, Integers
from features.geometry.distances import distance_m
from features.geometry.exclusions import OwnRecords, OwnRecordsByRule
from features.geometry.layers import Layer

# Neighbours asked for at once before a cell's own group gets a tree of everything else.
MOST_NEIGHBOURS = 32


def event_distance_m(tile: Grid, layers: Sequence[Layer], by_rule: OwnRecordsByRule) -> Floats32:
    """Distance (tile.shape) to the nearest of the points that a cell does not own; NaN outside the area.

    `layers` are the points by the rule that they follow, in the order of `by_rule`.
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


def nearest_other(centres: Floats, groups_of_cells: Integers, layer: Layer, groups_of_points: Integers) -> Floats:
    """Distance (n_cells,) from each centre to the nearest point of another group, at most the longest distance.

    This is the own-event rule: a record that makes the label of a cell must not shorten that cell's distance. Only
    the cells whose nearest point is their own ask further.
    """
    found, points = np.full(len(centres), np.inf), layer.start
    if len(points):
        tree, count = layer.tree, 1
        left = np.arange(len(centres))
        while len(left) and count <= MOST_NEIGHBOURS:
            distance, index = tree.query(centres[left], k=np.arange(1, count + 1))
            there = index < len(points)
            group = groups_of_points[np.where(there, index, 0)]
            other = there & (group != groups_of_cells[left, None])
            found[left] = np.where(other, distance, np.inf).min(axis=1)
            # A cell has its answer when it met another group's point, or every point there is.
            left = left[~other.any(axis=1) & there.all(axis=1)]
            count *= 4
        for group in np.unique(groups_of_cells[left]):
            asking = left[groups_of_cells[left] == group]
            others = points[groups_of_points != group]
            if len(others):
                found[asking] = cKDTree(others).query(centres[asking])[0]
    return np.asarray(np.minimum(found, LONGEST_DISTANCE_M))


def _ask_owners_again(tile: Grid, distance: Floats32, layer: Layer, own: OwnRecords) -> None:
    """Cells that own points: the distance to the nearest of the others."""
    rows, columns = own.windows[:, 0], own.windows[:, 2]
    centres = np.column_stack([tile.eastings_m[columns], tile.northings_m[rows]])
    groups = np.full(len(layer.start), -1)
    groups[own.members] = np.repeat(np.arange(len(own.windows)), np.diff(own.starts))
    distance[rows, columns] = nearest_other(centres, np.arange(len(centres)), layer, groups)
