"""Exploration in a plan: many small tasks far apart, because neighbouring cells teach the model nearly the same."""

import numpy as np

from features.base import Flags, Floats, Grid, Integers
from mlrisk.planning.tasks import Groups, group_cells
from mlrisk.settings import TaskSettings
from training.contamination import cell_blocks

# Side of the squares, in sides of a task, each of which holds one place to explore.
SPACING = 3.0


def exploring_groups(
    grid: Grid, score: Floats, open_: Flags, tasks: TaskSettings, share: float,
    barriers: tuple[Flags, Flags] | None,
) -> Groups:  # fmt: skip
    """The smallest groups of `open_` cells (n,), each around the highest `score` (n,) of a square of land.

    The best squares are taken until their groups cover `share` of the ground of all tasks.
    """
    size_km2 = min(tasks.least_km2, tasks.greatest_km2)
    best = best_of_squares(grid, score, open_, SPACING * 1000 * tasks.greatest_km2**0.5)
    reach_m = np.ceil(500 * size_km2**0.5 / grid.cell_size_m) * grid.cell_size_m
    nearest_best = np.maximum(best, 0)
    close = open_.copy()
    for place in grid.centres_m().T:
        close &= np.abs(place - place[nearest_best]) <= reach_m + 1e-6
    near = np.flatnonzero(close)
    first = best[near] == near
    order = np.full(len(score), np.nan)
    # The best cell of every square comes first, so that no square has a second task before each has one.
    order[near[np.lexsort((grid.cell_ids()[near], -score[near], ~first))]] = np.arange(1, len(near) + 1)
    wanted = max(1, int(np.ceil(share * tasks.number * tasks.greatest_km2 / size_km2)))
    limits = tasks.model_copy(update={"worst_share": 1.0, "greatest_km2": size_km2})
    return group_cells(grid, order, limits, barriers, max(1, min(wanted, int(first.sum()))))


def best_of_squares(grid: Grid, score: Floats, open_: Flags, side_m: float) -> Integers:
    """Row of the best open cell in the square of each cell (n,), ties by cell_id; -1 in squares without one."""
    square = cell_blocks(grid, side_m)
    rows = np.flatnonzero(open_)
    rows = rows[np.lexsort((grid.cell_ids()[rows], -score[rows], square[rows]))]
    best = np.full(int(square.max(initial=-1)) + 1, -1, dtype=np.int64)
    best[square[rows[::-1]]] = rows[::-1]
    return best[square]
