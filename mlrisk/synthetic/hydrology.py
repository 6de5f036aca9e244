"""Hydrology: drainage without pits, catchment areas, erosion by rivers, river lines."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from features.base import Flags, Floats, Integers
from mlrisk.synthetic.grid_graph import edges, graph

DROP_M = 1e-3


@dataclass(frozen=True)
class Drainage:
    """Flat arrays over the nodes; `levels` groups nodes by their number of steps to an outlet, outlets first."""

    filled_m: Floats
    receiver: Integers
    levels: list[Integers]
    catchment_cells: Floats


def drain(elevation_m: Floats, outlets: Flags) -> Drainage:
    """Drainage along the steepest way down after filling pits to their lowest spill.

    The minimum spanning tree over max(height of both ends) holds the lowest way out of every pit (the minimax way),
    which is what priority-flood finds one cell at a time (Barnes, Lehman and Mulla 2014).
    """
    flat, out = elevation_m.ravel(), outlets.ravel()
    filled = _fill(flat, out, (elevation_m.shape[0], elevation_m.shape[1]))
    receiver = _steepest(filled.reshape(elevation_m.shape))
    receiver[out] = np.flatnonzero(out)
    levels = _levels(receiver)
    catchment = np.ones(flat.size)
    for nodes in reversed(levels[1:]):
        np.add.at(catchment, receiver[nodes], catchment[nodes])
    return Drainage(filled, receiver, levels, catchment)


def erode(elevation_m: Floats, uplift_m: Floats, outlets: Flags, rounds: int, strength: float) -> Floats:
    """Uplift against rivers that cut with slope times the root of the catchment (Braun and Willett 2013, implicit)."""
    uplift = uplift_m.ravel()
    height = elevation_m.ravel().copy()
    for _ in range(rounds):
        water = drain(height.reshape(elevation_m.shape), outlets)
        height = water.filled_m.copy()
        cut = strength * np.sqrt(water.catchment_cells)
        for nodes in water.levels[1:]:
            height[nodes] = (height[nodes] + uplift[nodes] + cut[nodes] * height[water.receiver[nodes]]) / (
                1 + cut[nodes]
            )
    return height.reshape(elevation_m.shape)


def river_ways(water: Drainage, least_catchment: float) -> list[Integers]:
    """Nodes of every river from head to mouth or confluence, the longest first."""
    wet = water.catchment_cells >= least_catchment
    fed = np.zeros(wet.size, dtype=bool)
    inner = wet & (water.receiver != np.arange(wet.size))
    fed[water.receiver[inner]] = True
    depth = np.empty(wet.size, dtype=np.int64)
    for level, nodes in enumerate(water.levels):
        depth[nodes] = level
    heads = np.flatnonzero(wet & ~fed)
    taken = np.zeros(wet.size, dtype=bool)
    ways = []
    for head in heads[np.argsort(-depth[heads], kind="stable")]:
        way = [int(head)]
        while not taken[way[-1]]:
            taken[way[-1]] = True
            below = int(water.receiver[way[-1]])
            if below == way[-1]:
                break
            way.append(below)
        if len(way) > 3:
            ways.append(np.array(way, dtype=np.int64))
    return ways


def _fill(flat: Floats, out: Flags, shape: tuple[int, int]) -> Floats:
    start, stop, _ = edges(shape)
    root = flat.size
    lowest = flat.min() - 1.0
    first = np.flatnonzero(out)
    weight = np.concatenate([np.maximum(flat[start], flat[stop]), flat[first]]) - lowest
    ways = graph(np.concatenate([start, np.full(first.size, root)]), np.concatenate([stop, first]), weight, root + 1)
    _, before = breadth_first_order(minimum_spanning_tree(ways), root, directed=False)
    parent = before[:root].astype(np.int64)
    parent[parent == root] = np.flatnonzero(parent == root)
    filled = flat.copy()
    for nodes in _levels(parent)[1:]:
        filled[nodes] = np.maximum(flat[nodes], filled[parent[nodes]] + DROP_M)
    return filled


def _steepest(filled: Floats) -> Integers:
    rows, columns = filled.shape
    padded = np.pad(filled, 1, constant_values=np.inf)
    index = np.pad(np.arange(filled.size).reshape(filled.shape), 1, constant_values=-1)
    best = np.full(filled.shape, -np.inf)
    receiver = np.arange(filled.size).reshape(filled.shape)
    for i in (0, 1, 2):
        for j in (0, 1, 2):
            if (i, j) == (1, 1):
                continue
            fall = (filled - padded[i : i + rows, j : j + columns]) / np.hypot(i - 1, j - 1)
            better = fall > best
            best[better] = fall[better]
            receiver[better] = index[i : i + rows, j : j + columns][better]
    return receiver.ravel()


def _levels(parent: Integers) -> list[Integers]:
    """Nodes grouped by steps to the root of their tree (a node that is its own parent), by pointer doubling."""
    ahead = parent.copy()
    depth = (parent != np.arange(parent.size)).astype(np.int64)
    while True:
        gain = depth[ahead]
        if not gain.any():
            break
        depth += gain
        ahead = ahead[ahead]
    order = np.argsort(depth, kind="stable")
    return np.split(order, np.searchsorted(depth[order], np.arange(1, depth.max() + 1)))
