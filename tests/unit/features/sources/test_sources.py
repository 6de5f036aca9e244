"""Sources: what passes the border, what is repaired, what is set aside, and what is refused."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pydantic
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from features.base.errors import InputError
from features.base.grid import Grid
from features.base.names import column_names
from features.sources import columns
from features.sources.dates import parse_dates
from features.sources.opening import KEEP_AROUND_M, Sources, SourceSpec, SourcesSettings, open_area, open_sources
from features.sources.parsing import parse_numbers
from features.sources.report import SourceReport, report_rows
from tests.support.paths import DATA

UTM = pyproj.CRS("EPSG:32638")
LEFT, BOTTOM = 600_000, 4_400_000
GRID = Grid.from_area(shapely.box(LEFT, BOTTOM, LEFT + 20_000, BOTTOM + 20_000), UTM, 1000)
real = pytest.mark.skipif(not DATA.exists(), reason="the real data are not beside the project")


def opened(base: Path, **specs: object) -> Sources:
    return open_sources(SourcesSettings.model_validate(specs), GRID, base)


def table_of(base: Path, text: str, source: str = "incidents", **spec: object) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Records of a CSV in the metres of the grid whose columns E and N count from its corner."""
    rows = text.strip().splitlines()
    (base / "a.csv").write_text("\n".join(row.strip() for row in rows) + "\n", encoding="utf-8")
    names = {"longitude": "E", "latitude": "N", **spec.pop("columns", {})}  # type: ignore[dict-item]
    found = opened(base, **{source: {"path": "a.csv", "crs": "EPSG:32638", "columns": names, **spec}})
    return found.vectors.get(source, gpd.GeoDataFrame(geometry=[])), found.reports[0]


def place(column: int, row: int) -> str:
    return f"{LEFT + 1000 * column},{BOTTOM + 1000 * row}"


def layer(path: Path, shapes: list[object], crs: object = UTM, **named: list[object]) -> Path:
    gpd.GeoDataFrame(named, geometry=shapes, crs=crs).to_file(path)
    return path


def square(column: float, row: float, side: float = 500) -> shapely.Polygon:
    return shapely.box(
        LEFT + 1000 * column, BOTTOM + 1000 * row, LEFT + 1000 * column + side, BOTTOM + 1000 * row + side
    )


def bow_tie(column: float, row: float) -> shapely.Polygon:
    corner = np.array([LEFT + 1000 * column, BOTTOM + 1000 * row])
    return shapely.Polygon(corner + np.array([(0, 0), (400, 400), (400, 0), (0, 400)]))


# --- what passes ---


def test_only_canonical_columns_pass(tmp_path: Path) -> None:
    table, report = table_of(
        tmp_path,
        f"""
        E,N,Date,KILLED,victim_name,birth_date
        {place(1, 1)},2020-05-01,1,Jane Roe,1990-01-01
        """,
    )
    assert list(table.columns) == ["date", "killed", "date_precision", "geometry"]
    assert table.crs == UTM
    assert "Jane" not in json.dumps(report_rows([report]))


def test_columns_are_mapped_from_the_names_in_the_file(tmp_path: Path) -> None:
    table, report = table_of(
        tmp_path, f"E,N,AÑO,Actividad\n{place(1, 1)},2005,Civil", columns={"year": "AÑO", "activity": "Actividad"}
    )
    assert table["activity"].tolist() == ["Civil"]
    assert "columns: year from 'AÑO', activity from 'Actividad'" in report.notes


def test_a_mapped_column_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"incidents: .*a\.csv has no column 'jahr' for year: .*it has secret"):
        table_of(tmp_path, f"E,N,secret\n{place(1, 1)},Jane Roe", columns={"year": "jahr"})


@pytest.mark.parametrize("part", ["columns", "values"])
def test_our_names_are_checked_when_the_configuration_is_read(part: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=rf"roads\.{part} names 'klass': .* road_class, bridge"):
        SourcesSettings.model_validate({"roads": {"path": "a.gpkg", part: {"klass": "k"}}})
    with pytest.raises(pydantic.ValidationError, match="Extra inputs are not permitted"):
        SourcesSettings.model_validate({"rodes": "a.gpkg"})


def test_a_bare_string_is_a_path_and_every_field_is_described() -> None:
    assert SourcesSettings.model_validate({"roads": "a.gpkg"}).roads == SourceSpec(path="a.gpkg")
    for settings_ in (SourcesSettings, SourceSpec):
        assert all(field.description for field in settings_.model_fields.values())


def test_values_are_translated_and_the_others_counted(tmp_path: Path) -> None:
    rows = "\n".join(f"{place(n, 1)},{code}" for n, code in enumerate(["1", "1.0", " 0", "-1", "7", ""]))
    table, report = table_of(
        tmp_path,
        f"E,N,code\n{rows}",
        "survey",
        columns={"outcome": "code"},
        values={"outcome": {1: "found", "0": "searched", "-1": "unknown"}},
    )
    assert table["outcome"].tolist() == ["found", "found", "searched", "unknown"]
    assert report.set_aside == {"no outcome": 2}
    assert "outcome: 1 values are not in its translation and count as missing, such as '7' (line 6)" in report.notes


def test_numbers_in_a_map_equal_their_text(tmp_path: Path) -> None:
    points = [shapely.Point(LEFT, BOTTOM), shapely.Point(LEFT, BOTTOM + 9), shapely.Point(LEFT, BOTTOM + 99)]
    layer(tmp_path / "a.gpkg", points, code=[1.0, 0.0, np.nan])
    spec = {"path": "a.gpkg", "columns": {"outcome": "code"}, "values": {"outcome": {"1": "found", "0": "searched"}}}
    assert opened(tmp_path, survey=spec).vectors["survey"]["outcome"].tolist() == ["found", "searched"]


def test_a_constant_fills_a_column(tmp_path: Path) -> None:
    layer(tmp_path / "a.gpkg", [square(1, 1)])
    spec = {"path": "a.gpkg", "values": {"release_type": "cleared", "end_date": dt.date(2020, 2, 29)}}
    table = opened(tmp_path, land_release=spec).vectors["land_release"]
    assert table["release_type"].tolist() == ["cleared"]
    assert table["end_date"].tolist() == [pd.Timestamp("2020-02-29")]


def test_words_outside_the_vocabulary_are_missing(tmp_path: Path) -> None:
    layer(tmp_path / "a.gpkg", [square(1, 1), square(3, 3)], release_type=["CLEARED", "mine-free"])
    found = opened(tmp_path, land_release="a.gpkg")
    assert found.vectors["land_release"]["release_type"].fillna("-").tolist() == ["cleared", "-"]
    assert any(note.startswith("release_type: 1 values are none of cancelled") for note in found.reports[0].notes)


def test_survey_without_an_outcome_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'outcome' for outcome"):
        table_of(tmp_path, f"E,N\n{place(1, 1)}", "survey")


def test_a_where_clause_selects_rows_of_text_and_of_maps(tmp_path: Path) -> None:
    text = f"E;N;AÑO\n{place(1, 1)};2001\n{place(2, 1)};2005\n{place(3, 1)};2009".replace(",", ";")
    (tmp_path / "a.csv").write_text(text, encoding="cp1252")
    spec = {"path": "a.csv", "crs": "EPSG:32638", "columns": {"longitude": "E", "latitude": "N", "year": "AÑO"}}
    found = opened(tmp_path, incidents=spec | {"where": '"AÑO" > 2004'})
    assert found.vectors["incidents"]["date"].dt.year.tolist() == [2005, 2009]
    assert found.reports[0].rows_read == 2
    assert {"encoding cp1252, the likeliest: if letters are wrong, give encoding", "separator ';'"} <= set(
        found.reports[0].notes
    )
    layer(tmp_path / "a.gpkg", [square(1, 1), square(2, 2)], code=[1, 2], note=["x", "y"])
    spec = {"path": "a.gpkg", "where": "code = 2"}
    assert opened(tmp_path, hazard_areas=spec).reports[0].rows_kept == 1
    with pytest.raises(InputError, match=r"hazard_areas\.where \('nothing = 2'\) does not fit"):
        opened(tmp_path, hazard_areas=spec | {"where": "nothing = 2"})


def test_several_files_are_one_source(tmp_path: Path) -> None:
    layer(tmp_path / "a.gpkg", [shapely.LineString([(LEFT, BOTTOM), (LEFT + 9, BOTTOM)])], bridge=["yes"])
    layer(tmp_path / "b.geojson", [shapely.LineString([(46.2, 39.8), (46.3, 39.8)])], 4326, road_class=["primary"])
    found = opened(tmp_path, roads={"path": ["a.gpkg", "b.geojson"]})
    roads, report = found.vectors["roads"], found.reports[0]
    assert roads["bridge"].tolist() == [True, False]
    assert roads["road_class"].fillna("-").tolist() == ["-", "primary"]
    assert (report.rows_read, report.path) == (2, "a.gpkg, b.geojson")
    both = (tmp_path / "a.gpkg").read_bytes() + (tmp_path / "b.geojson").read_bytes()
    assert report.digest == hashlib.sha256(both).hexdigest()


def test_the_digest_of_a_shapefile_covers_its_siblings(tmp_path: Path) -> None:
    layer(tmp_path / "a.shp", [square(1, 1)], status=["open"])
    before = opened(tmp_path, hazard_areas="a.shp").reports[0].digest
    content = (tmp_path / "a.dbf").read_bytes()
    (tmp_path / "a.dbf").write_bytes(content.replace(b"open", b"shut"))
    assert opened(tmp_path, hazard_areas="a.shp").reports[0].digest != before


# --- dates and numbers ---


def days(*texts: object) -> list[str]:
    return [str(day) for day in parse_dates(pd.Series(list(texts), dtype=object)).days]


@pytest.mark.slow
def test_dates_as_people_write_them() -> None:
    assert days("2020-01-02T23:30:00+02:00", "2020/1/2", "20200102", "2.1.2020", "2 January 2020") == ["2020-01-02"] * 5
    assert days("1995", "1995-02", "1996.02", 1995.0) == ["1995-12-31", "1995-02-28", "1996-02-29", "1995-12-31"]
    assert days(1592092800000, "1592092800000") == ["2020-06-14"] * 2
    assert days("2020-02-30", "31.4.2020", "before 1994", "", None) == ["NaT"] * 5


def test_the_order_of_day_and_month_comes_from_the_column() -> None:
    assert days("03/04/2001", "13/04/2001") == ["2001-04-03", "2001-04-13"]
    assert days("03/04/2001", "04/13/2001") == ["2001-03-04", "2001-04-13"]
    assert parse_dates(pd.Series(["03/04/2001", "05/05/2001"])).ambiguous.sum() == 1
    assert parse_dates(pd.Series(["03/04/2001", "13/04/2001"])).ambiguous.sum() == 0


@pytest.mark.slow
@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
@settings(max_examples=100, deadline=None)
def test_every_day_is_read_back_in_every_form(day: dt.date) -> None:
    forms = [
        day.isoformat(),
        f"{day:%d.%m.%Y}",
        f"{day:%Y%m%d}",
        f"{day:%Y/%m/%d} 12:00",
        f"{day.day} {day:%b} {day:%Y}",
    ]
    assert days(*forms) == [day.isoformat()] * len(forms)


def test_dates_carry_their_precision_and_missing_ones_are_counted(tmp_path: Path) -> None:
    table, report = table_of(
        tmp_path,
        f"""
        E,N,date,year
        {place(1, 1)},2020-05-01,2020
        {place(2, 1)},,1999
        {place(3, 1)},1998-02,
        {place(4, 1)},,
        {place(5, 1)},someday,
        """,
    )
    assert [str(day)[:10] for day in table["date"]] == ["2020-05-01", "1999-12-31", "1998-02-28"]
    assert table["date_precision"].tolist() == ["day", "year", "month"]
    assert report.set_aside == {"no date": 1, "date not understood": 1}
    lost = "date: 1 values are no dates that are understood, such as 'someday' (line 6)"
    assert {"undated: 1", lost, "date not understood: line 6", "no date: line 5"} <= set(report.notes)
    assert str(table["date"].dtype) == "datetime64[ns]"


def test_impossible_dates_are_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "today", lambda: dt.date(2024, 7, 31))
    table, report = table_of(
        tmp_path,
        f"""
        E,N,date
        {place(1, 1)},2024-07-31
        {place(2, 1)},2024
        {place(3, 1)},2024-07
        {place(4, 1)},2024-08-15
        {place(5, 1)},2025
        {place(6, 1)},1899-12-30
        {place(7, 1)},9999-12-31
        """,
    )
    assert report.set_aside == {"impossible date": 4}
    assert "impossible date: lines 5, 6, 7, 8" in report.notes
    assert len(table) == 3


def test_a_line_that_is_still_held_has_an_open_end(tmp_path: Path) -> None:
    shapes = [shapely.LineString([(LEFT, BOTTOM + n), (LEFT + 9000, BOTTOM + n)]) for n in range(2)]
    layer(tmp_path / "a.gpkg", shapes, held_from=["1992", "1992"], held_to=["9999-12-31", "1994-05-12"])
    found = opened(tmp_path, front_lines="a.gpkg")
    assert [str(day)[:10] for day in found.vectors["front_lines"]["held_to"]] == ["NaT", "1994-05-12"]
    assert found.reports[0].set_aside == {}


def test_dates_of_a_map_are_read(tmp_path: Path) -> None:
    points = [shapely.Point(LEFT, BOTTOM), shapely.Point(LEFT + 9, BOTTOM)]
    layer(tmp_path / "a.gpkg", points, date=[pd.Timestamp("2019-03-04 22:00"), pd.NaT])
    table = opened(tmp_path, finds="a.gpkg").vectors["finds"]
    assert [str(day)[:10] for day in table["date"]] == ["2019-03-04", "NaT"]


def test_numbers_as_people_write_them() -> None:
    texts = ["1 234", "1\u00a0234,5", "1.234,5", "1,234.5", "\u22123", "unknown", "", "1e3"]
    parsed = parse_numbers(pd.Series(texts))
    assert np.array_equal(parsed.values, [1234, 1234.5, 1234.5, 1234.5, -3, np.nan, np.nan, 1000], equal_nan=True)
    assert parsed.not_understood.tolist() == [False] * 5 + [True] + [False] * 2
    assert parse_numbers(pd.Series(["1,234", "12"])).values.tolist() == [1234, 12]
    assert parse_numbers(pd.Series(["1,234", "1,5"])).values.tolist() == [1.234, 1.5]
    assert parse_numbers(pd.Series(["1,234"]), comma_is_decimal=True).values.tolist() == [1.234]


def test_wrong_numbers_are_missing_or_set_aside(tmp_path: Path) -> None:
    table, report = table_of(
        tmp_path,
        f"""
        E,N,killed,injured,location_error_m
        {place(1, 1)},1,2,-5
        {place(2, 1)},-1,0,100
        {place(3, 1)},unknown,0,100
        """,
    )
    assert report.set_aside == {"negative casualties": 1}
    assert table["location_error_m"].fillna(-1).tolist() == [-1, 100]
    assert "killed: 1 values are no numbers and count as missing, such as 'unknown' (line 4)" in report.notes
    assert "location_error_m: 1 values are negative and count as missing, such as '-5' (line 2)" in report.notes


# --- geometry ---


def test_invalid_polygons_are_repaired_and_keep_their_land(tmp_path: Path) -> None:
    flat = shapely.Polygon([(LEFT, BOTTOM), (LEFT + 500, BOTTOM), (LEFT + 900, BOTTOM)])
    layer(tmp_path / "a.gpkg", [square(1, 1), bow_tie(3, 3), flat, None])
    found = opened(tmp_path, hazard_areas="a.gpkg")
    table, report = found.vectors["hazard_areas"], found.reports[0]
    assert report.repaired == {"invalid polygon": 2}
    assert report.set_aside == {"no geometry": 1, "polygon without area": 1}
    assert table.geometry.is_valid.all()
    assert table.area.round(3).tolist() == [250_000, 80_000]


def test_geometry_of_another_kind_is_set_aside_and_a_collection_gives_the_parts_that_fit(tmp_path: Path) -> None:
    line = shapely.LineString([(LEFT, BOTTOM), (LEFT + 500, BOTTOM)])
    both = shapely.GeometryCollection([line, shapely.Point(LEFT, BOTTOM)])
    (tmp_path / "a.geojson").write_text(gpd.GeoSeries([line, square(1, 1), both], crs=UTM).to_crs(4326).to_json())
    found = opened(tmp_path, roads="a.geojson", rivers="a.geojson")
    roads, rivers = found.reports
    assert roads.set_aside == {"polygon instead of line": 1, "duplicate": 1}
    assert roads.repaired == {"geometry collection": 1}
    assert (roads.rows_kept, rivers.rows_kept) == (1, 2)


def test_points_of_a_multipoint_become_records_of_their_own(tmp_path: Path) -> None:
    several = shapely.MultiPoint([(LEFT, BOTTOM), (LEFT + 10, BOTTOM)])
    layer(tmp_path / "a.gpkg", [several, shapely.MultiPoint([(LEFT + 20, BOTTOM)])], killed=[1, 2])
    found = opened(tmp_path, incidents="a.gpkg")
    assert found.vectors["incidents"]["killed"].tolist() == [1, 1, 2]
    assert set(found.vectors["incidents"].geom_type) == {"Point"}
    assert "2 records of points split into 3 single points" in found.reports[0].notes


def test_what_lies_beyond_50_km_is_out_of_area(tmp_path: Path) -> None:
    near, far = LEFT - KEEP_AROUND_M + 1, LEFT - KEEP_AROUND_M - 1
    shapes = [shapely.LineString([(easting_m, BOTTOM), (easting_m - 90_000, BOTTOM)]) for easting_m in (near, far)]
    layer(tmp_path / "a.gpkg", shapes)
    report = opened(tmp_path, roads="a.gpkg").reports[0]
    assert (report.rows_kept, report.set_aside) == (1, {"out of area": 1})


def test_shapes_around_the_earth_keep_their_part_near_the_area(tmp_path: Path) -> None:
    around = shapely.LineString([(longitude, 39.8) for longitude in np.arange(-179, 180, 1.0)])
    land = shapely.box(-170, 30, 170, 39.8).segmentize(1.0)
    layer(tmp_path / "a.geojson", [around, land], 4326)
    found = opened(tmp_path, rivers="a.geojson")
    river, sea = found.vectors["rivers"].geometry
    assert river.length < 4_000_000
    assert sea.is_valid
    middle = pyproj.Transformer.from_crs(4326, UTM, always_xy=True).transform(46.2, 39.5)
    assert sea.contains(shapely.Point(middle))
    assert not sea.contains(shapely.Point(LEFT, BOTTOM + 20_000))
    assert "cut at 1000 km from the area: 2 lines or polygons" in found.reports[0].notes


def test_duplicates_are_set_aside_and_the_first_is_kept(tmp_path: Path) -> None:
    table, report = table_of(
        tmp_path,
        f"""
        E,N,place,population,id
        {place(1, 1)}.001, town,5,1
        {place(1, 1)},town ,5.0,2
        {place(1, 1)},town,6,3
        {place(1, 2)},town,5,4
        """,
        "settlements",
    )
    assert report.set_aside == {"duplicate": 1}
    assert table["population"].tolist() == [5, 6, 5]


def test_a_polygon_that_starts_elsewhere_is_the_same_polygon(tmp_path: Path) -> None:
    one = square(1, 1)
    other = shapely.Polygon(np.roll(shapely.get_coordinates(one)[:-1], 2, axis=0))
    layer(tmp_path / "a.gpkg", [one, other])
    assert opened(tmp_path, hazard_areas="a.gpkg").reports[0].set_aside == {"duplicate": 1}


def test_duplicates_are_kept_where_the_config_says_that_they_are_several(tmp_path: Path) -> None:
    rows = f"""
        E,N,year,month
        {place(1, 1)},2005,4
        {place(1, 1)},2005,4
        """
    table, report = table_of(tmp_path, rows, duplicates="keep")
    assert len(table) == 2
    assert report.set_aside == {}


def test_road_classes_that_are_not_osms_are_asked_for(tmp_path: Path) -> None:
    kinds = ["primary", "motorway_link", "proposed", "biha", "biha", "lane"]
    lines = [shapely.LineString([(LEFT, BOTTOM + 100 * n), (LEFT + 900, BOTTOM + 100 * n)]) for n in range(len(kinds))]
    path = layer(tmp_path / "roads.gpkg", lines, kind=kinds)
    (report,) = opened(tmp_path, roads={"path": str(path), "columns": {"road_class": "kind"}}).reports
    assert report.noted == {"road_class that is not OSM's": 3}
    assert "(biha, lane): say what they are with values: {road_class: {biha: primary}}" in report.notes[-1]


def test_dated_events_are_duplicates_only_when_everything_is_the_same(tmp_path: Path) -> None:
    table, report = table_of(
        tmp_path,
        f"""
        E,N,year,month
        {place(1, 1)},2005,3
        {place(1, 1)},2005,4
        {place(1, 1)},2005, 4
        {place(1, 1)},,3
        {place(1, 1)},,4
        """,
    )
    assert report.set_aside == {"no date": 2, "duplicate": 1}
    assert table["date"].notna().tolist() == [True, True]


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from(["", "1", "2", "90", "x"]), st.sampled_from(["", "1", "-1", "no"])), max_size=12)
)
@settings(max_examples=25, deadline=None)
def test_every_row_read_is_kept_or_set_aside_once(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    base = tmp_path_factory.mktemp("rows")
    lines = [f"{LEFT + 1000 * int(east) if east.isdigit() else east},{BOTTOM},{killed}" for east, killed in rows]
    lines += [f"{LEFT + 7000 + n},{BOTTOM},3" for n in range(50)]
    table, report = table_of(base, "E,N,killed\n" + "\n".join(lines))
    assert report.rows_read == len(lines) == report.rows_kept + sum(report.set_aside.values())
    assert len(table) == report.rows_kept


def test_a_source_of_which_nothing_is_left_is_no_source(tmp_path: Path) -> None:
    layer(tmp_path / "a.gpkg", [square(500, 500)])
    found = opened(tmp_path, hazard_areas="a.gpkg")
    assert "hazard_areas" not in found.vectors
    assert "no rows: its features are dropped" in found.reports[0].notes
    (tmp_path / "b.csv").write_text("longitude,latitude\n")
    assert opened(tmp_path, incidents="b.csv").reports[0].notes[-1] == "no rows: its features are dropped"


# --- refusals ---


def test_what_cannot_be_opened_says_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sources\.roads: there is no file .*none\.gpkg; paths are relative to"):
        opened(tmp_path, roads="none.gpkg")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="is a folder: name a file in it"):
        opened(tmp_path, roads="folder")
    (tmp_path / "a.gpkg").write_bytes(b"this is no GeoPackage")
    with pytest.raises(InputError, match=r"sources\.roads: .*a\.gpkg is no file that GDAL can read"):
        opened(tmp_path, roads="a.gpkg")
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(InputError, match=r"b\.csv is empty"):
        opened(tmp_path, roads="b.csv")


def test_layers_are_named(tmp_path: Path) -> None:
    path = layer(tmp_path / "a.gpkg", [square(1, 1)])
    gpd.GeoDataFrame(geometry=[square(2, 2), square(4, 4)], crs=UTM).to_file(path, layer="other")
    with pytest.raises(InputError, match=r"holds 2 layers \(a, other\): give layer"):
        opened(tmp_path, hazard_areas="a.gpkg")
    with pytest.raises(InputError, match=r"layer \('third'\) is not in .*it has a, other"):
        opened(tmp_path, hazard_areas={"path": "a.gpkg", "layer": "third"})
    assert opened(tmp_path, hazard_areas={"path": "a.gpkg", "layer": "other"}).reports[0].rows_read == 2


def test_a_table_with_the_same_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="columns of the same name: N"):
        table_of(tmp_path, f"E,N,N\n{place(1, 1)},3")


# --- the area ---


def test_the_area_joins_its_polygons(tmp_path: Path) -> None:
    layer(tmp_path / "a.gpkg", [square(1, 1, 1000), square(1.5, 1, 1000), bow_tie(8, 8)])
    area, report = open_area("a.gpkg", UTM, tmp_path)
    assert area.area == pytest.approx(1_500_000 + 80_000)
    assert (report.source, report.repaired) == ("area", {"invalid polygon": 1})


def test_the_area_of_points_is_a_multipoint_and_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("lon,lat\n46.2,39.8\n46.3,39.8\n")
    area, _ = open_area(SourceSpec(path="a.csv"), UTM, tmp_path)
    assert (area.geom_type, len(shapely.get_parts(area))) == ("MultiPoint", 2)
    layer(tmp_path / "b.gpkg", [shapely.LineString([(LEFT, BOTTOM), (LEFT + 9, BOTTOM)])])
    with pytest.raises(InputError, match=r"grid\.area: b\.gpkg holds no polygon and no point; set aside: 1 line"):
        open_area("b.gpkg", UTM, tmp_path)
    layer(tmp_path / "c.gpkg", [square(1, 1)])
    with pytest.raises(InputError, match="polygons and points"):
        open_area(["a.csv", "c.gpkg"], UTM, tmp_path)


# --- covariates ---


def covariates(base: Path, text: str, **spec: object) -> tuple[gpd.GeoDataFrame, SourceReport]:
    (base / "c.csv").write_text(text, encoding="utf-8")
    entry = {"path": "c.csv", "crs": "EPSG:32638", "columns": {"longitude": "E", "latitude": "N"}, **spec}
    found = opened(base, covariates=[entry])
    table = found.covariates[0]
    assert isinstance(table, gpd.GeoDataFrame)
    return table, found.reports[-1]


def test_numeric_columns_are_covariates_under_plain_names(tmp_path: Path) -> None:
    text = f'E,N,"Homicidio, Masacre",Área,area,town,geometry\n{place(1, 1)},"1,5",2,3,Aghdam,POINT (0 0)\n'
    table, report = covariates(tmp_path, text)
    # Two names that differ in an accent are kept apart by what they are, not by their order.
    one, other = column_names(["área", "area"]).values()
    assert list(table.columns) == ["homicidio_masacre", one, other, "geometry"]
    assert table.iloc[0, :3].tolist() == [1.5, 2, 3]
    assert "text columns left out: 'town', 'geometry'" in report.notes
    assert table.geometry[0].equals(shapely.Point(LEFT + 1000, BOTTOM + 1000))


def test_columns_in_other_scripts_keep_their_meaning_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("E,N,Население,Дороги\n" + f"{place(1, 1)},1000,0.1\n")
    (tmp_path / "b.csv").write_text("E,N,Дороги,Население\n" + f"{place(2, 1)},0.2,2000\n")
    spec = {"path": ["a.csv", "b.csv"], "columns": {"longitude": "E", "latitude": "N"}, "crs": "EPSG:32638"}
    found = opened(tmp_path, covariates=[spec])
    table = found.covariates[0].drop(columns="geometry")
    assert (sorted(table.iloc[0]), sorted(table.iloc[1])) == ([0.1, 1000], [0.2, 2000])
    assert ((table.iloc[0] > 1) == (table.iloc[1] > 1)).all()
    assert any(note.startswith("column column_") and "Население" in note for note in found.reports[-1].notes)


def test_the_files_of_one_covariate_source_share_their_columns(tmp_path: Path) -> None:
    for name, value in (("a.csv", 1), ("b.csv", 2)):
        (tmp_path / name).write_text(f"E,N,Área\n{place(value, 1)},{value}\n")
    both = {"path": ["a.csv", "b.csv"], "columns": {"longitude": "E", "latitude": "N"}, "crs": "EPSG:32638"}
    again = {"path": "b.csv", "columns": {"longitude": "E", "latitude": "N"}, "crs": "EPSG:32638"}
    first, second = opened(tmp_path, covariates=[both, again]).covariates
    assert first["area"].tolist() == [1, 2]
    assert second["area_2"].tolist() == [2]


def test_chosen_covariates_have_chosen_names(tmp_path: Path) -> None:
    mapping = {"longitude": "E", "latitude": "N", "Slope": "b"}
    table, _ = covariates(tmp_path, f"E,N,a,b\n{place(1, 1)},1,2\n", columns=mapping)
    assert list(table.columns) == ["slope", "geometry"]
    with pytest.raises(InputError, match=r"covariates: .*c\.csv has no column 'z'; it has a, b"):
        covariates(tmp_path, f"E,N,a,b\n{place(1, 1)},1,2\n", columns=mapping | {"c": "z"})


def test_the_answer_is_no_covariate(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(f"E,N,slope,mined\n{place(1, 1)},3,1\n")
    where = {"path": "c.csv", "crs": "EPSG:32638", "columns": {"longitude": "E", "latitude": "N"}}
    survey = where | {"columns": where["columns"] | {"outcome": "mined"}, "values": {"outcome": {1: "found"}}}
    found = opened(tmp_path, survey=survey, covariates=[where])
    assert list(found.covariates[0].columns) == ["slope", "geometry"]  # type: ignore[union-attr]
    assert "column 'mined' left out: sources.survey reads it" in found.reports[-1].notes


# --- the real data ---


@pytest.fixture(scope="module")
def bosnia() -> Sources:
    crs = pyproj.CRS("EPSG:32634")
    area, _ = open_area("bosnia/entities.geojson", crs, DATA)
    specs = {
        "hazard_areas": "bosnia/north/suspected_areas.geojson",
        "land_release": {"path": "bosnia/north/cleared_areas.geojson", "values": {"release_type": "cleared"}},
        "incidents": "bosnia/incidents.geojson",
    }
    return open_sources(SourcesSettings.model_validate(specs), Grid.from_area(area, crs, 2000), DATA)


@pytest.mark.slow
@real
def test_bosnia_is_counted_as_it_is(bosnia: Sources) -> None:
    reports = {report.source: report for report in bosnia.reports}
    hazards, released, incidents = (reports[name] for name in ("hazard_areas", "land_release", "incidents"))
    assert (hazards.rows_read, hazards.repaired) == (6167, {"invalid polygon": 321})
    assert hazards.set_aside == {"no geometry": 1547, "duplicate": 1}
    assert (released.rows_read, released.repaired) == (5244, {"invalid polygon": 457})
    assert released.set_aside == {"no geometry": 54, "polygon without area": 1, "out of area": 1, "duplicate": 37}
    assert (incidents.rows_read, incidents.set_aside) == (1442, {"duplicate": 202})
    assert {"undated: 1442", "no record carries a date: taken as known at as_of"} <= set(incidents.notes)
    assert all(table.geometry.is_valid.all() for table in bosnia.vectors.values())


@pytest.mark.slow
@real
def test_colombia_reads_its_own_columns() -> None:
    crs = pyproj.CRS("EPSG:32618")
    where = {"longitude": "LONGITUD_X", "latitude": "LATITUD_Y"}
    cells = {"path": "colombia/cells_antioquia.csv", "columns": where}
    area, _ = open_area(SourceSpec.model_validate(cells), crs, DATA)
    specs = {
        "conflict_events": {"path": "colombia/events_1990_2013.csv", "columns": {"year": "AÑO"}},
        "survey": cells | {
            "columns": where | {"outcome": "mines_outcome"},
            "values": {"outcome": {"1": "found", "0": "searched", "-1": "unknown"}},
        },
        "covariates": [cells],
    }  # fmt: skip
    found = open_sources(SourcesSettings.model_validate(specs), Grid.from_area(area, crs, 1000), DATA)
    events = found.reports[0]
    assert (events.rows_read, events.set_aside["longitude sign"]) == (28_211, 1)
    assert "longitude sign: line 5780" in events.notes
    assert found.vectors["survey"]["outcome"].value_counts().to_dict() == {
        "searched": 3357,
        "unknown": 2530,
        "found": 1132,
    }
    table = found.covariates[0]
    assert isinstance(table, gpd.GeoDataFrame)
    assert table.shape == (7019, 63)
    assert "homicidio_masacre" in table
    assert "mines_outcome" not in table
