import numpy as np
import pyproj
import shapely
from shapely.geometry import Point, box

from features.base.grid import Grid
from features.geometry.coverage import cell_coverage, covered_share

UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 505_000, 4_404_000), UTM, 250)


def test_half_covered_cells_have_a_share_of_one_half():
    pairs = cell_coverage(GRID, np.array([box(500_125, 4_400_000, 500_500, 4_400_250)], dtype=object))
    assert sorted(pairs["share"]) == [0.5, 1.0]


def test_shares_add_up_to_the_area_of_each_polygon():
    rng = np.random.default_rng(3)
    circles = np.array([Point(*p).buffer(r) for p, r in zip(
        rng.uniform((501_000, 4_401_000), (504_000, 4_403_000), (20, 2)), rng.uniform(30, 900, 20), strict=True)],
        dtype=object)  # fmt: skip
    pairs = cell_coverage(GRID, circles)
    areas = pairs.groupby("polygon")["share"].sum().to_numpy() * 250**2
    assert np.allclose(areas, shapely.area(circles), rtol=1e-9)


def test_overlapping_polygons_cover_a_cell_once():
    twice = np.array([box(500_000, 4_400_000, 500_200, 4_400_250)] * 2, dtype=object)
    share = covered_share(GRID, twice)
    assert np.isclose(share.max(), 0.8)
    assert np.isclose(share.sum(), 0.8)


def test_polygons_off_the_grid_cover_nothing():
    assert not covered_share(GRID, np.array([box(0, 0, 100, 100)], dtype=object)).any()
    assert not len(cell_coverage(GRID, np.array([], dtype=object)))


def test_a_polygon_that_only_touches_an_edge_has_no_row():
    pairs = cell_coverage(GRID, np.array([box(500_250, 4_400_250, 500_500, 4_400_500)], dtype=object))
    assert len(pairs) == 1
