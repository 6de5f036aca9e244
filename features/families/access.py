"""Access: travel time from the nearest settlement over roads and open land, and distance along roads to one.

Computed on coarse cells of at least 100 m, in blocks of 20 km with a margin of 11.5 km
(`features.as_of.coarse_blocks`): settlements and ways beyond the margin do not count. Steps go to 8 neighbours, so a
straight way off the eight directions comes out up to 8 % too long.
"""

from heapq import heapify, heappop, heappush

import numpy as np
from numba import njit
from scipy.ndimage import distance_transform_edt

from features.as_of import MARGIN_M, Block, Snapshot, assemble, block_heights
from features.base import Columns, FeatureInfo, Flags, Floats, Floats32, Grid, Integers, places_m, words
from features.families.roads import class_groups
from features.geometry import Layer, segments_near

FAMILY = "access"
# Cars on rural roads in fair repair; minibuses and tractors on village roads; carts and cars on field tracks. A road of
# unknown class counts as a track, because it may be one.
SPEEDS_KMH = {"major": 50.0, "minor": 25.0, "track": 10.0, "": 10.0}
# Time to find a ford and wade, wherever a way off the roads meets a river.
WADING_H = 0.5
LONGEST_TRAVEL_H = 12.0
# A settlement is on the road network when its centre lies this near to a road.
ON_ROAD_M = 1000.0

WHERE = "on cells of at least 100 m in blocks of 20 km with a margin of 11.5 km, 8 neighbours (Dijkstra 1959); bilinear"
FEATURES = (
    FeatureInfo(
        name="settlement_travel_time_h",
        unit="h",
        family=FAMILY,
        trend=0,
        text="travel time from a settlement",
        sources=("settlements", "roads", "dem", "rivers"),
        formula="least time from a settlement: roads at 50, 25 or 10 km/h by class group, elsewhere on foot "
        "(Tobler 1993, 0.6 "
        f"off paths), {WADING_H:g} h to wade a river, at most {LONGEST_TRAVEL_H:g} h; {WHERE}",
    ),
    FeatureInfo(
        name="settlement_road_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a settlement along roads",
        sources=("settlements", "roads"),
        formula="straight to the nearest road cell, then along roads to a settlement within 1 km of one, at most "
        f"{MARGIN_M:g} m; {WHERE}",
    ),
    FeatureInfo(
        name="settlement_offroad_share",
        unit="1",
        family=FAMILY,
        trend=0,
        text="share of the way from a settlement off the roads",
        sources=("settlements", "roads", "dem", "rivers"),
        formula=f"part of the least travel time that is spent off roads, 1 where no settlement is in reach; {WHERE}",
    ),
)
SMOOTH = frozenset(info.name for info in FEATURES)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Access features of the tile; nothing without settlements, the travel time alone without roads.

    Without a DEM, and across its holes, land counts as flat: no value is NaN. Every settlement counts, abandoned ones
    too, as one point.
    """
    if "settlements" not in snapshot.sources.vectors:
        return {}
    return assemble(tile, snapshot, access_block, SMOOTH)


def access_block(snapshot: Snapshot, block: Block) -> dict[str, Floats32]:
    """The features of one block, each (side + 2, side + 2)."""
    grid = block.grid
    heights = np.full(grid.shape, np.nan)
    if "dem" in snapshot.sources.rasters:
        heights = snapshot.cached_block(block_heights, block)
    places = snapshot.cached(_places)
    cells = np.unique(grid.locate(places[:, 0], places[:, 1]))
    speeds, rivers = _speeds(snapshot, grid), _rivers(snapshot, grid)
    hours, on_foot = travel(heights, speeds, rivers, block.coarse_m, cells[cells >= 0], LONGEST_TRAVEL_H)
    fields = {"settlement_travel_time_h": np.minimum(hours, LONGEST_TRAVEL_H)}
    if "roads" in snapshot.sources.vectors:
        fields["settlement_road_distance_m"] = _road_distance_m(grid, speeds > 0, places)
        reached = np.isfinite(hours) & (hours > 0)
        share = np.where(np.isfinite(hours), 0.0, 1.0)
        fields["settlement_offroad_share"] = np.divide(on_foot, hours, out=share, where=reached)
    return {name: block.kept(field) for name, field in fields.items()}


@njit(cache=True, nogil=True)
def walking_kmh(rise_m: float, run_m: float) -> float:
    """Speed off paths: Tobler's hiking function (1993) with his factor 0.6.

    >>> round(walking_kmh(0.0, 100.0), 2), round(walking_kmh(-5.0, 100.0), 2)
    (3.02, 3.6)
    """
    slope = rise_m / run_m
    return float(0.6 * 6.0 * np.exp(-3.5 * abs(slope + 0.05)))


@njit(cache=True, nogil=True, error_model="numpy")
def travel(
    heights: Floats,
    speeds: Floats,
    rivers: Flags,
    coarse_m: float,
    sources: Integers,
    longest_h: float,
) -> tuple[Floats, Floats]:
    """Least hours from any source cell (flat index) to each cell, and the part off roads; infinite if unreachable.

    `speeds` is km/h on road cells, 0 elsewhere. A step between two road cells has the slower of their speeds, any other
    is on foot; it is level if a height is missing.
    """
    rows, columns = heights.shape
    hours, on_foot = np.full(heights.shape, np.inf), np.full(heights.shape, np.inf)
    done = np.zeros(heights.shape, dtype=np.bool_)
    heap = [(0.0, cell) for cell in sources]
    heapify(heap)
    for cell in sources:
        hours[cell // columns, cell % columns] = on_foot[cell // columns, cell % columns] = 0.0
    while heap:
        _, cell = heappop(heap)
        row, column = cell // columns, cell % columns
        if done[row, column]:
            continue
        done[row, column] = True
        for i in range(max(row - 1, 0), min(row + 2, rows)):
            for j in range(max(column - 1, 0), min(column + 2, columns)):
                if done[i, j]:
                    continue
                run = coarse_m * np.sqrt(2.0) if i != row and j != column else coarse_m
                road = min(speeds[row, column], speeds[i, j])
                if road > 0:
                    step = run / 1000 / road
                else:
                    rise = heights[i, j] - heights[row, column]
                    step = run / 1000 / walking_kmh(0.0 if np.isnan(rise) else rise, run)
                    if rivers[i, j] and not rivers[row, column]:
                        step += WADING_H
                reached = hours[row, column] + step
                if reached < hours[i, j] and reached <= longest_h:
                    hours[i, j] = reached
                    on_foot[i, j] = on_foot[row, column] + (0.0 if road > 0 else step)
                    heappush(heap, (reached, i * columns + j))
    return hours, on_foot


@njit(cache=True, nogil=True)
def along_roads(roads: Flags, coarse_m: float, start_m: Floats, longest_m: float) -> Floats:
    """Least metres from a start, over neighbouring road cells; `start_m` is infinite where there is none."""
    rows, columns = roads.shape
    least = start_m.copy()
    heap = [(start, cell) for cell, start in enumerate(least.ravel()) if np.isfinite(start)]
    heapify(heap)
    while heap:
        key, cell = heappop(heap)
        row, column = cell // columns, cell % columns
        if key > least[row, column]:
            continue
        for i in range(max(row - 1, 0), min(row + 2, rows)):
            for j in range(max(column - 1, 0), min(column + 2, columns)):
                reached = key + (coarse_m * np.sqrt(2.0) if i != row and j != column else coarse_m)
                if roads[i, j] and reached < least[i, j] and reached <= longest_m:
                    least[i, j] = reached
                    heappush(heap, (reached, i * columns + j))
    return least


def _road_distance_m(grid: Grid, roads: Flags, places: Floats) -> Floats:
    """Distance straight to the nearest road cell and then along roads to a settlement, at most the margin."""
    start = np.full(grid.shape, np.inf)
    if not roads.any():
        return np.full(grid.shape, MARGIN_M)
    size, near = grid.cell_size_m, max(ON_ROAD_M, grid.cell_size_m)
    reach = int(near // size) + 1
    found = grid.locate(places[:, 0], places[:, 1])
    eastings, northings = grid.eastings_m, grid.northings_m
    for (east, north), cell in zip(places[found >= 0].tolist(), found[found >= 0].tolist(), strict=True):
        row, column = divmod(cell, grid.shape[1])
        rows = slice(max(row - reach, 0), row + reach + 1)
        columns = slice(max(column - reach, 0), column + reach + 1)
        away = np.hypot(eastings[columns] - east, (northings[rows] - north)[:, None])
        there = roads[rows, columns] & (away <= near)
        start[rows, columns] = np.minimum(start[rows, columns], np.where(there, away, np.inf))
    least = along_roads(roads, size, start, MARGIN_M)
    straight, nearest = distance_transform_edt(~roads, return_indices=True)
    return np.asarray(np.minimum(straight * size + least[tuple(nearest)], MARGIN_M))


def _places(snapshot: Snapshot) -> Floats:
    return places_m(snapshot.table("settlements"))


def _road_speeds(snapshot: Snapshot) -> Floats:
    """Speed on each segment of the roads."""
    groups = class_groups(words(snapshot.table("roads"), "road_class"))
    return np.array([SPEEDS_KMH[group] for group in groups])[snapshot.layer("roads").owner]


def _speeds(snapshot: Snapshot, grid: Grid) -> Floats:
    if "roads" not in snapshot.sources.vectors:
        return np.zeros(grid.shape)
    return _drawn(grid, snapshot.layer("roads"), snapshot.cached(_road_speeds))


def _rivers(snapshot: Snapshot, grid: Grid) -> Flags:
    if "rivers" not in snapshot.sources.vectors:
        return np.zeros(grid.shape, dtype=bool)
    rivers = snapshot.layer("rivers")
    return np.asarray(_drawn(grid, rivers, np.ones(len(rivers.owner))) > 0)


def _drawn(grid: Grid, layer: Layer, values: Floats) -> Floats:
    """The greatest value of the segments that pass through each cell, 0 where none does."""
    out, near = np.zeros(grid.shape), segments_near(grid, layer, grid.cell_size_m)
    start, end = layer.start[near] / grid.cell_size_m, layer.end[near] / grid.cell_size_m
    draw(out, start, end, values[near], grid.column_min, grid.row_min)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def draw(out: Floats, start: Floats, end: Floats, values: Floats, column_min: int, row_min: int) -> None:
    """Raise `out` (north to south) to the value of every segment, in each cell that it passes through.

    Coordinates are in cells from the CRS origin; the cells of a segment are connected by their sides.
    """
    rows, columns = out.shape
    for k in range(len(values)):
        west, east = (start[k], end[k]) if start[k, 0] <= end[k, 0] else (end[k], start[k])
        low, high = min(west[1], east[1]), max(west[1], east[1])
        if east[0] < column_min or west[0] >= column_min + columns or high < row_min or low >= row_min + rows:
            continue
        first, last = int(np.floor(west[0])), int(np.floor(east[0]))
        for column in range(max(first, column_min), min(last, column_min + columns - 1) + 1):
            slope = 0.0 if last == first else (east[1] - west[1]) / (east[0] - west[0])
            a = west[1] if column == first else west[1] + slope * (column - west[0])
            b = east[1] if column == last else west[1] + slope * (column + 1 - west[0])
            bottom, top = int(np.floor(max(min(a, b), low))), int(np.floor(min(max(a, b), high)))
            for row in range(max(bottom, row_min), min(top, row_min + rows - 1) + 1):
                i, j = row_min + rows - 1 - row, column - column_min
                out[i, j] = max(out[i, j], values[k])
