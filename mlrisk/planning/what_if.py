"""What a page needs to estimate the plan of other teams: the effort and the worth of each task."""

from typing import Any

import geopandas as gpd
import numpy as np

from features.base import Floats
from mlrisk.planning.allocation import in_order
from mlrisk.planning.budget import SURVEY, SeasonWork, Spent, rule_of
from mlrisk.settings import RankingSettings


def what_if(
    tasks: gpd.GeoDataFrame, work: SeasonWork, spent: Spent, value: Floats, settings: RankingSettings
) -> dict[str, Any]:
    """The kinds of teams, the rule, and for each task the days of one survey by each kind; empty without teams.

    `value` (n,) is the worth of each cell by the policy. `usable` is the share of its team-days that a kind spends on
    tasks in the plan; the rest goes to the way between them. Days are None where a kind cannot work the task. Learning
    and check tasks are `fixed`: an estimate keeps them as the plan has them.
    """
    kinds = {name: asset for name, asset in settings.assets.items() if asset.number > 0}
    if not kinds:
        return {}
    days, worth = _whole_days(work), np.bincount(work.task, value, len(tasks))
    listed = [
        {
            "task_id": int(tasks["task_id"].iloc[task]),
            "days": [round(float(one), 4) if np.isfinite(one) else None for one in days[:, task]],
            "value": float(f"{worth[task]:.4g}"),
            "urgent": bool(work.urgent[task]),
            "fixed": [round(float(one), 4) for one in spent.days[:, task]] if work.purpose[task] != SURVEY else None,
        }
        for task in range(len(tasks))
    ]
    return {
        "kinds": [
            {
                "name": name,
                "number": asset.number,
                "days": settings.plan.working_days,
                "detection": asset.detection,
                "usable": round(float(usable) / (asset.number * settings.plan.working_days), 4),
            }
            for (name, asset), usable in zip(kinds.items(), work.capacity, strict=True)
        ],
        "whole_tasks": rule_of(settings.policy) is in_order,
        "most_passes": settings.plan.most_passes,
        "least_days": settings.plan.least_days,
        "tasks": listed,
    }


def _whole_days(work: SeasonWork) -> Floats:
    """Team-days of one survey of each task by each kind, (K, T); inf where it can work too little of the task."""
    able = np.isfinite(work.days)
    count = len(work.purpose)
    cells = np.maximum(np.bincount(work.task, minlength=count), 1)
    days = [np.bincount(work.task[here], row[here], count) for row, here in zip(work.days, able, strict=True)]
    share = [np.bincount(work.task[here], minlength=count) / cells for here in able]
    fit = (np.array(share) >= work.least_workable_share) & (np.array(days) > 0)
    return np.where(fit, np.array(days), np.inf)
