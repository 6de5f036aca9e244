"""Survey tasks: contiguous groups of the best-ranked cells, each a job for one team."""

from heapq import heappop, heappush

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from features.grid import Grid
from mlrisk.config import TaskSettings

SQUARE_KM = 1e6
NEIGHBOURS = ((-1, 0), (0, -1), (0, 1), (1, 0))


def survey_tasks(
    grid: Grid, risk: pd.DataFrame, settings: TaskSettings, districts: NDArray[np.object_]
) -> gpd.GeoDataFrame:
    """Grow tasks from the best-ranked cells and describe them; rank 1 holds the best-ranked cell.

    `risk` and `districts` (the name of each cell's district) run in `grid.cell_ids()` order. A task is connected
    over cell edges and has at most `greatest_km2`. It takes cells from the best `worst_share` of the ranked land, and
    worse ones only until it has `least_km2`; it stays smaller where no ranked cell adjoins. Empty, with its columns,
    where nothing is ranked.
    """
    groups = _grow(grid, risk, settings)
    rows = [_describe(grid, risk, cells, number + 1, districts) for number, cells in enumerate(groups)]
    columns = list(_describe(grid, risk, np.array([0]), 0, districts)) if not rows else None
    tasks = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=grid.crs)
    points = tasks.geometry.representative_point()
    to_degrees = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(points.x.to_numpy(), points.y.to_numpy())
    return tasks.assign(longitude=longitude, latitude=latitude).astype(
        {"task_id": "int32", "rank": "int32", "cells": "int32"}
    )


def _grow(grid: Grid, risk: pd.DataFrame, settings: TaskSettings) -> list[NDArray[np.int64]]:
    """Cells of each task (rows of `risk`), the task with the best cell first."""
    cell_km2 = grid.cell_size_m**2 / SQUARE_KM
    most = max(1, int(settings.greatest_km2 / cell_km2 + 1e-9))
    least = min(most, max(1, int(np.ceil(settings.least_km2 / cell_km2 - 1e-9))))
    rank = risk["rank"].to_numpy(dtype=np.float64, na_value=np.nan)
    limit = np.ceil(settings.worst_share * np.isfinite(rank).sum())
    order_of = np.full(grid.shape, np.inf)
    order_of[grid.mask] = np.where(np.isfinite(rank), rank, np.inf)
    row_of = np.full(grid.shape, -1, dtype=np.int64)
    row_of[grid.mask] = np.arange(len(risk))
    tasks = []
    for seed in np.argsort(order_of, axis=None, kind="stable")[: int(limit)]:
        place = divmod(int(seed), grid.shape[1])
        if not np.isfinite(order_of[place]):
            continue
        cells = _grow_one(order_of, place, least, most, limit)
        tasks.append(np.sort(row_of[tuple(np.transpose(cells))]))
        if len(tasks) == settings.number:
            break
    return tasks


def _grow_one(
    order_of: NDArray[np.float64], seed: tuple[int, int], least: int, most: int, limit: float
) -> list[tuple[int, int]]:
    """Take the best-ranked cell at the border of the task again and again; taken cells leave `order_of`."""
    heap, seen = [(order_of[seed], seed)], {seed}
    cells: list[tuple[int, int]] = []
    while heap and len(cells) < most:
        order, place = heappop(heap)
        if order > limit and len(cells) >= least:
            break
        cells.append(place)
        order_of[place] = np.inf
        for step in NEIGHBOURS:
            near = (place[0] + step[0], place[1] + step[1])
            inside = 0 <= near[0] < order_of.shape[0] and 0 <= near[1] < order_of.shape[1]
            if inside and near not in seen and np.isfinite(order_of[near]):
                seen.add(near)
                heappush(heap, (order_of[near], near))
    return cells


def _describe(
    grid: Grid, risk: pd.DataFrame, cells: NDArray[np.int64], number: int, districts: NDArray[np.object_]
) -> dict[str, object]:
    """One row of the plan."""
    part = risk.iloc[cells]
    best = part.loc[part["rank"].astype("Float64").idxmin()] if part["rank"].notna().any() else part.iloc[0]
    half = grid.cell_size_m / 2
    east, north = part["easting_m"].to_numpy(), part["northing_m"].to_numpy()
    names, counts = np.unique(districts[cells].astype(str), return_counts=True)
    return {
        "task_id": number,
        "rank": number,
        "district": str(names[np.argmax(counts)]),
        "area_m2": float(len(cells) * grid.cell_size_m**2),
        "cells": len(cells),
        "contamination": float(part["contamination"].mean()),
        "contamination_low": float(part["contamination_low"].mean()),
        "contamination_high": float(part["contamination_high"].mean()),
        "expected_finds": float(part["contamination"].sum()),
        "casualties_per_year": float(part["casualties_per_year"].sum(min_count=1)),
        "priority": float(part["priority"].max()),
        "reason_1": best["reason_1"],
        "reason_2": best["reason_2"],
        "reason_3": best["reason_3"],
        "geometry": shapely.union_all(shapely.box(east - half, north - half, east + half, north + half)),
    }
