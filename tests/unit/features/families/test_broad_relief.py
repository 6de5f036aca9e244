"""Broad relief: closed forms, scipy on one large array as oracle, holes, and values that depend on the place alone."""

from dataclasses import dataclass
from dataclasses import replace as changed

import numpy as np
import pytest
from scipy import ndimage

from features.as_of.snapshot import Snapshot
from features.base.grid import Grid
from features.families import broad_relief
from features.families.broad_relief import FEATURES, FLAT_KM, LATTICE_M, MARGIN, SIDE, SLOPE_KM, STD_KM
from tests.support.sample_country import CONTEXT, CRS, StandIn, country

EAST, NORTH = 510_000.0, 4_200_000.0
NAMES = {info.name for info in FEATURES}


@dataclass(frozen=True)
class Formula:
    """A DEM that is a function of easting and northing."""

    height: object

    def read(self, grid):
        return self.height(*np.meshgrid(grid.eastings_m, grid.northings_m))


def area(rows=12, columns=15, size=LATTICE_M, east=EAST, north=NORTH):
    return Grid(
        crs=CRS,
        cell_size_m=size,
        column_min=round(east / size),
        row_min=round(north / size),
        mask=np.ones((rows, columns), bool),
    )


def relief(grid, height):
    return broad_relief.build(grid, Snapshot(StandIn(grid, {}, {"dem": Formula(height)}), CONTEXT))


def hills(east, north):
    """Broad and narrow hills beside a plain, without a symmetry."""
    rough = 300 * np.sin(east / 9100) + 200 * np.cos(north / 5300 + east / 20_000) + 90 * np.sin(east * north / 3e9)
    return 1000 + np.maximum(rough, -100)


@pytest.mark.slow
def test_a_tilted_plane_has_its_slope_everywhere_and_spreads_with_the_window():
    east_slope, north_slope = 0.08, -0.03
    grid = area()
    found = relief(grid, lambda east, north: 500 + east_slope * (east - EAST) + north_slope * (north - NORTH))
    slope = np.hypot(east_slope, north_slope)
    plane = 500 + east_slope * (grid.eastings_m - EAST) + north_slope * (grid.northings_m - NORTH)[:, None]
    np.testing.assert_allclose(found["elevation_mean_1km_m"], plane, rtol=1e-6)
    for name in ("slope_mean_2km_deg", "slope_mean_4km_deg", "smoothed_slope_15km_deg"):
        np.testing.assert_allclose(found[name], np.degrees(np.arctan(slope)), rtol=1e-5, err_msg=name)
    for km in FLAT_KM:
        assert (found[f"flat_share_{km}km"] == 0).all()
    for km in STD_KM:
        # Cut at three standard deviations a Gaussian keeps 0.9733 of its variance.
        spread = slope * 1000 * km * np.sqrt(0.9733)
        np.testing.assert_allclose(found[f"elevation_std_{km}km_m"], spread, rtol=0.01)
    for name in ("height_above_lowest_2km_m", "height_below_highest_2km_m"):
        np.testing.assert_allclose(found[name], 2000 * (east_slope - north_slope), rtol=1e-5)


@pytest.mark.parametrize(("slope", "flat"), [(0.0, 1), (0.059, 1), (0.061, 0)])
def test_land_is_flat_up_to_six_metres_in_a_hundred(slope, flat):
    found = relief(area(), lambda east, north: 8321.17 + slope * (north - NORTH) + 0 * east)
    for km in FLAT_KM:
        np.testing.assert_allclose(found[f"flat_share_{km}km"], flat, atol=1e-7)


def test_a_level_plain_has_no_spread_and_no_slope():
    found = relief(area(), lambda east, north: 8321.17 + 0 * (east + north))
    for name in NAMES - {"elevation_mean_1km_m"} - {f"flat_share_{km}km" for km in FLAT_KM}:
        np.testing.assert_allclose(found[name], 0, atol=1e-5, err_msg=name)


def test_half_of_the_land_about_a_border_of_plain_and_hills_is_flat():
    grid = area(size=100.0, columns=20)
    found = relief(grid, lambda east, north: np.maximum(east - EAST - 750, 0) * 0.5 + 0 * north)
    for km in FLAT_KM:
        # The lattice cell with its centre at the foot counts as steep: the border lies between it and the one before.
        share = found[f"flat_share_{km}km"]
        assert share[0, 5] == pytest.approx(0.5, abs=0.01)
        assert (np.diff(share[0]) < 0).all()


def oracle(heights):
    """Every feature of a large array of lattice heights by plain scipy; good where no border is near."""
    north, east = np.gradient(heights, LATTICE_M)
    slope = np.hypot(north, east)

    def mean(field, km):
        return ndimage.gaussian_filter(field, 1000 * km / LATTICE_M, truncate=3.0)

    out = {f"flat_share_{km}km": mean((slope < 0.06).astype(float), km) for km in FLAT_KM}
    out |= {f"slope_mean_{km}km_deg": mean(np.degrees(np.arctan(slope)), km) for km in SLOPE_KM}
    out |= {f"elevation_std_{km}km_m": np.sqrt(mean(heights**2, km) - mean(heights, km) ** 2) for km in STD_KM}
    out["elevation_mean_1km_m"] = mean(heights, 1)
    out["smoothed_slope_15km_deg"] = np.degrees(np.arctan(np.hypot(*np.gradient(mean(heights, 15), LATTICE_M))))
    out["height_above_lowest_2km_m"] = heights - ndimage.minimum_filter(heights, 9)
    out["height_below_highest_2km_m"] = ndimage.maximum_filter(heights, 9) - heights
    return out


def across_blocks(size=LATTICE_M, cells=40):
    """A grid over a corner of four blocks."""
    corner = SIDE * LATTICE_M * np.array([8, 66]) - (cells // 2) * size
    return area(cells, cells, size, *corner)


def test_features_are_those_of_scipy_on_one_large_array():
    grid = across_blocks()
    large = grid.expanded(MARGIN + 5)
    expected = oracle(Formula(hills).read(large))
    found = relief(grid, hills)
    assert set(found) == set(expected) == NAMES
    cut = slice(MARGIN + 5, -MARGIN - 5)
    for name, field in found.items():
        np.testing.assert_allclose(field, expected[name][cut, cut], rtol=1e-5, atol=2e-4, err_msg=name)
        assert np.ptp(field) > 0, name


@pytest.mark.slow
def test_fine_cells_lie_on_the_bilinear_surface_and_coarse_ones_on_the_mean():
    coarse = relief(across_blocks(), hills)
    fine = relief(across_blocks(50.0, 300), hills)
    double = relief(across_blocks(1000.0, 20), hills)
    # Fine cells 0 to 299 have their centres 12.5 lattice cells from the corner, and each is a tenth of one.
    place = 20 - 0.5 + (np.arange(300) - 149.5) / 10
    for name, field in coarse.items():
        expected = ndimage.map_coordinates(field.astype(float), np.meshgrid(place, place, indexing="ij"), order=1)
        np.testing.assert_allclose(fine[name], expected, rtol=1e-5, atol=1e-4, err_msg=name)
        fours = field.reshape(20, 2, 20, 2).mean((1, 3))
        np.testing.assert_allclose(double[name], fours, rtol=1e-5, atol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "cells"), [(30.0, 90), (1000.0, 70), (730.0, 60)])
def test_tiles_and_areas_change_no_byte(size, cells):
    grid = across_blocks(size, cells)
    sources = changed(country(), grid=grid)
    whole = broad_relief.build(grid, Snapshot(sources, CONTEXT))
    assert set(whole) == NAMES
    for side in (17, 32):
        seen = Snapshot(sources, CONTEXT)
        for row in range(0, cells, side):
            for column in range(0, cells, side):
                rows, columns = slice(row, min(row + side, cells)), slice(column, min(column + side, cells))
                tile = grid.window(rows.start, rows.stop, columns.start, columns.stop)
                for name, field in broad_relief.build(tile, seen).items():
                    np.testing.assert_array_equal(field, whole[name][rows, columns], err_msg=name)
    larger = grid.expanded(9)
    for name, field in broad_relief.build(larger, Snapshot(changed(sources, grid=larger), CONTEXT)).items():
        np.testing.assert_array_equal(field[9:-9, 9:-9], whole[name], err_msg=name)


def test_blocks_meet_without_a_seam():
    grid = across_blocks(10.0, 12)
    for name, field in relief(grid, hills).items():
        steps = abs(np.diff(field[6].astype(float)))
        assert steps[5] <= 2 * np.median(steps) + 1e-4, name


def test_where_the_dem_ends_the_window_is_that_of_what_is_known():
    grid = area(8, 60)
    shore = EAST + 15_000
    found = relief(grid, lambda east, north: np.where(east < shore, 0.04 * (north - NORTH), np.nan))
    land = grid.eastings_m < shore
    for km in SLOPE_KM:
        field = found[f"slope_mean_{km}km_deg"]
        # Central differences end one cell before the shore.
        np.testing.assert_allclose(field[:, :29], np.degrees(np.arctan(0.04)), rtol=1e-5)
        assert np.isnan(field[:, 29:]).all()
    np.testing.assert_allclose(found["elevation_mean_1km_m"][:, land], 0.04 * (grid.northings_m - NORTH)[:, None]
                               * np.ones(30), rtol=1e-4, atol=1e-2)  # fmt: skip
    for km in STD_KM:
        assert np.isfinite(found[f"elevation_std_{km}km_m"][:, land]).all()
        assert np.isnan(found[f"elevation_std_{km}km_m"][:, ~land]).all()
    assert np.isnan(found["height_below_highest_2km_m"][:, ~land]).all()


def test_a_hole_takes_its_neighbours_weight_and_a_quarter_of_the_land_is_too_little():
    grid = area(20, 20)
    row, column = grid.northings_m[9], grid.eastings_m[9]

    def holed(east, north):
        return np.where((abs(east - column) < 1) & (abs(north - row) < 1), np.nan, hills(east, north))

    whole, found = relief(grid, hills), relief(grid, holed)
    for name, field in found.items():
        own = name in ("height_above_lowest_2km_m", "height_below_highest_2km_m")
        assert np.isnan(field).sum() == own, name
    np.testing.assert_allclose(found["elevation_std_4km_m"], whole["elevation_std_4km_m"], rtol=0.02)
    heights = Formula(hills).read(grid.expanded(6))
    distance2 = ((np.mgrid[-6:7, -6:7] * 0.5) ** 2).sum(0)
    weights = np.exp(-distance2 / 2)
    weights[6, 6] = 0
    expected = np.average(heights[9:22, 9:22], weights=weights)
    assert found["elevation_mean_1km_m"][9, 9] == pytest.approx(expected, rel=1e-6)
    corner = relief(grid, lambda east, north: np.where((east < column) & (north > row), 5.0, np.nan))
    assert np.isnan(corner["elevation_mean_1km_m"][9, 9])
    assert np.isfinite(corner["elevation_mean_1km_m"][4, 4])


def test_no_dem_no_feature_and_an_empty_one_nothing_but_nan():
    grid = area()
    assert broad_relief.build(grid, Snapshot(StandIn(grid, {}, {}), CONTEXT)) == {}
    for field in relief(grid, lambda east, north: np.nan * (east + north)).values():
        assert np.isnan(field).all()


def test_heights_of_a_place_are_read_once_for_all_tiles():
    grid, reads = across_blocks(), []

    @dataclass(frozen=True)
    class Counting(Formula):
        def read(self, part):
            reads.append((part.column_min, part.row_min))
            return super().read(part)

    snapshot = Snapshot(StandIn(grid, {}, {"dem": Counting(hills)}), CONTEXT)
    for tile in grid.tiles(13):
        broad_relief.build(tile, snapshot)
    assert len(reads) == len(set(reads)) == 16
