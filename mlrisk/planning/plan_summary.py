"""Totals of a survey plan and the sentences that a planner must know."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from features.base import Flags, Floats
from mlrisk.planning.budget import AUDIT, EXPLORE, SURVEY, Spent
from mlrisk.settings import RankingSettings
from training.evidence import WORKS


def plan_totals(
    tasks: gpd.GeoDataFrame, capacity: Floats, usable: Floats, spent: Spent, assets: Mapping[str, Any]
) -> dict[str, Any]:
    """Effort and expected outcome of the planned tasks, by purpose, asset and work.

    Of the team-days of each kind, `capacity` (K,), the weeks have room for `usable` (K,) on tasks: the others go to the
    way between tasks and to whole half days.
    """
    planned = tasks[tasks["planned"]]
    return {
        "tasks_planned": len(planned),
        "tasks_by_purpose": {name: int((planned["purpose"] == name).sum()) for name in (SURVEY, EXPLORE, AUDIT)},
        "team_days_by_asset": dict(zip(assets, spent.days.sum(axis=1).round(6).tolist(), strict=True)),
        "team_days_by_purpose": planned.groupby("purpose")["team_days"].sum().to_dict(),
        "capacity_by_asset": dict(zip(assets, capacity.tolist(), strict=True)),
        "days_between_tasks_by_asset": dict(zip(assets, (capacity - usable).round(6).tolist(), strict=True)),
        "by_work": {str(name): _sums(part) for name, part in planned.groupby("work")},
        "hectares": float(planned["area_m2"].sum() / 10_000),
        **_sums(planned),
        "cost": float(planned["cost"].sum()),
    }


def _sums(planned: pd.DataFrame) -> dict[str, Any]:
    """Tasks, team-days and expected outcome of some tasks; `expected_found_cells` are new ones, see `new_finds`.

    NaN where no task states an outcome, as on a map without probabilities.
    """
    return {
        "tasks": len(planned),
        "team_days": float(planned["team_days"].sum()),
        "expected_found_cells": float(planned["expected_found"].sum(min_count=min(1, len(planned)))),
        "casualties_averted_per_year": float(planned["casualties_averted"].sum(min_count=1)),
    }


def plan_notes(
    settings: RankingSettings, tasks: gpd.GeoDataFrame, capacity: Floats, usable: Floats, free: Flags,
    shut: Flags,
) -> tuple[str, ...]:  # fmt: skip
    """Sentences on omissions of the plan: teams without work, masked cells, small tasks.

    Of the team-days of each kind, `capacity` (K,), the weeks have room for `usable` (K,) on tasks.
    """
    notes = list(settings.authority.notes if settings.policy == "authority" else ())
    if not len(capacity):
        notes.append("no teams were entered (ranking.assets): order only, no plan")
    works = {work for asset in settings.assets.values() if asset.number > 0 for work in asset.works}
    notes += [
        f"no team of ranking.assets does {name.replace('_', ' ')}: its tasks stand in order, unplanned"
        for name in WORKS
        if works and name not in works and tasks["work"].eq(name).any()
    ]
    if not free.any():
        notes.append("every cell is masked or released: there is no task")
    elif shut.any():
        notes.append(f"{int(shut.sum()):,} cells are masked (ranking.masks) and in no task")
    spent = float(tasks.loc[tasks["planned"], "team_days"].sum())
    idle = float(usable.sum()) - spent
    if len(capacity) and idle > 0.005 * capacity.sum():
        notes.append(
            f"{idle:,.0f} of {capacity.sum():,.0f} team-days find no work: the tasks are done, or none suits the teams "
            "(ranking.tasks.number, ranking.plan.most_passes, ranking.assets)"
        )
    small = int((tasks["purpose"].eq(SURVEY) & (tasks["area_m2"] < settings.tasks.least_km2 * 1e6 - 1e-6)).sum())
    if small:
        notes.append(f"{small:,} tasks are smaller than ranking.tasks.least_km2: no ranked land adjoins them")
    return tuple(notes)
