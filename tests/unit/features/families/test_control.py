"""Who held the land: sides of the line, nobody's land, and the names that holders give to columns."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, box

from features.as_of.snapshot import Snapshot
from features.base.errors import InputError
from features.base.names import column_names
from features.families import control
from features.sources.schema import SCHEMAS
from features.sources.settings import SourcesSettings
from tests.support.sample_country import CONTEXT, CRS, StandIn, country_grid

WEST, EAST = box(480e3, 3980e3, 508e3, 4040e3), box(508e3, 3980e3, 516e3, 4040e3)


def areas(shapes, holders):
    return gpd.GeoDataFrame({"holder": holders}, geometry=shapes, crs=CRS)


def columns_of(table, **others):
    grid = country_grid()
    snapshot = Snapshot(StandIn(grid, {"control_areas": table, **others}, {}), CONTEXT)
    columns = control.build(grid, snapshot)
    assert {info.name for info in control.described(snapshot)} == set(columns)
    return {name: array[grid.mask] for name, array in columns.items()}


def test_the_sign_of_the_distance_is_the_side_and_nobodys_land_is_unknown():
    line = gpd.GeoDataFrame(geometry=[LineString([(507_000, 3_900_000), (507_000, 4_100_000)])], crs=CRS)
    found = columns_of(areas([WEST, EAST], ["Srpska", "Federacija BiH"]), front_lines=line)
    east = country_grid().centres_m()[:, 0]
    nobody = east > 516_000
    assert 0 < nobody.sum() < len(east)
    west = np.where(nobody, np.nan, east < 508_000)
    np.testing.assert_array_equal(found["held_by_srpska"], west)
    np.testing.assert_array_equal(found["held_by_federacija_bih"], 1 - west)
    signed = np.where(east < 508_000, 1, -1) * np.abs(east - 507_000)
    np.testing.assert_allclose(found["front_line_side_of_srpska_m"], np.where(nobody, np.nan, signed))
    np.testing.assert_allclose(found["front_line_side_of_federacija_bih_m"], np.where(nobody, np.nan, -signed))
    assert (found["front_line_side_of_srpska_m"] > 0).sum() > (found["held_by_srpska"] == 1).sum() - 5


def test_without_a_line_there_are_no_sides_and_rows_without_a_holder_are_nobodys():
    found = columns_of(areas([WEST, EAST], ["A", None]))
    assert list(found) == ["held_by_a"]
    assert np.isnan(found["held_by_a"][country_grid().centres_m()[:, 0] > 508_000]).all()


def test_areas_of_one_holder_are_one_and_overlaps_are_of_both():
    found = columns_of(areas([WEST, EAST, box(500e3, 3980e3, 516e3, 4040e3)], ["a", " A ", "b"]))
    assert list(found) == ["held_by_a", "held_by_b"]
    both = (found["held_by_a"] == 1) & (found["held_by_b"] == 1)
    np.testing.assert_array_equal(both, country_grid().centres_m()[:, 0] < 516_000)


def test_names_of_columns_are_ascii_and_differ():
    names = ["република српска", "федерација", "armée a", "armee a", "a+", "a-", "", "_", "ermənistan", "łódź"]
    slugs = column_names(names)
    assert len(set(slugs.values())) == len(names)
    assert all(slug.isascii() and slug == slug.strip("_").lower() and slug for slug in slugs.values())
    assert slugs["ermənistan"] == "ermenistan"
    assert slugs["łódź"] == "lodz"
    assert slugs["armée a"].startswith("armee_a_")
    one, both = column_names(["front север"]), column_names(["front север", "front юг"])
    assert one["front север"] == both["front север"] != both["front юг"]
    assert column_names(["федерација"])["федерација"] == slugs["федерација"]


def test_districts_are_refused_as_holders():
    shapes = shapely.box(500e3 + 100 * np.arange(13), 4e6, 500e3 + 100 * np.arange(13) + 50, 4.01e6)
    assert len(columns_of(areas(shapes[:12], [f"h{n}" for n in range(12)]))) == 12
    with pytest.raises(InputError, match=r"sources\.control_areas has 13 different holders: at most 12; take"):
        columns_of(areas(shapes, [f"h{n}" for n in range(13)]))


def test_the_source_has_a_place_in_the_configuration_and_needs_its_holder():
    settings = SourcesSettings(control_areas={"path": "entities.geojson", "columns": {"holder": "shapeName"}})
    assert settings.control_areas.columns == {"holder": "shapeName"}
    assert SCHEMAS["control_areas"].required == ("holder",)
