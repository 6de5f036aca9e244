"""The groups of cells of a season: tasks of each kind of work, places to explore, and audit cells."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, by_parts
from mlrisk.planning.budget import AUDIT, EXPLORE, SURVEY
from mlrisk.planning.exploration import exploring_groups
from mlrisk.planning.tasks import Groups, group_cells
from mlrisk.ranking import by_explore
from mlrisk.settings import RankingSettings
from training.evidence import NON_TECHNICAL_SURVEY, WORKS


def season_groups(
    grid: Grid, land: pd.DataFrame, settings: RankingSettings, barriers: tuple[Flags, Flags] | None,
    free: Flags, drawn: Flags, explorers: bool,
) -> tuple[Groups, NDArray[np.object_]]:  # fmt: skip
    """Tasks of the policy, then exploring ones, then one for each audit cell; with the purpose of each task.

    A task needs one kind of work. The tasks of the three works alternate by their ranks, `tasks.number` of each.
    """
    groups = in_turn([_of_work(grid, land, name, free & ~drawn, settings, barriers) for name in WORKS])
    purpose = [SURVEY] * groups.count
    if explorers and settings.explore_share > 0:
        new = land["work"].eq(NON_TECHNICAL_SURVEY) & land["evidence"].eq("unknown")
        open_ = free & ~drawn & new.to_numpy()
        open_[groups.rows] = False
        unsure = by_parts(len(land), lambda rows: by_explore(land.iloc[rows]))
        explored = exploring_groups(grid, unsure, open_, settings.tasks, settings.explore_share, barriers)
        groups = followed_by(groups, explored)
        purpose += [EXPLORE] * explored.count
    rows = np.flatnonzero(drawn)
    purpose += [AUDIT] * len(rows)
    return followed_by(groups, Groups(rows, np.arange(len(rows)), len(rows))), np.array(purpose, dtype=object)


def _of_work(
    grid: Grid, land: pd.DataFrame, work: str, free: Flags, settings: RankingSettings,
    barriers: tuple[Flags, Flags] | None,
) -> Groups:  # fmt: skip
    """The groups of one kind of work, by its ranks."""
    mine = free & land["work"].eq(work).to_numpy()

    def order(rows: slice) -> Floats:
        return np.where(mine[rows], land["rank"].iloc[rows].to_numpy(dtype=np.float64, na_value=np.nan), np.nan)

    return group_cells(grid, by_parts(len(land), order), settings.tasks, barriers)


def followed_by(first: Groups, second: Groups) -> Groups:
    """Two lists of groups without a common cell as one."""
    rows, task = np.concatenate([first.rows, second.rows]), np.concatenate([first.task, second.task + first.count])
    order = np.argsort(rows)
    return Groups(rows[order], task[order], first.count + second.count)


def in_turn(lists: Sequence[Groups]) -> Groups:
    """Groups of several lists as one: the first of each, then the second of each, and so on."""
    order = np.concatenate([np.arange(one.count) * len(lists) + number for number, one in enumerate(lists)])
    groups = Groups(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0)
    for one in lists:
        groups = followed_by(groups, one)
    return Groups(groups.rows, np.argsort(np.argsort(order))[groups.task], groups.count)
