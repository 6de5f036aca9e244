"""Control points: the vote of the places around, the lines that it draws, and what was known at a date."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import Point, box

from features.as_of.snapshot import Snapshot
from features.base.errors import InputError
from features.base.feature_info import FeatureContext
from features.base.grid import Grid
from features.sources.opening import Sources
from features.table.build import feature_infos, feature_table, grid_feature_table

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH, SIZE = 500_000, 4_400_000, 500
GRID = Grid.from_area(box(EAST, NORTH, EAST + 20_000, NORTH + 20_000), UTM, SIZE)
FAMILIES = ("control_points",)


def places(border: float, day: str | None, west="ours", east="theirs"):
    """Places every 2 km, held by `west` to the west of `border` (km) and by `east` to the east of it."""
    rows = []
    for column in range(-1, 12):
        for row in range(-1, 12):
            holder = west if 2 * column < border else east
            rows.append((Point(EAST + 2_000 * column, NORTH + 2_000 * row), holder, day))
    return rows


def snapshot(rows, as_of: date = date(2020, 1, 1), **more) -> Snapshot:
    shapes, holders, days = zip(*rows, strict=True)
    table = gpd.GeoDataFrame({"holder": holders, "date": pd.to_datetime(list(days))}, geometry=list(shapes), crs=UTM)
    vectors = {"control_points": table, **more}
    sources = Sources(grid=GRID, vectors=vectors, rasters={}, covariates=(), reports=())
    return Snapshot(sources, FeatureContext(as_of))


def columns(known: Snapshot, grid: Grid = GRID, families=FAMILIES) -> dict[str, np.ndarray]:
    table = grid_feature_table(grid, known, families, 4096)
    return {name: values.reshape(grid.shape) for name, values in zip(table.names, table.values.T, strict=True)}


def test_the_line_runs_between_the_places_of_two_sides():
    found = columns(snapshot(places(9, "1993-01-01")))
    # Places at 8 km are ours and those at 10 km theirs: the line lies halfway.
    truth = np.abs(GRID.eastings_m - (EAST + 9_000))
    for h in (1500, 4000):
        inside = found[f"control_line_{h}m_distance_m"][10:-10]
        assert np.abs(inside - truth).max() <= SIZE / 2
    assert np.array_equal(found["places_held_by_ours"][20], (GRID.eastings_m < EAST + 9_000).astype(float))
    assert np.array_equal(found["places_held_by_theirs"], 1 - found["places_held_by_ours"])


def test_confidence_falls_towards_the_line():
    found = columns(snapshot(places(9, "1993-01-01")))["control_confidence_1500m"][20]
    assert found[18] < found[12] < found[2]
    assert 0.5 <= found.min() <= found.max() <= 1


def test_a_line_is_known_from_its_date_on_and_places_keep_their_holder_until_named_anew():
    changed = [(Point(EAST + 10_000, NORTH + 2_000 * row), "ours", "1995-01-01") for row in range(-1, 12)]
    rows = places(9, "1993-01-01") + changed
    before, after = (columns(snapshot(rows, day)) for day in (date(1994, 12, 31), date(1995, 1, 1)))
    assert np.array_equal(before["control_line_last_1500m_distance_m"], before["control_line_1500m_distance_m"])
    later = after["control_line_last_1500m_distance_m"][20]
    assert np.abs(later - np.abs(GRID.eastings_m - (EAST + 11_000))).max() <= SIZE / 2
    # The line of 1993 stays a line: mines were laid along it.
    assert (after["control_line_1500m_distance_m"] <= before["control_line_1500m_distance_m"]).all()
    assert after["control_changes"].max() == 1
    assert before["control_changes"].max() == 0


def test_every_pair_of_sides_has_a_line_of_its_own():
    rows = places(9, "1993-01-01") + [
        (Point(EAST + 2_000 * column, NORTH + 18_000), "Third", "1993-01-02") for column in range(12)
    ]
    known = snapshot(rows)
    found, infos = columns(known), feature_infos(known, FAMILIES)
    assert set(found) <= set(infos)
    near = found["control_line_1500m_ours_third_distance_m"]
    assert near[2, 2] < 2_000 < near[-2, -2]
    # Beside the line of ours and theirs, far from the third.
    assert near[-2, 18] > 10_000 > found["control_line_1500m_ours_theirs_distance_m"][-2, 18]
    for name in ("ours_theirs", "ours_third", "theirs_third"):
        assert (found[f"control_line_1500m_{name}_distance_m"] >= found["control_line_1500m_distance_m"]).all()


def test_values_do_not_depend_on_the_tile():
    known = snapshot(places(9, "1993-01-01") + places(13, "1994-01-01"))
    whole = columns(known)
    tile = GRID.window(7, 30, 11, 33)
    part = feature_table(tile, known, FAMILIES)
    for name, values in zip(part.names, part.values.T, strict=True):
        assert np.array_equal(values.reshape(tile.shape), whole[name][7:30, 11:33]), name


def test_incidents_are_held_against_the_inferred_line():
    incidents = gpd.GeoDataFrame(
        {"date": pd.to_datetime(["2000-01-01"] * 5)},
        geometry=[Point(EAST + 10_000, NORTH + 4_000 * row) for row in range(5)],
        crs=UTM,
    )
    found = columns(snapshot(places(9, "1993-01-01"), incidents=incidents), families=("incident_pattern",))
    assert found["incident_control_line_distance_mean_8km_m"][20, 20] == pytest.approx(1_000, abs=30)
    assert found["incident_control_line_distance_difference_8km_m"][20, 18] < 0
    assert (found["control_line_or_chain_distance_m"] <= found["incident_chain_distance_m"]).all()


def test_without_a_holder_there_are_no_columns():
    known = snapshot([(Point(EAST, NORTH), None, "1993-01-01")])
    assert feature_infos(known, FAMILIES).keys() >= {"control_changes"}
    with pytest.raises(InputError, match="no source gives a feature"):
        columns(known)


def test_owners_of_land_are_no_sides_of_a_war():
    rows = [(Point(EAST + 1_000 * number, NORTH), f"owner {number}", "1993-01-01") for number in range(7)]
    with pytest.raises(InputError, match="7 different holders: at most 6"):
        columns(snapshot(rows))
