"""Terrain: closed forms, numpy, scipy and gdaldem as oracles, holes, and tiles that agree with the whole."""

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy import ndimage

from features.as_of.snapshot import Snapshot
from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.families import terrain
from features.relief.derivatives import broad_slope, derivatives, vector_ruggedness
from features.relief.focal_statistics import window_mean_std, window_percentile, window_range
from tests.support.sample_country import CONTEXT, StandIn


def coordinates(rows=9, columns=11, cell_size_m=50.0):
    """Easting and northing offsets of cells, north up."""
    return np.meshgrid(np.arange(columns) * cell_size_m, -np.arange(rows) * cell_size_m)


@pytest.mark.parametrize(("azimuth", "slope"), [(0, 45.0), (90, 45.0), (135, 10.0), (250, 60.0), (300, 75.0)])
def test_a_tilted_plane_has_its_slope_and_faces_its_azimuth(azimuth, slope):
    east, north = coordinates()
    down_east, down_north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    height = 800 - np.tan(np.radians(slope)) * (east * down_east + north * down_north)
    found = derivatives(height, 50.0)
    np.testing.assert_allclose(found["slope_deg"], slope, rtol=1e-9)
    np.testing.assert_allclose(found["eastness"], down_east, atol=1e-9)
    np.testing.assert_allclose(found["northness"], down_north, atol=1e-9)
    np.testing.assert_allclose(found["profile_curvature_per_m"], 0, atol=1e-12)
    np.testing.assert_allclose(found["plan_curvature_per_m"], 0, atol=1e-12)


def test_curvature_of_a_valley_is_across_the_slope_and_of_a_bowl_along_it():
    east, north = coordinates(cell_size_m=10.0)
    valley = 0.001 * (east - 50) ** 2 + 0.2 * north
    found = {name: array[:, 4] for name, array in derivatives(valley, 10.0).items()}
    np.testing.assert_allclose(found["plan_curvature_per_m"], 0.002, rtol=1e-6)
    np.testing.assert_allclose(found["profile_curvature_per_m"], 0, atol=1e-9)
    slope_that_flattens = 0.003 * (north + 100) ** 2
    found = derivatives(slope_that_flattens, 10.0)
    np.testing.assert_allclose(found["profile_curvature_per_m"], 0.006, rtol=1e-6)
    np.testing.assert_allclose(found["plan_curvature_per_m"], 0, atol=1e-9)


def test_flat_ground_has_no_direction_and_no_curvature():
    found = derivatives(np.full((5, 5), 300.0), 30.0)
    for name in (
        "slope_deg",
        "northness",
        "eastness",
        "profile_curvature_per_m",
        "plan_curvature_per_m",
        "ruggedness_m",
    ):
        assert (found[name] == 0).all()
    noise = derivatives(300 + 0.01 * coordinates(5, 5, 30.0)[0] / 30.0, 30.0)
    assert (noise["eastness"] == 0).all()


def test_ruggedness_of_one_peak_is_by_hand():
    height = np.zeros((5, 5))
    height[2, 2] = 10.0
    found = derivatives(height, 30.0)["ruggedness_m"]
    assert found[1, 1] == pytest.approx(10 * np.sqrt(8))
    assert found[0, 1] == pytest.approx(10)


def test_a_hole_makes_nan_of_its_nine_cells_and_of_no_other():
    height = np.random.default_rng(0).uniform(100, 200, (12, 12))
    whole = derivatives(height, 30.0)
    holed = height.copy()
    holed[5, 6] = np.nan
    touched = np.zeros((10, 10), bool)
    touched[3:6, 4:7] = True
    for name, array in derivatives(holed, 30.0).items():
        assert (np.isnan(array) == touched).all(), name
        np.testing.assert_array_equal(array[~touched], whole[name][~touched])


@pytest.mark.parametrize("half", [1, 4])
def test_window_statistics_equal_numpy_over_the_valid_cells(half):
    rng = np.random.default_rng(1)
    height = np.round(rng.uniform(-20, 4000, (30, 33)), 2)
    height[rng.random(height.shape) < 0.2] = np.nan
    (mean, std), spread = window_mean_std(height, half), window_range(height, half)
    for row in range(30):
        for column in range(33):
            window = height[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1]
            valid = window[np.isfinite(window)]
            if np.isnan(height[row, column]):
                assert np.isnan([mean[row, column], std[row, column], spread[row, column]]).all()
            else:
                assert mean[row, column] == pytest.approx(valid.mean(), abs=1e-9)
                assert std[row, column] == pytest.approx(valid.std(), abs=1e-8)
                assert spread[row, column] == np.ptp(valid)


def test_window_statistics_of_high_flat_land_have_no_rounding_noise():
    assert (window_mean_std(np.full((40, 40), 8321.17), 10)[1] == 0).all()
    nearly_flat = 8321 + np.random.default_rng(3).integers(0, 3, (21, 21)) / 100
    assert window_mean_std(nearly_flat, 10)[1][10, 10] == pytest.approx((nearly_flat - 8321).std(), abs=1e-10)


def test_percentile_is_the_share_of_lower_cells():
    height = np.random.default_rng(2).permutation(15 * 15).astype(float).reshape(15, 15)
    found = window_percentile(height, 3, 3)
    for row in range(9):
        for column in range(9):
            window = height[row : row + 7, column : column + 7]
            assert found[row, column] == pytest.approx((window < window[3, 3]).sum() / 48)
    assert (window_percentile(np.zeros((9, 9)), 2, 2) == 0.5).all()


def test_percentile_samples_wide_windows_evenly():
    east, _ = coordinates(rows=421, columns=421, cell_size_m=1.0)
    found = window_percentile(east, 200, 200)
    np.testing.assert_allclose(found, 0.5, atol=0.02)
    holed = east.copy()
    holed[210, 210] = np.nan
    assert np.isnan(window_percentile(holed, 200, 200)).sum() == 1


def test_a_tilted_plane_is_as_steep_and_as_smooth_at_every_scale():
    east, north = coordinates(41, 45, 30.0)
    height = 800 + 0.3 * east - 0.4 * north
    slope, northness, eastness = broad_slope(height, 30.0, 5, 10)
    np.testing.assert_allclose(slope, np.degrees(np.arctan(0.5)), rtol=1e-6)
    np.testing.assert_allclose(northness, 0.8, atol=1e-6)
    np.testing.assert_allclose(eastness, -0.6, atol=1e-6)
    np.testing.assert_allclose(vector_ruggedness(height, 30.0), 0, atol=1e-12)


def test_broad_slope_is_the_difference_of_mean_heights_of_squares():
    height = np.round(np.random.default_rng(4).uniform(0, 900, (21, 22)), 2)
    mean = ndimage.uniform_filter(height, 5, mode="constant")
    to_east, to_north = (mean[:, 4:] - mean[:, :-4]) / 80, (mean[:-4] - mean[4:]) / 80
    expected = np.degrees(np.arctan(np.hypot(to_east[4:-4, 2:-2], to_north[2:-2, 4:-4])))
    np.testing.assert_allclose(broad_slope(height, 20.0, 2, 4)[0], expected, rtol=1e-9)
    holed = height.copy()
    holed[10, 10] = np.nan
    assert np.argwhere(np.isnan(broad_slope(holed, 20.0, 2, 4)[0])).tolist() == [[6, 6]]


def test_a_broad_slope_within_the_noise_has_no_direction():
    east, _ = coordinates(25, 25, 30.0)
    slope, northness, eastness = broad_slope(100 + east * 0.9 / 300, 30.0, 5, 10)
    assert (slope > 0).all()
    assert (northness == 0).all()
    assert (eastness == 0).all()


def test_the_slope_of_a_sphere_and_its_ruggedness():
    east, north = coordinates(101, 101, 10.0)
    radius, x, y = 5000.0, east - 500, north + 500
    height = np.sqrt(radius**2 - x**2 - y**2)
    expected = np.degrees(np.arcsin(np.hypot(x, y) / radius))
    np.testing.assert_allclose(derivatives(height, 10.0)["slope_deg"], expected[1:-1, 1:-1], atol=1e-3)
    # Normals of a sphere point along its radii: their mean over +-10 m shortens by the mean square angle / 2.
    at_top = vector_ruggedness(height, 10.0)[48, 48]
    assert at_top == pytest.approx((4 * 1 + 4 * 2) / 9 * (10 / radius) ** 2 / 2, rel=0.01)


def test_vector_ruggedness_is_one_minus_the_mean_normal():
    height = np.random.default_rng(5).uniform(0, 60, (12, 13))
    north_rise, east_rise = ndimage.sobel(height, 0) / -240, ndimage.sobel(height, 1) / 240
    normal = np.stack([-east_rise, -north_rise, np.ones_like(height)]) / np.sqrt(1 + east_rise**2 + north_rise**2)
    mean = np.stack([ndimage.uniform_filter(axis, 3) for axis in normal])
    expected = 1 - np.sqrt((mean**2).sum(axis=0))
    np.testing.assert_allclose(vector_ruggedness(height, 30.0), expected[2:-2, 2:-2], atol=1e-12)
    holed = height.copy()
    holed[6, 6] = np.nan
    touched = np.zeros((8, 9), bool)
    touched[2:7, 2:7] = True
    assert (np.isnan(vector_ruggedness(holed, 30.0)) == touched).all()


def test_windows_equal_scipy_on_a_wide_rough_surface():
    height = np.round(np.random.default_rng(6).uniform(0, 8848, (150, 170)), 2).astype(np.float32)
    for half, margin in ((1, 1), (7, 20), (40, 41)):
        inner = np.s_[margin:-margin, margin:-margin]
        highest, lowest = (f(height, 2 * half + 1) for f in (ndimage.maximum_filter, ndimage.minimum_filter))
        np.testing.assert_array_equal(window_range(height, half, margin), (highest - lowest)[inner])
        mean, std = window_mean_std(height, half, margin)
        wide = height.astype(np.float64)
        expected = ndimage.uniform_filter(wide, 2 * half + 1)[inner]
        np.testing.assert_allclose(mean, expected, atol=0.006)
        squares = ndimage.uniform_filter(wide**2, 2 * half + 1)[inner]
        np.testing.assert_allclose(std, np.sqrt(squares - expected**2), atol=0.02)


def gdaldem(folder, height, cell_size_m, *options):
    transform = Affine(cell_size_m, 0, 0, 0, -cell_size_m, 0)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": "EPSG:32638", "transform": transform}
    with rasterio.open(folder / "dem.tif", "w", height=height.shape[0], width=height.shape[1], **profile) as new:
        new.write(height, 1)
    subprocess.run(["gdaldem", options[0], "dem.tif", "out.tif", "-q", *options[1:]], cwd=folder, check=True)
    with rasterio.open(folder / "out.tif") as found:
        return found.read(1)[1:-1, 1:-1]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gdaldem") is None, reason="gdaldem is not installed")
def test_gdaldem_sees_the_same_slope_aspect_ruggedness_and_roughness(tmp_path):
    height = ndimage.gaussian_filter(np.random.default_rng(7).normal(0, 300, (80, 90)), 2).astype(np.float32)
    ours = derivatives(height, 30.0)
    np.testing.assert_allclose(ours["slope_deg"], gdaldem(tmp_path, height, 30.0, "slope"), atol=2e-4)
    np.testing.assert_allclose(ours["ruggedness_m"], gdaldem(tmp_path, height, 30.0, "TRI", "-alg", "Riley"), rtol=1e-5)
    np.testing.assert_allclose(ours["roughness_m"], gdaldem(tmp_path, height, 30.0, "roughness"), rtol=1e-6)
    aspect = np.radians(gdaldem(tmp_path, height, 30.0, "aspect"))
    steep = ours["slope_deg"] > 2
    np.testing.assert_allclose(ours["eastness"][steep], np.sin(aspect)[steep], atol=1e-4)
    np.testing.assert_allclose(ours["northness"][steep], np.cos(aspect)[steep], atol=1e-4)


class Rough:
    """A DEM with holes that is a hash of the cell, so that no two cells are alike."""

    def read(self, grid):
        column = grid.column_min + np.arange(grid.shape[1])
        row = grid.row_min + grid.shape[0] - 1 - np.arange(grid.shape[0])[:, None]
        height = 900 + 400 * np.sin(column / 9) * np.cos(row / 7) + (column * 7919 + row * 104_729) % 997 / 31
        return np.where((column * 31 + row * 17) % 211 == 0, np.nan, height)


@pytest.mark.parametrize("cell_size_m", [100.0, 4000.0])
def test_tiles_have_the_bits_of_the_whole(cell_size_m):
    whole = Grid(
        crs=projected_crs("EPSG:32638"),
        cell_size_m=cell_size_m,
        column_min=1003,
        row_min=40_007,
        mask=np.ones((90, 77), dtype=bool),
    )
    snapshot = Snapshot(StandIn(whole, {}, {"dem": Rough()}), CONTEXT)
    columns = terrain.build(whole, snapshot)
    assert set(columns) == {info.name for info in terrain.FEATURES}
    for side in (17, 64):
        for tile in whole.tiles(side):
            row = whole.row_min + whole.shape[0] - tile.row_min - tile.shape[0]
            column = tile.column_min - whole.column_min
            there = np.s_[row : row + tile.shape[0], column : column + tile.shape[1]]
            for name, array in terrain.build(tile, snapshot).items():
                assert array.dtype == np.float32
                assert array.tobytes() == np.ascontiguousarray(columns[name][there]).tobytes(), name
