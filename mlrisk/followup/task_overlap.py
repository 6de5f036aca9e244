"""Comparison of the tasks of two plans of one country by the land that they cover."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from features.base import Floats

# A task counts as the same when at least this share of its land lies in tasks of the other plan.
SAME_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class TaskOverlap:
    """`came` are tasks of the new plan alone, `went` those of the old plan alone, `stayed` the rest of the new."""

    came: gpd.GeoDataFrame
    went: gpd.GeoDataFrame
    stayed: gpd.GeoDataFrame

    @property
    def kept(self) -> int:
        """How many tasks stayed."""
        return len(self.stayed)


def task_overlap(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> TaskOverlap:
    """Which tasks two plans share; `old` is reprojected to the CRS of `new`."""
    before = old.to_crs(new.crs)
    comes = covered_share(new, before) < SAME_SHARE
    return TaskOverlap(new[comes], before[covered_share(before, new) < SAME_SHARE], new[~comes])


def planned_overlap(before: gpd.GeoDataFrame | None, now: gpd.GeoDataFrame) -> TaskOverlap | None:
    """Which planned tasks two maps share; None where one of them has no plan."""
    if before is None or "planned" not in before or "planned" not in now:
        return None
    plans = [tasks[tasks["planned"].astype(bool).to_numpy()] for tasks in (before, now)]
    return task_overlap(*plans) if all(len(plan) for plan in plans) else None


def covered_share(tasks: gpd.GeoDataFrame, others: gpd.GeoDataFrame) -> Floats:
    """Share of each task's land that the tasks of `others` cover, (n,); 0 for a task without area.

    Tasks of one plan do not overlap, so their parts add up.
    """
    shapes, covering = np.asarray(tasks.geometry.array), np.asarray(others.geometry.array)
    if not len(shapes) or not len(covering):
        return np.zeros(len(shapes))
    task, other = shapely.STRtree(covering).query(shapes, predicate="intersects")
    common = np.bincount(task, shapely.area(shapely.intersection(shapes[task], covering[other])), len(shapes))
    # Missing and empty shapes have no area, so that they neither cover nor are covered.
    area = np.nan_to_num(shapely.area(shapes))
    return np.asarray(np.divide(common, area, out=np.zeros(len(shapes)), where=area > 0))
