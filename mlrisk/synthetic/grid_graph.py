"""The eight-neighbour lattice of an array: edges, cheapest ways over it, and lines along its nodes."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from features.base import Flags, Floats, Integers


def edges(shape: tuple[int, int]) -> tuple[Integers, Integers, Floats]:
    """Every edge once: flat index of both ends, and its length in cells (1 or the square root of 2)."""
    index = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape)
    pairs = (
        (index[:, :-1], index[:, 1:], 1.0),
        (index[:-1], index[1:], 1.0),
        (index[:-1, :-1], index[1:, 1:], 2**0.5),
        (index[:-1, 1:], index[1:, :-1], 2**0.5),
    )
    start = np.concatenate([a.ravel() for a, _, _ in pairs])
    stop = np.concatenate([b.ravel() for _, b, _ in pairs])
    return start, stop, np.concatenate([np.full(a.size, length) for a, _, length in pairs])


def graph(start: Integers, stop: Integers, weight: Floats, n_nodes: int) -> csr_array:
    """The undirected sparse graph for scipy; weights must be above zero."""
    rows, columns = np.concatenate([start, stop]), np.concatenate([stop, start])
    return coo_array((np.concatenate([weight, weight]), (rows, columns)), shape=(n_nodes, n_nodes)).tocsr()


def follow(predecessors: NDArray[np.int32], node: int) -> Integers:
    """Nodes from `node` back to the source of a Dijkstra run."""
    nodes = [node]
    while predecessors[nodes[-1]] >= 0:
        nodes.append(int(predecessors[nodes[-1]]))
    return np.array(nodes, dtype=np.int64)


def cheapest_way(cost: Floats, start: tuple[int, int], stop: tuple[int, int], margin: int) -> Integers:
    """(n, 2) rows and columns of the cheapest way from `start` to `stop`, sought within `margin` cells around both."""
    low = np.maximum(np.minimum(start, stop) - margin, 0)
    high = np.minimum(np.maximum(start, stop) + margin + 1, cost.shape)
    window = cost[low[0] : high[0], low[1] : high[1]]
    a, b, length = edges((window.shape[0], window.shape[1]))
    flat = window.ravel()
    ways = graph(a, b, length * (flat[a] + flat[b]) / 2, flat.size)
    first = int(np.ravel_multi_index((start[0] - low[0], start[1] - low[1]), window.shape))
    last = int(np.ravel_multi_index((stop[0] - low[0], stop[1] - low[1]), window.shape))
    _, before = dijkstra(ways, indices=first, return_predecessors=True)
    rows, columns = np.unravel_index(follow(before, last)[::-1], window.shape)
    return np.column_stack([rows + low[0], columns + low[1]])


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_cells: float) -> Floats:
    """A random field with mean 0 and standard deviation 1 that varies over about `sigma_cells`."""
    step = max(1, int(sigma_cells / 3))
    coarse = rng.standard_normal((shape[0] // step + 8, shape[1] // step + 8))
    coarse = ndimage.gaussian_filter(coarse, sigma_cells / step, mode="wrap")
    rows, columns = np.meshgrid(np.arange(shape[0]) / step, np.arange(shape[1]) / step, indexing="ij")
    field = ndimage.map_coordinates(coarse, [rows + 2, columns + 2], order=1)
    return np.asarray((field - field.mean()) / (field.std() + 1e-9), dtype=np.float64)


def smooth_series(rng: np.random.Generator, size: int, sigma: float) -> Floats:
    """A random series with mean 0 and standard deviation about 1 that varies over about `sigma` steps."""
    noise = ndimage.gaussian_filter1d(rng.standard_normal(size + int(8 * sigma)), sigma)[int(4 * sigma) :][:size]
    return np.asarray(noise * np.sqrt(2 * sigma * np.sqrt(np.pi)), dtype=np.float64)


def relax(points: Floats, start: Integers, stop: Integers, fixed: Flags, rounds: int = 3) -> Floats:
    """Node positions moved towards the mean of their neighbours, so that lines lose the steps of the lattice.

    Nodes move rather than lines, so that lines that share a node still meet there. `fixed` nodes stay.
    """
    degree = np.bincount(np.concatenate([start, stop]), minlength=len(points)).astype(np.float64)
    moving = ~fixed & (degree > 0)
    for _ in range(rounds):
        total = np.zeros_like(points)
        np.add.at(total, start, points[stop])
        np.add.at(total, stop, points[start])
        mean = total[moving] / degree[moving][:, None]
        points = points.copy()
        points[moving] = 0.5 * points[moving] + 0.5 * mean
    return points


def unused_stretches(way: Integers, used: set[tuple[int, int]]) -> list[Integers]:
    """The stretches of a way of nodes that no earlier way has `used`; they are added to `used`."""
    runs: list[Integers] = []
    begin = 0
    for i in range(len(way) - 1):
        edge = (int(min(way[i], way[i + 1])), int(max(way[i], way[i + 1])))
        if edge in used:
            if i > begin:
                runs.append(way[begin : i + 1])
            begin = i + 1
        used.add(edge)
    if len(way) - 1 > begin:
        runs.append(way[begin:])
    return runs
