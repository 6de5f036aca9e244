"""One source in several layers or sheets, and its dates under names of its own."""

import zipfile
from datetime import date

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
import shapely

from features.base import Grid
from features.sources import SourcesSettings, open_sources
from mlrisk.intake.looking import Unread, inspect_files
from mlrisk.intake.proposing import propose
from mlrisk.intake.recognisers import recognise

DAY = date(2024, 7, 31)
UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(shapely.box(670_000, 4_370_000, 700_000, 4_400_000), UTM, 1000)
ROWS = pd.DataFrame({"longitude": [47.01, 47.02], "latitude": [39.51, 39.52], "killed": [0, 1], "injured": [1, 0]})


def areas(folder, *layers, file="1.gpkg"):
    for number, name in enumerate(layers):
        box = shapely.box(47 + 0.01 * number, 39.5, 47.005 + 0.01 * number, 39.505)
        frame = gpd.GeoDataFrame({"hazard_id": [name], "hazard_type": ["CHA"]}, geometry=[box], crs=4326)
        frame.to_file(folder / file, layer=name)


def test_layers_of_one_layout_are_one_source(tmp_path):
    areas(tmp_path, "north", "south")
    proposal = propose(tmp_path, "a", DAY)
    assert proposal.sources["hazard_areas"][0]["layer"] == ["north", "south"]
    assert any("layers north, south are read as one source" in doubt for doubt in proposal.doubts)


def test_files_with_other_layers_are_not_joined(tmp_path):
    areas(tmp_path, "north", "south")
    areas(tmp_path, "north", "west", file="2.gpkg")
    proposal = propose(tmp_path, "a", DAY)
    assert proposal.sources["hazard_areas"][0]["path"] == "1.gpkg"
    assert {one.look.path for one, _ in proposal.alternatives} == {"2.gpkg"}


def test_sheets_by_year_are_one_source_and_a_list_of_codes_is_none(tmp_path):
    with pd.ExcelWriter(tmp_path / "1.xlsx", engine="xlsxwriter") as book:
        ROWS.assign(date="2018-01-02").to_excel(book, sheet_name="2018", index=False)
        ROWS.assign(date="2019-01-02").to_excel(book, sheet_name="2019", index=False)
        pd.DataFrame({"code": [1, 2], "meaning": ["a", "b"]}).to_excel(book, sheet_name="codes", index=False)
    proposal = propose(tmp_path, "a", DAY)
    assert proposal.sources["incidents"][0]["layer"] == ["2018", "2019"]
    assert [one.path for one in proposal.unread] == ["1.xlsx (layer codes)"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"accident_date": "03.05.2019", "entry_date": "2020-01-01"},
            {"date": "accident_date", "recorded_date": "entry_date"},
        ),
        ({"Дата аварии": "3 мая 2019"}, {"date": "Дата аварии"}),
        ({"Fecha": "03/05/2019"}, {"date": "Fecha"}),
        ({"hadisə_tarixi": "3 may 2019"}, {"date": "hadisə_tarixi"}), ({"data_source": "police"}, {}),
        ({"year": 2019, "updated": "2020-01-01"}, {}),
    ],
)  # fmt: skip
def test_dates_are_found_by_names_and_values(tmp_path, columns, expected):
    ROWS.assign(**columns).to_csv(tmp_path / "1.csv", index=False)
    (look,) = inspect_files(tmp_path)
    assert not isinstance(look, Unread)
    (one,) = recognise(look)
    assert one.spec["columns"] == expected
    assert all(any(f"{ours} is read from" in doubt for doubt in one.doubts) for ours in expected)


def geofabrik(folder):
    """A zip of a free extract of Geofabrik: a shapefile for each layer, places as points and as polygons."""
    box, line = shapely.box(47, 39.5, 47.1, 39.6), shapely.LineString([(47, 39.5), (47.1, 39.6)])
    layers = {
        "roads": (5113, "primary", line), "places": (1003, "village", shapely.Point(47.05, 39.55)),
        "places_a": (1003, "village", box), "landuse_a": (7201, "forest", box), "waterways": (8101, "river", line),
        "traffic": (5201, "traffic_signals", shapely.Point(47.05, 39.55)),
    }  # fmt: skip
    for name, (code, fclass, shape) in layers.items():
        columns = {"osm_id": ["1"], "code": [code], "fclass": [fclass], "name": ["Birinci"]}
        frame = gpd.GeoDataFrame(columns, geometry=[shape], crs=4326)
        frame.to_file(folder / f"gis_osm_{name}_free_1.shp")
    with zipfile.ZipFile(folder / "1.zip", "w") as archive:
        for file in sorted(folder.glob("gis_osm_*")):
            archive.write(file, file.name)
            file.unlink()
        archive.writestr("README", "Terms")


def test_each_shapefile_of_a_zip_is_a_source(tmp_path):
    geofabrik(tmp_path)
    proposal = propose(tmp_path, "a", DAY)
    layers = {source: specs[0]["layer"] for source, specs in proposal.sources.items()}
    assert layers == {
        "roads": "gis_osm_roads_free_1.shp", "settlements": "gis_osm_places_free_1.shp",
        "land_use": "gis_osm_landuse_a_free_1.shp", "rivers": "gis_osm_waterways_free_1.shp",
    }  # fmt: skip
    sources = SourcesSettings.model_validate({name: specs[0] for name, specs in proposal.sources.items()})
    reports = open_sources(sources, GRID, tmp_path).reports
    assert {report.source: report.rows_kept for report in reports} == dict.fromkeys(layers, 1)
    reasons = {one.look.layer: why for one, why in proposal.alternatives}
    assert reasons["gis_osm_traffic_free_1.shp"] == "no source takes it"
