"""Chains of points: the short edges of their Gabriel graph and of their minimum spanning tree.

Both graphs are computed in whole numbers with ties broken by place, so they depend on the places alone, not on their
order. An edge of the Gabriel graph depends only on the points in its disc, an edge of the tree on all points that short
edges connect.
"""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from features.base import Floats, Integers
from features.geometry.layers import Layer

# Places closer than this count as one: registers repeat the place of a village, which would make tiny chains.
STEP_M = 50.0


def gabriel_chains(places: Floats, longest_m: float) -> Layer:
    """Edges of at most `longest_m` between places (n, 2) with no third in the disc that has the edge as its diameter.

    Gabriel & Sokal 1969, with the disc's border a part of it.

    >>> gabriel_chains(np.array([[0.0, 0.0], [1000, 0], [500, 100], [9000, 0]]), 5000.0).length_m.round().tolist()
    [510.0, 510.0]
    """
    spots = _spots(places)
    return _layer(spots, _short(spots, _gabriel(spots), longest_m))


def tree_chains(places: Floats, longest_m: float) -> Layer:
    """Edges of at most `longest_m` of the minimum spanning tree of places (n, 2), of equals the westernmost."""
    spots = _spots(places)
    # Every edge of the tree is one of the Gabriel graph (Toussaint 1980).
    edges = _short(spots, _gabriel(spots), longest_m)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0], _squared(spots, edges)))]
    ranks = coo_matrix((np.arange(1.0, len(edges) + 1), tuple(edges.T)), shape=(len(spots), len(spots)))
    chosen = np.sort(minimum_spanning_tree(ranks.tocsr()).data).astype(np.int64) - 1
    return _layer(spots, edges[chosen])


def _spots(places: Floats) -> Integers:
    """The distinct places in whole steps, sorted by easting and northing."""
    return np.unique(np.rint(places / STEP_M).astype(np.int64).reshape(-1, 2), axis=0)


def _gabriel(spots: Integers) -> Integers:
    """(m, 2) index of both ends, the lower first."""
    if len(spots) < 2:
        return np.empty((0, 2), dtype=np.int64)
    along = spots - spots[0]
    if not (along[:, 0] * along[-1, 1] - along[:, 1] * along[-1, 0]).any():
        # On one straight line, which has no triangles, sorted places are neighbours.
        return np.column_stack([np.arange(len(spots) - 1), np.arange(1, len(spots))])
    corners = np.sort(Delaunay(spots - spots.min(axis=0)).simplices.astype(np.int64), axis=1)
    edges = np.unique(np.concatenate([corners[:, :2], corners[:, 1:], corners[:, ::2]]), axis=0)
    # A point in the disc is at least as near to its middle as both ends are, so three neighbours decide.
    nearby = cKDTree(spots).query(spots[edges].mean(axis=1), k=3)[1]
    ways = spots[edges][:, :, None] - spots[nearby][:, None]
    within = (ways[:, 0] * ways[:, 1]).sum(axis=2) <= 0
    within &= (nearby != edges[:, :1]) & (nearby != edges[:, 1:])
    return np.asarray(edges[~within.any(axis=1)])


def _squared(spots: Integers, edges: Integers) -> Integers:
    return np.asarray(((spots[edges[:, 1]] - spots[edges[:, 0]]) ** 2).sum(axis=1))


def _short(spots: Integers, edges: Integers, longest_m: float) -> Integers:
    return edges[_squared(spots, edges) <= (longest_m / STEP_M) ** 2]


def _layer(spots: Integers, edges: Integers) -> Layer:
    start, end = (np.asarray(spots[edges[:, side]] * STEP_M, dtype=np.float64) for side in (0, 1))
    none = np.empty(0, dtype=np.int64)
    return Layer(
        start=start,
        end=end,
        owner=np.arange(len(edges)),
        edge=np.empty(0, dtype=np.int32),
        edge_start=np.zeros(1, dtype=np.int64),
        polygon_owner=none,
    )
