from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from features.as_of.snapshot import Snapshot
from features.base.errors import ConfigError, InputError
from features.base.feature_info import FeatureContext
from features.sources.opening import Sources
from tests.support.sample_register import EAST, GRID, NORTH, UTM, config, history, sources
from training.casualty.accidents import casualty_count, read_accidents
from training.casualty.exposure import exposed_people, people_today
from training.casualty.history import History, UnitPeriods, unit_features
from training.casualty.units import make_units, polygon_units, units_of
from training.evidence.inputs import Inputs


def table(as_of: str, given: Sources, **settings) -> UnitPeriods | None:
    made = config(as_of, **settings)
    return history(made, given).rows(made.as_of)


def totals(as_of: str, dates: list[str | None], **settings) -> list[float]:
    rows = table(as_of, sources(dates), **settings)
    return [] if rows is None else rows.totals.tolist()


def test_years_can_end_before_as_of_and_what_came_since_is_a_period_of_its_own():
    made = config("2024-03-31", window_years=2)
    dates = ["2021-06-01"] * 4 + ["2022-06-01"] * 5 + ["2023-12-31"] * 6 + ["2024-01-01"] * 7
    past = history(made, sources(dates))
    rows = past.rows(made.as_of, date(2023, 12, 31))
    assert rows.starts == (date(2021, 12, 31), date(2022, 12, 31), date(2023, 12, 31))
    assert rows.totals.tolist() == [5, 6, 7]
    assert past.rows(made.as_of, made.as_of).totals.tolist() == past.rows(made.as_of).totals.tolist()
    # Rows left out leave the others as they are.
    late = rows.period == 2
    some = rows.kept(~late | (rows.unit % 2 == 0))
    assert some.totals.tolist()[:2] == [5, 6]
    assert some.totals[2] == rows.accidents[late & (rows.unit % 2 == 0)].sum()
    assert len(some.values) == len(some.patterns) == len(some.exposure) == len(some.unit) < len(rows.unit)


@pytest.mark.slow
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


def test_few_accidents_are_counted_as_they_are():
    assert totals("2023-12-31", ["2018-06-10"], window_years=8) == [1, 0, 0, 0, 0, 0]
    five = ["2018-06-10", "2018-09-01", "2020-03-01", "2021-07-07", "2023-10-01"]
    assert sum(totals("2023-12-31", five, window_years=8)) == 5
    assert sum(totals("2023-12-31", five, window_years=3)) == 2


def test_accidents_before_the_window_leave_nothing_to_learn_from():
    assert totals("2022-12-31", ["2005-05-05"] * 20, window_years=8) == []


def test_undated_accidents_make_one_period():
    rows = table("2023-12-31", sources([None] * 40), undated_years=20)
    assert len(rows.totals) == 1
    assert not rows.dated
    assert rows.person_years == pytest.approx(0.5 * 20)


def test_the_features_of_a_period_know_none_of_its_accidents():
    early = [f"20{year}-07-01" for year in range(15, 20) for _ in range(8)]
    before = table("2023-12-31", sources([*early, *["2023-08-01"] * 8]), window_years=2)
    after = table("2023-12-31", sources([*early, *["2023-09-30"] * 8]), window_years=2)
    assert np.array_equal(before.values, after.values, equal_nan=True)
    assert np.array_equal(before.patterns, after.patterns)
    assert before.totals.tolist() == after.totals.tolist()


def test_accidents_of_deminers_are_not_those_of_the_population_but_are_counted_apart():
    given = sources(
        ["2023-06-01"] * 10, accident_class=["Demining"] * 4 + ["non_demining"] * 5 + [None], killed=[1.0] * 10
    )
    rows = table("2023-12-31", given, window_years=2)
    assert rows.totals.sum() == 6
    assert rows.deminers.sum() == 4
    assert rows.killed.sum() == 6


def test_casualties_are_counted_where_recorded_and_assumed_where_not():
    given = pd.DataFrame({"killed": [1.0, np.nan, np.nan, 0.0], "injured": [2.0, 3.0, np.nan, 0.0]})
    assert casualty_count(given, 1.3).tolist() == [3.0, 3.0, 1.3, 0.0]


def test_people_are_spread_and_never_lost():
    town = gpd.GeoDataFrame(
        {"population": [5_000.0]}, geometry=gpd.points_from_xy([EAST + 3_000], [NORTH + 2_000]), crs=UTM
    )
    settings = config("2023-12-31", exposure_floor=1e-9, exposure_bandwidth_m=300).casualty
    people = exposed_people(
        GRID, Sources(grid=GRID, vectors={"settlements": town}, rasters={}, covariates=(), reports=()), settings
    )
    assert people.sum() == pytest.approx(5_000, rel=1e-3)
    bare = exposed_people(
        GRID, Sources(grid=GRID, vectors={}, rasters={}, covariates=(), reports=()), config("2023-12-31").casualty
    )
    assert np.allclose(bare, 0.5 * 0.0625)


def test_families_can_be_kept_from_the_casualty_model():
    units = make_units(GRID, 1_000)
    snapshot = Snapshot(sources(["2020-01-01"] * 30), FeatureContext(date(2024, 1, 1)))
    everything = unit_features(config("2024-01-01"), snapshot, units).names
    without = unit_features(config("2024-01-01", leave_out=["incidents"]), snapshot, units).names
    assert any(name.startswith("incident_") for name in everything)
    assert without == tuple(name for name in everything if not name.startswith("incident_"))
    with pytest.raises(ConfigError, match=r"casualty\.leave_out \(mines\) names no feature and no family"):
        unit_features(config("2024-01-01", leave_out=["mines"]), snapshot, units)


def test_polygons_are_units_and_land_outside_of_them_is_one_more():
    west, east = box(EAST, NORTH, EAST + 2_000, NORTH + 4_000), box(EAST + 2_000, NORTH, EAST + 3_000, NORTH + 4_000)
    units = polygon_units(GRID, np.array([west, east], dtype=object))
    assert units.area_km2.tolist() == [8.0, 4.0, 12.0]
    east_of = np.array([EAST + 100.0, EAST + 2_600.0, EAST + 5_000.0, EAST - 50.0])
    assert units.of_points(east_of, np.full(4, NORTH + 100.0)).tolist() == [0, 1, 2, -1]


def test_districts_without_polygons_are_refused_as_units():
    with pytest.raises(InputError, match=r"casualty\.units \(districts\) needs polygons"):
        units_of(config("2024-01-01", units="districts"), GRID, sources(["2020-01-01"]))


def test_units_of_another_size_hold_the_same_accidents():
    dates = ["2023-06-01"] * 50
    small, large = (table("2023-12-31", sources(dates), unit_m=side, window_years=2) for side in (500, 2_000))
    assert small.totals.tolist() == large.totals.tolist()
    assert len(small.accidents) == 16 * len(large.accidents)


def test_a_coarse_place_is_spread_over_the_units_that_it_may_lie_in():
    exact, coarse = (
        table("2023-12-31", sources(["2023-06-01"], location_error_m=[error]), window_years=1)
        for error in (10.0, 1_500.0)
    )
    assert (exact.accidents > 0).sum() == 1
    assert (coarse.accidents > 0.01).sum() > 5
    assert coarse.accidents.sum() == pytest.approx(1)


def test_what_is_not_yet_recorded_is_reckoned_with_from_earlier_delays():
    days = pd.date_range("2014-01-01", "2023-12-31", freq="5D")
    recorded = days + pd.Timedelta(days=60)
    given = sources([str(day.date()) for day in days], recorded_date=recorded)
    rows = table("2023-12-31", given, window_years=4)
    assert rows.complete[:-1] == pytest.approx(1)
    assert rows.complete[-1] == pytest.approx(1 - 60 / 365, abs=0.01)
    assert rows.totals[-1] / rows.complete[-1] == pytest.approx(rows.totals[0], rel=0.03)


def test_victims_listed_apart_are_one_accident_and_a_report_given_twice_counts_once():
    place = gpd.points_from_xy([EAST + 1_000.0] * 4, [NORTH + 1_000.0] * 4)
    dates = pd.to_datetime(["2023-05-01", "2023-05-01", "2023-07-01", "2023-07-01"])
    given = gpd.GeoDataFrame(
        {"date": dates, "date_precision": "day", "killed": [1.0, 0.0, 1.0, 1.0], "injured": [0.0, 1.0, 2.0, 2.0]},
        geometry=place, crs=UTM,
    )  # fmt: skip
    accidents = read_accidents(
        Sources(grid=GRID, vectors={"incidents": given}, rasters={}, covariates=(), reports=()),
        config("2024-01-01").casualty,
    )
    assert accidents.casualties.tolist() == [2.0, 3.0]
    years = given.assign(date_precision="year")
    assert (
        len(
            read_accidents(
                Sources(grid=GRID, vectors={"incidents": years}, rasters={}, covariates=(), reports=()),
                config("2024-01-01").casualty,
            )
        )
        == 4
    )


def test_an_accident_counts_only_from_the_day_that_it_was_recorded():
    given = sources(["2023-06-01"] * 5, recorded_date=pd.to_datetime(["2023-06-02"] * 3 + ["2024-02-01"] * 2))
    assert table("2023-12-31", given, window_years=1).totals.tolist() == [3]
    assert table("2024-02-01", given, window_years=1).totals.tolist() == [5]


def test_a_coarse_place_is_put_where_people_are():
    town = gpd.GeoDataFrame(
        {"population": [50_000.0]}, geometry=gpd.points_from_xy([EAST + 5_500], [NORTH + 3_500]), crs=UTM
    )
    given = sources(["2023-06-01"] * 20, location_error_m=[1_500.0] * 20)
    peopled = Sources(grid=GRID, vectors={**given.vectors, "settlements": town}, rasters={}, covariates=(), reports=())
    alone, drawn = (table("2023-12-31", one, window_years=1, exposure_bandwidth_m=400) for one in (given, peopled))
    at = int(make_units(GRID, 1_000).of_points(np.array([EAST + 5_500.0]), np.array([NORTH + 3_500.0]))[0])
    assert drawn.accidents[at] > 3 * alone.accidents[at]
    assert drawn.accidents.sum() == pytest.approx(alone.accidents.sum())


def test_villages_of_a_file_are_units(tmp_path):
    villages = [box(EAST, NORTH, EAST + 3_000, NORTH + 4_000), box(EAST + 3_000, NORTH, EAST + 6_000, NORTH + 4_000)]
    gpd.GeoSeries(villages, crs=UTM).to_file(tmp_path / "villages.gpkg")
    settings = config("2023-12-31", units={"path": "villages.gpkg"}).model_copy(update={"data_folder": tmp_path})
    units = units_of(settings, GRID, sources(["2020-01-01"]))
    assert units.area_km2.tolist() == [12.0, 12.0]
    given = sources(["2023-06-01"] * 50)
    people, accidents = people_today(GRID, given, settings.casualty), read_accidents(given, settings.casualty)
    made = History(
        config=settings,
        inputs=Inputs(GRID, given, ()),
        units=units,
        people=people,
        accidents=accidents,
        score=lambda _: np.full(GRID.n_cells, np.nan),
    )
    rows = made.rows(settings.as_of)
    assert rows.accidents.sum() == 50
    assert len(rows.accidents) == 2 * len(rows.starts)
    assert np.isfinite(rows.values).any()
