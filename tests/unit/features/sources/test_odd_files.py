"""Odd files of the kinds that authorities hand over: read with a count, or named for what they are."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from features.base import InputError
from features.sources.geometry_text import parse_geometry
from tests.support.source_files import UTM, box, kept, opened, table_of

AREAS = gpd.GeoDataFrame({"hazard_typ": ["CHA"] * 4}, geometry=[box(number) for number in range(4)], crs=UTM)
DEGREES = AREAS.to_crs(4326)
CSV = "longitude,latitude,date\n46.71,39.75,2019-01-01\n46.72,39.75,2019-01-02\n"


def collection(geometry: dict[str, object]) -> str:
    feature = {"type": "Feature", "properties": {"hazard_type": "CHA"}, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


def zipped(**members: str | bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()


def workbook(rows: list[list[object]]) -> bytes:
    stream = io.BytesIO()
    pd.DataFrame(rows).to_excel(stream, header=False, index=False, engine="xlsxwriter")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"<html><table><tr><td>x</td></tr></table></html>", "a web page with a table: open it"),
        ("a.xls", b"<html><table><tr><td>x</td></tr></table></html>", "a web page with a table: open it"),
        ("a.csv", b'[{"longitude": 46.7}]', "it is JSON, not a table"),
        ("a.json", b"[46.7, 39.8]", "JSON of another kind than a map"),
        ("a.json", b'[{"longitude": 46.7}, {"lon', "JSON that is cut off"),
        ("a.json", b'{"error": {"code": 499, "message": "Token Required"}}', "error of a service .*Token Required"),
        ("a.dwg", b"AC1027" + b"\0" * 90, "drawing of AutoCAD"),
        ("a.feather", b"ARROW1" + b"\0" * 90, "save it as Parquet"),
        ("a.qgs", b"<!DOCTYPE qgis>", "project or style of a GIS"),
        ("a.docx", b"PK\x03\x04" + b"\0" * 90, "a document"),
        ("a.tar.gz", b"\x1f\x8b\x08\0" + b"\0" * 90, "it is an archive: unpack it"),
        ("a.zip", zipped(map_pdf=b"%PDF"), r"no table and no map, but map\.pdf"),
        ("a.zip", zipped(inner_zip=zipped(a_csv=CSV)), r"no table and no map, but inner\.zip"),
    ],
)  # fmt: skip
def test_it_is_named_for_what_it_is(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        table_of(tmp_path, content, name=name)


def damaged(content: bytes, at: int) -> bytes:
    """The content with ten bytes twice."""
    return content[: at + 10] + content[at:]


@pytest.mark.parametrize(
    ("name", "content", "back"),
    [
        ("a.xlsx", workbook([["longitude", "latitude", "date"], [46.71, 39.75, "2019-01-01"]]), 200),
        ("a.csv.gz", gzip.compress(CSV.encode() * 20, mtime=0), 30),
        ("a.csv.gz", gzip.compress(CSV.encode() * 20, mtime=0), 60),
    ],
    ids=["workbook", "end of gzip", "middle of gzip"],
)
def test_a_damaged_archive_is_refused(tmp_path: Path, name: str, content: bytes, back: int) -> None:
    with pytest.raises(InputError, match=r"cannot be read as a workbook|is cut off or damaged"):
        table_of(tmp_path, damaged(content, len(content) - back), name=name)


def test_the_terms_of_use_in_an_archive_are_not_its_data(tmp_path: Path) -> None:
    table, report = table_of(tmp_path, zipped(readme_txt="Terms", a_csv=CSV), name="a.zip")
    assert len(table) == 2
    assert "a.csv of the archive" in report.notes


def test_a_layer_that_is_not_in_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"layer \('b'\) is not in it: it holds a.csv"):
        table_of(tmp_path, zipped(a_csv=CSV), name="a.zip", layer="b")


@pytest.mark.parametrize("separator", ["^", "~", "|"])
def test_rare_separators_are_found(tmp_path: Path, separator: str) -> None:
    assert len(table_of(tmp_path, CSV.replace(",", separator))[0]) == 2


def test_fields_in_single_quotes_are_read(tmp_path: Path) -> None:
    quoted = "\n".join("'" + line.replace(",", "','") + "'" for line in CSV.splitlines())
    table, report = table_of(tmp_path, quoted.replace("2019-01-02", "2 January, 2019"))
    assert len(table) == 2
    assert "fields in single quotes" in report.notes


def test_headings_over_groups_of_columns_are_no_header(tmp_path: Path) -> None:
    heads = [["Register", None, None], ["Place", None, "Event"], ["longitude", "latitude", "date"]]
    rows = [*heads, [46.71, 39.75, "2019-01-01"]]
    table, report = table_of(tmp_path, workbook(rows), name="a.xlsx")
    assert len(table) == 1
    assert any(note.startswith("header read from row 3") for note in report.notes)


def test_a_table_of_other_shapes_is_refused(tmp_path: Path) -> None:
    AREAS.to_file(tmp_path / "a.shp")
    AREAS[:3].to_file(tmp_path / "b.shp")
    (tmp_path / "a.dbf").write_bytes((tmp_path / "b.dbf").read_bytes())
    with pytest.raises(InputError, match=r"has 4 shapes and a\.dbf 3 rows"):
        opened(tmp_path, hazard_areas="a.shp")


@pytest.mark.parametrize(
    ("suffix", "size", "why"),
    [(".dbf", 120, "a.dbf beside it is cut off"), (".dbf", 10, "cut off"), (".shx", 0, "has no .shx beside it")],
)
def test_a_broken_set_of_a_shapefile_names_its_part(tmp_path: Path, suffix: str, size: int, why: str) -> None:
    AREAS.to_file(tmp_path / "a.shp")
    part = tmp_path / f"a{suffix}"
    if size:
        part.write_bytes(part.read_bytes()[:size])
    else:
        part.unlink()
    with pytest.raises(InputError, match=why):
        opened(tmp_path, hazard_areas={"path": "a.shp", "columns": {"hazard_type": "hazard_typ"}})


def test_open_rings_are_closed_and_counted(tmp_path: Path) -> None:
    ring = [list(place) for place in shapely.get_coordinates(DEGREES.geometry[0])[:-1]]
    (tmp_path / "a.geojson").write_text(collection({"type": "Polygon", "coordinates": [ring]}))
    table, report = kept(opened(tmp_path, hazard_areas="a.geojson"), "hazard_areas")
    assert report.repaired == {"open ring": 1}
    assert round(table.area[0]) == 250_000


def test_a_collection_gives_its_polygon_beside_its_label(tmp_path: Path) -> None:
    shapes = DEGREES.geometry[0], DEGREES.geometry[0].representative_point()
    polygon, point = (shapely.geometry.mapping(shape) for shape in shapes)
    (tmp_path / "a.geojson").write_text(collection({"type": "GeometryCollection", "geometries": [point, polygon]}))
    table, report = kept(opened(tmp_path, hazard_areas="a.geojson"), "hazard_areas")
    assert report.repaired == {"geometry collection": 1}
    assert round(table.area[0]) == 250_000


@pytest.mark.parametrize("before", ["", "0x", "\\x"])
def test_hexadecimal_of_databases_is_geometry(before: str) -> None:
    read = parse_geometry(pd.Series([before + box().wkb.hex()]))
    assert read.geometry[0].equals(box())


def test_wkb_in_plain_parquet_is_geometry(tmp_path: Path) -> None:
    pd.DataFrame({"geometry": AREAS.geometry.to_wkb(), "hazard_type": "CHA"}).to_parquet(tmp_path / "a.parquet")
    table, _ = kept(opened(tmp_path, hazard_areas={"path": "a.parquet", "crs": "EPSG:32638"}), "hazard_areas")
    assert len(table) == 4


def test_other_geometry_of_geoparquet_is_named(tmp_path: Path) -> None:
    AREAS.assign(hazard_type="CHA", middle=AREAS.centroid).to_parquet(tmp_path / "a.parquet")
    _, report = kept(opened(tmp_path, hazard_areas="a.parquet"), "hazard_areas")
    assert "geometry from 'geometry'; 'middle' left out" in report.notes


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"numberMatched": 400, "numberReturned": 4}, "400 records in all"),
        ({"totalFeatures": 400}, "400 records in all"),
        ({"links": [{"rel": "next", "href": "x"}]}, "a next page"),
    ],
)  # fmt: skip
def test_pages_of_other_services_say_that_there_is_more(tmp_path: Path, more: dict[str, object], text: str) -> None:
    (tmp_path / "a.geojson").write_text(json.dumps(json.loads(DEGREES.to_json()) | more))
    _, report = kept(opened(tmp_path, hazard_areas="a.geojson"), "hazard_areas")
    assert any(f"there is more ({text})" in note for note in report.notes)


def test_a_whole_answer_of_a_service_says_nothing(tmp_path: Path) -> None:
    whole = json.loads(DEGREES.to_json()) | {"numberMatched": 4, "numberReturned": 4}
    (tmp_path / "a.geojson").write_text(json.dumps(whole))
    _, report = kept(opened(tmp_path, hazard_areas="a.geojson"), "hazard_areas")
    assert not any("there is more" in note for note in report.notes)


def test_a_link_to_another_map_is_no_map(tmp_path: Path) -> None:
    link = "<NetworkLink><Link><href>http://example.org/a.kml</href></Link></NetworkLink>"
    (tmp_path / "a.kml").write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{link}</Document></kml>')
    assert any("holds only a link" in note for note in opened(tmp_path, hazard_areas="a.kml").reports[0].notes)


def test_datums_of_satellites_need_no_shift(tmp_path: Path) -> None:
    AREAS.to_crs(3035).to_file(tmp_path / "a.gpkg")
    _, report = kept(opened(tmp_path, hazard_areas="a.gpkg"), "hazard_areas")
    assert not any("datum shift" in note for note in report.notes)


def test_a_reference_system_of_the_centre_of_the_earth_is_refused(tmp_path: Path) -> None:
    AREAS.to_file(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match="states no usable CRS"):
        opened(tmp_path, hazard_areas={"path": "a.gpkg", "crs": "EPSG:4978"})


@pytest.mark.parametrize("name", ["a.csv", "a.gpkg"])
def test_a_clause_that_fits_no_row_says_what_its_columns_hold(tmp_path: Path, name: str) -> None:
    places = [f"Village {number}" for number in range(12)]
    frame = gpd.GeoDataFrame(
        {"status": ["Open", "Closed"] * 6, "victim_name": ["A Name"] * 12, "place": places},
        geometry=[box(number) for number in range(12)], crs=UTM,
    )  # fmt: skip
    if name.startswith("a.csv"):
        frame.assign(wkt=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(tmp_path / name, index=False)
    else:
        frame.to_file(tmp_path / name)
    where = "status = 'open' AND victim_name = 'x' AND place = 'y'"
    spec = {"path": name, "where": where, "crs": "EPSG:32638"}
    notes = opened(tmp_path, hazard_areas=spec).reports[0].notes
    assert "where selects 0 of 12 rows: status holds 'Closed', 'Open'" in notes
    assert not any("A Name" in note or "Village" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [
        ("a.csv", {"layer": "Sheet1"}, r"has no layers: layer \('Sheet1'\) has no effect"),
        ("a.csv.gz", {"layer": "Sheet1"}, r"has no layers: layer \('Sheet1'\) has no effect"),
        ("a.xlsx", {"encoding": "cp1251"}, "encoding .* has no effect"),
        ("a.parquet", {"encoding": "cp1251"}, "encoding .* has no effect"),
    ],
)
def test_keys_without_an_effect_on_a_table_are_refused(
    tmp_path: Path, name: str, keys: dict[str, str], why: str
) -> None:
    table = pd.DataFrame({"longitude": [46.71], "latitude": [39.75], "date": ["2019-01-01"]})
    if name.startswith("a.csv"):
        table.to_csv(tmp_path / name, index=False)
    elif name == "a.xlsx":
        table.to_excel(tmp_path / name, index=False, engine="xlsxwriter")
    else:
        table.to_parquet(tmp_path / name)
    with pytest.raises(InputError, match=why):
        opened(tmp_path, incidents={"path": name, **keys})
