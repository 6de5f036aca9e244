"""A register as people keep it: what cannot be is set aside, what is doubtful is reported, nothing is silent."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.sources.opening import SourcesSettings, open_sources

CRS = projected_crs("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 510_000, 4_410_000), CRS, 500)


def opened(tmp_path, rows: list[dict], source: str = "incidents"):
    places = gpd.GeoSeries(
        gpd.points_from_xy(np.linspace(501_000, 509_000, len(rows)), [4_405_000] * len(rows)), crs=CRS
    )
    degrees = places.to_crs("EPSG:4326")
    table = pd.DataFrame(rows)
    if "at" in table:
        where = table.pop("at").to_numpy()
        degrees = degrees.iloc[where].reset_index(drop=True)
    table["longitude"], table["latitude"] = degrees.x, degrees.y
    table.to_csv(tmp_path / f"{source}.csv", index=False)
    made = open_sources(SourcesSettings.model_validate({source: f"{source}.csv"}), GRID, tmp_path)
    return made.vectors.get(source), made.reports[0]


def row(**more) -> dict:
    return {"date": "2020-05-01", "killed": 1, "injured": 0} | more


def is_noted(report, text: str) -> bool:
    return any(text in note for note in report.notes)


def test_negative_casualties_are_set_aside_and_named(tmp_path):
    table, report = opened(tmp_path, [row(), row(killed=-1), row(injured=-3)])
    assert len(table) == 1
    assert report.set_aside == {"negative casualties": 2}
    assert is_noted(report, "negative casualties: lines 3, 4")


def test_a_date_in_the_future_is_set_aside(tmp_path):
    table, report = opened(tmp_path, [row(), row(date="2090-01-01")])
    assert len(table) == 1
    assert report.set_aside == {"impossible date": 1}


def test_killed_without_an_injured_column_is_said(tmp_path):
    _, report = opened(tmp_path, [{"date": "2020-05-01", "killed": 1}, {"date": "2020-06-01", "killed": None}])
    assert is_noted(report, "killed is given and injured is not")
    assert report.noted["no casualty count"] == 1


def test_population_in_words_is_missing_and_said(tmp_path):
    rows = [{"population": "about three hundred"}, {"population": "1 200"}, {"population": "850"}]
    table, report = opened(tmp_path, rows, "settlements")
    assert table["population"].fillna(-1).tolist() == [-1, 1200, 850]
    assert is_noted(report, "population: 1 values are no numbers and count as missing")


def test_years_without_an_accident_are_named(tmp_path):
    _, report = opened(tmp_path, [row(date="2015-01-01"), row(date="2018-01-01")])
    assert is_noted(report, "no accident in 2016, 2017: none happened, or the register has a gap")
    _, report = opened(tmp_path, [row(date="2015-01-01"), row(date="2016-01-01")])
    assert not is_noted(report, "no accident in")


def test_mixed_precision_of_places_is_reported(tmp_path):
    _, report = opened(tmp_path, [row(location_error_m=error) for error in (50, 5_000, None)])
    assert is_noted(report, "places are of mixed precision: 1 without location_error_m, 1 beyond 1000 m")
    assert report.noted["coarse place"] == 1


def test_places_that_many_accidents_share_are_reported(tmp_path):
    rows = [row(date=f"2020-05-{day:02d}", at=0 if day < 7 else day - 1) for day in range(1, 10)]
    _, report = opened(tmp_path, rows)
    assert is_noted(report, "6 accidents lie on 1 places that 5 or more share")


@pytest.mark.parametrize(("second", "count"), [({"activity": "farming"}, 1), ({"date": "2020-05-02"}, 0)])
def test_accidents_of_one_place_and_day_are_counted_as_such(tmp_path, second, count):
    table, report = opened(tmp_path, [row(at=0, activity="travel"), row(at=0, activity="travel") | second])
    assert len(table) == 2
    assert report.noted.get("accident of the same place and day", 0) == count
