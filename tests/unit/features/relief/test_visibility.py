import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from scipy import ndimage
from shapely.geometry import LineString, MultiLineString, Polygon

from features.as_of.snapshot import Snapshot
from features.base.grid import Grid
from features.families.visibility import build, observers_along, visible_cm
from features.relief.horizons import DROP_PER_M2
from tests.support.sample_country import AS_OF, CONTEXT, CRS, StandIn, country, country_grid, with_vector

SIZE_M = 30.0
SHARE, KM = "front_line_visible_share_3km", "front_line_visible_km_3km"


def seen_from(heights, row, column, size_m=SIZE_M):
    """(within range, seen) of one observer, the edge of `heights` being the edge of the tile."""
    wanted = np.isfinite(heights)
    one = [np.array([value], dtype=np.int64) for value in (row, column, 1)]
    within, seen = visible_cm(heights.astype(np.float32), 0, wanted, *one, size_m)
    return within > 0, seen > 0


def rough(shape, seed=0):
    rng = np.random.default_rng(seed)
    ground = sum(ndimage.gaussian_filter(rng.normal(size=shape), s) * s * h for s, h in ((2, 8), (8, 40), (25, 150)))
    return ground.astype(np.float32)


def oracle(heights, row, column, size_m=SIZE_M):
    """Every ray on its own: angles of elevation over the earth's drop, heights by numpy's interpolation."""
    lowered = np.full(heights.shape, np.nan)
    seen = np.zeros(heights.shape, bool)
    eye = float(heights[row, column]) + 2.0
    for y, x in np.ndindex(heights.shape):
        distance = size_m * np.hypot(y - row, x - column)
        if distance > 3000 or np.isnan(heights[y, x]):
            continue
        steps = max(abs(y - row), abs(x - column))
        share = np.arange(1, steps) / max(steps, 1)
        places = [row + share * (y - row), column + share * (x - column)]
        ground = ndimage.map_coordinates(heights.astype(float), places, order=1)
        angle = (ground - DROP_PER_M2 * (share * distance) ** 2 - eye) / (share * distance)
        aim = (heights[y, x] - DROP_PER_M2 * distance**2 - eye) / max(distance, 1.0)
        lowered[y, x] = aim
        seen[y, x] = not (angle > aim).any()
    return np.isfinite(lowered), seen


def test_on_flat_ground_every_cell_within_3_km_is_seen_and_no_other_counts():
    within, seen = seen_from(np.zeros((221, 221)), 110, 110)
    rows, columns = np.mgrid[:221, :221] - 110
    np.testing.assert_array_equal(within, (rows**2 + columns**2) * SIZE_M**2 <= 3000**2)
    np.testing.assert_array_equal(seen, within)


@pytest.mark.parametrize("turn", range(4))
def test_a_wall_hides_what_is_behind_it_and_only_this(turn):
    heights = np.zeros((121, 121))
    heights[:, 80] = 50.0
    _, seen = seen_from(np.rot90(heights, turn), 60, 60)
    columns = np.mgrid[:121, :121][1]
    np.testing.assert_array_equal(np.rot90(seen, -turn), columns <= 80)


@pytest.mark.parametrize("turn", range(4))
def test_the_shadow_of_a_ridge_is_as_long_as_its_height_says(turn):
    # Eye at 22 m, ridge of 12 m at 300 m: the sight line over it falls 10 m in 300 m and lands at 660 m, on the centre
    # of cell 22; the earth's drop of 0.02 m hides that centre too.
    heights = np.zeros((101, 101))
    heights[50, 50] = 20.0
    heights[:, 60] = 12.0
    _, seen = seen_from(np.rot90(heights, turn), 50, 50)
    along = np.rot90(seen, -turn)[50, 50:]
    hidden = np.flatnonzero(~along)
    assert hidden.tolist() == list(range(11, 23))


def test_the_curved_earth_hides_what_a_flat_one_would_show():
    # From 2 m to the ground at 2,940 m the sight line passes half way 1 m above a flat earth, and 0.15 m lower above
    # a curved one: c d^2 / 4 with c = 0.87 / (2 * 6,371 km).
    assert pytest.approx(0.1475, abs=1e-3) == DROP_PER_M2 * 2940**2 / 4
    for rise, sees in ((0.84, True), (0.87, False)):
        heights = np.zeros((1, 99))
        heights[0, 49] = rise
        assert seen_from(heights, 0, 0)[1][0, 98] == sees


@pytest.mark.slow
@pytest.mark.parametrize("place", [(60, 60), (3, 110), (119, 0)])
def test_every_cell_equals_an_independent_ray_caster(place):
    heights = rough((121, 125))
    within, seen = seen_from(heights, *place)
    expected_within, expected = oracle(heights, *place)
    np.testing.assert_array_equal(within, expected_within)
    np.testing.assert_array_equal(seen, expected)
    assert 0.01 < seen[within].mean() < 0.9


@pytest.mark.skipif(shutil.which("gdal_viewshed") is None, reason="gdal_viewshed is not installed")
def test_gdal_viewshed_differs_in_few_cells(tmp_path):
    heights = rough((221, 221), seed=3)
    transform = rasterio.Affine(SIZE_M, 0, 500_000, 0, -SIZE_M, 4_000_000)
    source, target = tmp_path / "dem.tif", tmp_path / "seen.tif"
    profile = {"driver": "GTiff", "height": 221, "width": 221, "count": 1, "dtype": "float32", "crs": CRS.to_wkt()}
    with rasterio.open(source, "w", transform=transform, **profile) as dataset:
        dataset.write(heights, 1)
    east, north = 500_000 + 110.5 * SIZE_M, 4_000_000 - 110.5 * SIZE_M
    options = {"-md": 3000, "-oz": 2, "-tz": 0, "-cc": 0.87, "-ox": east, "-oy": north, "-vv": 1, "-iv": 0, "-ov": 0}
    words = [str(word) for pair in options.items() for word in pair]
    subprocess.run(["gdal_viewshed", "-q", *words, str(source), str(target)], check=True)
    theirs = np.zeros((221, 221), bool)
    with rasterio.open(target) as dataset:
        row = round((4_000_000 - dataset.transform.f) / SIZE_M)
        column = round((dataset.transform.c - 500_000) / SIZE_M)
        found = dataset.read(1) == 1
    theirs[row : row + found.shape[0], column : column + found.shape[1]] = found
    within, seen = seen_from(heights, 110, 110)
    differ = (theirs != seen)[within].mean()
    # GDAL approximates the horizon from the neighbouring ring, as XDraw does (3.4 % here); ours are exact rays.
    assert differ < 0.08


def test_unknown_ground_hides_nothing_is_not_seen_and_hosts_nobody():
    heights = np.zeros((1, 60))
    heights[0, 20] = 50.0
    assert not seen_from(heights, 0, 0)[1][0, 21:].any()
    heights[0, 20] = np.nan
    within, seen = seen_from(heights, 0, 0)
    np.testing.assert_array_equal(seen[0], np.arange(60) != 20)
    np.testing.assert_array_equal(within, seen)
    assert not seen_from(heights, 0, 20)[0].any()


def test_observers_stand_at_fixed_shares_of_every_part_and_keep_its_length():
    line = MultiLineString([[(0, 0), (1200, 0)], [(0, 50), (0, 150)]])
    ring = Polygon([(0, 0), (100, 0), (100, 100), (0, 100)])
    found = observers_along(np.array([line, ring]))
    np.testing.assert_allclose(found.places_m[:4], [(200, 0), (600, 0), (1000, 0), (0, 100)])
    assert found.length_cm.tolist() == [40_000] * 3 + [10_000, 40_000]
    assert len(observers_along(np.array([], dtype=object)).length_cm) == 0


@dataclass(frozen=True)
class Rough:
    """Hills of a hundred metres at a scale of a few cells, with one hole; a formula of the place."""

    hole: tuple[float, float] = (-1.0, -1.0)

    def read(self, grid):
        east, north = np.meshgrid(grid.eastings_m, grid.northings_m)
        height = 60 * np.sin(east / 210) * np.cos(north / 170) + 40 * np.sin((east + 2 * north) / 650)
        return np.where((abs(east - self.hole[0]) < 1) & (abs(north - self.hole[1]) < 1), np.nan, height)


def fine(cells=128, column=16_700, row=133_400, hole=(-1.0, -1.0)):
    """An area of 30 m cells with two lines, one outside it."""
    grid = Grid(crs=CRS, cell_size_m=SIZE_M, column_min=column, row_min=row, mask=np.ones((cells, cells), bool))
    paths = [LineString([(501_100, 4_002_100), (503_000, 4_004_500), (504_800, 4_005_100)])]
    paths.append(LineString([(500_000, 4_000_500), (506_000, 4_000_900)]))
    table = gpd.GeoDataFrame({"held_from": pd.to_datetime(["1993-01-01"] * 2)}, geometry=paths, crs=CRS)
    return StandIn(grid, {"front_lines": table}, {"dem": Rough(hole)})


def test_the_columns_say_share_and_length_of_the_line_within_range():
    sources = fine()
    flat = replace(sources, rasters={"dem": type("Flat", (), {"read": lambda _, grid: np.zeros(grid.shape)})()})
    columns = build(sources.grid, Snapshot(flat, CONTEXT))
    assert set(columns) == {SHARE, KM}
    assert (columns[SHARE] == 1).all()
    assert columns[KM].max() <= sources.vectors["front_lines"].length.sum() / 1000
    hilly = build(sources.grid, Snapshot(sources, CONTEXT))
    np.testing.assert_allclose(hilly[SHARE] * columns[KM], hilly[KM], rtol=1e-5)
    assert 0.01 < hilly[SHARE].mean() < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("side", [17, 64])
@pytest.mark.parametrize("sources", [fine(), country()], ids=["30 m", "500 m"])
def test_tile_borders_change_no_bit(side, sources):
    grid = sources.grid
    snapshot = Snapshot(sources, CONTEXT)
    whole = build(grid, snapshot)
    assert whole[KM].dtype == np.float32
    assert np.nanmax(whole[KM]) > 0
    rows, columns = grid.shape
    for name in (SHARE, KM):
        joined = np.full(grid.shape, np.nan, np.float32)
        for row in range(0, rows, side):
            for column in range(0, columns, side):
                part = grid.window(row, min(row + side, rows), column, min(column + side, columns))
                joined[row : row + side, column : column + side] = build(part, snapshot)[name]
        np.testing.assert_array_equal(joined, whole[name])


def test_a_larger_area_changes_no_cell_that_stays():
    small, large = fine(), fine(cells=150, column=16_690, row=133_388)
    found = build(small.grid, Snapshot(small, CONTEXT))
    inside = build(large.grid, Snapshot(large, CONTEXT))
    for name, values in found.items():
        np.testing.assert_array_equal(values, inside[name][10:138, 10:138])


def test_a_line_held_only_later_changes_nothing():
    sources = country()
    later = sources.vectors["front_lines"].iloc[:1].assign(held_from=pd.Timestamp(AS_OF) + pd.Timedelta(days=1))
    later = later.set_geometry([LineString([(502_000, 4_002_000), (520_000, 4_020_000)])], crs=CRS)
    more = with_vector(sources, "front_lines", pd.concat([sources.vectors["front_lines"], later], ignore_index=True))
    before, after = (build(sources.grid, Snapshot(each, CONTEXT)) for each in (sources, more))
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])
    known_later = build(sources.grid, Snapshot(more, replace(CONTEXT, as_of=date(2024, 1, 1))))
    assert not np.array_equal(known_later[KM], before[KM], equal_nan=True)


def test_without_front_lines_or_dem_there_are_no_columns_and_without_known_lines_zeros():
    sources = country()
    assert build(sources.grid, Snapshot(replace(sources, rasters={}), CONTEXT)) == {}
    assert build(sources.grid, Snapshot(replace(sources, vectors={}), CONTEXT)) == {}
    nobody = with_vector(sources, "front_lines", sources.vectors["front_lines"].iloc[:0])
    for values in build(country_grid(), Snapshot(nobody, CONTEXT)).values():
        assert set(np.unique(values[np.isfinite(values)])) == {0}


def test_a_hole_is_nan_in_its_own_cell_alone():
    whole = fine()
    grid = whole.grid
    holed = fine(hole=(grid.eastings_m[40], grid.northings_m[70]))
    before, after = (build(each.grid, Snapshot(each, CONTEXT)) for each in (whole, holed))
    for name in (SHARE, KM):
        assert np.argwhere(np.isnan(after[name])).tolist() == [[70, 40]]
        assert not np.isnan(before[name]).any()
    assert (np.nan_to_num(after[KM], nan=9) >= before[KM]).all()
