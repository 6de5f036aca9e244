"""The outcome of a plan for each task: teams, days, order, expected finds and casualties averted."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers
from mlrisk.planning.budget import SURVEY, SeasonWork, Spent, harm
from mlrisk.ranking import new_finds
from mlrisk.settings import AssetSettings, PlanSettings

# Fewer passes than this are rounding errors.
LEAST_PASSES = 1e-6


def with_outcome(
    tasks: gpd.GeoDataFrame, land: pd.DataFrame, work: SeasonWork, spent: Spent, assets: Mapping[str, AssetSettings],
    plan: PlanSettings,
) -> gpd.GeoDataFrame:  # fmt: skip
    """`tasks` with the outcome of the plan.

    `planned`, `plan_order`, `asset`, `passes`, `team_days`, `teams` (how many must work side by side to end
    within the season), `cost`, `expected_found` (cells) and `casualties_averted` (people a year) with its bounds.
    Tasks that are not planned state the effort and outcome of one survey by the kind of team that suits them best.
    """
    names = np.array(list(assets), dtype=object)
    best_kind = _best_kind(work)
    passes = spent.passes.sum(axis=0)
    planned = passes > LEAST_PASSES
    asset, days = _teams_and_days(names, best_kind, spent, planned)
    left = np.where(planned[work.task], spent.left, _left_by_best_kind(work, best_kind))
    per_cell = _expected(land.iloc[work.rows], left)
    sums = {name: np.bincount(work.task, values, len(tasks)) for name, values in per_cell.items()}
    total = days.sum(axis=0)
    rate = np.where(total > 0, sums["casualties_averted"] / np.where(total > 0, total, 1), 0.0)
    rate = np.where(np.isfinite(rate), rate, sums["expected_found"] / np.where(total > 0, total, 1))
    cost = (days * np.array([kind.cost_per_day for kind in assets.values()]).reshape(-1, 1)).sum(axis=0)
    return tasks.assign(
        purpose=work.purpose,
        planned=planned,
        plan_order=_order(planned, -rate, (work.purpose != SURVEY) & (not plan.learning_first)),
        asset=asset,
        passes=np.where(planned, passes, 0.0),
        team_days=np.where(np.isfinite(total), total, np.nan),
        teams=_teams(days, plan.working_days),
        cost=cost,
        **sums,
    )


def _expected(cells: pd.DataFrame, left: Floats) -> dict[str, Floats]:
    """Finds and casualties averted in each cell; bounds that the map lacks are scaled from those of contamination."""
    found, averted = new_finds(cells) * (1 - left), harm(cells) * (1 - left)
    ratio = {
        side: cells[f"contamination_{side}"].to_numpy() / np.maximum(cells["contamination"].to_numpy(), 1e-12)
        for side in ("low", "high")
    }
    casualties = np.maximum(cells["casualties_per_year"].to_numpy(dtype=np.float64), 1e-300)
    for side, assumed in list(ratio.items()):
        if f"casualties_per_year_{side}" in cells:
            own = cells[f"casualties_per_year_{side}"].to_numpy(dtype=np.float64) / casualties
            ratio[side] = np.where(np.isfinite(own), own, assumed)
    return {
        "expected_found": found,
        "casualties_averted": averted,
        "casualties_averted_low": averted * np.minimum(ratio["low"], 1),
        "casualties_averted_high": averted * np.maximum(ratio["high"], 1),
    }


def _best_kind(work: SeasonWork) -> Integers:
    """The kind of team that surveys most ground of each task a day, (T,); -1 if none can work enough of it."""
    count = len(work.purpose)
    if not len(work.capacity):
        return np.full(count, -1, dtype=np.int64)
    cells = np.bincount(work.task, minlength=count)
    rates = []
    for days in work.days:
        able = np.isfinite(days)
        ground = np.bincount(work.task[able], minlength=count)
        enough = ground >= work.least_workable_share * cells
        rates.append(np.where(enough & (ground > 0), ground / _sum(work.task[able], days[able], count), 0.0))
    best = np.argmax(rates, axis=0)
    return np.where(np.max(rates, axis=0) > 0, best, -1)


def _sum(task: Integers, values: Floats, count: int) -> Floats:
    total = np.bincount(task, values, count)
    return np.where(total > 0, total, 1.0)


def _left_by_best_kind(work: SeasonWork, best_kind: Integers) -> Floats:
    """Probability that one survey by the best kind for the task misses an item in the cell, (n,)."""
    kind = best_kind[work.task]
    if not len(work.capacity):
        return np.ones(len(work.task))
    able = (kind >= 0) & np.isfinite(work.days[kind, np.arange(len(kind))])
    return np.where(able, 1 - work.detection[kind], 1.0)


def _teams_and_days(
    names: NDArray[np.object_], best_kind: Integers, spent: Spent, planned: Flags
) -> tuple[NDArray[np.object_], Floats]:
    """Names of the kinds of teams on each task (T,), the one with most days first, and the days of each kind (K, T)."""
    asset = np.full(len(planned), "", dtype=object)
    days = spent.days.copy()
    for task in np.flatnonzero(planned):
        kinds = np.flatnonzero(spent.passes[:, task] > LEAST_PASSES)
        asset[task] = " + ".join(names[kinds[np.argsort(-days[kinds, task], kind="stable")]])
    idle = np.flatnonzero(~planned & (best_kind >= 0))
    asset[idle] = names[best_kind[idle]]
    return asset, days


def _teams(days: Floats, working_days: float) -> NDArray[np.int32]:
    return np.asarray(np.ceil(days / working_days - 1e-9).sum(axis=0), dtype=np.int32)


def _order(planned: Flags, key: Floats, later: Flags) -> pd.arrays.IntegerArray:
    """1 for the planned task with the least key, those that come `later` behind the others; null where not planned."""
    rows = np.flatnonzero(planned)
    number = np.zeros(len(planned), dtype=np.int32)
    number[rows[np.lexsort((key[rows], later[rows]))]] = np.arange(1, len(rows) + 1, dtype=np.int32)
    return pd.arrays.IntegerArray(number, ~planned)
