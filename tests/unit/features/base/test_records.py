from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, box

from features.as_of.own_records import own_points_by_rule
from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.base.records import ages_years, decay, is_dated, known_at, numbers, places_m, words

CRS = projected_crs("EPSG:32638")
AS_OF = date(2022, 6, 30)


def table(**columns):
    length = len(next(iter(columns.values())))
    columns = {
        name: pd.to_datetime(pd.Series(values)) if name.endswith(("date", "_from")) else values
        for name, values in columns.items()
    }
    return gpd.GeoDataFrame(columns, geometry=[Point(500_000 + 100.0 * i, 4_400_000) for i in range(length)], crs=CRS)


@pytest.mark.parametrize(
    ("event", "recorded", "known"),
    [
        ("2020-01-01", "2020-02-01", True),
        ("2020-01-01", None, True),
        (None, "2022-06-30 18:00", True),
        ("2020-01-01", "2022-07-01", False),
        ("2022-07-01", None, False),
        ("2022-07-01", "2022-01-01", False),
        (None, "2023-01-01", False),
        (None, None, True),
    ],
)
def test_known_at_the_end_of_the_day(event, recorded, known):
    assert len(known_at(table(date=[event], recorded_date=[recorded]), AS_OF)) == int(known)


@pytest.mark.parametrize("name", ["record_date", "end_date", "held_from", "start_date"])
def test_every_date_of_a_record_can_rule_it_out(name):
    rows = table(**{name: ["2022-06-30", "2022-07-01", None]})
    assert known_at(rows, AS_OF).geometry.x.tolist() == [500_000, 500_200]


def test_undated_records_are_kept_or_dropped_by_argument():
    rows = table(date=["2020-01-01", None, None], recorded_date=[None, None, "2021-01-01"])
    assert len(known_at(rows, AS_OF)) == 3
    assert known_at(rows, AS_OF, undated="drop").index.tolist() == [0, 1]
    assert is_dated(rows).tolist() == [True, False, True]


def test_the_start_of_work_does_not_date_its_result():
    assert not is_dated(table(start_date=["2020-01-01"])).any()


def test_age_counts_from_the_event_and_else_from_its_record():
    rows = table(date=["2021-06-30", None, None], recorded_date=["2022-01-01", "2020-06-30", None])
    np.testing.assert_allclose(ages_years(rows, AS_OF), [1.0, 2.0, np.nan], atol=2e-3)
    np.testing.assert_allclose(decay(ages_years(rows, AS_OF), 1.0), [0.5, 0.25, 0.0], atol=1e-3)


def test_numbers_and_words_fill_what_is_missing():
    rows = table(killed=[1, None, "3"], place=["Town ", None, "VILLAGE"])
    assert numbers(rows, "killed", 0.0).tolist() == [1, 0, 3]
    assert numbers(rows, "injured", -1.0).tolist() == [-1, -1, -1]
    assert words(rows, "place").tolist() == ["town", "", "village"]
    assert words(rows, "kind").tolist() == ["", "", ""]


def test_a_polygon_is_placed_on_its_surface():
    crescent = box(0, 0, 100, 100).difference(box(10, 10, 100, 100))
    rows = gpd.GeoDataFrame(geometry=[Point(1, 2), crescent], crs=CRS)
    places = places_m(rows)
    assert places[0].tolist() == [1, 2]
    assert shapely.intersects_xy(crescent, *places[1])


@pytest.mark.parametrize(("cell_size_m", "block_m"), [(500.0, 5000.0), (300.0, 1000.0), (30.0, 500.0)])
def test_a_cell_owns_the_records_in_it_and_the_undated_of_its_block(cell_size_m, block_m):
    rng = np.random.default_rng(2)
    tile = Grid(crs=CRS, cell_size_m=cell_size_m, column_min=-17, row_min=300, mask=np.ones((40, 37), bool))
    west, south, east, north = tile.bounds
    places = rng.uniform((west - 2e3, south - 2e3), (east + 2e3, north + 2e3), (300, 2))
    dated = rng.random(300) < 0.5
    (dated_rows, by_date), (undated_rows, by_block) = own_points_by_rule(tile, places, dated, block_m)
    assert sorted([*dated_rows, *undated_rows]) == list(range(300))
    centres = tile.centres_m().reshape(*tile.shape, 2)
    cell_of = np.floor(places / cell_size_m)
    for rows, own, width_m in ((dated_rows, by_date, cell_size_m), (undated_rows, by_block, block_m)):
        owners = np.zeros((*tile.shape, 300), bool)
        for (top, bottom, left, right), members in own.each():
            assert not owners[top:bottom, left:right].any()
            owners[top:bottom, left:right, rows[members]] = True
        group_of = np.floor((cell_of + 0.5) * cell_size_m / width_m)
        same = (np.floor(centres / width_m)[:, :, None] == group_of).all(axis=3)
        same[..., np.setdiff1d(np.arange(300), rows)] = False
        np.testing.assert_array_equal(owners, same)
    assert by_date.cells
    assert not by_block.cells
