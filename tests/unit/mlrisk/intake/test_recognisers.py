"""Each form of open data and of records is recognised by its content, under a meaningless name."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from mlrisk.intake.finding import Finding
from mlrisk.intake.looking import Unread, inspect_files
from mlrisk.intake.recognisers import recognise
from tests.support.open_data_files import raster, relief

BOX = [shapely.box(47 + 0.1 * n, 39.5, 47.1 + 0.1 * n, 39.7) for n in range(3)]
LINE = [shapely.LineString([(47, 39.5), (47.1, 39.6 + 0.01 * n)]) for n in range(3)]
POINT = [shapely.Point(47 + 0.1 * n, 39.6) for n in range(3)]


def found(folder) -> dict[str, Finding]:
    """Findings of the only file of a folder, by source."""
    findings = [one for look in inspect_files(folder) if not isinstance(look, Unread) for one in as_findings(look)]
    return {one.source: one for one in findings}


def as_findings(look):
    recognised = recognise(look)
    return () if isinstance(recognised, Unread) else recognised


def text(folder, content: str) -> dict[str, Finding]:
    (folder / "1.csv").write_text(content, encoding="utf-8")
    return found(folder)


def layer(folder, geometry, file="1.gpkg", **columns) -> dict[str, Finding]:
    gpd.GeoDataFrame(pd.DataFrame(columns), geometry=geometry, crs="EPSG:4326").to_file(folder / file)
    return found(folder)


def test_acled(tmp_path):
    header = "event_id_cnty,event_date,year,event_type,sub_event_type,actor1,latitude,longitude,fatalities"
    one = text(tmp_path, f"{header}\nAZE1,03 May 2020,2020,Battles,Armed clash,A,39.6,47.1,2\n")["conflict_events"]
    assert one.spec["columns"] == {"date": "event_date"}


@pytest.mark.parametrize(
    ("header", "row", "source"),
    [
        ("hazard_localid,classification,status,long_dd,lat_dd", "HA-1,SHA,open,47.1,39.6", "hazard_areas"),
        ("accident_localid,date_of_accident,number_killed,lon,lat", "A-1,2001-05-01,1,47.1,39.6", "incidents"),
        ("hazreducdeviceinfo_guid,date_found,ordnancecategory,qty,lon,lat", "g,2001-05-01,AP,1,47.1,39.6", "finds"),
    ],
)
def test_tables_of_imsma(tmp_path, header, row, source):
    one = text(tmp_path, f"{header}\n{row}\n")[source]
    assert one.spec["terms"] == "imsma_core.yaml"


def test_land_release_of_imsma(tmp_path):
    one = layer(tmp_path, BOX, hazreduc_localid=list("abc"), hazreductype=["Clearance"] * 3)["land_release"]
    assert one.spec["terms"] == "imsma_core.yaml"


def test_hot_export_of_roads(tmp_path):
    one = layer(tmp_path, LINE, osm_id=[1, 2, 3], highway=["primary", "track", "path"], surface=[None] * 3)["roads"]
    assert one.spec == {"columns": {"road_class": "highway"}}


@pytest.mark.parametrize(
    ("geometry", "code", "fclass", "source"),
    [
        (LINE, 5113, "primary", "roads"),
        (LINE, 8101, "river", "rivers"),
        (POINT, 1003, "village", "settlements"),
        (BOX, 7201, "forest", "land_use"),
        (BOX, 1500, "building", "buildings"),
    ],
)
def test_layers_of_geofabrik(tmp_path, geometry, code, fclass, source):
    columns = {"osm_id": ["1", "2", "3"], "code": [code] * 3, "fclass": [fclass] * 3, "name": [None] * 3}
    assert set(layer(tmp_path, geometry, "1.shp", **columns)) == {source}


def test_gadm_takes_the_names_of_the_finest_level(tmp_path):
    columns = {"GID_0": ["AZE"] * 3, "GID_1": list("abc"), "NAME_1": list("abc"), "GID_2": list("def")}
    one = layer(tmp_path, BOX, **columns, NAME_2=list("xyz"))["districts"]
    assert one.spec["columns"] == {"name": "NAME_2"}


def test_scattered_polygons_with_names_are_no_districts(tmp_path):
    lakes = [shapely.Point(47 + n, 39 + n % 2).buffer(0.02) for n in range(3)]
    assert layer(tmp_path, lakes, name=["a", "b", "c"]) == {}


def test_suspected_and_confirmed_areas_by_their_words(tmp_path):
    one = layer(tmp_path, BOX, art=["Suspected area", "Confirmed hazardous area", "Suspected area"])["hazard_areas"]
    assert one.spec["columns"] == {"hazard_type": "art"}
    words = {"Suspected area": "SHA", "Confirmed hazardous area": "CHA"}
    assert one.spec["values"] == {"hazard_type": words}


def test_front_lines_by_name_leave_other_lines_out(tmp_path):
    one = layer(tmp_path, LINE, title=["Line of Contact 1994", "border", "oblast"])["front_lines"]
    assert one.spec["where"] == "\"title\" IN ('Line of Contact 1994')"
    assert one.spec["values"] == {"kind": "line_of_contact"}


def test_world_cover_is_land_use(tmp_path):
    classes = np.random.default_rng(1).choice(np.array([10, 30, 40, 50, 80], dtype=np.uint8), (80, 80))
    raster(tmp_path / "1.tif", classes, 47.0, 39.7, 1 / 12000, 0)
    assert set(found(tmp_path)) == {"land_use"}


def test_people_in_mollweide_are_those_of_ghsl(tmp_path):
    rng = np.random.default_rng(2)
    people = np.where(rng.random((90, 90)) < 0.06, rng.gamma(2, 30, (90, 90)), 0.0)
    profile = {"driver": "GTiff", "count": 1, "height": 90, "width": 90, "dtype": "float64", "nodata": -200.0}
    place = Affine(100.0, 0.0, 4_500_000.0, 0.0, -100.0, 4_700_000.0)
    with rasterio.open(tmp_path / "1.tif", "w", crs="ESRI:54009", transform=place, **profile) as dataset:
        dataset.write(people, 1)
    one = found(tmp_path)["covariates"]
    assert "GHSL" in one.what
    assert one.spec["resampling"] == "sum"


def test_heights_of_srtm_with_an_undeclared_marker(tmp_path):
    heights = relief(120, 120).astype(np.int16)
    heights[:10, :10] = -32768
    raster(tmp_path / "1.tif", heights, 47.0, 39.7, 1 / 1200)
    assert found(tmp_path)["dem"].what == f"elevation, {heights[10:].min()} to {heights[10:].max()} m"


def test_a_raster_of_slopes_is_doubted(tmp_path):
    raster(tmp_path / "1.tif", relief(120, 120) / 40, 47.0, 39.7, 1 / 1200)
    assert any("slopes" in doubt for doubt in found(tmp_path)["dem"].doubts)


def test_who_held_each_place_by_date_is_taken_as_control_points(tmp_path):
    one = text(tmp_path, "name,held_by,date,lon,lat\nA,one side,1993-01-01,47.1,39.6\n")["control_points"]
    assert one.spec["columns"]["holder"] == "held_by"
