import numpy as np
import pytest

from features.slopes import broad_slope, derivatives, vector_ruggedness
from features.windows import window_mean_std, window_percentile, window_range


def coordinates(rows=9, columns=11, cell_size_m=50.0):
    """Easting and northing offsets of cells, north up."""
    return np.meshgrid(np.arange(columns) * cell_size_m, -np.arange(rows) * cell_size_m)


@pytest.mark.parametrize(("azimuth", "slope"), [(0, 45.0), (90, 45.0), (135, 10.0), (250, 60.0)])
def test_a_tilted_plane_has_its_slope_and_faces_its_azimuth(azimuth, slope):
    east, north = coordinates()
    down_east, down_north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    height = 800 - np.tan(np.radians(slope)) * (east * down_east + north * down_north)
    found = {name: array[1:-1, 1:-1] for name, array in derivatives(height, 50.0).items()}
    np.testing.assert_allclose(found["slope_deg"], slope, rtol=1e-9)
    np.testing.assert_allclose(found["eastness"], down_east, atol=1e-9)
    np.testing.assert_allclose(found["northness"], down_north, atol=1e-9)
    np.testing.assert_allclose(found["profile_curvature_per_m"], 0, atol=1e-12)
    np.testing.assert_allclose(found["plan_curvature_per_m"], 0, atol=1e-12)


def test_curvature_of_a_valley_is_across_the_slope_and_of_a_bowl_along_it():
    east, north = coordinates(cell_size_m=10.0)
    valley = 0.001 * (east - 50) ** 2 + 0.2 * north
    found = {name: array[1:-1, 5] for name, array in derivatives(valley, 10.0).items()}
    np.testing.assert_allclose(found["plan_curvature_per_m"], 0.002, rtol=1e-6)
    np.testing.assert_allclose(found["profile_curvature_per_m"], 0, atol=1e-9)
    slope_that_flattens = 0.003 * (north + 100) ** 2
    found = {name: array[1:-1, 1:-1] for name, array in derivatives(slope_that_flattens, 10.0).items()}
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
        assert (found[name][1:-1, 1:-1] == 0).all()
    noise = derivatives(300 + 0.01 * coordinates(5, 5, 30.0)[0] / 30.0, 30.0)
    assert (noise["eastness"][1:-1, 1:-1] == 0).all()


def test_ruggedness_of_one_peak_is_by_hand():
    height = np.zeros((5, 5))
    height[2, 2] = 10.0
    found = derivatives(height, 30.0)["ruggedness_m"]
    assert found[2, 2] == pytest.approx(10 * np.sqrt(8))
    assert found[1, 2] == pytest.approx(10)


def test_a_hole_makes_nan_of_its_nine_cells_and_of_no_other():
    height = np.random.default_rng(0).uniform(100, 200, (12, 12))
    whole = derivatives(height, 30.0)
    holed = height.copy()
    holed[5, 6] = np.nan
    touched = np.zeros((12, 12), bool)
    touched[4:7, 5:8] = True
    for name, array in derivatives(holed, 30.0).items():
        inner = np.s_[1:-1, 1:-1]
        assert (np.isnan(array) == touched)[inner].all(), name
        np.testing.assert_array_equal(array[inner][~touched[inner]], whole[name][inner][~touched[inner]])


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
