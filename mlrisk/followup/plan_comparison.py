"""What two settings change: the tasks that come into a plan and drop out of it, and what that is worth."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from features.base import InputError

NEEDED = ("planned", "task_id", "team_days", "casualties_averted", "expected_found", "area_m2", "asset", "district")
# A task is the same job when at least this share of its land was planned before.
SAME_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Comparison:
    """`came` and `went` are planned tasks of the new and of the old plan; `totals` has a row a figure: old and new."""

    came: gpd.GeoDataFrame
    went: gpd.GeoDataFrame
    kept: int
    totals: pd.DataFrame


def read_tasks(path: str | Path) -> gpd.GeoDataFrame:
    """The tasks of an earlier output: its folder or its risk_map.gpkg; raises InputError for anything else."""
    file = Path(path)
    file = file / "risk_map.gpkg" if file.is_dir() else file
    if not file.is_file():
        raise InputError(f"--compare ({file}) does not exist: give the output folder of an earlier `mlrisk rank`")
    try:
        tasks = gpd.read_file(file, layer="survey_tasks")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise InputError(
            f"--compare ({file}) holds no survey_tasks: give the risk_map.gpkg of `mlrisk rank`"
        ) from error
    absent = [name for name in NEEDED if name not in tasks]
    if absent:
        raise InputError(f"--compare ({file}) has no {', '.join(absent)}: it was written by a version without plans")
    return tasks.assign(planned=tasks["planned"].astype(bool))


def compare_plans(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> Comparison:
    """Planned tasks of two plans of one country, held beside each other by the land that they cover."""
    before, after = _planned(old), _planned(new).to_crs(old.crs)
    came = after[_covered(after, before) < SAME_SHARE]
    went = before[_covered(before, after) < SAME_SHARE]
    figures = {
        "tasks planned": (len(before), len(after)),
        "hectares": (before["area_m2"].sum() / 1e4, after["area_m2"].sum() / 1e4),
        "team-days": (before["team_days"].sum(), after["team_days"].sum()),
        "cells expected to be found": (before["expected_found"].sum(), after["expected_found"].sum()),
        "casualties averted a year": (
            before["casualties_averted"].sum(min_count=1),
            after["casualties_averted"].sum(min_count=1),
        ),
    }
    totals = pd.DataFrame(
        [(name, float(first), float(second)) for name, (first, second) in figures.items()],
        columns=["figure", "old", "new"],
    )
    return Comparison(came, went, len(after) - len(came), totals)


def _planned(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return tasks[tasks["planned"].to_numpy(dtype=bool)].reset_index(drop=True)


def _covered(tasks: gpd.GeoDataFrame, by: gpd.GeoDataFrame) -> np.ndarray:
    """Share of each task's land that the tasks of `by`, which do not overlap, cover."""
    shapes, others = np.asarray(tasks.geometry.array), np.asarray(by.geometry.array)
    if not len(others):
        return np.zeros(len(shapes))
    mine, other = shapely.STRtree(others).query(shapes, predicate="intersects")
    common = shapely.area(shapely.intersection(shapes[mine], others[other]))
    return np.asarray(np.bincount(mine, common, len(shapes)) / np.maximum(shapely.area(shapes), 1e-9))
