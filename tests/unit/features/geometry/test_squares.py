"""What a tile gets from the squares of a layer answers the same as the whole layer."""

import numpy as np
import pytest
import shapely

from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.geometry.distances import distance_m, in_reach
from features.geometry.exclusions import OwnRecords
from features.geometry.layers import Layer, layer_of, segments_near
from features.geometry.point_in_polygon import first_inside
from features.geometry.spatial_index import SIDE_M, squares_of

CRS = projected_crs("EPSG:32634")


def scattered(seed: int, count: int, spread_m: float) -> Layer:
    """Lines and polygons of all lengths around a tile, some far away from all others."""
    rng = np.random.default_rng(seed)
    middles = rng.normal((500_000.0, 4_900_000.0), spread_m, (count, 2))
    lines = [shapely.LineString(middle + rng.normal(0, 3000, (5, 2)).cumsum(0)) for middle in middles[::2]]
    areas = [shapely.Point(middle).buffer(rng.uniform(50, 4000)) for middle in middles[1::2]]
    return layer_of(np.array([*lines, *areas]))


def tile_at(easting_m: float, northing_m: float, cells: int = 40) -> Grid:
    mask = np.ones((cells, cells), dtype=bool)
    return Grid(crs=CRS, cell_size_m=100.0, column_min=int(easting_m // 100), row_min=int(northing_m // 100), mask=mask)


@pytest.mark.parametrize("reach_m", [0.0, 1500.0, 3 * SIDE_M, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_boxes_within_reach_are_those_that_a_look_at_all_finds(seed, reach_m):
    rng = np.random.default_rng(seed)
    low = rng.normal(0, 20_000, (300, 2))
    boxes = np.column_stack([low, low + rng.exponential(3000, (300, 2)) * rng.integers(0, 2, (300, 1))])
    boxes[::50] = np.nan
    bounds = tuple(float(side) for side in np.concatenate([low[7] - 900, low[7] + 2500]))
    found = squares_of(boxes[:, :2], boxes[:, 2:]).within(bounds, reach_m, boxes[:, :2], boxes[:, 2:])
    near = (boxes[:, 2:] >= np.array(bounds[:2]) - reach_m) & (boxes[:, :2] <= np.array(bounds[2:]) + reach_m)
    np.testing.assert_array_equal(found, np.flatnonzero(near.all(axis=1)))


def test_one_box_far_away_costs_no_memory_for_the_land_between():
    low = np.array([[0.0, 0], [1e7, 1e7]])
    high = low + 1.0
    squares = squares_of(low, high)
    assert len(squares.starts) < 1e6
    assert squares.within((1e7, 1e7, 1e7, 1e7), 10.0, low, high).tolist() == [1]
    none = np.empty((0, 2))
    assert squares_of(none, none).within((0, 0, 9, 9), 1e9, none, none).tolist() == []


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "count", "spread_m"), [(0, 80, 6e3), (1, 12, 4e4), (2, 400, 3e4), (3, 2, 8e4)])
def test_the_nearest_of_a_tile_and_what_holds_it_are_found_in_reach(seed, count, spread_m):
    layer = scattered(seed, count, spread_m)
    for east, north in ((500_000, 4_900_000), (520_000, 4_870_000), (560_000, 4_960_000)):
        tile = tile_at(east, north, 24)
        everything = shapely.linestrings(np.stack([layer.start, layer.end], axis=1))
        centres = shapely.points(tile.centres_m())
        chosen = in_reach(tile, layer)
        whole = np.minimum(shapely.distance(centres[:, None], everything[None]).min(axis=1), 50_000)
        part = np.full(len(centres), 50_000.0)
        if len(chosen):
            part = np.minimum(shapely.distance(centres[:, None], everything[chosen][None]).min(axis=1), 50_000)
        np.testing.assert_array_equal(part, whole)
        expected = np.where(first_inside(tile, layer).ravel() >= 0, 0.0, whole)
        np.testing.assert_allclose(distance_m(tile, layer).ravel(), expected, rtol=1e-6, atol=1e-3)


@pytest.mark.slow
def test_what_is_left_out_is_as_if_it_were_not_there():
    layer, tile = scattered(5, 60, 8e3), tile_at(500_000, 4_900_000)
    gone = np.unique(layer.owner[segments_near(tile, layer, 2000.0)])
    assert 3 < len(gone) < 60
    own = OwnRecords(np.array([[0, 40, 0, 40]]), np.array([0, len(gone)]), gone, cells=False)
    others = ~np.isin(layer.owner, gone)
    lines = shapely.linestrings(np.stack([layer.start[others], layer.end[others]], axis=1))
    expected = shapely.distance(shapely.points(tile.centres_m())[:, None], lines[None]).min(axis=1)
    np.testing.assert_allclose(distance_m(tile, layer, own).ravel(), expected, rtol=1e-6, atol=1e-3)
    assert not np.isin(layer.owner[in_reach(tile, layer, gone)], gone).any()
