"""A plan whose tasks find their weeks: the way between tasks and whole half days are taken out of the team-days."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from features.base import Floats
from mlrisk.planning.budget import AUDIT, SeasonWork, Spent, without
from mlrisk.planning.season_calendar import HALVES, LEAST, parts_of

# Each round takes out what found no week in the one before; what then finds none is left out.
ROUNDS = 8


def in_weeks(
    work: SeasonWork,
    kinds: Sequence[str],
    season: float,
    spend: Callable[[SeasonWork], Spent],
    lay: Callable[[Spent], pd.DataFrame],
) -> tuple[SeasonWork, Spent]:
    """The work of the season with the team-days for which its weeks have room, and their use.

    `spend` uses the team-days and `lay` makes the calendar of that use; `kinds` are the names of the kinds of teams,
    `season` the working days of a team. Chance has drawn the check cells: they stay in the plan even without a week.
    """
    spent = spend(work)
    for _ in range(ROUNDS):
        late = _without_week(spent, lay(spent), kinds, season)
        if not late.any():
            return work, spent
        work = replace(work, capacity=np.maximum(work.capacity - (late * spent.days).sum(axis=1), 0.0))
        spent = spend(work)
    late = _without_week(spent, lay(spent), kinds, season)
    return work, without(work, spent, (late > 0.99) & (work.purpose != AUDIT))


def _without_week(spent: Spent, calendar: pd.DataFrame, kinds: Sequence[str], season: float) -> Floats:
    """The share of the days of each kind on each task that finds no week, (K, T)."""
    laid = np.zeros(spent.days.shape)
    row = calendar["kind"].map({name: number for number, name in enumerate(kinds)}).to_numpy(dtype=np.int64)
    days = calendar["days"].to_numpy(dtype=np.float64)
    np.add.at(laid, (row, calendar["task_id"].to_numpy(dtype=np.int64) - 1), days)
    parts, halves = parts_of(spent.days, season)
    whole = np.where(spent.days < 1 / HALVES, spent.days, parts * halves / HALVES)
    # Days of the calendar are rounded.
    late = np.where(whole > LEAST, 1 - laid / np.maximum(whole, LEAST), 0.0)
    return np.where(late > 0.01, late, 0.0)
