import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, Point, Polygon, box

from features.base.errors import ConfigError, InputError
from features.base.grid import Grid, decode_cell_id, encode_cell_id
from features.base.grid_checks import projected_crs

UTM = pyproj.CRS("EPSG:32638")


def test_cells_are_aligned_to_multiples_of_the_cell_size():
    grid = Grid.from_area(box(500_130, 4_400_070, 501_010, 4_400_950), UTM, 250)
    assert np.array_equal(grid.eastings_m % 250, np.full(grid.shape[1], 125.0))
    assert grid.bounds == (500_000, 4_400_000, 501_250, 4_401_000)


def test_a_border_on_a_cell_edge_opens_no_further_cells():
    grid = Grid.from_area(box(500_000, 4_400_000, 501_000, 4_401_000), UTM, 250)
    assert grid.shape == (4, 4)
    assert grid.n_cells == 16


def test_every_cell_that_the_area_touches_belongs_to_it():
    sliver = Polygon([(500_010, 4_400_010), (500_990, 4_400_010), (500_990, 4_400_020)])
    grid = Grid.from_area(sliver, UTM, 250)
    assert grid.n_cells == 4


@pytest.mark.slow
def test_the_same_cell_keeps_its_id_in_a_larger_area():
    small = Grid.from_area(box(500_000, 4_400_000, 502_000, 4_401_000), UTM, 250)
    large = Grid.from_area(box(480_000, 4_390_000, 510_000, 4_420_000), UTM, 250)
    places = {tuple(place): cell for place, cell in zip(large.centres_m(), large.cell_ids(), strict=True)}
    assert [places[tuple(place)] for place in small.centres_m()] == small.cell_ids().tolist()


@given(st.integers(-(2**25), 2**25 - 1), st.integers(-(2**25), 2**25 - 1))
def test_ids_are_exact_as_floats_and_can_be_read_back(column, row):
    cell_id = encode_cell_id(np.array([column]), np.array([row]))
    assert int(float(cell_id[0])) == cell_id[0] < 2**53
    assert [int(part[0]) for part in decode_cell_id(cell_id)] == [column, row]


@pytest.mark.parametrize("tile_cells", [3, 7, 64])
def test_tiles_hold_every_cell_once(tile_cells):
    grid = Grid.from_area(Point(500_000, 4_400_000).buffer(3_000), UTM, 250)
    ids = np.concatenate([tile.cell_ids() for tile in grid.tiles(tile_cells)])
    assert sorted(ids) == sorted(grid.cell_ids())
    centres = np.concatenate([tile.centres_m() for tile in grid.tiles(tile_cells)])
    assert np.array_equal(centres[np.argsort(ids)], grid.centres_m()[np.argsort(grid.cell_ids())])


def test_locate_finds_the_cell_of_each_centre_and_nothing_outside():
    grid = Grid.from_area(Point(500_000, 4_400_000).buffer(2_000), UTM, 250)
    centres = grid.centres_m()
    assert np.array_equal(grid.locate(centres[:, 0], centres[:, 1]), np.flatnonzero(grid.mask))
    assert grid.locate(np.array([grid.bounds[0] - 1]), np.array([grid.bounds[1] + 1])).tolist() == [-1]


def test_coarse_cells_hold_their_fine_cells():
    grid = Grid.from_area(Point(500_130, 4_400_070).buffer(2_000), UTM, 250)
    coarse, place = grid.coarsened(4)
    apart = np.abs(coarse.centres_m()[place] - grid.centres_m())
    assert coarse.cell_size_m == 1_000
    assert apart.max() == 375
    assert set(place) == set(range(coarse.n_cells))


def test_points_as_an_area_mark_their_cells_only():
    grid = Grid.from_area(MultiPoint([(500_010, 4_400_010), (500_900, 4_400_900)]), UTM, 250)
    assert grid.n_cells == 2


def test_expanded_keeps_ids_and_adds_no_cell_to_the_area():
    grid = Grid.from_area(box(500_000, 4_400_000, 501_000, 4_401_000), UTM, 250)
    assert np.array_equal(grid.expanded(3).cell_ids(), grid.cell_ids())
    assert grid.expanded(3).shape == (10, 10)


@pytest.mark.parametrize(
    ("crs", "message"),
    [("EPSG:4326", "not projected"), ("EPSG:999999", "not a known CRS"), ("EPSG:2263", "US survey foot")],
)
def test_a_crs_that_has_no_metres_is_refused_by_name(crs, message):
    with pytest.raises(ConfigError, match=message) as caught:
        projected_crs(crs)
    assert crs in str(caught.value)


@pytest.mark.parametrize("size", [0.0, -5.0, float("nan"), float("inf")])
def test_impossible_cell_sizes_are_refused_with_their_value(size):
    with pytest.raises(ConfigError, match=rf"cell_size_m \({size:g}\)"):
        Grid.from_area(box(500_000, 4_400_000, 501_000, 4_401_000), UTM, size)


def test_an_empty_area_is_refused():
    with pytest.raises(InputError, match="area is empty"):
        Grid.from_area(Polygon(), UTM, 250)


def test_an_area_outside_the_domain_is_refused_with_its_bounds():
    with pytest.raises(InputError, match="outside the domain of EPSG:32638"):
        Grid.from_area(box(4_500_000, 4_400_000, 4_501_000, 4_401_000), UTM, 250)


def test_a_huge_area_is_refused_before_memory_is_spent():
    with pytest.raises(InputError, match=r"cell_size_m \(1\) makes"):
        Grid.from_area(box(400_000, 4_000_000, 600_000, 4_400_000), UTM, 1)


def test_some_centres_are_spread_over_the_cells_and_all_where_there_are_few():
    mask = np.random.default_rng(0).random((60, 45)) < 0.4
    mask[7] = False
    grid = Grid(crs=UTM, cell_size_m=100.0, column_min=-20, row_min=30, mask=mask)
    every = grid.centres_m()
    np.testing.assert_array_equal(grid.some_centres_m(len(every)), every)
    step = -(-len(every) // 100)
    np.testing.assert_array_equal(grid.some_centres_m(100), every[::step])


@pytest.mark.parametrize(("crs", "metre"), [("EPSG:3857", "0.77 m"), ("EPSG:3395", "0.77 m")])
def test_a_crs_whose_metre_is_none_is_refused(crs, metre):
    known = projected_crs(crs)
    degrees = box(46.7, 39.7, 46.9, 39.9)
    to = pyproj.Transformer.from_crs("EPSG:4326", known, always_xy=True)
    area = shapely.transform(degrees, lambda points: np.column_stack(to.transform(points[:, 0], points[:, 1])))
    with pytest.raises(ConfigError, match=f"a metre of this CRS is {metre} here.*UTM"):
        Grid.from_area(area, known, 250)


def test_more_cells_than_memory_holds_are_refused_with_their_number():
    area = box(600_000, 4_400_000, 620_000, 4_420_000)
    with pytest.raises(InputError, match=r"cell_size_m \(1\) makes 400,000,000 cells .* 25 GB: 4.0 GB are free"):
        Grid.from_area(area, projected_crs("EPSG:32638"), 1, memory_bytes=4e9)
    assert Grid.from_area(area, projected_crs("EPSG:32638"), 100, memory_bytes=4e9).n_cells == 40_000
