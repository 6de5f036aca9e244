"""Status and work of every cell, from dated records alone."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import box

from features.base.grid import Grid
from features.sources.opening import Sources
from training.evidence.ledger import Ledger
from training.evidence.states import UNKNOWN
from training.evidence.work import STATUS_NAMES, WORK_OF
from training.settings.config import DeclaredArea, LabelSettings

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 500_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 1_000, NORTH + 250), UTM, 250)
AS_OF = date(2024, 6, 30)


def part(column: int, west: float = 0.0, east: float = 1.0):
    """The part of a cell between two shares of its width."""
    return box(EAST + 250 * (column + west), NORTH, EAST + 250 * (column + east), NORTH + 250)


def point(column: int, at: float = 0.5):
    return part(column, at - 0.01, at + 0.01).centroid


def ledger(labels: LabelSettings | None = None, **tables) -> Ledger:
    frames = {}
    for name, rows in tables.items():
        frames[name] = gpd.GeoDataFrame(rows, geometry="geometry", crs=UTM)
        for column in frames[name].columns:
            if column == "date" or column.endswith("_date"):
                frames[name][column] = pd.to_datetime(frames[name][column])
    return Ledger.build(
        GRID,
        Sources(grid=GRID, vectors=frames, rasters={}, covariates=(), reports=()),
        labels or LabelSettings(),
        Path(),
    )


def statuses(as_of: date = AS_OF, labels: LabelSettings | None = None, **tables) -> list[str]:
    return [STATUS_NAMES[value] for value in ledger(labels, **tables).at(as_of).status]


def hazard(geometry, kind="SHA", **more):
    return {"geometry": geometry, "hazard_type": kind, "record_date": "2020-01-01", **more}


def release(geometry, **more):
    return {"geometry": geometry, "release_type": "cleared", "end_date": "2022-01-01", **more}


def event(geometry, day="2021-01-01"):
    return {"geometry": geometry, "date": day}


def test_every_status_makes_one_of_the_works():
    assert set(WORK_OF) == set(STATUS_NAMES)
    assert WORK_OF["suspected"] == "technical_survey"
    assert WORK_OF["on_record"] == "clearance"
    assert WORK_OF["released"] == "none"
    assert {WORK_OF[name] for name in ("unknown", "evidence_open", "declared", "searched")} == {"non_technical_survey"}


def test_a_hazard_area_counts_where_it_covers_half_of_the_cell():
    areas = [hazard(part(0, 0, 0.5)), hazard(part(1, 0, 0.49)), hazard(part(2, 0, 0.6), "CHA")]
    assert statuses(hazard_areas=areas) == ["suspected", "unknown", "on_record", "unknown"]


def test_two_hazard_areas_cover_a_cell_together_and_overlapping_land_counts_once():
    beside = [hazard(part(0, 0, 0.3)), hazard(part(0, 0.3, 0.6), "CHA")]
    above = [hazard(part(1, 0, 0.3)), hazard(part(1, 0, 0.3), "CHA")]
    assert statuses(hazard_areas=beside + above)[:2] == ["suspected", "unknown"]


def test_survey_that_found_is_on_record_and_survey_that_searched_is_searched():
    rows = [
        {"geometry": part(0), "outcome": "found", "date": "2021-01-01"},
        {"geometry": part(1), "outcome": "searched", "date": "2021-01-01"},
        {"geometry": part(2, 0, 0.4), "outcome": "searched", "date": "2021-01-01"},
    ]
    assert statuses(survey=rows) == ["on_record", "searched", "unknown", "unknown"]


@pytest.mark.parametrize("source", ["finds", "incidents"])
def test_an_event_is_open_evidence_unless_an_area_covers_it(source):
    areas = [hazard(part(0)), hazard(part(1, 0, 0.4))]
    events = [event(point(0)), event(point(1, 0.2)), event(point(2)), event(point(1, 0.2), "2023-01-01")]
    assert statuses(hazard_areas=areas, **{source: events}) == ["suspected", "unknown", "evidence_open", "unknown"]
    assert statuses(hazard_areas=areas, **{source: [event(point(1, 0.8))]})[1] == "evidence_open"


@pytest.mark.parametrize(
    ("day", "status"), [("2021-06-01", "searched"), ("2023-06-01", "evidence_open"), (None, "searched")]
)
def test_a_release_settles_what_happened_before_its_end(day, status):
    part_of_cell = [release(part(0, 0, 0.8))]
    assert statuses(land_release=part_of_cell, finds=[event(point(0, 0.3), day)])[0] == status


@pytest.mark.parametrize(("day", "status"), [("2021-06-01", "released"), ("2023-06-01", "evidence_open")])
def test_land_released_as_a_whole_needs_no_work_until_something_happens(day, status):
    assert statuses(land_release=[release(part(0))], incidents=[event(point(0), day)])[0] == status


def test_land_that_the_config_alone_declares_has_a_status_of_its_own():
    labels = LabelSettings(declared_searched=(DeclaredArea(weight=0.4, reason="survey of 2020, all of it"),))
    found = statuses(labels=labels, land_release=[release(part(0, 0, 0.6))], hazard_areas=[hazard(part(1))])
    assert found == ["searched", "suspected", "declared", "declared"]


@pytest.mark.parametrize("status", ["closed", "released", "handed over", "cancelled"])
def test_a_status_counts_from_its_day_and_never_before(status):
    book = ledger(hazard_areas=[hazard(part(0), "CHA", hazard_status=status, status_date="2023-03-01")])
    for day, expected in ((date(2023, 2, 28), "on_record"), (date(2023, 3, 1), "unknown")):
        assert STATUS_NAMES[book.at(day).status[0]] == expected, day


def test_an_area_that_is_withdrawn_later_is_a_find_until_then():
    book = ledger(hazard_areas=[hazard(part(0), "CHA", hazard_status="cancelled", status_date="2023-03-01")])
    assert book.at(date(2023, 2, 28)).state[0] != UNKNOWN
    assert book.at(date(2023, 3, 1)).state[0] == UNKNOWN


def test_a_status_is_of_its_date_alone():
    """Records of later years change nothing of an earlier status."""
    early = {"hazard_areas": [hazard(part(0)), hazard(part(1), "CHA")], "finds": [event(point(2))]}
    late = {
        "hazard_areas": [*early["hazard_areas"], hazard(part(3), "CHA", record_date="2024-01-01")],
        "finds": [*early["finds"], event(point(3), "2024-01-01")],
        "land_release": [release(part(0), end_date="2023-01-01")],
    }
    assert statuses(date(2022, 6, 30), **early) == statuses(date(2022, 6, 30), **late)
    assert np.array_equal(statuses(**late), ["released", "on_record", "evidence_open", "on_record"])


def test_the_settled_part_of_a_cell_is_what_open_areas_and_finished_releases_cover():
    settled = ledger(
        hazard_areas=[hazard(part(0, 0.0, 0.4)), hazard(part(1, 0.0, 0.4), hazard_status="closed")],
        land_release=[release(part(0, 0.4, 0.7)), release(part(2)), release(part(3, 0.0, 0.5), end_date="2025-01-01")],
    ).at(AS_OF).settled  # fmt: skip
    # The area of the second cell is closed, and the release of the fourth ends after the date.
    np.testing.assert_allclose(settled, [0.7, 0.0, 1.0, 0.0], atol=1e-6)
