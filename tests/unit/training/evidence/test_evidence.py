from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from features.base.errors import ConfigError
from features.base.grid import Grid
from features.sources.opening import Sources
from training.evidence.ledger import Ledger
from training.evidence.states import FOUND, SEARCHED, UNKNOWN
from training.settings.config import DeclaredArea, LabelSettings

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 500_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 1_000, NORTH + 1_000), UTM, 250)
AS_OF = date(2024, 6, 30)


def cell_box(column: int, row: int, share: float = 1.0):
    """A cell, counted from the lower left, covered from the west by `share`."""
    west, south = EAST + 250 * column, NORTH + 250 * row
    return box(west, south, west + 250 * share, south + 250)


def cell_point(column: int, row: int):
    return cell_box(column, row).centroid


def table(rows: list[dict]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=UTM)
    for name in ("date", "recorded_date", "record_date", "start_date", "end_date"):
        if name in frame:
            frame[name] = pd.to_datetime(frame[name])
    return frame


def evidence(labels: LabelSettings | None = None, as_of: date = AS_OF, grid: Grid = GRID, **tables):
    sources = Sources(
        grid=grid, vectors={name: table(rows) for name, rows in tables.items()}, rasters={}, covariates=(), reports=()
    )
    return Ledger.build(grid, sources, labels or LabelSettings(), Path()).at(as_of)


def at(result, column: int, row: int):
    """(state, weight, released) of a cell counted from the lower left."""
    place = (3 - row) * 4 + column
    return int(result.state[place]), float(result.weight[place]), bool(result.released[place])


def cleared(geometry, **more):
    return {"geometry": geometry, "release_type": "cleared", "end_date": "2023-05-01", **more}


def test_without_a_record_every_cell_is_unknown():
    result = evidence()
    assert set(result.state) == {UNKNOWN}
    assert not result.labelled.any()


def test_a_find_and_an_accident_make_their_cells_found():
    result = evidence(
        finds=[{"geometry": cell_point(0, 0), "date": "2023-01-01"}],
        incidents=[{"geometry": cell_point(2, 3), "date": "2022-01-01"}],
    )
    assert at(result, 0, 0) == at(result, 2, 3) == (FOUND, 1.0, False)
    assert (result.state == FOUND).sum() == 2


def test_cleared_land_is_searched_by_its_share_of_the_cell():
    result = evidence(land_release=[cleared(cell_box(0, 0)), cleared(cell_box(1, 1, 0.4))])
    assert at(result, 0, 0) == (SEARCHED, 1.0, True)
    assert at(result, 1, 1) == (SEARCHED, pytest.approx(0.4), False)


def test_cancelled_and_reduced_land_counts_less_than_cleared_land():
    kinds = ("cancelled", "reduced", "cleared")
    result = evidence(land_release=[cleared(cell_box(i, 0)) | {"release_type": kind} for i, kind in enumerate(kinds)])
    weights = [at(result, i, 0)[1] for i in range(3)]
    assert weights == sorted(weights)
    assert weights[0] < weights[1] < weights[2]


def test_a_located_find_in_cleared_land_stays_found_and_the_rest_is_searched():
    area = box(EAST, NORTH, EAST + 500, NORTH + 250)
    result = evidence(land_release=[cleared(area)], finds=[{"geometry": cell_point(1, 0), "date": "2023-04-01"}])
    assert at(result, 0, 0)[0] == SEARCHED
    assert at(result, 1, 0)[:2] == (FOUND, 1.0)


def test_clearance_overrules_a_hazard_area_only_where_it_covers_most_of_the_cell():
    hazard = {"geometry": box(EAST, NORTH, EAST + 500, NORTH + 250), "hazard_type": "CHA", "record_date": "2022-01-01"}
    result = evidence(hazard_areas=[hazard], land_release=[cleared(cell_box(0, 0)), cleared(cell_box(1, 0, 0.3))])
    assert at(result, 0, 0)[0] == SEARCHED
    assert at(result, 1, 0)[0] == FOUND


def test_a_suspected_area_is_no_find_unless_the_config_says_so():
    hazard = [{"geometry": cell_box(0, 0), "hazard_type": "SHA", "record_date": "2022-01-01"}]
    assert at(evidence(hazard_areas=hazard), 0, 0)[0] == UNKNOWN
    assert at(evidence(LabelSettings(found=("SHA",)), hazard_areas=hazard), 0, 0)[0] == FOUND


def test_land_on_which_something_was_found_later_is_no_longer_released():
    late = [{"geometry": cell_point(0, 0), "date": "2024-01-01"}]
    early = [{"geometry": cell_point(0, 0), "date": "2022-01-01"}]
    undated = [{"geometry": cell_point(0, 0), "date": None}]
    assert at(evidence(land_release=[cleared(cell_box(0, 0))], incidents=early), 0, 0)[2]
    assert not at(evidence(land_release=[cleared(cell_box(0, 0))], incidents=late), 0, 0)[2]
    assert not at(evidence(land_release=[cleared(cell_box(0, 0))], finds=undated), 0, 0)[2]


def test_an_uncertain_place_counts_less():
    result = evidence(incidents=[{"geometry": cell_point(0, 0), "date": "2022-01-01", "location_error_m": 250.0}])
    assert at(result, 0, 0)[:2] == (FOUND, 0.5)


def test_declared_land_is_searched_only_within_its_bounds():
    everything = LabelSettings(declared_searched=(DeclaredArea(weight=0.4, reason="survey of 2020, all of it"),))
    nowhere = LabelSettings(
        declared_searched=(DeclaredArea(bounds=(0, 0, 1, 1), weight=0.4, reason="survey of 2020, all of it"),)
    )
    assert set(evidence(everything).weight) == {0.4}
    assert not evidence(nowhere).labelled.any()


def test_a_declaration_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        DeclaredArea(weight=0.4, reason="")


@pytest.mark.parametrize("key", ["found", "searched"])
def test_an_unknown_kind_is_refused_with_the_known_ones(key):
    with pytest.raises(ConfigError, match=r"\(rumour\) is unknown: choose from .*survey"):
        evidence(LabelSettings(**{key: ("rumour",)}))


KINDS = st.sampled_from(["finds", "incidents", "land_release", "hazard_areas", "survey"])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(KINDS, st.integers(0, 3), st.integers(0, 3), st.integers(1, 900), st.booleans())
def test_a_record_dated_or_recorded_after_as_of_changes_nothing(source, column, row, days, only_recorded_late):
    base = {
        "finds": [{"geometry": cell_point(0, 0), "date": "2023-01-01", "recorded_date": "2023-02-01"}],
        "incidents": [{"geometry": cell_point(3, 0), "date": "2023-01-01", "recorded_date": "2023-02-01"}],
        "land_release": [cleared(cell_box(0, 2), recorded_date="2023-06-01", ap_mines=0.0)],
        "hazard_areas": [{"geometry": cell_box(2, 2), "hazard_type": "CHA", "record_date": "2022-01-01"}],
        "survey": [{"geometry": cell_point(1, 3), "outcome": "searched", "date": "2023-01-01"}],
    }
    late = pd.Timestamp(AS_OF) + pd.Timedelta(days=days)
    early = pd.Timestamp("2023-01-01") if only_recorded_late else late
    geometry = cell_box(column, row) if source in ("land_release", "hazard_areas") else cell_point(column, row)
    future = {
        "finds": {"date": early, "recorded_date": late},
        "incidents": {"date": early, "recorded_date": late},
        "land_release": {"release_type": "cleared", "end_date": early, "recorded_date": late, "ap_mines": 2.0},
        "hazard_areas": {"hazard_type": "CHA", "record_date": late},
        "survey": {"outcome": "found", "date": late},
    }[source]
    before = evidence(**base)
    after = evidence(**{**base, source: [*base[source], {"geometry": geometry, **future}]})
    assert np.array_equal(before.state, after.state)
    assert np.array_equal(before.weight, after.weight)
    assert np.array_equal(before.released, after.released)


def test_unknown_never_becomes_searched_by_a_find_elsewhere():
    result = evidence(finds=[{"geometry": Point(EAST - 900, NORTH - 900), "date": "2023-01-01"}])
    assert set(result.state) == {UNKNOWN}


def test_a_sliver_of_searched_land_says_nothing_of_a_cell():
    result = evidence(land_release=[cleared(cell_box(0, 0, 0.05)), cleared(cell_box(1, 0, 0.3))])
    assert at(result, 0, 0)[:2] == (UNKNOWN, 0.0)
    assert at(result, 1, 0)[:2] == (SEARCHED, pytest.approx(0.3))
    # The map calls a cell searched only where most of it was.
    assert set(result.shown) == {UNKNOWN}


def test_land_on_which_work_goes_on_is_neither_searched_nor_released():
    under_way = {"geometry": cell_box(0, 0), "release_type": "cleared", "start_date": "2023-06-01", "end_date": None}
    suspended = cleared(cell_box(1, 0)) | {"release_type": "suspended"}
    result = evidence(land_release=[under_way, suspended])
    assert set(result.state) == {UNKNOWN}
    assert not result.released.any()


def test_a_later_release_next_door_does_not_hide_an_accident():
    accident = [{"geometry": cell_point(0, 0), "date": "2015-01-01"}]
    early = cleared(cell_box(0, 0)) | {"end_date": "2010-01-01"}
    sliver = cleared(cell_box(0, 0, 0.04)) | {"end_date": "2020-01-01"}
    result = evidence(land_release=[early, sliver], incidents=accident)
    assert at(result, 0, 0)[0] == FOUND
    assert not at(result, 0, 0)[2]


def test_land_cleared_as_a_whole_after_a_find_is_released_whatever_was_released_before():
    find = [{"geometry": cell_point(0, 0), "date": "2015-01-01"}]
    strip = cleared(cell_box(0, 0, 0.3)) | {"end_date": "2010-01-01"}
    whole = cleared(cell_box(0, 0)) | {"end_date": "2020-01-01"}
    assert at(evidence(land_release=[strip, whole], finds=find), 0, 0)[2]
    after = [{"geometry": cell_point(0, 0), "date": "2021-01-01"}]
    assert not at(evidence(land_release=[strip, whole], finds=[*find, *after]), 0, 0)[2]


@pytest.mark.parametrize(
    ("status", "day", "released"),
    [("open", "2024-01-01", False), ("open", "2022-01-01", True), ("cancelled", "2024-01-01", True),
     ("open", None, False), ("closed", None, True)],
)  # fmt: skip
def test_a_hazard_area_reopens_released_land_unless_it_is_older_or_withdrawn(status, day, released):
    hazard = {"geometry": cell_box(0, 0), "hazard_type": "SHA", "hazard_status": status, "record_date": day}
    result = evidence(land_release=[cleared(cell_box(0, 0))], hazard_areas=[hazard])
    assert at(result, 0, 0)[2] == released


def test_a_hazard_area_that_was_cancelled_is_no_find():
    hazard = {"geometry": cell_box(0, 0), "hazard_type": "CHA", "record_date": "2022-01-01"}
    assert at(evidence(hazard_areas=[hazard | {"hazard_status": "Cancelled"}]), 0, 0)[0] == UNKNOWN
    assert at(evidence(hazard_areas=[hazard | {"hazard_status": "closed"}]), 0, 0)[0] == FOUND


def test_a_place_known_to_ten_kilometres_says_nothing_of_a_cell():
    release = [cleared(cell_box(0, 0))]
    vague = [{"geometry": cell_point(0, 0), "date": "2022-01-01", "location_error_m": 10_000.0}]
    assert at(evidence(land_release=release, incidents=vague), 0, 0)[:2] == (SEARCHED, 1.0)
