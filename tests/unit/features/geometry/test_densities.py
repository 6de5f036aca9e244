import numpy as np
import pytest
import shapely
from shapely.geometry import LineString

from features.as_of.own_records import own_points_by_rule
from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.geometry.counts_within import count_within, least_within
from features.geometry.densities import event_densities, line_density, line_points, point_densities, widened_m
from features.geometry.layers import layer_of

CRS = projected_crs("EPSG:32638")


def square_grid(cells: int, cell_size_m: float = 500.0) -> Grid:
    return Grid(
        crs=CRS, cell_size_m=cell_size_m, column_min=1000, row_min=8000, mask=np.ones((cells, cells), dtype=bool)
    )


def direct_sums(centres, places, weights, sigma_m):
    """The definition: a double loop over cells and points."""
    sums = np.zeros(len(centres))
    for place, weight, sigma in zip(places, weights, sigma_m, strict=True):
        squared = ((centres - place) ** 2).sum(axis=1)
        sums += weight * 1e6 / (2 * np.pi * sigma**2) * np.exp(-squared / (2 * sigma**2))
    return sums


def test_one_point_has_the_peak_of_a_gaussian_and_falls_to_its_sigma():
    grid = square_grid(21)
    place = grid.centres_m()[[10 * 21 + 10]]
    found = point_densities(grid, place, np.array([[1.0]]), 1000.0)[0]
    assert found[10, 10] == pytest.approx(1 / (2 * np.pi), rel=1e-12)
    assert found[10, 12] == pytest.approx(np.exp(-0.5) / (2 * np.pi), rel=1e-12)


def test_a_kernel_sums_to_its_weight_over_the_land():
    grid = square_grid(80)
    place = grid.centres_m().mean(axis=0, keepdims=True) + 137.0
    found = point_densities(grid, place, np.array([[3.0]]), 2000.0)[0]
    assert found.sum() * 0.25 == pytest.approx(3.0, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_sums_equal_the_double_loop_with_a_sigma_for_each_point(seed):
    rng = np.random.default_rng(seed)
    grid = square_grid(70)
    west, south, east, north = grid.bounds
    places = rng.uniform((west - 8e3, south - 8e3), (east + 8e3, north + 8e3), (500, 2))
    weights, error_m = rng.uniform(0, 5, (500, 2)), rng.choice([0.0, 1500.0, 4000.0], 500)
    found = point_densities(grid, places, weights, 1000.0, error_m)
    sigma = np.hypot(1000.0, error_m)
    for number in range(2):
        expected = direct_sums(grid.centres_m(), places, weights[:, number], sigma)
        np.testing.assert_allclose(found[number].ravel(), expected, rtol=4e-5, atol=1e-5)


@pytest.mark.parametrize("block_m", [5000.0, 1700.0])
def test_own_points_are_left_out_as_in_the_definition(block_m):
    rng = np.random.default_rng(6)
    grid = square_grid(60)
    places = rng.uniform(grid.bounds[:2], grid.bounds[2:], (150, 2))
    dated = rng.random(150) < 0.5
    own = own_points_by_rule(grid, places, dated, block_m)
    found = event_densities(grid, places, np.ones((150, 1)), 1500.0, np.zeros(150), own)[0]
    centres = grid.centres_m()[:, None]
    cell_of = np.floor(places / 500.0)
    own_cell = (cell_of == np.floor(centres / 500.0)).all(axis=2)
    own_block = (np.floor((cell_of + 0.5) * 500.0 / block_m) == np.floor(centres / block_m)).all(axis=2)
    kernel = np.exp(-((centres - places) ** 2).sum(axis=2) / (2 * 1500.0**2)) / (2 * np.pi * 1.5**2)
    kernel[np.where(dated, own_cell, own_block)] = 0
    np.testing.assert_allclose(found.ravel(), kernel.sum(axis=1), rtol=1e-6, atol=2e-6)


def test_a_lone_own_point_leaves_exactly_nothing():
    grid = square_grid(40)
    places = grid.centres_m()[[820]] + 77.0
    found = event_densities(
        grid, places, np.ones((1, 1)), 5000.0, np.zeros(1), own_points_by_rule(grid, places, np.array([True]), 5e3)
    )
    here = grid.locate(places[:, 0], places[:, 1])[0]
    assert found[0].ravel()[here] == 0.0
    assert (np.delete(found[0].ravel(), here) > 0).all()


@pytest.mark.parametrize("sigma_m", [1000.0, 3000.0])
def test_density_of_an_endless_straight_line(sigma_m):
    grid = square_grid(15)
    west, south, east, north = grid.bounds
    middle = (south + north) / 2
    line = LineString([(west - 9.7 * sigma_m, middle), (west + 2468.0, middle), (east + 9.1 * sigma_m, middle)])
    found = line_density(grid, layer_of(np.array([line])), sigma_m)
    away = (grid.northings_m - middle) / sigma_m
    expected = np.exp(-0.5 * away**2) / (sigma_m / 1000 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(found, expected[:, None] * np.ones(15), rtol=4e-4)


def test_density_of_crooked_lines_equals_a_fine_sum_over_short_pieces():
    rng = np.random.default_rng(8)
    grid = square_grid(30)
    lines = [LineString(rng.normal(0, 1500, (12, 2)).cumsum(0) + grid.centres_m().mean(0)) for _ in range(5)]
    found = line_density(grid, layer_of(np.array(lines)), 1000.0)
    pieces = [int(line.length // 20) for line in lines]
    middles = [(np.arange(n) + 0.5) * line.length / n for line, n in zip(lines, pieces, strict=True)]
    points = [shapely.line_interpolate_point(line, at) for line, at in zip(lines, middles, strict=True)]
    places = shapely.get_coordinates(np.concatenate(points))
    lengths = np.concatenate([np.full(n, line.length / n / 1000) for line, n in zip(lines, pieces, strict=True)])
    expected = direct_sums(grid.centres_m(), places, lengths, np.full(len(places), 1000.0))
    np.testing.assert_allclose(found.ravel(), expected, rtol=2e-3, atol=1e-4 * expected.max())


def test_line_points_carry_the_whole_length():
    lines = np.array([LineString([(0, 0), (30, 40)]), LineString([(0, 0), (0, 12_345)]), LineString([(5, 5), (5, 5)])])
    layer = layer_of(lines)
    _, weights = line_points(layer.start, layer.end, 1000.0)
    assert weights.sum() == pytest.approx(12.395, rel=1e-12)


def test_counts_and_least_values_equal_the_definition_without_own_records():
    rng = np.random.default_rng(9)
    grid = square_grid(50)
    west, south, east, north = grid.bounds
    places = rng.uniform((west - 4e3, south - 4e3), (east + 4e3, north + 4e3), (90, 2))
    values = rng.uniform(0, 30, 90)
    ((_, own),) = own_points_by_rule(grid, places, np.zeros(90, bool), 5000.0)
    block_of = np.floor((np.floor(places / 500.0) + 0.5) * 500.0 / 5000.0)
    apart = np.hypot(*(grid.centres_m()[:, None] - places[None]).transpose(2, 0, 1))
    counted = count_within(grid, places, 5000.0).ravel()
    assert (counted == (apart <= 5000).sum(axis=1)).all()
    others = (apart <= 5000) & (np.floor(grid.centres_m() / 5000.0)[:, None] != block_of[None]).any(axis=2)
    assert (count_within(grid, places, 5000.0, own).ravel() == others.sum(axis=1)).all()
    least = np.where(others, values, np.inf).min(axis=1)
    assert (least_within(grid, places, values, 5000.0, own).ravel() == least).all()
    assert (others.sum(axis=1) < counted).any()


@pytest.mark.parametrize("cell_size_m", [30.0, 100.0])
def test_small_cells_are_interpolated_from_a_lattice_to_a_thousandth_of_the_peak(cell_size_m):
    rng = np.random.default_rng(10)
    grid = square_grid(90, cell_size_m)
    places = rng.uniform(grid.bounds[:2], grid.bounds[2:], (40, 2))
    error_m = rng.choice([0.0, 700.0], 40)
    found = point_densities(grid, places, np.ones((40, 1)), 500.0, error_m)[0]
    expected = direct_sums(grid.centres_m(), places, np.ones(40), widened_m(500.0, error_m))
    np.testing.assert_allclose(found.ravel(), expected, rtol=0, atol=1e-3 * expected.max())


def test_the_lattice_is_the_same_for_every_tile():
    rng = np.random.default_rng(11)
    grid = square_grid(100, 30.0)
    places = rng.uniform(grid.bounds[:2], grid.bounds[2:], (60, 2))
    whole = point_densities(grid, places, np.ones((60, 1)), 1000.0)[0]
    tile = grid.window(13, 64, 29, 31)
    np.testing.assert_array_equal(point_densities(tile, places, np.ones((60, 1)), 1000.0)[0], whole[13:64, 29:31])


def test_an_own_point_leaves_no_trace_where_cells_are_interpolated():
    rng = np.random.default_rng(12)
    grid = square_grid(64, 30.0)
    places = rng.uniform(grid.bounds[:2], grid.bounds[2:], (30, 2))
    dated = np.ones(30, dtype=bool)
    row, column = divmod(int(grid.locate(places[7:8, 0], places[7:8, 1])[0]), 64)
    others = np.delete(places, 7, axis=0)
    with_it = event_densities(
        grid, places, np.ones((30, 1)), 500.0, np.zeros(30), own_points_by_rule(grid, places, dated, 5e3)
    )
    without = event_densities(
        grid, others, np.ones((29, 1)), 500.0, np.zeros(29), own_points_by_rule(grid, others, dated[:29], 5e3)
    )
    assert with_it[0, row, column] == without[0, row, column]
    assert with_it[0, row - 1, column] != without[0, row - 1, column]
