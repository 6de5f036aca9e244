"""Places as tables hold them: hints where there are no coordinates, signs of languages, groups of figures."""

from pathlib import Path

import pytest

from features.base import InputError
from tests.support.source_files import opened, table_of


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("x,y,date\n640000,4400000,2019-01-01\n", "columns 'x' and 'y' look like metres"),
        ("id,Easting,Northing\n1,640000,4400000\n", "longitude: Easting, latitude: Northing"),
        ("mgrs,date\n38SPK4000005000,2019-01-01\n", "column 'mgrs' holds grid references"),
        ('place,date\n"39.75, 46.71",2019-01-01\n', "column 'place' holds both coordinates"),
        ("gps,date\n39.75 46.71 400.0 5.0,2019-01-01\n", "columns: {geometry: gps}"),
        ("shape,date\nPOINT (46.71 39.75),2019-01-01\n", "columns: {geometry: shape}"),
        ("id   longitude   latitude\n1   46.7   39.8\n", "blanks stand between its columns"),
    ],
)
def test_a_table_without_coordinates_says_what_it_holds_instead(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        table_of(tmp_path, content)


@pytest.mark.parametrize(
    ("east", "north"),
    [
        ("46°42'36'' в.д.", "39°45'00'' \u0441.ш."), ("46°42'36'' \u0441\u0445. д.", "39°45'00'' пн. ш."),
        ("46 42 36 E", "N39 45"),
    ],
)  # fmt: skip
def test_angles_with_letters_of_cyrillic_are_degrees(tmp_path: Path, east: str, north: str) -> None:
    table, report = table_of(tmp_path, f"longitude;latitude;date\n{east};{north};2019-01-01\n")
    place = table.to_crs(4326).geometry[0]
    assert (round(place.x, 6), round(place.y, 6)) == (46.71, 39.75)
    assert report.repaired == {"degrees, minutes and seconds": 1}


@pytest.mark.parametrize("sign", [".", ",", "'", " "])
def test_signs_between_groups_of_metres_are_no_decimals(tmp_path: Path, sign: str) -> None:
    table, _ = table_of(tmp_path, f"E;N;date\n641{sign}250;4{sign}401{sign}500;2019-01-01\n")
    assert (table.geometry[0].x, table.geometry[0].y) == (641_250, 4_401_500)


def test_kilometres_are_no_groups_of_metres_and_lie_out_of_area(tmp_path: Path) -> None:
    _, report = table_of(tmp_path, "E;N;date\n641.250;4401.500;2019-01-01\n")
    assert report.set_aside == {"out of area": 1}
    assert "all 1 records lie out of area, the nearest 4,442 km away: check crs and the coordinates" in report.notes
    assert "out of area: line 2" in report.notes


def test_degrees_beyond_180_are_at_home_across_the_antimeridian(tmp_path: Path) -> None:
    content = "longitude,latitude,date\n406.71,39.75,2019-01-01\n46.72,39.75,2019-01-01\n"
    _, report = table_of(tmp_path, content)
    assert report.rows_kept == 2


def test_columns_that_differ_in_capitals_alone_are_named(tmp_path: Path) -> None:
    _, report = table_of(tmp_path, "E,N,Date,date\n641000,4401000,2018-01-01,2019-01-01\n")
    assert "date is read from 'date': 'Date' differs in capitals alone" in report.notes


def test_a_clause_that_orders_days_by_their_first_figures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("longitude,latitude,date\n46.7,39.8,15.06.2019\n")
    with pytest.raises(InputError, match=r"orders date by '01\.01\.2018' as text"):
        opened(tmp_path, incidents={"path": "a.csv", "where": "date > '01.01.2018'"})


def test_areas_that_do_not_say_what_they_are_are_named(tmp_path: Path) -> None:
    shape = "POLYGON ((46.71 39.75, 46.72 39.75, 46.72 39.76, 46.71 39.75))"
    rows = f'cleared,"{shape}"\n,"{shape}"\nnan,"{shape}"\n'
    _, report = table_of(tmp_path, f"release_type,wkt\n{rows}", source="land_release", duplicates="keep")
    assert "release_type: 2 records say nothing of it and teach nothing (lines 3, 4)" in report.notes
