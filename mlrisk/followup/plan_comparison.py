"""The difference between two plans: added and dropped tasks, and the totals of both."""

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import pyogrio

from features.base import InputError, Place, local_copy, place_of
from mlrisk.followup.task_overlap import task_overlap

NEEDED = ("planned", "task_id", "team_days", "casualties_averted", "expected_found", "area_m2", "asset", "district")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two plans of one country.

    `came` are planned tasks of the new plan alone, `went` of the old one alone, `kept` counts those in both; `totals`
    has a row for each figure with the old and the new value.
    """

    came: gpd.GeoDataFrame
    went: gpd.GeoDataFrame
    kept: int
    totals: pd.DataFrame


def read_tasks(path: str | Place) -> gpd.GeoDataFrame:
    """The tasks of an earlier output: its folder or its risk_map.gpkg; raises InputError for anything else."""
    file = local_copy("--compare", place_of("--compare", path), ["risk_map.gpkg"])
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
    """Compare the planned tasks of two plans of one country by the land that they cover."""
    before, after = _planned(old), _planned(new).to_crs(old.crs)
    overlap = task_overlap(before, after)
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
    return Comparison(overlap.came, overlap.went, overlap.kept, totals)


def _planned(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return tasks[tasks["planned"].to_numpy(dtype=bool)].reset_index(drop=True)
