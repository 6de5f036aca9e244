"""From which day the status of a hazard area counts."""

from datetime import date

import geopandas as gpd
import pyproj
import pytest
from shapely.geometry import box

from features.base.errors import InputError
from features.base.grid import Grid
from features.base.records import known_at
from features.sources.opening import SourcesSettings, open_sources

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 600_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 2_000, NORTH + 2_000), UTM, 1000)


@pytest.mark.parametrize(
    ("more", "undated"),
    [({}, "2021-05-01"), ({"file_date": "2024-07-31"}, "2024-07-31")],
)
def test_a_status_without_a_date_counts_from_the_date_of_its_file(tmp_path, more, undated):
    areas = gpd.GeoDataFrame(
        {
            "hazard_status": ["closed", "cancelled", None],
            "status_date": ["2020-02-03", None, None],
            "record_date": ["2015-01-01", "2015-01-01", "2021-05-01"],
        },
        geometry=[box(EAST + at, NORTH, EAST + at + 100, NORTH + 100) for at in (0, 200, 400)],
        crs=UTM,
    )
    areas.to_file(tmp_path / "areas.gpkg")
    specs = SourcesSettings.model_validate({"hazard_areas": {"path": "areas.gpkg", **more}})
    sources = open_sources(specs, GRID, tmp_path)
    table = sources.vectors["hazard_areas"]
    assert table["status_date"].dt.strftime("%Y-%m-%d").tolist()[:2] == ["2020-02-03", undated]
    assert any(undated in note and "1 statuses without" in note for note in sources.reports[0].notes)
    assert known_at(table, date(2020, 2, 3))["hazard_status"].fillna("").tolist()[0] == "closed"
    assert known_at(table, date(2020, 2, 2))["hazard_status"].isna().all()


def test_statuses_of_a_file_without_any_date_count_always(tmp_path):
    areas = gpd.GeoDataFrame({"hazard_status": ["closed"]}, geometry=[box(EAST, NORTH, EAST + 9, NORTH + 9)], crs=UTM)
    areas.to_file(tmp_path / "areas.gpkg")
    sources = open_sources(SourcesSettings.model_validate({"hazard_areas": "areas.gpkg"}), GRID, tmp_path)
    assert known_at(sources.vectors["hazard_areas"], date(1990, 1, 1))["hazard_status"].tolist() == ["closed"]
    assert any("count at every date" in note for note in sources.reports[0].notes)


def test_a_file_date_is_for_sources_with_a_status_alone():
    with pytest.raises(ValueError, match=r"finds.file_date \(2024-07-31\) is for hazard_areas alone"):
        SourcesSettings.model_validate({"finds": {"path": "finds.csv", "file_date": "2024-07-31"}})


def test_a_table_that_comes_with_the_config_is_read_from_beside_it(tmp_path):
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    data.mkdir()
    (home / "held.csv").write_text(f"holder,E,N\nours,{EAST},{NORTH}\n", encoding="utf-8")
    given = {"path": "held.csv", "crs": "EPSG:32638", "columns": {"longitude": "E", "latitude": "N"}}
    specs = SourcesSettings.model_validate({"control_points": {**given, "beside_config": True}})
    assert open_sources(specs, GRID, data, home).vectors["control_points"]["holder"].tolist() == ["ours"]
    with pytest.raises(InputError, match="no file"):
        open_sources(SourcesSettings.model_validate({"control_points": given}), GRID, data, home)
    with pytest.raises(ValueError, match=r"dem.beside_config \(True\) has no effect on a raster"):
        SourcesSettings.model_validate({"dem": {"path": "dem.tif", "beside_config": True}})
