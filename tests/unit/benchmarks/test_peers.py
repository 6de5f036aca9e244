"""The analyst's chain beside mlrisk: same cells, no record of later days, no cell that sees its own; costs by step."""

import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from benchmarks.analyst.columns import around, nearest_other
from benchmarks.analyst.frame import Frame, frame_of
from benchmarks.analyst.records import known, labels
from benchmarks.peers import absent, by_purpose
from benchmarks.speed.steps import StepCost, watched
from features.base import Grid

CRS = "EPSG:32638"
FRAME = Frame(CRS, 100.0, 0.0, 1000.0, np.ones((10, 10), dtype=bool))
SETTINGS = {"as_of": "2020-06-30"}


def points(*places, **columns):
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(place) for place in places], crs=CRS)


def test_both_chains_have_the_same_cells(tmp_path):
    area = shapely.Polygon([(500_030, 4_400_010), (504_210, 4_401_770), (501_900, 4_405_330)])
    gpd.GeoDataFrame(geometry=[area], crs=CRS).to_file(tmp_path / "area.gpkg")
    frame = frame_of({"grid": {"crs": CRS, "cell_size_m": 250, "area": "area.gpkg"}}, tmp_path)
    ours = Grid.from_area(area, pyproj.CRS(CRS), 250.0).centres_m()
    assert frame.centres().tolist() == ours.tolist()


def test_records_of_later_days_are_left_out():
    days = ["2020-01-01", "2020-07-01", None]
    table = points((1, 1), (2, 2), (3, 3), date="2019-12-31", recorded_date=days)
    assert known(table, pd.Timestamp("2020-06-30")).geometry.x.tolist() == [1.0, 3.0]


def test_an_area_that_was_closed_later_is_found_land_and_a_find_outweighs_a_release():
    box = shapely.box(0, 800, 400, 1000)
    areas = gpd.GeoDataFrame(
        {"hazard_type": ["CHA", "CHA"], "hazard_status": "closed", "status_date": ["2021-01-01", "2019-01-01"]},
        geometry=[shapely.box(0, 900, 100, 1000), shapely.box(300, 900, 400, 1000)],
        crs=CRS,
    )
    release = gpd.GeoDataFrame({"release_type": ["cleared"]}, geometry=[box], crs=CRS)
    tables = {"hazard_areas": areas, "land_release": release, "finds": points((150, 850)), "incidents": points()}
    found, searched = labels(FRAME, SETTINGS, tables)
    assert np.argwhere(found).tolist() == [[0, 0], [1, 1]]
    assert int(searched.sum()) == 8 - 2


def test_no_cell_counts_what_lies_in_itself():
    count = FRAME.counted(points((450, 550), (450, 550)).geometry)
    near = around(FRAME, count, 200.0).reshape(10, 10)
    assert count[4, 4] == 2
    assert near[4, 4] == pytest.approx(0, abs=1e-12)
    assert near[4, 5] > 0


def test_the_nearest_other_cell_is_not_the_cell_itself():
    count = FRAME.counted(points((50, 950), (350, 950)).geometry)
    distance = nearest_other(FRAME, count).reshape(10, 10)
    assert (distance[0, 0], distance[0, 2]) == (300.0, 100.0)


def test_steps_of_a_command_are_those_that_it_names(tmp_path):
    code = 'import sys; [print(f\'{{"step": "{name}"}}\', file=sys.stderr) for name in ("one", "two")]; print("out")'
    steps = watched([sys.executable, "-c", code], 1, tmp_path / "log")
    assert [one.name for one in steps] == ["start", "one", "two"]
    assert all(one.core_seconds >= 0 for one in steps)
    assert (tmp_path / "log").read_text() == "out\n"


def test_a_command_that_fails_ends_the_benchmark_with_its_words(tmp_path):
    with pytest.raises(SystemExit, match="no such road"):
        watched([sys.executable, "-c", "import sys; sys.exit('no such road')"], 1, tmp_path / "log")


def test_costs_of_equal_purpose_add_up_and_every_step_counts_in_all():
    steps = [StepCost("start", 1, 2, 0.5), StepCost("sources", 2, 3, 0.7), StepCost("unheard of", 4, 5, 0.1)]
    sums = by_purpose(steps)
    assert sums["start, sources, evidence"] == StepCost("start, sources, evidence", 3, 5, 0.7)
    assert sums["all"] == StepCost("all", 7, 10, 0.7)


def test_a_python_that_does_not_start_is_named():
    assert absent("/nowhere/python").startswith("--peer-python (/nowhere/python) does not start")
