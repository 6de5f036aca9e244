import geopandas as gpd
import numpy as np
import pyproj
import pytest
from scipy.spatial import cKDTree
from shapely.geometry import box

from features.grid import Grid
from features.sources import Sources
from training.config import ValidationSettings
from training.regions import NO_REGION, block_names, cell_regions, leave_region_out, random_folds

UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 520_000, 4_410_000), UTM, 500)


def districts(names):
    shapes = [box(500_000 + 5_000 * i, 4_400_000, 505_000 + 5_000 * i, 4_410_000) for i in range(len(names))]
    return gpd.GeoDataFrame({"name": names}, geometry=shapes, crs=UTM)


def sources(**vectors):
    return Sources(GRID, vectors, {}, (), ())


def labels(seed=0):
    rng = np.random.default_rng(seed)
    labelled = rng.random(GRID.n_cells) < 0.8
    return labelled, labelled & (rng.random(GRID.n_cells) < 0.2)


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


@pytest.mark.parametrize("buffer_m", [0, 500, 2_000, 3_300])
def test_no_training_cell_lies_inside_the_buffer(buffer_m):
    labelled, positive = labels()
    regions = cell_regions(GRID, sources(districts=districts(["A", "B", "C", "D"])), ValidationSettings())
    settings = ValidationSettings(buffer_m=buffer_m)
    centres = GRID.centres_m()
    folds = list(leave_region_out(regions, labelled, positive, centres, settings, 0))
    assert len(folds) == 4
    for fold in folds:
        held_out = centres[regions == fold.name]
        assert cKDTree(held_out).query(centres[fold.train])[0].min() > buffer_m
        assert labelled[fold.train].all()
        assert labelled[fold.test].all()


def test_every_labelled_cell_is_judged_once():
    labelled, positive = labels()
    regions = block_names(GRID.centres_m(), 2_500)
    folds = leave_region_out(regions, labelled, positive, GRID.centres_m(), ValidationSettings(folds=3), 0)
    judged = np.concatenate([fold.test for fold in folds])
    assert sorted(judged) == np.flatnonzero(labelled).tolist()


def test_a_region_without_a_found_cell_judges_nothing():
    labelled, positive = labels()
    regions = cell_regions(GRID, sources(districts=districts(["A", "B"])), ValidationSettings())
    positive[regions == "A"] = False
    assert not list(leave_region_out(regions, labelled, positive, GRID.centres_m(), ValidationSettings(), 0))


def test_relabelling_the_held_out_region_leaves_its_training_set_alone():
    labelled, positive = labels()
    regions = cell_regions(GRID, sources(districts=districts(["A", "B", "C", "D"])), ValidationSettings())

    def training_sets(found):
        folds = leave_region_out(regions, labelled, found, GRID.centres_m(), ValidationSettings(), 0)
        return {fold.name: fold.train for fold in folds}

    before = training_sets(positive)
    flipped = np.where(regions == "B", labelled & ~positive, positive)
    after = training_sets(flipped)
    assert np.array_equal(before["B"], after["B"])


def test_random_folds_judge_every_labelled_cell_once():
    labelled, positive = labels()
    folds = list(random_folds(labelled, positive, 5, 0))
    assert sorted(np.concatenate([fold.test for fold in folds])) == np.flatnonzero(labelled).tolist()
