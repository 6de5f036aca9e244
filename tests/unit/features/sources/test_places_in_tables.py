"""Places as tables hold them: hints where there are no coordinates, signs of languages, groups of figures."""

from pathlib import Path

import pandas as pd
import pytest
import shapely

from features.base import InputError
from features.sources.angles import degrees_of
from features.sources.geometry_text import parse_geometry
from features.sources.places_in_text import LATITUDE_FIRST, LONGITUDE_FIRST
from tests.support.source_files import opened, table_of


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("x,y,date\n640000,4400000,2019-01-01\n", "columns 'x' and 'y' look like metres"),
        ("id,Easting,Northing\n1,640000,4400000\n", "longitude: Easting, latitude: Northing"),
        ("a;b;date\n39.75, 46.71;39.76, 46.72;2019-01-01\n", "'a' and 'b' hold places: give columns: {geometry: a}"),
        ("id   longitude   latitude\n1   46.7   39.8\n", "blanks stand between its columns"),
    ],
)
def test_a_table_without_coordinates_says_what_it_holds_instead(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        table_of(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("38SPK4650001408", "grid references (MGRS)"), ("38s pk 46500 01408", "grid references (MGRS)"),
        ("39.75, 46.71", LATITUDE_FIRST), ("(39,75; 46,71)", LATITUDE_FIRST), ("39.75 46.71", LATITUDE_FIRST),
        ("39\u00b045'00\"N 46\u00b042'36\"E", LATITUDE_FIRST), ("46 42 36 E 39 45 00 N", LONGITUDE_FIRST),
        ("N 39.75, E 46.71", LATITUDE_FIRST),
    ],
)  # fmt: skip
def test_a_column_that_holds_places_whole_is_read(tmp_path: Path, text: str, way: str) -> None:
    quoted = text.replace('"', '""')
    table, report = table_of(tmp_path, f'where;date\n"{quoted}";2019-01-01\n')
    place = table.to_crs(4326).geometry[0]
    assert (round(place.x, 4), round(place.y, 4)) == (46.71, 39.75)
    assert report.repaired == {way: 1}
    assert "geometry from the text column 'where'" in report.notes


def test_a_column_of_places_stands_in_for_empty_coordinates(tmp_path: Path) -> None:
    table, _ = table_of(tmp_path, "longitude,latitude,where,date\n,,38SPK4650001408,2019-01-01\n")
    assert len(table) == 1


def test_a_text_among_grid_references_is_named(tmp_path: Path) -> None:
    rows = "".join(f"38SPK4650{n}01408,2019-01-0{n}\n" for n in range(1, 8))
    _, report = table_of(tmp_path, f"where,date\n{rows}near the mill,2019-02-01\n")
    assert report.set_aside == {"geometry that cannot be read": 1}
    assert "geometry that cannot be read: line 9" in report.notes


@pytest.mark.parametrize("text", ["39.75 46.71 400.0 5.0", "POINT (46.71 39.75)"])
def test_fixes_and_geometry_are_read_under_any_name(tmp_path: Path, text: str) -> None:
    table, _ = table_of(tmp_path, f"where,date\n{text},2019-01-01\n")
    assert table.to_crs(4326).geometry[0].distance(shapely.Point(46.71, 39.75)) < 1e-9


def test_a_number_beyond_90_shows_the_order_of_the_column(tmp_path: Path) -> None:
    read = parse_geometry(pd.Series(["46.71, 39.75", "120.5, 15.3"]))
    assert [(place.x, place.y) for place in read.geometry] == [(46.71, 39.75), (120.5, 15.3)]


def test_a_place_that_cannot_be_read_among_others_is_named(tmp_path: Path) -> None:
    rows = "".join(f"38SPK46{n}0001000,2019-01-0{n}\n" for n in range(1, 4))
    _, report = table_of(tmp_path, f"geometry,date\n{rows}38SPK46,2019-02-01\n38SPK461,2019-02-01\n")
    assert report.set_aside == {"geometry that cannot be read": 1}
    assert any("such as '38SPK461' in line 6" in note for note in report.notes)


@pytest.mark.parametrize(
    ("east", "north"), [("46 42 36 Este", "39 45 00 Norte"), ("46.71 L", "39.75 N"), ("46.71\u00b0 Est", "39.75 Nord")]
)
def test_directions_have_the_words_of_many_languages(tmp_path: Path, east: str, north: str) -> None:
    table, _ = table_of(tmp_path, f"longitude;latitude;date\n{east};{north};2019-01-01\n")
    place = table.to_crs(4326).geometry[0]
    assert (round(place.x, 6), round(place.y, 6)) == (46.71, 39.75)


@pytest.mark.parametrize("west", ["3 30 O", "3\u00b030'O", "3.5 Ouest", "3.5 oeste"])
def test_o_is_west(west: str) -> None:
    assert degrees_of(west, 0) == -3.5


def test_an_o_that_means_east_is_a_lost_sign(tmp_path: Path) -> None:
    rows = "".join(f"46.7{n};39.75{n};2019-01-0{n}\n" for n in range(1, 8))
    _, report = table_of(tmp_path, f"longitude;latitude;date\n{rows}46 42 36 O;39 45 00 N;2019-01-01\n")
    assert report.set_aside == {"longitude sign": 1}
    assert "'longitude': the letter O read as west (ouest, oeste)" in report.notes


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
