"""Nodes around a tile at which a smooth field is summed, and the cells interpolated from them.

They are a quarter of a bandwidth apart and aligned to the CRS origin; where cells are larger than that the nodes are
the cell centres, and nothing is interpolated.
"""

from dataclasses import dataclass

import numba
import numpy as np

from features.base import Floats, Floats32, Grid, Integers

NODES_PER_BANDWIDTH = 4.0

# float32 suffices for a column; values that are summed further stay double.
Densities = Floats32 | Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Lattice:
    """Nodes around a tile, west to east and north to south, and how its cells are interpolated from them.

    `souths` are minus northings, so that both axes ascend. A cell in row r and column c takes four nodes to each side,
    from `top[r]` and `left[c]` on, with weights `down[r]` and `across[c]`; a single one where nodes are cell centres.
    """

    eastings: Floats
    souths: Floats
    top: Integers
    down: Floats
    left: Integers
    across: Floats


def lattice(tile: Grid, bandwidth_m: float) -> Lattice:
    """The nodes that the cells of a tile need, the same ones for any tile that holds a cell."""
    spacing = bandwidth_m / NODES_PER_BANDWIDTH
    souths = -tile.northings_m
    if spacing <= tile.cell_size_m:
        rows, columns = np.arange(tile.shape[0]), np.arange(tile.shape[1])
        return Lattice(
            eastings=tile.eastings_m,
            souths=souths,
            top=rows,
            down=np.ones((len(rows), 1)),
            left=columns,
            across=np.ones((len(columns), 1)),
        )
    eastings, left, across = _axis(tile.eastings_m, spacing)
    nodes_south, top, down = _axis(souths, spacing)
    return Lattice(eastings=eastings, souths=nodes_south, top=top, down=down, left=left, across=across)


def _axis(positions: Floats, spacing: float) -> tuple[Floats, Integers, Floats]:
    """Nodes that ascending positions (n,) are interpolated from, the first of four for each, and the weights (n, 4).

    Lagrange's cubic through the two nodes on either side; it depends on the position alone.
    """
    below = np.floor(positions / spacing)
    first, last = int(below[0]) - 1, int(below[-1]) + 2
    t = positions / spacing - below
    weights = np.column_stack(
        [
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        ]
    )
    nodes = np.asarray(np.arange(first, last + 1) * spacing, dtype=np.float64)
    return nodes, below.astype(np.int64) - 1 - first, weights


@numba.njit(cache=True, nogil=True)
def interpolate(
    nodes: Floats, top: Integers, down: Floats, left: Integers, across: Floats, scale: float, out: Densities
) -> None:
    """Rows, then columns; a sum of positive kernels never becomes negative."""
    line = np.empty(nodes.shape[2])
    for which in range(nodes.shape[0]):
        for row in range(out.shape[1]):
            line[:] = 0.0
            for step in range(down.shape[1]):
                weight = down[row, step]
                for column in range(len(line)):
                    line[column] += weight * nodes[which, top[row] + step, column]
            if across.shape[1] == 1:
                for column in range(out.shape[2]):
                    out[which, row, column] = line[left[column]] * scale
            else:
                for column in range(out.shape[2]):
                    start = left[column]
                    value = (
                        across[column, 0] * line[start]
                        + across[column, 1] * line[start + 1]
                        + across[column, 2] * line[start + 2]
                        + across[column, 3] * line[start + 3]
                    )
                    out[which, row, column] = max(value, 0.0) * scale
