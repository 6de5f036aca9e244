"""The digest of a file moves with everything that is read in its place."""

import sqlite3
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from features.base.errors import InputError
from features.sources import digests
from features.sources.digests import digest_files, parts_of
from features.sources.readers import read_rows
from features.sources.report import Tally
from features.sources.settings import SourceSpec


def points(number):
    return gpd.GeoDataFrame({"n": range(number)}, geometry=shapely.points(range(number), 0), crs="EPSG:4326")


def rows(path):
    return len(read_rows("survey", path, SourceSpec(path=str(path)), Tally()).table)


def test_a_shapefile_with_brackets_in_its_name_has_all_its_files(tmp_path):
    path = tmp_path / "roads[1].shp"
    points(2).to_file(path)
    assert {part.suffix for part in parts_of(path)} == {".shp", ".shx", ".dbf", ".prj", ".cpg"}
    assert parts_of(path)[0] == path
    before = digest_files((path,))
    path.with_suffix(".dbf").write_bytes(path.with_suffix(".dbf").read_bytes() + b" ")
    assert digest_files((path,)) != before


def test_rows_that_a_geopackage_has_not_yet_taken_in_count(tmp_path):
    path = tmp_path / "survey.gpkg"
    points(2).to_file(path, layer="survey")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        before = digest_files((path,)), rows(path)
        # The triggers of the spatial index need functions that plain SQLite lacks.
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.commit()
        held = path.read_bytes()
        database.execute("INSERT INTO survey (n, geom) SELECT n, geom FROM survey LIMIT 1")
        database.execute("UPDATE gpkg_ogr_contents SET feature_count = 3")
        database.commit()
        assert path.read_bytes() == held
        assert rows(path) == before[1] + 1
        assert digest_files((path,)) != before[0]
    database.close()


def test_a_mapinfo_table_is_more_than_its_head(tmp_path):
    path = tmp_path / "survey.tab"
    points(2).to_file(path, driver="MapInfo File")
    before, numbers = digest_files((path,)), path.with_suffix(".dat")
    numbers.write_bytes(numbers.read_bytes()[:-1] + b"9")
    assert digest_files((path,)) != before


def test_a_virtual_table_is_what_it_is_made_of(tmp_path):
    table, path = tmp_path / "survey.csv", tmp_path / "survey.vrt"
    table.write_text("n,x,y\n1,44,40\n")
    path.write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="survey"><SrcDataSource relativeToVRT="1">survey.csv</SrcDataSource>'
        '<GeometryField encoding="PointFromColumns" x="x" y="y"/></OGRVRTLayer></OGRVRTDataSource>'
    )
    before = digest_files((path,)), rows(path)
    table.write_text("n,x,y\n1,44,40\n2,44,40\n")
    assert rows(path) == before[1] + 1
    assert digest_files((path,)) != before[0]
    assert parts_of(path, strict=True) == [path, table]
    path.write_text(path.read_text().replace("survey.csv", "/vsizip/survey.zip"))
    assert parts_of(path) == [path]
    with pytest.raises(InputError, match=r"survey\.zip, which is no local file"):
        parts_of(path, strict=True)


def reads_of(path, monkeypatch):
    """How often the file is opened while the digest is taken."""
    opened, real = [], Path.open
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda self, *given: opened.append(self) or real(self, *given))
        digest = digest_files((path,))
    return digest, opened.count(path)


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "YOUNG_SECONDS", -1.0)
    path = tmp_path / "finds.csv"
    path.write_text("a,b\n", encoding="utf-8")
    first, reads = reads_of(path, monkeypatch)
    assert reads == 1
    assert reads_of(path, monkeypatch) == (first, 0)
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    other, reads = reads_of(path, monkeypatch)
    assert (other != first, reads) == (True, 1)


def test_a_file_that_has_just_changed_is_read_each_time(tmp_path, monkeypatch):
    path = tmp_path / "finds.csv"
    path.write_text("a,b\n", encoding="utf-8")
    assert [reads_of(path, monkeypatch)[1] for _ in range(2)] == [1, 1]
