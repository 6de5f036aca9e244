"""Survey tasks: contiguous groups of cells, each a job for one team, with the figures that a planner needs."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio.features
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, Integers, new_array, parts_of
from mlrisk.planning.region_growing import grow, no_barriers
from mlrisk.ranking import EVIDENCE_OPEN, new_finds
from mlrisk.risk_map import quantity
from mlrisk.settings import TaskSettings

SQUARE_KM = 1e6


@dataclass(frozen=True, eq=False)
class Groups:
    """`rows` (m,) are the places of the cells in groups, ascending, `task` (m,) the group of each of `count`.

    Group 0 holds the best cell.
    """

    rows: Integers
    task: Integers
    count: int

    def mean(self, values: Floats) -> Floats:
        """Mean of `values` (m,), one for each cell in a group, over each group, (count,)."""
        return self.total(values) / np.maximum(self.total(np.ones(len(values))), 1)

    def total(self, values: Floats) -> Floats:
        """Sum of `values` (m,), one for each cell in a group, over each group, (count,)."""
        return np.bincount(self.task, np.asarray(values, dtype=np.float64), self.count).astype(np.float64)


def group_cells(
    grid: Grid,
    order: Floats,
    settings: TaskSettings,
    barriers: tuple[Flags, Flags] | None = None,
    number: int | None = None,
) -> Groups:
    """Grow groups from the best cells; `order` (n_cells,) is 1 for the best cell and NaN or inf for cells left out.

    A group is connected over open cell edges and has at most `greatest_km2`. It takes cells from the best `worst_share`
    of the ordered land, and worse ones only until it has `least_km2`; it stays smaller if no free land adjoins it.
    """
    cell_km2 = grid.cell_size_m**2 / SQUARE_KM
    most = max(1, int(settings.greatest_km2 / cell_km2 + 1e-9))
    least = min(most, max(1, int(np.ceil(settings.least_km2 / cell_km2 - 1e-9))))
    limit = _worst(order, settings.worst_share)
    on_grid = new_array(grid.shape, np.float64, np.inf)
    for band, cells in grid.bands():
        top = grid.row_min + grid.shape[0] - band.row_min - band.shape[0]
        on_grid[top : top + band.shape[0]][band.mask] = np.where(np.isfinite(order[cells]), order[cells], np.inf)
    grown = grow(
        on_grid, barriers or no_barriers(grid.shape), least, most, limit, number or settings.number,
        settings.compactness,
    )  # fmt: skip
    return Groups(grid.places(grown.cell), grown.task, grown.count)


def _worst(order: Floats, share: float) -> float:
    """The last order (n,) within a share of the ordered land; 0 where there is none."""
    ordered = new_array(int(np.isfinite(order).sum()), np.float64)
    start = 0
    for rows in parts_of(len(order)):
        here = order[rows][np.isfinite(order[rows])]
        ordered[start : start + len(here)] = here
        start += len(here)
    good = int(np.ceil(share * len(ordered)))
    if not good:
        return 0.0
    ordered.partition(good - 1)
    return float(ordered[good - 1])


def survey_tasks(grid: Grid, land: pd.DataFrame, groups: Groups) -> gpd.GeoDataFrame:
    """One row for each group, in their order: place, size, expected outcome and reasons.

    `rank` counts within the work of the task, which all of its cells need. `expected_finds` are contaminated cells that
    are not found yet; on land on record, all contaminated cells. `land` (rows in `grid.cell_ids()` order) has the
    columns of the risk map, with `district`, and may have `road_distance_m`, `slope_deg`, `base_m` and
    `authority_class`. Without groups the table is empty but has its columns.
    """
    land = land.iloc[groups.rows].reset_index(drop=True)
    cells = groups.total(np.ones(len(land)))
    best = _best_cells(land, groups)
    first = land.iloc[best]
    work = first["work"].to_numpy(dtype=object)
    finds = new_finds(land)
    ends = {side: _bound(land, finds, side) for side in ("low", "high")}
    tasks = pd.DataFrame(
        {
            "task_id": np.arange(1, groups.count + 1, dtype=np.int32),
            "work": work,
            "rank": pd.Series(work).groupby(work).cumcount().to_numpy(np.int32) + 1,
            "district": _commonest(land["district"], groups),
            "area_m2": cells * grid.cell_size_m**2,
            "cells": cells.astype(np.int32),
            **{name: groups.mean(land[name].to_numpy()) for name in _probabilities(land)},
            "expected_finds": groups.total(finds),
            "expected_finds_low": groups.total(ends["low"]),
            "expected_finds_high": groups.total(ends["high"]),
            "open_evidence_cells": groups.total(land["status"].eq(EVIDENCE_OPEN).to_numpy()).astype(np.int32),
            "casualties_per_year": groups.total(land["casualties_per_year"].to_numpy()),
            "out_of_domain_share": groups.mean(~land["in_domain"].to_numpy()),
            "priority": first["priority"].to_numpy(dtype=np.float64),
            **{name: first[name].to_numpy() for name in land if name.startswith("reason_") or name == "contributions"},
            "access_note": _access(grid, land, groups),
        }
    )
    if "authority_class" in land:
        tasks["authority_class"] = _least(land["authority_class"].to_numpy(), groups)
    return _placed(gpd.GeoDataFrame(tasks, geometry=_shapes(grid, groups), crs=grid.crs))


def _bound(land: pd.DataFrame, finds: Floats, side: str) -> Floats:
    """The expected finds of each cell at one end of its likely range."""
    chance = np.maximum(land["contamination"].to_numpy(dtype=np.float64), 1e-12)
    return np.asarray(finds * land[f"contamination_{side}"].to_numpy(dtype=np.float64) / chance)


def _probabilities(land: pd.DataFrame) -> tuple[str, ...]:
    return tuple(name for name in ("contamination", "contamination_low", "contamination_high") if name in land)


def _placed(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`tasks` with longitude and latitude of a point on each."""
    points = tasks.geometry.representative_point()
    to_degrees = pyproj.Transformer.from_crs(tasks.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(points.x.to_numpy(), points.y.to_numpy())
    return tasks.assign(longitude=longitude, latitude=latitude)


def _best_cells(land: pd.DataFrame, groups: Groups) -> Integers:
    """Row of the best-ranked cell of each group; if none is ranked, the one most likely to be contaminated."""
    rank = land["rank"].to_numpy(dtype=np.float64, na_value=np.inf)
    order = np.lexsort((land["cell_id"].to_numpy(), -land["contamination"].to_numpy(), rank, groups.task))
    _, first = np.unique(groups.task[order], return_index=True)
    return np.asarray(order[first])


def _commonest(names: pd.Series, groups: Groups) -> NDArray[np.object_]:
    """The name that most cells of each group have; the first in the alphabet among equals."""
    code, kinds = pd.factorize(names, sort=True)
    texts = np.asarray(kinds, dtype=object)
    pairs, count = np.unique(groups.task * len(texts) + code, return_counts=True)
    order = np.lexsort((pairs, -count, pairs // max(len(texts), 1)))
    _, first = np.unique(pairs[order] // max(len(texts), 1), return_index=True)
    return np.asarray(texts[pairs[order][first] % max(len(texts), 1)])


def _least(values: NDArray[np.int8], groups: Groups) -> NDArray[np.int8]:
    least = np.full(groups.count, np.iinfo(np.int8).max, dtype=np.int8)
    np.minimum.at(least, groups.task, values)
    return least


def _access(grid: Grid, land: pd.DataFrame, groups: Groups) -> NDArray[np.object_]:
    """Access to each group and its ground in words, (count,); empty without sources."""
    parts = []
    if "road_distance_m" in land:
        nearest = np.full(groups.count, np.inf)
        np.fmin.at(nearest, groups.task, land["road_distance_m"].to_numpy())
        parts.append([f"road at {quantity(max(0.0, d - grid.cell_size_m / 2), 'm')}" for d in nearest])
    if "base_m" in land:
        parts.append([f"settlement at {quantity(d, 'm')}" for d in groups.mean(land["base_m"].to_numpy())])
    if "slope_deg" in land:
        parts.append([f"slope {d:.0f} degrees" for d in groups.mean(np.nan_to_num(land["slope_deg"].to_numpy()))])
    notes = np.full(groups.count, "", dtype=object)
    if parts:
        notes[:] = ["; ".join(words) for words in zip(*parts, strict=True)]
    return notes


def _shapes(grid: Grid, groups: Groups) -> NDArray[np.object_]:
    """The outline of each group, one polygon each because the cells of a group are connected over edges."""
    shapes = np.empty(groups.count, dtype=object)
    (row, column), to_m = grid.positions(groups.rows), grid.transform
    by_group = np.argsort(groups.task, kind="stable")
    starts = np.flatnonzero(np.diff(groups.task[by_group])) + 1
    for number, cells in enumerate(np.split(by_group, starts)[: groups.count]):
        top, left = row[cells].min(), column[cells].min()
        window = np.zeros((row[cells].max() - top + 1, column[cells].max() - left + 1), dtype=np.uint8)
        window[row[cells] - top, column[cells] - left] = 1
        ((shape, _),) = rasterio.features.shapes(window, mask=window > 0, connectivity=4)
        outline = shapely.geometry.shape(shape)
        # From pixels of the whole grid: a corner has the same coordinates in every group that it belongs to.
        across, down = shapely.get_coordinates(outline).T + np.array([[left], [top]])
        places = np.column_stack([to_m.c + across * to_m.a, to_m.f + down * to_m.e])
        shapes[number] = shapely.set_coordinates(outline, places)
    return shapes
