import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import GeometryCollection, LineString, MultiPoint, Point, Polygon, box

from features.as_of.own_records import own_points_by_rule, point_layers_by_rule
from features.base.feature_info import LONGEST_DISTANCE_M
from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.geometry.distances import distance_m, nearest, share_along
from features.geometry.event_distances import event_distance_m, nearest_other
from features.geometry.exclusions import OwnRecords
from features.geometry.layers import layer_of, point_layer, split_segments
from features.geometry.point_in_polygon import first_inside

CRS = projected_crs("EPSG:32638")


def square_grid(cells: int, cell_size_m: float = 500.0, column: int = 1000, row: int = 8000) -> Grid:
    return Grid(
        crs=CRS, cell_size_m=cell_size_m, column_min=column, row_min=row, mask=np.ones((cells, cells), dtype=bool)
    )


def shapes(*geometries):
    return layer_of(np.array(geometries, dtype=object))


def places_on(grid, layer, found):
    """The place on the nearest segment of every cell, by its share of the segment."""
    share = share_along(grid, layer, found)[..., None]
    return layer.start[found.segment] + share * (layer.end[found.segment] - layer.start[found.segment])


def centre_points(grid: Grid):
    return shapely.points(grid.centres_m())


def test_distance_to_a_straight_road_is_the_difference_in_northing():
    grid = square_grid(30)
    west, south, east, _ = grid.bounds
    road = LineString([(west - 1e5, south + 1234.0), (east + 1e5, south + 1234.0)])
    expected = np.abs(grid.northings_m - (south + 1234.0))[:, None] * np.ones(30)
    np.testing.assert_allclose(distance_m(grid, shapes(road)), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_shapely_for_points_lines_polygons_and_collections(seed):
    rng = np.random.default_rng(seed)
    grid = square_grid(45)
    west, south, east, north = grid.bounds

    def walk(steps):
        return rng.uniform((west - 5e3, south - 5e3), (east + 5e3, north + 5e3)) + rng.normal(
            0, 900, (steps, 2)
        ).cumsum(0)

    lines = [LineString(walk(int(rng.integers(2, 40)))) for _ in range(30)]
    polygons = [LineString(walk(5)).buffer(700).difference(Point(walk(1)[0]).buffer(500)) for _ in range(4)]
    mixed = GeometryCollection(
        [Point(walk(1)[0]), LineString(walk(3)), GeometryCollection([box(west, south, west + 900, south + 90)])]
    )
    geometries = np.array([*lines, *polygons, mixed, MultiPoint(walk(4)), LineString([(west, south), (west, south)])])
    layer = layer_of(geometries)
    found = nearest(grid, layer)
    tree = shapely.STRtree(geometries)
    _, expected = tree.query_nearest(centre_points(grid), return_distance=True, all_matches=False)
    np.testing.assert_allclose(found.distance_m.ravel(), expected, rtol=0, atol=1e-6)
    claimed = shapely.distance(centre_points(grid), geometries[found.owner.ravel()])
    np.testing.assert_allclose(claimed, expected, rtol=0, atol=1e-6)
    apart = np.hypot(*(places_on(grid, layer, found).reshape(-1, 2) - grid.centres_m()).T)
    outside = found.distance_m.ravel() > 0
    np.testing.assert_allclose(apart[outside], expected[outside], rtol=0, atol=1e-6)


def test_polygon_is_zero_inside_and_its_hole_is_outside():
    grid = square_grid(20)
    west, south, *_ = grid.bounds
    ring = Polygon(
        box(west + 500, south + 500, west + 9500, south + 9500).exterior,
        [box(west + 3000, south + 3000, west + 7000, south + 7000).exterior],
    )
    distance = distance_m(grid, shapes(ring))
    assert distance[-3, 2] == 0.0
    assert distance[9, 9] == pytest.approx(7000 - 5250 + 0.0, abs=2001)
    assert distance[9, 9] == pytest.approx(shapely.distance(Point(grid.eastings_m[9], grid.northings_m[9]), ring))
    assert first_inside(grid, shapes(ring))[9, 9] == -1


def test_first_polygon_in_the_table_counts_where_two_overlap():
    grid = square_grid(6)
    west, south, east, north = grid.bounds
    both = shapes(Point(west, south), box(west, south, east, north - 1000), box(west, south + 1000, east, north))
    inside = first_inside(grid, both)
    assert set(inside[:2].ravel()) == {2}
    assert set(inside[2:].ravel()) == {1}


def test_cells_beyond_the_longest_distance_have_exactly_that_and_no_owner():
    grid = square_grid(300)
    west, south, *_ = grid.bounds
    found = nearest(grid, shapes(Point(west, south)))
    true = np.hypot(*(grid.centres_m() - (west, south)).T).reshape(grid.shape)
    np.testing.assert_allclose(found.distance_m, np.minimum(true, LONGEST_DISTANCE_M), rtol=1e-12)
    assert ((found.owner == -1) == (true > LONGEST_DISTANCE_M)).all()
    assert ((found.segment == -1) == (true > LONGEST_DISTANCE_M)).all()
    assert (distance_m(square_grid(3), shapes()) == LONGEST_DISTANCE_M).all()


def test_equal_distances_go_to_the_first_geometry():
    grid = square_grid(40)
    west, south, east, _ = grid.bounds
    line = LineString([(west, south), (east, south)])
    assert (nearest(grid, shapes(line, line, line)).owner == 0).all()


def test_cells_outside_the_area_stay_empty():
    mask = np.zeros((40, 40), dtype=bool)
    mask[5:9, 30:36] = True
    grid = Grid(crs=CRS, cell_size_m=500.0, column_min=1000, row_min=8000, mask=mask)
    found = distance_m(grid, shapes(Point(grid.bounds[0], grid.bounds[1])))
    assert (np.isfinite(found) == mask).all()


@pytest.mark.parametrize("tile_cells", [7, 17, 32])
def test_values_do_not_depend_on_tile_borders(tile_cells):
    rng = np.random.default_rng(3)
    grid = square_grid(50)
    west, south, *_ = grid.bounds
    middle = np.array([west + 1e4, south + 1e4])
    lines = shapes(*(LineString(middle + rng.normal(0, 4e3, (6, 2)).cumsum(0)) for _ in range(25)))
    whole = dict(zip(grid.cell_ids(), nearest(grid, lines).distance_m.ravel(), strict=True))
    for tile in grid.tiles(tile_cells):
        for cell, value in zip(tile.cell_ids(), nearest(tile, lines).distance_m[tile.mask], strict=True):
            assert value == whole[cell]


def test_segments_keep_their_geometry_and_their_length():
    line, polygon = LineString([(0, 0), (3, 4), (3, 10)]), Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], [])
    found = shapes(polygon, line, Point(7, 8))
    assert found.owner.tolist() == [0, 0, 0, 0, 1, 1, 2]
    lengths = np.hypot(*(found.end - found.start).T)
    assert lengths.tolist() == [1, 1, 1, 1, 5, 6, 0]
    assert found.start[-1].tolist() == [7, 8]
    assert found.borders(np.array([0]))[0][:, :2].tolist() == found.start[:4].tolist()
    cut = split_segments(found, 2.0)
    assert cut.length_m.max() <= 2.0
    assert cut.length_m.sum() == pytest.approx(15.0)
    assert np.bincount(cut.owner).tolist() == [4, 6, 1]
    assert cut.end[cut.owner == 1][-1].tolist() == [3, 10]


@pytest.mark.parametrize(("seed", "n_points"), [(0, 1), (1, 3), (2, 60), (3, 400)])
def test_nearest_other_is_the_least_over_the_points_of_other_cells(seed, n_points):
    rng = np.random.default_rng(seed)
    centres, points = rng.uniform(0, 2e4, (300, 2)), rng.uniform(0, 2e4, (n_points, 2))
    # The nearest points are a cell's own, a crowded cell makes it ask for many, and some points lie on each other.
    points[: n_points // 2] = centres[0] + rng.uniform(0, 200, (n_points // 2, 2))
    points[: n_points // 8] = points[0]
    apart = np.hypot(*(centres[:, None] - points[None]).transpose(2, 0, 1))
    owner = np.where(rng.random(n_points) < 0.9, apart.argmin(axis=0), -1)
    others = np.where(owner == np.arange(300)[:, None], np.inf, apart)
    found = nearest_other(centres, point_layer(points), owner)
    np.testing.assert_allclose(found, np.minimum(others.min(axis=1), LONGEST_DISTANCE_M), rtol=1e-12)
    # Bit for bit what a tree of the other points alone gives.
    for cell in np.unique(owner[owner >= 0]):
        rest = points[owner != cell]
        alone = cKDTree(rest).query(centres[cell])[0] if len(rest) else np.inf
        assert found[cell] == min(alone, LONGEST_DISTANCE_M)


def test_cells_with_many_own_points_ask_for_few_neighbours(monkeypatch):
    """20,000 points, all of them owned, 50 to a cell: a tree of all others for each cell takes minutes."""
    rng = np.random.default_rng(5)
    centres = rng.uniform(0, 1e5, (400, 2))
    owner = np.repeat(np.arange(400), 50)
    layer = point_layer(centres[owner] + rng.normal(0, 50, (20_000, 2)))
    tree, asked = layer.tree, []

    class Counting:
        def query(self, places, k):
            asked.append(len(places) * len(k))
            return tree.query(places, k=k)

    monkeypatch.setitem(layer.__dict__, "tree", Counting())
    assert np.isfinite(nearest_other(centres, layer, owner)).all()
    assert sum(asked) < 4 * (len(owner) + len(centres))


def test_event_distance_leaves_out_own_cell_of_dated_and_own_block_of_undated():
    grid = square_grid(20)  # two blocks of 5 km to a side
    west, south, *_ = grid.bounds
    places = np.array([[west + 250.0, south + 250.0], [west + 5250.0, south + 250.0]])

    def found(dated, block_m):
        rule = places, np.array([dated, dated]), block_m
        return event_distance_m(grid, point_layers_by_rule(*rule), own_points_by_rule(grid, *rule))

    undated, dated, plain = found(False, 5000.0), found(True, 5000.0), found(True, None)
    assert plain[-1, 0] == 0.0
    assert dated[-1, 0] == 5000.0
    assert dated[-1, 1] == 500.0
    assert undated[-1, 1] == 4500.0
    assert undated[-1, 4] == 3000.0
    assert undated[-1, 10] == 5000.0


def test_polygons_that_a_window_owns_are_left_out_of_it_and_of_nothing_else():
    rng = np.random.default_rng(4)
    grid = square_grid(40)
    west, south, east, north = grid.bounds
    polygons = shapely.buffer(shapely.points(rng.uniform((west, south), (east, north), (12, 2))), 900.0)
    own = OwnRecords(
        np.array([[0, 10, 5, 20], [30, 31, 0, 1]]), np.array([0, 3, 4]), np.array([0, 3, 7, 5]), cells=False
    )
    found = distance_m(grid, layer_of(polygons), own)
    centres = centre_points(grid).reshape(grid.shape)
    expected = shapely.distance(centres[..., None], polygons).min(axis=2)
    for window, members in own.each():
        part = np.s_[window[0] : window[1], window[2] : window[3]]
        others = np.delete(polygons, members)
        expected[part] = shapely.distance(centres[part][..., None], others).min(axis=2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_inside_agrees_with_shapely_also_where_borders_run_through_centres(seed):
    rng = np.random.default_rng(seed)
    grid = square_grid(30)
    west, south, east, north = grid.bounds
    loose = [Point(rng.uniform((west, south), (east, north))).buffer(rng.uniform(200, 4000)) for _ in range(6)]
    # Corners on cell centres: borders run through rows and columns of them.
    corner = grid.centres_m()[rng.integers(0, grid.n_cells, 12)]
    on_centres = [box(*np.minimum(a, b), *np.maximum(a, b)) for a, b in zip(corner[:6], corner[6:], strict=True)]
    polygons = np.array([*loose, *on_centres, loose[0].difference(loose[1].buffer(50))])
    polygons = polygons[(shapely.area(polygons) > 0)]
    found = first_inside(grid, layer_of(polygons))
    touches = shapely.intersects(centre_points(grid)[:, None], polygons[None])
    expected = np.where(touches.any(axis=1), touches.argmax(axis=1), -1)
    np.testing.assert_array_equal(found.ravel(), expected)


def test_owners_look_beyond_what_is_around_where_nothing_else_is_near():
    grid = square_grid(20)
    west, south, east, north = grid.bounds
    polygons = np.array(
        [box(west + 900, south + 900, west + 3000, south + 3000), box(east + 30_000, south, east + 31_000, north)]
    )
    own = OwnRecords(np.array([[0, 20, 0, 20]]), np.array([0, 1]), np.array([0]), cells=False)
    found = distance_m(grid, layer_of(polygons), own)
    np.testing.assert_allclose(found, (east + 30_000 - grid.eastings_m)[None, :] * np.ones((20, 1)), rtol=1e-6)
    whole = np.array([box(west - 40_000, south - 40_000, east + 40_000, north + 40_000), polygons[0]])
    inside = distance_m(grid, layer_of(whole), OwnRecords(own.windows, own.starts, np.array([1]), cells=False))
    assert (inside == 0).all()
