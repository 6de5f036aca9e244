"""Sources that are tables of a PostGIS database; skipped where PostgreSQL, PostGIS or the driver is absent."""

from datetime import date

import pyproj
import pytest
from shapely.geometry import box

from features.base.errors import ConfigError, InputError
from features.base.grid import Grid
from features.sources.opening import open_sources
from features.sources.settings import SourcesSettings
from tests.support.servers import postgres_at

GRID = Grid.from_area(box(500_000, 4_400_000, 510_000, 4_410_000), pyproj.CRS("EPSG:32638"), 500)
TABLES = """
CREATE EXTENSION postgis;
CREATE SCHEMA eo;
CREATE TABLE eo.hazards (id integer PRIMARY KEY, type text, status text, stated date, geom geometry);
INSERT INTO eo.hazards VALUES
 (2, 'CHA', 'open', '2023-05-01', ST_GeomFromText('CURVEPOLYGON(CIRCULARSTRING(
   503000 4403000, 503500 4403500, 504000 4403000, 503500 4402500, 503000 4403000))', 32638)),
 (1, 'SHA', 'closed', '2022-02-03', ST_GeomFromText('POLYGON((501000 4401000, 502000 4401000, 502000 4402000,
   501000 4402000, 501000 4401000))', 32638));
CREATE TABLE twice (id integer, outcome text, place geometry, boundary geometry, entrance geometry);
INSERT INTO twice VALUES (1, 'found', ST_GeomFromText('POINT(501000 4401000)', 900001),
 ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))', 4326), NULL);
CREATE VIEW found AS SELECT 'Ağdam'::text AS place, 2.5::numeric AS depth, '2024-01-02'::date AS date,
 ST_SetSRID(ST_MakePoint(45.05, 39.80), 4326)::geography AS position;
CREATE TABLE "People 1991" (name text, longitude float, latitude float, population integer);
INSERT INTO "People 1991" VALUES ('Füzuli', 45.05, 39.80, 120);
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    psycopg = pytest.importorskip("psycopg")
    with postgres_at(tmp_path_factory.mktemp("postgis")) as given:
        open_to_all = given.replace(":secret@", "@")
        with psycopg.connect(open_to_all) as database:
            if not database.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchone():
                pytest.skip("PostGIS is absent")
            database.execute(TABLES)
        yield open_to_all


def opened(tmp_path, **sources):
    return open_sources(SourcesSettings.model_validate(sources), GRID, tmp_path)


def test_tables_and_views_are_read_with_their_crs_curves_and_dates(address, tmp_path):
    sources = opened(
        tmp_path,
        hazard_areas={
            "path": address,
            "layer": "eo.hazards",
            "columns": {"record_id": "id", "hazard_type": "type", "hazard_status": "status", "status_date": "stated"},
        },
        finds={"path": address, "layer": "found"},
        settlements={"path": address, "layer": "People 1991"},
    )
    areas = sources.vectors["hazard_areas"]
    assert areas["record_id"].tolist() == ["1", "2"]
    # A circle of 500 m about (503500, 4403000), as lines.
    assert areas.geometry.area.tolist() == pytest.approx([1e6, 3.14159 * 500**2], rel=2e-3)
    assert [day.date() for day in areas["status_date"]] == [date(2022, 2, 3), date(2023, 5, 1)]
    assert [day.date() for day in sources.vectors["finds"]["date"]] == [date(2024, 1, 2)]
    assert sources.vectors["settlements"]["population"].tolist() == [120]
    assert {report.path for report in sources.reports} == {address}
    assert len({report.digest for report in sources.reports}) == 3


def test_rows_are_chosen_by_sql_as_in_a_file(address, tmp_path):
    sources = opened(tmp_path, hazard_areas={"path": address, "layer": "eo.hazards", "where": "status = 'open'"})
    assert len(sources.vectors["hazard_areas"]) == 1


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"layer": None}, ConfigError, "name a table as layer. With geometry it has eo.hazards, public.found"),
        ({"layer": "eo.missing"}, InputError, r"layer \('eo.missing'\) is no table of the database"),
        ({"path": "postgresql://anna@127.0.0.1:1/none"}, InputError, "127.0.0.1"),
        ({"path": "postgresql://anna:word@127.0.0.1/none"}, ConfigError, "PGPASSWORD"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(address, tmp_path, change, error, words):
    with pytest.raises(error, match=words) as raised:
        opened(tmp_path, finds={"path": address, "layer": "found"} | change)
    assert "sources.finds" in str(raised.value)
    assert "word@" not in str(raised.value)


def test_other_geometry_of_a_table_is_named_and_an_own_srid_asks_for_a_crs(address, tmp_path):
    with pytest.raises(InputError, match="states no CRS"):
        opened(tmp_path, survey={"path": address, "layer": "twice"})
    report = opened(tmp_path, survey={"path": address, "layer": "twice", "crs": "EPSG:32638"}).reports[0]
    note = (
        "geometry from 'place'; 'boundary', 'entrance' left out: a view may choose another; SRID 900001 is no EPSG code"
    )
    assert note in report.notes
    assert report.rows_kept == 1
