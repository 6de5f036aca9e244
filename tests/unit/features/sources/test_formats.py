"""One table in every format that authorities hand over; what is no file to read is named for what it is."""

import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from features.base import InputError
from features.sources.kinds import kind_of
from tests.support.source_files import BOTTOM, LEFT, UTM, box, kept, opened, table_of

DAYS = [f"2019-05-{number + 1:02}" for number in range(6)]
POINTS = [shapely.Point(LEFT + 1000 * number + 500, BOTTOM + 500) for number in range(6)]
FRAME = gpd.GeoDataFrame({"date": DAYS, "killed": range(6)}, geometry=POINTS, crs=UTM)
DEGREES = FRAME.to_crs(4326)
CSV = "longitude,latitude,date,killed\n" + "".join(
    f"{point.x},{point.y},{day},{number}\n"
    for number, (point, day) in enumerate(zip(DEGREES.geometry, DAYS, strict=True))
)


def as_written(driver: str) -> bytes:
    stream = io.BytesIO()
    DEGREES.to_file(stream, driver=driver)
    return stream.getvalue()


def zipped(**members: str | bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


def workbook(header: bool = True, titles: int = 0, text: bool = False) -> bytes:
    stream = io.BytesIO()
    table = pd.read_csv(io.StringIO(CSV))
    with pd.ExcelWriter(stream, engine="xlsxwriter") as writer:
        (table.astype(str) if text else table).to_excel(writer, index=False, startrow=titles, header=header)
        for row in range(titles):
            writer.book.worksheets()[0].write(row, 0, "Register of accidents")
    return stream.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


FILES = {
    "a.csv": CSV.encode(), "a.dat": CSV.encode(), "a": CSV.encode(), "a.tsv": CSV.replace(",", "\t").encode(),
    "a.csv.gz": gzip.compress(CSV.encode(), mtime=0), "a.geojson.gz": gzip.compress(as_written("GeoJSON"), mtime=0),
    "a.zip": zipped(export__a_csv=CSV), "b.zip": zipped(export__a_geojson=as_written("GeoJSON")),
    "a.xlsx": workbook(), "titles.xlsx": workbook(titles=2), "text.xlsx": workbook(text=True), "a.xls": workbook(),
    "text.xls": CSV.replace(",", "\t").encode(), "c.csv": workbook(),
    "a.parquet": parquet(DEGREES), "plain.parquet": parquet(pd.read_csv(io.StringIO(CSV))),
    "a.gpkg": as_written("GPKG"), "a.fgb": as_written("FlatGeobuf"), "a.geojsonl": as_written("GeoJSONSeq"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_same_records_in_every_format(tmp_path: Path, name: str) -> None:
    table, report = table_of(tmp_path, FILES[name], name=name)
    assert (report.rows_read, report.rows_kept) == (6, 6)
    # FlatGeobuf orders records by place.
    table = table.sort_values("date")
    assert [str(day)[:10] for day in table["date"]] == DAYS
    assert table["killed"].tolist() == list(range(6))
    assert shapely.distance(table.geometry.to_numpy(), FRAME.geometry.to_numpy()).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.csv.gz", "a.zip", "a.gpkg"])
def test_a_where_clause_works_on_all_of_them(tmp_path: Path, name: str) -> None:
    _, report = table_of(tmp_path, FILES[name], name=name, where="killed > 3")
    assert report.rows_kept == 2
    assert "where selects 2 of 6 rows" in report.notes


def test_texts_of_a_map_are_not_compared_as_days(tmp_path: Path) -> None:
    texts = [day[8:] + "." + day[5:7] + "." + day[:4] for day in DAYS]
    DEGREES.assign(day=texts).to_file(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match=r"compares day with a date as text, and it is written otherwise \(row 1\)"):
        opened(tmp_path, incidents={"path": "a.gpkg", "where": "day >= '2019-05-03'"})
    spec = {"path": "a.gpkg", "where": "date >= '2019-05-03'"}
    assert kept(opened(tmp_path, incidents=spec), "incidents")[1].rows_kept == 4


def test_a_column_whose_name_is_no_utf_8_is_told_with_and_without_a_clause(tmp_path: Path) -> None:
    content = as_written("GeoJSON").replace(b'"killed"', b'"kil\xffled"')
    for where in ({}, {"where": "date > 5"}):
        with pytest.raises(InputError, match=r"cannot be read as a map or table.*(utf-8|UTF-8)"):
            table_of(tmp_path, content, name="a.geojson", **where)


def test_an_archive_of_several_files_asks_which(tmp_path: Path) -> None:
    both = zipped(a__one_csv=CSV, b__two_csv=CSV)
    with pytest.raises(InputError, match=r"holds 2 files \(a/one.csv, b/two.csv\): name one as layer"):
        table_of(tmp_path, both, name="a.zip")
    assert len(table_of(tmp_path, both, name="a.zip", layer="two")[0]) == 6
    assert len(table_of(tmp_path, both, name="a.zip", layer="b/two.csv")[0]) == 6


def test_several_layers_are_one_source(tmp_path: Path) -> None:
    for number, name in enumerate(("north", "south")):
        one = gpd.GeoDataFrame({"hazard_type": ["CHA"]}, geometry=[box(number)], crs=UTM)
        one.to_file(tmp_path / "a.gpkg", layer=name)
    table, report = kept(opened(tmp_path, hazard_areas={"path": "a.gpkg", "layer": ["north", "south"]}), "hazard_areas")
    assert (len(table), report.rows_read) == (2, 2)


def test_a_page_of_a_service_that_has_more_says_so(tmp_path: Path) -> None:
    page = json.loads(DEGREES.to_json()) | {"exceededTransferLimit": True}
    _, report = table_of(tmp_path, json.dumps(page).encode(), name="a.geojson")
    assert any("says there is more" in note for note in report.notes)


def test_tags_of_openstreetmap_become_columns(tmp_path: Path) -> None:
    roads = gpd.GeoDataFrame(
        {"highway": ["track", "primary"], "other_tags": ['"bridge"=>"yes","surface"=>"dirt"', None]},
        geometry=[shapely.LineString([POINTS[0], POINTS[1]]), shapely.LineString([POINTS[2], POINTS[3]])], crs=UTM,
    )  # fmt: skip
    roads.to_file(tmp_path / "roads.gpkg")
    table, report = kept(opened(tmp_path, roads={"path": "roads.gpkg", "columns": {"road_class": "highway"}}), "roads")
    assert table["bridge"].tolist() == [True, False]
    assert "from other_tags: bridge" in report.notes


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.geojson", b"<!DOCTYPE html><html>Sign in</html>", "it is a web page"),
        ("a.gpkg", b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type"', "JSON that is cut off"),
        ("a.gpkg", b"%PDF-1.4", "it is a PDF"), ("a.gpkg", b"", "it is empty"), ("a.csv", b"", "is empty"),
        ("a.xls", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 2000, "cannot be read as a workbook"),
        ("a.parquet", b"PAR1" + b"\0" * 90, "cannot be read as Parquet"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 90, "cannot be unpacked"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:60], "cut off"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_for_what_it_is(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        table_of(tmp_path, content, name=name)


@pytest.mark.parametrize("source", ["incidents", "dem", "covariates"])
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path, source: str) -> None:
    os.mkfifo(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "a.tif")
    (tmp_path / "b.csv").symlink_to("/dev/zero")
    for name in ("a.csv", "b.csv") if source == "incidents" else ("a.tif",):
        spec = [{"path": name}] if source == "covariates" else name
        with pytest.raises(InputError, match="a pipe, a socket or a device"):
            opened(tmp_path, **{source: spec})


def test_a_shapefile_without_its_table_says_nothing_of_land_release(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"end_date": ["2019-05-01"]}, geometry=[box()], crs=UTM).to_file(tmp_path / "a.shp")
    (tmp_path / "a.dbf").unlink()
    with pytest.raises(InputError, match=r"a\.shp has no .dbf beside it"):
        opened(tmp_path, land_release="a.shp")
    assert any("has no .dbf" in note for note in opened(tmp_path, buildings="a.shp").reports[0].notes)


@pytest.mark.parametrize(
    ("encoding", "stated", "note"),
    [
        ("cp1251", None, "encoding cp1251, the likeliest"), ("cp1251", "1251", ""), ("utf-8", None, ""),
        ("utf-8", "ISO-8859-1", "texts are UTF-8, although ISO-8859-1 is stated"),
    ],
)  # fmt: skip
def test_the_texts_of_a_shapefile_are_read_in_their_encoding(
    tmp_path: Path, encoding: str, stated: str | None, note: str
) -> None:
    names = ["Агдам", "Физули", "Шуша"]
    frame = gpd.GeoDataFrame({"name": names}, geometry=POINTS[:3], crs=UTM)
    frame.to_file(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    if stated:
        (tmp_path / "a.cpg").write_text(stated)
    content = bytearray((tmp_path / "a.dbf").read_bytes())
    content[29] = 0
    (tmp_path / "a.dbf").write_bytes(bytes(content))
    table, report = kept(opened(tmp_path, settlements="a.shp"), "settlements")
    assert table["name"].tolist() == names
    assert any(note in text for text in (*report.notes, ""))
    given, _ = kept(opened(tmp_path, settlements={"path": "a.shp", "encoding": encoding}), "settlements")
    assert given["name"].tolist() == names


def test_a_broken_prj_is_named(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").write_text('PROJCS["WGS_1984_UTM_Zone_38N",GEOGCS["GCS_WGS_1984"')
    with pytest.raises(InputError, match=r"a\.prj beside it is broken"):
        opened(tmp_path, incidents="a.shp")


def test_a_datum_without_a_known_shift_is_noted(tmp_path: Path) -> None:
    known = "+proj=tmerc +lat_0=0 +lon_0=45 +k=1 +x_0=8500000 +y_0=0 +ellps=krass +units=m +no_defs"
    FRAME.to_crs("EPSG:28408").to_file(tmp_path / "a.gpkg")
    _, report = kept(opened(tmp_path, incidents={"path": "a.gpkg", "crs": known}), "incidents")
    assert any(note.startswith("no datum shift known from") for note in report.notes)


def test_the_kind_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    kinds = {
        name: kind_of(tmp_path / name) for name in ("a.csv", "c.csv", "text.xls", "a", "a.zip", "a.gpkg", "a.parquet")
    }
    assert list(kinds.values()) == ["text", "sheet", "text", "text", "archive", "map", "parquet"]


def track(points: list[shapely.Point]) -> str:
    fixes = "".join(
        f'<wpt lat="{at.y}" lon="{at.x}"><time>{day}T08:00:00Z</time></wpt>'
        for at, day in zip(points, DAYS, strict=True)
    )
    return f'<gpx version="1.1" creator="a" xmlns="http://www.topografix.com/GPX/1/1">{fixes}</gpx>'


def topology(points: list[shapely.Point]) -> str:
    rows = [
        {"type": "Point", "coordinates": [at.x, at.y], "properties": {"date": day}}
        for at, day in zip(points, DAYS, strict=True)
    ]
    return json.dumps(
        {"type": "Topology", "arcs": [], "objects": {"accidents": {"type": "GeometryCollection", "geometries": rows}}}
    )


MAPS: dict[str, tuple[bytes, dict[str, object]]] = {
    "a.gpx": (track(list(DEGREES.geometry)).encode(), {"layer": "waypoints", "columns": {"date": "time"}}),
    "a.topojson": (topology(list(DEGREES.geometry)).encode(), {"crs": "EPSG:4326"}),
    "a.kml": (as_written("KML"), {}),
    "a.gml": (as_written("GML"), {}),
    "a.jml": (as_written("JML"), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_maps_that_only_some_programs_write(tmp_path: Path, name: str) -> None:
    content, spec = MAPS[name]
    table, report = table_of(tmp_path, content, name=name, **spec)
    assert report.rows_kept == 6
    assert sorted(str(day)[:10] for day in table["date"]) == DAYS
    assert shapely.distance(table.geometry.to_numpy(), FRAME.geometry.to_numpy()).max() < 0.01


def test_lines_of_a_drawing_take_the_crs_of_the_config(tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString(POINTS[:3]), shapely.LineString(POINTS[3:])], crs=UTM)
    lines.to_file(tmp_path / "lines.dxf", driver="DXF")
    table, report = kept(opened(tmp_path, front_lines={"path": "lines.dxf", "crs": UTM.to_string()}), "front_lines")
    assert report.rows_kept == 2
    assert table.geometry.length.tolist() == pytest.approx([2000, 2000])
    with pytest.raises(InputError, match="states no CRS: give crs"):
        opened(tmp_path, front_lines={"path": "lines.dxf"})


def test_a_sheet_of_libreoffice_is_a_table(tmp_path: Path) -> None:
    plain = pd.read_csv(io.StringIO(CSV))
    pyogrio.write_dataframe(plain, tmp_path / "a.ods", driver="ODS")
    table, report = table_of(tmp_path, (tmp_path / "a.ods").read_bytes(), name="a.ods")
    assert report.rows_kept == 6
    assert table["killed"].tolist() == list(range(6))


def test_blanks_in_the_cells_of_a_sheet_stay(tmp_path: Path) -> None:
    """A text in two colours keeps the blank between its parts."""
    pyogrio.write_dataframe(pd.read_csv(io.StringIO(CSV)).assign(activity="PLACE"), tmp_path / "a.ods", driver="ODS")
    made = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "a.ods") as book, zipfile.ZipFile(made, "w") as anew:
        for name in book.namelist():
            parts = b"<text:span>near</text:span> <text:span>Fuzuli</text:span>"
            anew.writestr(name, book.read(name).replace(b"PLACE", parts))
    table, _ = table_of(tmp_path, made.getvalue(), name="b.ods")
    assert set(table["activity"]) == {"near Fuzuli"}


def test_an_extract_of_openstreetmap_is_read_by_layer(tmp_path: Path) -> None:
    nodes = "".join(
        f'<node id="{n}" lat="{at.y}" lon="{at.x}" version="1"/>' for n, at in enumerate(DEGREES.geometry, 1)
    )
    way = (
        '<way id="9" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="track"/><tag k="tunnel" v="yes"/></way>'
    )
    (tmp_path / "a.osm").write_text(f'<osm version="0.6" generator="a">{nodes}{way}</osm>')
    roads = {"path": "a.osm", "layer": "lines", "columns": {"road_class": "highway"}}
    table, report = kept(opened(tmp_path, roads=roads), "roads")
    assert report.rows_kept == 1
    assert table["road_class"].tolist() == ["track"]
