"""Detection of searches from later checks, on records whose counts are known."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from scipy.stats import beta
from shapely.geometry import Point, box

from features.base.grid import Grid
from features.sources.opening import Sources
from training.evidence.detection import FEWEST_CHECKED, measured_detection
from training.evidence.ledger import Ledger
from training.settings.config import LabelSettings

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH, SIZE = 500_000, 4_400_000, 100
GRID = Grid.from_area(box(EAST, NORTH, EAST + 100 * SIZE, NORTH + SIZE), UTM, SIZE)
AS_OF = date(2024, 6, 30)


def point(column):
    return Point(EAST + (column + 0.5) * SIZE, NORTH + SIZE / 2)


def survey(columns, outcome, day, **more):
    return [{"geometry": point(c), "outcome": outcome, "date": day, **more} for c in columns]


def detection(rows, **tables):
    frames = {name: gpd.GeoDataFrame(table, geometry="geometry", crs=UTM) for name, table in tables.items()}
    frames["survey"] = gpd.GeoDataFrame(rows, geometry="geometry", crs=UTM)
    for table in frames.values():
        for column in table:
            if column.endswith("date"):
                table[column] = pd.to_datetime(table[column])
    sources = Sources(grid=GRID, vectors=frames, rasters={}, covariates=(), reports=())
    return Ledger.build(GRID, sources, LabelSettings(), Path()).detection(AS_OF)


def row(table, by, name=""):
    (found,) = table[table["by"].eq(by) & table["name"].eq(name)].to_dict("records")
    return found


DOGS = {"method": "dogs", "team": "Team 4"}
SEARCHED = survey(range(60), "searched", "2022-05-01", **DOGS) + survey(range(60, 72), "found", "2022-05-01", **DOGS)
CHECKED = survey(range(4), "found", "2023-05-01", purpose="quality_control") + survey(
    range(4, 30), "searched", "2023-05-01", purpose="audit"
)


def test_detection_is_what_was_found_over_what_was_there():
    dogs = row(detection(SEARCHED + CHECKED), "method", "dogs")
    assert [dogs[name] for name in ("found", "searched", "checked", "missed")] == [12, 60, 30, 4]
    share = beta.ppf([0.95, 0.5, 0.05], 4.5, 26.5)
    expected = 12 / (12 + 60 * share)
    np.testing.assert_allclose([dogs[name] for name in ("detection_low", "detection", "detection_high")], expected)
    assert row(detection(SEARCHED + CHECKED), "team", "team 4")["missed"] == 4


def test_checks_without_an_earlier_search_or_of_cells_with_a_find_count_for_nothing():
    outside = survey(range(80, 90), "found", "2023-05-01", purpose="audit")
    before = survey(range(10), "found", "2021-05-01", purpose="audit")
    of_finds = survey(range(60, 72), "found", "2023-05-01", purpose="audit")
    assert detection(SEARCHED + outside + before + of_finds).empty
    assert detection(SEARCHED).empty


def test_the_last_search_before_the_check_answers_and_a_later_check_is_not_known_yet():
    again = survey(range(30), "searched", "2022-08-01", method="machines")
    table = detection(SEARCHED + again + CHECKED)
    assert set(table["name"]) == {"", "machines"}
    later = survey(range(30), "found", "2025-01-01", purpose="audit")
    assert row(detection(SEARCHED + CHECKED + later), "all")["missed"] == 4


def test_a_release_found_what_was_found_in_it_by_its_end():
    release = {
        "geometry": box(EAST, NORTH, EAST + 40 * SIZE, NORTH + SIZE), "release_type": "cleared", "method": "manual",
        "end_date": "2022-06-01",
    }  # fmt: skip
    finds = [
        {"geometry": point(c), "date": day} for c, day in [(30, "2022-05-01"), (31, "2022-05-02"), (32, "2024-01-01")]
    ]
    manual = row(detection(CHECKED, land_release=[release], finds=finds), "method", "manual")
    assert [manual[name] for name in ("found", "searched", "checked", "missed")] == [2, 38, 30, 4]


@pytest.mark.parametrize(("checked", "measured"), [(FEWEST_CHECKED, True), (FEWEST_CHECKED - 1, False)])
def test_a_measured_detection_needs_enough_checks(checked, measured):
    table = detection(SEARCHED + survey(range(checked), "searched", "2023-05-01", purpose="audit"))
    taken = measured_detection(table, 0.8)
    assert (taken != 0.8) == measured
    assert measured_detection(table.iloc[:0], 0.8) == 0.8
