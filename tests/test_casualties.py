from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import box

from features.errors import ConfigError
from features.grid import Grid
from features.info import FeatureContext
from features.sources import Sources
from mlrisk.config import Config
from training.casualties import casualty_count, exposed_people, make_units, unit_features, unit_periods

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 500_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 6_000, NORTH + 4_000), UTM, 250)


def config(as_of: str, **casualty) -> Config:
    return Config.model_validate(
        {
            "name": "somewhere",
            "as_of": as_of,
            "grid": {"crs": "EPSG:32638", "cell_size_m": 250, "area": "area.gpkg"},
            "sources": {},
            "features": ["front_lines", "incidents"],
            "casualty": casualty,
        }
    )


def sources(dates: list[str | None], **columns) -> Sources:
    rng = np.random.default_rng(0)
    places = rng.uniform((EAST, NORTH), (EAST + 6_000, NORTH + 4_000), (len(dates), 2))
    incidents = gpd.GeoDataFrame(
        {"date": pd.to_datetime(pd.Series(dates)), **columns}, geometry=gpd.points_from_xy(*places.T), crs=UTM
    )
    line = gpd.GeoDataFrame(
        geometry=gpd.GeoSeries.from_wkt([f"LINESTRING({EAST} {NORTH}, {EAST + 6000} {NORTH})"]), crs=UTM
    )
    return Sources(GRID, {"incidents": incidents, "front_lines": line}, {}, (), ())


def totals(as_of: str, dates: list[str | None], **settings) -> list[float]:
    settings.setdefault("casualties_per_accident", 1.0)
    units = make_units(GRID, 1_000)
    people = np.ones(units.grid.n_cells)
    rows = unit_periods(config(as_of, **settings), sources(dates), units, people)
    return [] if rows is None else rows.totals.tolist()


@pytest.mark.parametrize("as_of", ["2022-12-31", "2023-12-31", "2024-12-31"])
def test_accidents_known_to_the_year_are_counted_once_each_year(as_of):
    year = int(as_of[:4])
    dates = [f"{year - back}-12-31" for back in range(6) for _ in range(10)]
    assert totals(as_of, dates, window_years=5) == [10.0] * 5


def test_every_dated_accident_in_the_window_is_counted_once():
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2024-03-15") - pd.to_timedelta(rng.integers(0, 4 * 365, 300), unit="D")
    dates = [str(day.date()) for day in days]
    window = [day for day in days if pd.Timestamp("2021-03-15") < day]
    assert sum(totals("2024-03-15", dates, window_years=3)) == len(window)


def test_a_month_before_the_first_whole_year_makes_no_year_of_its_own():
    months = pd.date_range("2020-11-20", "2023-12-31", freq="3D")
    assert len(totals("2023-12-31", [str(day.date()) for day in months])) == 3


def test_accidents_before_the_window_leave_nothing_to_learn_from():
    assert totals("2022-12-31", ["2005-05-05"] * 20, window_years=8) == []


def test_undated_accidents_make_one_period():
    units = make_units(GRID, 1_000)
    rows = unit_periods(
        config("2023-12-31", undated_years=20), sources([None] * 40), units, np.ones(units.grid.n_cells)
    )
    assert len(rows.totals) == 1
    assert not rows.dated
    assert set(rows.exposure) == {20.0}


def test_the_features_of_a_period_know_none_of_its_accidents():
    units = make_units(GRID, 1_000)
    people = np.ones(units.grid.n_cells)
    early = [f"20{year}-07-01" for year in range(15, 20) for _ in range(8)]
    before = unit_periods(config("2023-12-31", window_years=2), sources([*early, *["2023-08-01"] * 8]), units, people)
    after = unit_periods(config("2023-12-31", window_years=2), sources([*early, *["2023-09-30"] * 8]), units, people)
    assert np.array_equal(before.values, after.values, equal_nan=True)
    assert before.totals.tolist() == after.totals.tolist()


def test_accidents_of_deminers_are_not_those_of_the_population():
    units = make_units(GRID, 1_000)
    people = np.ones(units.grid.n_cells)
    given = sources(
        ["2023-06-01"] * 10, accident_class=["Demining"] * 4 + ["non_demining"] * 5 + [None], killed=[1.0] * 10
    )
    rows = unit_periods(config("2023-12-31", window_years=2), given, units, people)
    assert rows.totals.sum() == 6


def test_casualties_are_counted_where_recorded_and_assumed_where_not():
    table = pd.DataFrame({"killed": [1.0, np.nan, np.nan, 0.0], "injured": [2.0, 3.0, np.nan, 0.0]})
    assert casualty_count(table, 1.3).tolist() == [3.0, 3.0, 1.3, 0.0]


def test_people_are_spread_and_never_lost():
    town = gpd.GeoDataFrame(
        {"population": [5_000.0]}, geometry=gpd.points_from_xy([EAST + 3_000], [NORTH + 2_000]), crs=UTM
    )
    settings = config("2023-12-31", exposure_floor=1e-9, exposure_bandwidth_m=300).casualty
    people = exposed_people(GRID, Sources(GRID, {"settlements": town}, {}, (), ()), settings)
    assert people.sum() == pytest.approx(5_000, rel=1e-3)
    bare = exposed_people(GRID, Sources(GRID, {}, {}, (), ()), config("2023-12-31").casualty)
    assert np.allclose(bare, 0.5 * 0.0625)


def test_families_can_be_kept_from_the_casualty_model():
    units = make_units(GRID, 1_000)
    known = sources(["2020-01-01"] * 30)
    context = FeatureContext(date(2024, 1, 1))
    everything = unit_features(config("2024-01-01"), known, units, context).names
    without = unit_features(config("2024-01-01", leave_out=["incidents"]), known, units, context).names
    assert any(name.startswith("incident_") for name in everything)
    assert without == tuple(name for name in everything if not name.startswith("incident_"))
    with pytest.raises(ConfigError, match=r"casualty\.leave_out \(mines\) names no feature and no family"):
        unit_features(config("2024-01-01", leave_out=["mines"]), known, units, context)
