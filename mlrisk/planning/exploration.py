"""Exploration in a plan: many small tasks far apart, because neighbouring cells teach the model nearly the same."""

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Grid, Integers, new_array
from mlrisk.planning.tasks import Groups, group_cells
from mlrisk.settings import TaskSettings

# Side of the squares, in sides of a task, each of which holds one place to explore.
SPACING = 3.0


def exploring_groups(
    grid: Grid, score: Floats, open_: Flags, tasks: TaskSettings, share: float,
    barriers: tuple[Flags, Flags] | None,
) -> Groups:  # fmt: skip
    """The smallest groups of `open_` cells (n,), each around the highest `score` (n,) of a square of land.

    The best squares are taken until their groups cover `share` of the ground of all tasks.
    """
    size_km2, side_m = min(tasks.least_km2, tasks.greatest_km2), SPACING * 1000 * tasks.greatest_km2**0.5
    best = best_of_squares(grid, score, open_, side_m)
    reach_m = np.ceil(500 * size_km2**0.5 / grid.cell_size_m) * grid.cell_size_m
    found = [np.zeros(0, dtype=np.int64)]
    for band, cells in grid.bands():
        centres = band.centres_m()
        own = best.loc[_squares(centres, side_m)] if len(centres) else best[:0]
        apart = np.abs(centres - own[["east", "north"]].to_numpy()).max(axis=1, initial=0.0)
        found.append(np.flatnonzero(open_[cells] & (apart <= reach_m + 1e-6)) + cells.start)
    near = np.concatenate(found)
    first = np.isin(near, best["row"].to_numpy())
    order = new_array(len(score), np.float64, np.nan)
    ids = grid.cell_ids()[near]
    # The best cell of every square comes first, so that no square has a second task before each has one.
    order[near[np.lexsort((ids, -score[near], ~first))]] = np.arange(1, len(near) + 1)
    wanted = max(1, int(np.ceil(share * tasks.number * tasks.greatest_km2 / size_km2)))
    limits = tasks.model_copy(update={"worst_share": 1.0, "greatest_km2": size_km2})
    return group_cells(grid, order, limits, barriers, max(1, min(wanted, int(first.sum()))))


def best_of_squares(grid: Grid, score: Floats, open_: Flags, side_m: float) -> pd.DataFrame:
    """The best open cell of each square, ties by cell_id: its `row`, `east` and `north` of its centre.

    The index is the number of the square, see `_squares`; squares without an open cell have the row -1 and no centre.
    """
    parts = []
    for band, cells in grid.bands():
        centres, here = band.centres_m(), open_[cells]
        table = pd.DataFrame({
            "square": _squares(centres, side_m), "open": here, "score": np.where(here, score[cells], -np.inf),
            "cell_id": band.cell_ids(), "row": np.where(here, np.arange(cells.start, cells.stop), -1),
            "east": np.where(here, centres[:, 0], np.nan), "north": np.where(here, centres[:, 1], np.nan),
        })  # fmt: skip
        parts.append(_first_of_squares(table))
    return _first_of_squares(pd.concat(parts)).set_index("square")


def _first_of_squares(cells: pd.DataFrame) -> pd.DataFrame:
    order = np.lexsort((cells["cell_id"], -cells["score"], ~cells["open"], cells["square"]))
    return cells.iloc[order].drop_duplicates("square")


def _squares(centres_m: Floats, side_m: float) -> Integers:
    """A number for the square, aligned to the CRS origin, in which each point (n, 2) lies."""
    east, north = np.floor(centres_m / side_m).astype(np.int64).T
    return np.asarray(east * (1 << 32) + north)
