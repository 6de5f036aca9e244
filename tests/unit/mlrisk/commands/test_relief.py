"""Hillshade under the land of the map page."""

from types import SimpleNamespace

import numpy as np
import pyproj
from shapely.geometry import box

from features.base.grid import Grid
from mlrisk.commands.relief import DARKEST, MOST_PIXELS, NO_HEIGHT, hillshade, relief_of

GRID = Grid.from_area(box(640_000, 4_380_000, 660_000, 4_400_000), pyproj.CRS("EPSG:32638"), 500.0)


class Plane:
    """A DEM that rises to the east."""

    pixel_m = 30.0

    def read(self, grid):
        return np.tile(np.linspace(0, 500, grid.shape[1]), (grid.shape[0], 1))


def test_a_slope_towards_the_light_is_lighter_than_one_away_from_it_and_level_ground_lies_between():
    down = np.add.outer(np.arange(9.0), np.arange(9.0)) * 10
    away, level, towards = (hillshade(plane, 100.0)[4, 4] for plane in (-down, 0 * down, down))
    assert away < level < towards
    assert away >= DARKEST


def test_a_missing_height_has_no_shade():
    plane = np.add.outer(np.arange(9.0), np.arange(9.0)) * -10
    plane[4, 4] = np.nan
    shade = hillshade(plane, 100.0)
    # Central differences need the neighbours alone.
    assert shade[4, 3] == shade[3, 4] == NO_HEIGHT
    assert shade[4, 4] == shade[1, 1] < NO_HEIGHT


def test_the_picture_covers_the_grid_with_no_more_pixels_than_a_page_holds():
    relief = relief_of(GRID, SimpleNamespace(rasters={"dem": Plane()}))
    west, south, east, north = relief.bounds
    assert west <= GRID.bounds[0] < GRID.bounds[2] <= east
    assert south <= GRID.bounds[1] < GRID.bounds[3] <= north
    assert MOST_PIXELS / 2 < relief.shade.size < MOST_PIXELS * 1.01
    assert relief.shade.dtype == np.uint8
    coarse = Plane()
    coarse.pixel_m = 400.0
    assert relief_of(GRID, SimpleNamespace(rasters={"dem": coarse})).shade.shape == (50, 50)
    assert relief_of(GRID, SimpleNamespace(rasters={})) is None
