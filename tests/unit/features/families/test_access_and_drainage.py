"""Drainage and access: closed forms, slow oracles, and values that no tile and no area can change."""

import heapq
from dataclasses import dataclass
from dataclasses import replace as changed

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from features.as_of.coarse_blocks import Block, blocks_of
from features.as_of.snapshot import Snapshot
from features.base.grid import Grid
from features.families import access, drainage
from tests.support.sample_country import CONTEXT, CRS, StandIn, Surface, country

EAST, NORTH = 510_000.0, 4_200_000.0
NAMES = {info.name for family in (access, drainage) for info in family.FEATURES}


@dataclass(frozen=True)
class Formula:
    """A DEM that is a function of easting and northing."""

    height: object

    def read(self, grid):
        return self.height(*np.meshgrid(grid.eastings_m, grid.northings_m))


def area(rows=90, columns=130, size=300.0):
    return Grid(
        crs=CRS,
        cell_size_m=size,
        column_min=round(EAST / size),
        row_min=round(NORTH / size),
        mask=np.ones((rows, columns), bool),
    )


def snapshot_of(grid, vectors=None, dem=None):
    return Snapshot(StandIn(grid, vectors or {}, {"dem": dem} if dem else {}), CONTEXT)


def table(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


def both(grid, sources):
    seen = Snapshot(sources, CONTEXT)
    return drainage.build(grid, seen) | access.build(grid, seen)


def rough(seed, shape=(23, 31)):
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(0, 10, shape).cumsum(0).cumsum(1) / 10, 0)


def slow_flood(z):
    """Filled heights (no rise) by a plain heap over cells."""
    filled, todo, seen = z.copy(), [], np.zeros(z.shape, bool)
    for i, j in np.ndindex(z.shape):
        if i in (0, z.shape[0] - 1) or j in (0, z.shape[1] - 1):
            todo.append((z[i, j], i, j))
            seen[i, j] = True
    heapq.heapify(todo)
    while todo:
        level, i, j = heapq.heappop(todo)
        for a, b in np.ndindex(3, 3):
            p = i + a - 1, j + b - 1
            if 0 <= p[0] < z.shape[0] and 0 <= p[1] < z.shape[1] and not seen[p]:
                seen[p] = True
                filled[p] = max(z[p], level)
                heapq.heappush(todo, (filled[p], *p))
    return filled


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_flow_fills_pits_like_a_slow_flood_and_every_drop_leaves(seed):
    z = rough(seed)
    filled, order, receiver = drainage.flow(z)
    np.testing.assert_allclose(filled.reshape(z.shape), slow_flood(z), atol=0.01)
    count = drainage.upslope_cells(order, receiver)
    assert count[receiver < 0].sum() == z.size
    expected = np.zeros(z.size, int)
    for cell in range(z.size):
        to = cell
        while to >= 0:
            expected[to] += 1
            to = receiver[to]
    np.testing.assert_array_equal(count, expected)
    down = receiver >= 0
    assert (filled[down] > filled[receiver[down]]).all()


def test_water_on_a_tilted_plane_gathers_row_by_row():
    z = np.tile(np.arange(20.0)[::-1, None], (1, 9)) * 5
    _, order, receiver = drainage.flow(z)
    count = drainage.upslope_cells(order, receiver).reshape(z.shape)
    np.testing.assert_array_equal(count[1:-1, 4], np.arange(1, 19))


def test_height_above_the_floor_of_a_valley():
    # Valleys 6 km apart: no flank is long enough to hold a stream of its own.
    def away(east):
        return abs((east - EAST - 19_650 + 3000) % 6000 - 3000)

    grid = area()
    out = drainage.build(grid, snapshot_of(grid, dem=Formula(lambda e, n: 500 + 0.05 * away(e) - 0.002 * (n - NORTH))))
    across = np.broadcast_to(away(grid.eastings_m), grid.shape)
    np.testing.assert_allclose(out["height_above_drainage_m"], 0.05 * across, atol=1e-3)
    np.testing.assert_allclose(out["drainage_distance_m"], across)
    flank = across > 0
    log_area = (out["upslope_area_log10_km2"][flank] + 6) * np.log(10)
    np.testing.assert_allclose(out["wetness_index"][flank], log_area - np.log(300 * 0.05), atol=1e-4)


def test_an_enclosed_hole_is_nan_alone_and_lets_water_pass():
    z = np.tile(np.arange(20.0)[::-1, None], (1, 9)) * 5
    holed = z.copy()
    holed[9, 4] = np.nan
    _, order, receiver = drainage.flow(holed)
    count = drainage.upslope_cells(order, receiver)
    assert count[receiver < 0].sum() == z.size
    assert count.reshape(z.shape)[18].sum() == 18 * 9 - 18 * 2 + count.reshape(z.shape)[18, [0, 8]].sum()
    grid, hole = (
        area(),
        Formula(lambda e, n: np.where((abs(e - EAST - 10_050) < 9) & (abs(n - NORTH - 10_050) < 9), np.nan, e / 9)),
    )
    out = drainage.build(grid, snapshot_of(grid, dem=hole))
    for field in out.values():
        assert np.isnan(field).sum() == 1


def slow_hours(heights, speeds, rivers, size, sources):
    rows, columns = heights.shape
    entries = []
    for i, j in np.ndindex(rows, columns):
        for a in (-1, 0, 1):
            for b in (-1, 0, 1):
                if (a or b) and 0 <= i + a < rows and 0 <= j + b < columns:
                    run, road = size * np.hypot(a, b), min(speeds[i, j], speeds[i + a, j + b])
                    pace = 3.6 * np.exp(-3.5 * abs((heights[i + a, j + b] - heights[i, j]) / run + 0.05))
                    wading = 0.5 if not road and rivers[i + a, j + b] and not rivers[i, j] else 0.0
                    entries.append((i * columns + j, (i + a) * columns + j + b, run / 1000 / (road or pace) + wading))
    start, end, cost = zip(*entries, strict=True)
    graph = coo_matrix((cost, (start, end)), shape=(rows * columns,) * 2).tocsr()
    return dijkstra(graph, indices=sources, min_only=True).reshape(rows, columns)


@pytest.mark.parametrize("seed", range(3))
def test_travel_is_the_shortest_path_of_scipy(seed):
    rng = np.random.default_rng(seed)
    heights = rough(seed) * 3
    speeds = rng.choice([0.0, 0.0, 10.0, 50.0], heights.shape)
    rivers = rng.random(heights.shape) < 0.2
    sources = np.array([40, 300])
    hours, on_foot = access.travel(heights, speeds, rivers, 120.0, sources, 1e9)
    np.testing.assert_allclose(hours, slow_hours(heights, speeds, rivers, 120.0, sources), rtol=1e-9)
    assert ((on_foot >= 0) & (on_foot <= hours + 1e-12)).all()


def test_time_on_flat_land_and_on_a_straight_road():
    grid = area()
    village = shapely.Point(EAST + 9150, NORTH + 9150)
    row, column = grid.shape[0] - 31, 30
    flat = access.build(grid, snapshot_of(grid, {"settlements": table([village])}))
    assert set(flat) == {"settlement_travel_time_h"}
    steps = np.arange(20)
    pace = 3.6 * np.exp(-0.175)
    np.testing.assert_allclose(flat["settlement_travel_time_h"][row, column + steps], steps * 0.3 / pace, rtol=1e-5)
    road = table(
        [shapely.LineString([(EAST - 9e3, NORTH + 9150), (EAST + 39e3, NORTH + 9150)])], road_class=["primary"]
    )
    vectors = {"settlements": table([village]), "roads": road}
    driven = access.build(grid, snapshot_of(grid, vectors))
    np.testing.assert_allclose(driven["settlement_travel_time_h"][row, column + steps], steps * 0.3 / 50, rtol=1e-5)
    np.testing.assert_allclose(driven["settlement_road_distance_m"][row, column + steps], steps * 300.0, rtol=1e-5)
    np.testing.assert_allclose(driven["settlement_road_distance_m"][row - 5, column + steps], 1500 + steps * 300.0)
    assert (driven["settlement_offroad_share"][row, column + steps] == 0).all()
    assert driven["settlement_offroad_share"][row - 5, column] == 1
    slow = access.build(grid, snapshot_of(grid, vectors | {"roads": road.assign(road_class="track")}))
    np.testing.assert_allclose(slow["settlement_travel_time_h"][row, column + steps], steps * 0.3 / 10, rtol=1e-5)


def test_a_river_takes_wading_unless_a_road_crosses_it():
    rivers = np.zeros((9, 9), bool)
    rivers[:, 4] = True
    flat, none = np.zeros((9, 9)), np.zeros((9, 9))
    road = none.copy()
    road[4] = 25.0
    dry, _ = access.travel(flat, none, rivers & False, 100.0, np.array([36]), 99.0)
    wet, _ = access.travel(flat, none, rivers, 100.0, np.array([36]), 99.0)
    np.testing.assert_allclose((wet - dry)[:, 4:], access.WADING_H)
    bridged, _ = access.travel(flat, road, rivers, 100.0, np.array([36]), 99.0)
    assert bridged[4, 8] == pytest.approx(0.8 / 25)


def test_cells_under_segments_are_those_that_shapely_intersects():
    rng = np.random.default_rng(3)
    for start, end in zip(rng.uniform(-3, 15, (60, 2)), rng.uniform(-3, 15, (60, 2)), strict=True):
        out = np.zeros((12, 12))
        access.draw(out, start[None], end[None], np.ones(1), 0, 0)
        line = shapely.LineString([start, end])
        row, column = np.mgrid[:12, :12]
        expected = shapely.intersects(shapely.box(column, 11 - row, column + 1, 12 - row), line)
        np.testing.assert_array_equal(out > 0, expected)


def sample(size, cells):
    grid = Grid(
        crs=CRS,
        cell_size_m=size,
        column_min=round(514_920 / size),
        row_min=round(4_020_840 / size),
        mask=np.ones((cells, cells), bool),
    )
    return grid, changed(country(), grid=grid)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "cells"), [(30.0, 200), (500.0, 60)])
def test_tiles_and_areas_change_no_byte(size, cells):
    grid, sources = sample(size, cells)
    whole = both(grid, sources)
    assert set(whole) == NAMES
    assert len(list(blocks_of(grid))) > 1
    for side in (17, 64):
        seen = Snapshot(sources, CONTEXT)
        for row in range(0, cells, side):
            for column in range(0, cells, side):
                rows, columns = slice(row, min(row + side, cells)), slice(column, min(column + side, cells))
                tile = grid.window(rows.start, rows.stop, columns.start, columns.stop)
                part = drainage.build(tile, seen) | access.build(tile, seen)
                for name, field in part.items():
                    np.testing.assert_array_equal(field, whole[name][rows, columns], err_msg=name)
    larger = grid.expanded(9)
    for name, field in both(larger, changed(sources, grid=larger)).items():
        np.testing.assert_array_equal(field[9:-9, 9:-9], whole[name], err_msg=name)


@pytest.mark.parametrize("size", [5.0, 30.0, 90.0, 500.0, 1000.0])
def test_records_around_the_area_reach_as_far_as_margins(size):
    block = Block(CRS, size, 3, -2)
    assert np.sqrt(2) * (block.side + block.margin) * block.coarse_m <= 45_000
    assert block.coarse_m >= 100


def test_a_missing_source_drops_its_columns_alone():
    grid, sources = sample(500.0, 20)
    bare = changed(sources, vectors={})
    assert set(both(grid, bare)) == {info.name for info in drainage.FEATURES}
    no_dem = both(grid, changed(sources, rasters={}))
    assert set(no_dem) == {info.name for info in access.FEATURES}
    assert all(np.isfinite(field).all() for field in no_dem.values())
    hills = both(grid, changed(sources, rasters={"dem": Surface("dem")}))["settlement_travel_time_h"]
    assert (hills != no_dem["settlement_travel_time_h"]).any()
