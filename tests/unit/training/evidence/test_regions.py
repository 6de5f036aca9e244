import geopandas as gpd
import numpy as np
import pyproj
from shapely.geometry import box

from features.base.grid import Grid
from features.sources.opening import Sources
from training.evidence.regions import NO_REGION, cell_regions
from training.settings.config import ValidationSettings

UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 520_000, 4_410_000), UTM, 500)


def districts(names):
    shapes = [box(500_000 + 5_000 * i, 4_400_000, 505_000 + 5_000 * i, 4_410_000) for i in range(len(names))]
    return gpd.GeoDataFrame({"name": names}, geometry=shapes, crs=UTM)


def sources(**vectors):
    return Sources(grid=GRID, vectors=vectors, rasters={}, covariates=(), reports=())


def test_districts_name_the_cells_whose_centre_they_hold():
    names = cell_regions(GRID, sources(districts=districts(["A", "B", "C"])), ValidationSettings())
    centres = GRID.centres_m()
    assert set(names[centres[:, 0] < 505_000]) == {"A"}
    assert set(names[centres[:, 0] > 515_000]) == {NO_REGION}


def test_districts_of_one_name_stay_apart():
    names = cell_regions(GRID, sources(districts=districts(["A", "A", None])), ValidationSettings())
    assert len(set(names) - {NO_REGION}) == 3


def test_points_mark_the_cells_of_their_district():
    centres = GRID.centres_m()
    marks = gpd.GeoDataFrame(
        {"name": np.where(centres[:, 0] < 510_000, "west", "east")}, geometry=gpd.points_from_xy(*centres.T), crs=UTM
    )
    names = cell_regions(GRID, sources(districts=marks), ValidationSettings())
    assert set(names[centres[:, 0] < 510_000]) == {"west"}
    assert set(names[centres[:, 0] > 510_000]) == {"east"}


def test_without_districts_blocks_take_their_place():
    names = cell_regions(GRID, sources(), ValidationSettings(block_m=10_000))
    assert len(set(names)) == 2


def test_boxes_leave_the_cells_between_them_to_nobody():
    boxes = {"west": (44.0, 39.0, 45.05, 41.0), "east": (45.1, 39.0, 46.0, 41.0)}
    names = cell_regions(GRID, sources(), ValidationSettings(regions=boxes))
    assert set(names) == {"west", "east", NO_REGION}
