"""Mapping files: IMSMA's names and coded values in ours, what is not known reported, and the rules on polygons."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from features.base.errors import ConfigError
from features.base.grid import Grid
from features.sources.crosswalk import read_terms
from features.sources.opening import SourcesSettings, open_sources
from features.sources.quality import longest_edges_m
from features.sources.schema import SCHEMAS
from tests.support.paths import ROOT

IMSMA = ROOT / "configs" / "terms" / "imsma_core.yaml"
UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 500_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 10_000, NORTH + 10_000), UTM, 500)


def opened(folder: Path, **specs):
    return open_sources(SourcesSettings.model_validate(specs), GRID, folder, folder)


def square(column: int, side: float = 400):
    return box(EAST + 500 * column, NORTH, EAST + 500 * column + side, NORTH + side)


def layer(path: Path, geometry: list, **columns) -> None:
    gpd.GeoDataFrame(columns, geometry=geometry, crs=UTM).to_file(path)


def test_an_imsma_layer_is_read_in_our_words(tmp_path):
    layer(
        tmp_path / "hazards.gpkg",
        [square(number) for number in range(4)],
        hazard_localid=["HA-1", "HA-2 ", "HA-3", "HA-4"],
        classification=["Suspected Hazardous Area", "confirmed_hazardous_area", "CHA", "Danger zone"],
        status=["Open", "Handed Over", "Cancelled", "Frozen"],
        ordnance_category=["AP Mine", "Cluster Munition Remnants", None, "Mortars"],
        date_of_report=["2019-03-01", "2020-03-01", "2021-03-01", "2022-03-01"],
        victim_name=["nobody", "nobody", "nobody", "nobody"],
    )
    sources = opened(tmp_path, hazard_areas={"path": "hazards.gpkg", "terms": str(IMSMA)})
    table, report = sources.vectors["hazard_areas"], sources.reports[0]
    assert table["hazard_type"].fillna("").tolist() == ["SHA", "CHA", "CHA", ""]
    assert table["hazard_status"].tolist() == ["open", "handed over", "cancelled", "Frozen"]
    assert table["device_category"].fillna("").tolist() == ["anti-personnel mine", "submunition uxo", "", "uxo"]
    assert table["record_id"].tolist() == ["HA-1", "HA-2", "HA-3", "HA-4"]
    assert table["record_date"].dt.year.tolist() == [2019, 2020, 2021, 2022]
    assert "victim_name" not in table
    assert report.noted == {"hazard_type not in the terms": 1, "hazard_status not in the terms": 1}
    assert any(
        "does not know these values of hazard_type, kept as they are: 'Danger zone' (1)" in n for n in report.notes
    )
    assert any("hazard_type from 'classification'" in note for note in report.notes)


def test_names_cut_by_a_shapefile_are_found(tmp_path):
    layer(
        tmp_path / "release.shp",
        [square(0), square(1)],
        hazreduc_l=["L-1", "L-2"],
        land_relea=["Clearance", "Area Reduced"],
        completion=["2020-01-01", "2021-01-01"],
        clearance_=[0.2, 0.3],
    )
    table = opened(tmp_path, land_release={"path": "release.shp", "terms": str(IMSMA)}).vectors["land_release"]
    assert table["release_type"].tolist() == ["cleared", "reduced"]
    assert table["record_id"].tolist() == ["L-1", "L-2"]
    assert table["end_date"].dt.year.tolist() == [2020, 2021]
    # clearance_method and clearance_depth are both cut to clearance_: nobody can tell which it is.
    assert not {"method", "clearance_depth_m"} & set(table)


def test_a_table_finds_its_coordinates_and_the_config_comes_first(tmp_path):
    longitude, latitude = 45.02, 39.77
    (tmp_path / "accidents.csv").write_text(
        "accident_localid,long_dd,lat_dd,accident_date,when,num_killed,accident_type\n"
        f"A-1,{longitude},{latitude},2019-01-01,2020-02-02,2,Mine/ERW accident\n"
    )
    grid = Grid.from_area(box(EAST - 5_000, NORTH - 5_000, EAST + 5_000, NORTH + 5_000), UTM, 500)
    spec = {"path": "accidents.csv", "terms": str(IMSMA), "columns": {"date": "when"}}
    sources = open_sources(SourcesSettings.model_validate({"incidents": spec}), grid, tmp_path)
    table = sources.vectors["incidents"]
    assert table["date"].dt.year.tolist() == [2020]
    assert table["killed"].tolist() == [2.0]
    assert table["accident_class"].tolist() == ["non_demining"]


def test_what_the_words_mean_is_part_of_the_digest(tmp_path):
    layer(tmp_path / "a.gpkg", [square(0)], klass=["S"])
    digests = []
    for meaning in ("SHA", "CHA"):
        (tmp_path / "t.yaml").write_text(
            f"hazard_areas: {{columns: {{hazard_type: klass}}, values: {{hazard_type: {{S: {meaning}}}}}}}"
        )
        sources = opened(tmp_path, hazard_areas={"path": "a.gpkg", "terms": "t.yaml"})
        assert sources.vectors["hazard_areas"]["hazard_type"].tolist() == [meaning]
        digests.append(sources.reports[0].digest)
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "hazards: {}",
            r"hazards is not known: choose from front_lines, control_areas, .*roads, .*hazard_areas",
        ),
        ("hazard_areas: {column: {}}", r"hazard_areas.column is not known: choose from columns, values"),
        ("hazard_areas: {columns: {kind: a}}", r"hazard_areas.columns.kind is not known: choose from record_id"),
        ("hazard_areas: {values: {hazard_type: {a: DHA}}}", r"hazard_type.DHA is not known: choose from SHA, CHA"),
        ("hazard_areas: {values: {hazard_type: SHA}}", r"must be \{value in the file: our value\}"),
        ("hazard_areas: [", r"not valid YAML"),
        ("!!python/object/apply:os.getcwd []", r"not valid YAML"),
    ],
)
def test_a_wrong_mapping_file_is_refused_with_what_would_do(tmp_path, text, message):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_terms(tmp_path / "t.yaml")


def test_terms_are_asked_for_where_they_are(tmp_path):
    layer(tmp_path / "a.gpkg", [square(0)])
    (tmp_path / "t.yaml").write_text("finds: {}")
    with pytest.raises(ConfigError, match=r"sources.hazard_areas.terms .* has no hazard_areas: it has finds"):
        opened(tmp_path, hazard_areas={"path": "a.gpkg", "terms": "t.yaml"})
    with pytest.raises(ConfigError, match=r"terms \(.*none.yaml\) cannot be read"):
        opened(tmp_path, hazard_areas={"path": "a.gpkg", "terms": "none.yaml"})
    with pytest.raises(ValueError, match=r"dem.terms \('t.yaml'\) has no effect on a raster"):
        SourcesSettings.model_validate({"dem": {"path": "a.tif", "terms": "t.yaml"}})


def test_the_example_covers_every_column_that_imsma_has():
    terms = read_terms(IMSMA)
    for source in ("hazard_areas", "land_release", "finds", "incidents", "survey", "minefield_records"):
        # A find's year is the year of its date, a survey's too; nobody needs another name for it.
        assert set(SCHEMAS[source].columns) - set(terms[source].columns) <= {"year"}, source


def test_ids_and_polygons_given_twice_are_told_apart(tmp_path):
    layer(
        tmp_path / "a.gpkg",
        [square(0), square(0), square(0), square(1), square(2)],
        record_id=["H-1", " H-1", "H-1", "H-2", "H-2"],
        hazard_type=["SHA", "SHA", "CHA", "SHA", "SHA"],
        device_category=["AP", "mine", "AP", "AP", "AP"],
    )
    sources = opened(tmp_path, hazard_areas="a.gpkg")
    report = sources.reports[0]
    assert report.set_aside == {"duplicate id": 1}
    assert report.noted["id of another record"] == 2
    assert report.noted["polygon of another record"] == 1
    assert "duplicate id: row 2" in report.notes
    assert sources.rows["hazard_areas"].tolist() == [1, 3, 4, 5]
    assert report.rows_read == report.rows_kept + sum(report.set_aside.values())


def test_two_items_of_one_find_are_two_records(tmp_path):
    layer(
        tmp_path / "a.gpkg", [Point(EAST, NORTH)] * 2, record_id=["F-1"] * 2, date=["2020-01-01"] * 2,
        eo_category=["AP", "UXO"],
    )  # fmt: skip
    report = opened(tmp_path, finds="a.gpkg").reports[0]
    assert (report.rows_kept, report.noted) == (2, {"id of another record": 1})


def test_a_polygon_of_two_points_has_fewer_than_three_vertices(tmp_path):
    line = Polygon([(EAST, NORTH), (EAST + 100, NORTH), (EAST, NORTH), (EAST + 100, NORTH)])
    layer(tmp_path / "a.gpkg", [line, square(1)])
    assert opened(tmp_path, hazard_areas="a.gpkg").reports[0].set_aside == {"fewer than 3 vertices": 1}


def test_long_edges_and_overlaps_are_noted_and_kept(tmp_path):
    layer(tmp_path / "a.gpkg", [square(0, 5_200), square(11, 400), square(11, 398), square(12, 101)])
    report = opened(tmp_path, land_release="a.gpkg").reports[0]
    assert report.rows_kept == 4
    assert report.noted == {"edge over 5 km": 1, "overlapping polygon": 2}
    assert any("1 pairs share more than 10% of the smaller one, 1 of them more than 90%" in n for n in report.notes)


def test_there_is_no_edge_between_the_parts_of_a_polygon():
    hole = Polygon(square(0, 400).exterior, [box(EAST + 10, NORTH + 10, EAST + 20, NORTH + 20).exterior.coords])
    far = MultiPolygon([hole, shapely.transform(square(0, 50), lambda points: points + 90_000)])
    assert longest_edges_m(np.array([far], dtype=object)).tolist() == [400.0]
