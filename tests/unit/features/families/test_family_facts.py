"""What single features mean: attributes of the nearest line, crossings, classes, trust, recency, covariates."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from features.as_of.events import are_mines, are_uxo
from features.as_of.snapshot import Snapshot
from features.base.errors import InputError
from features.base.feature_info import FeatureContext
from features.families import (
    covariates,
    front_lines,
    hazard_areas,
    incidents,
    land_use,
    minefield_records,
    roads,
    settlements,
    surveyed,
)
from features.geometry.layers import layer_of
from features.geometry.line_shape import OPPOSITE_REACH_M
from tests.support.sample_country import AS_OF, CONTEXT, CRS, StandIn, Surface, country_grid


def test_front_line_attributes_are_those_of_the_nearest_line():
    grid = country_grid()
    held = pd.to_datetime(pd.Series(["1994-05-12", "2020-11-10", "2023-01-01"])).astype("datetime64[ns]")
    until = pd.to_datetime(pd.Series(["2020-05-12", "2024-01-01", None])).astype("datetime64[ns]")
    west = LineString([(501_000, 3_980_000), (501_000, 4_040_000)])
    east = LineString([(521_000, 3_980_000), (521_000, 4_040_000)])
    unknown = LineString([(511_000, 3_980_000), (511_000, 4_040_000)])
    table = gpd.GeoDataFrame({"held_from": held, "held_to": until}, geometry=[west, east, unknown], crs=CRS)
    dem = Surface("dem")
    columns = front_lines.build(grid, Snapshot(StandIn(grid, {"front_lines": table}, {"dem": dem}), CONTEXT))
    row, near_west, near_east = 20, 5, 35
    assert columns["front_line_years_held"][row, near_west] == pytest.approx(26.0, abs=0.01)
    assert columns["front_line_years_held"][row, near_east] == pytest.approx(1.635, abs=0.01)  # cut at as_of
    assert columns["front_line_distance_m"][row, near_west] == pytest.approx(1750)
    height = dem.read(grid.expanded(2))[2:-2, 2:-2]
    expected = height[row, near_west] - height[row, 2]
    assert columns["front_line_height_m"][row, near_west] == pytest.approx(expected, rel=1e-4)


def test_road_crossings_are_where_the_road_meets_the_line():
    grid = country_grid()
    road = gpd.GeoDataFrame(geometry=[LineString([(480_000, 4_010_000), (540_000, 4_010_000)])], crs=CRS)
    line = gpd.GeoDataFrame(geometry=[LineString([(507_000, 3_980_000), (507_000, 4_040_000)])], crs=CRS)
    columns = roads.build(grid, Snapshot(StandIn(grid, {"roads": road, "front_lines": line}, {}), CONTEXT))
    expected = np.hypot(*(grid.centres_m() - (507_000, 4_010_000)).T)
    np.testing.assert_allclose(columns["road_front_line_crossing_distance_m"][grid.mask], expected, rtol=1e-6)


def test_road_classes_fall_into_groups_and_unknown_networks_are_main_roads():
    known = np.array(["motorway_link", "residential", "path", "a1", ""])
    assert roads.class_groups(known).tolist() == ["major", "minor", "track", "", ""]
    assert roads.class_groups(np.array(["a1", "m road", ""])).tolist() == ["major", "major", ""]


def test_trust_is_the_records_own_else_its_districts_else_the_default():
    shapes = [Point(1, 1), Point(1, 1), Point(11, 1), Point(50, 50)]
    table = gpd.GeoDataFrame({"record_trust": [0.9, None, None, None]}, geometry=shapes, crs=CRS)
    districts = gpd.GeoDataFrame(
        {"record_trust": [0.4, None]}, geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs=CRS
    )
    places = shapely.get_coordinates(shapes)
    assert minefield_records.trust(table, places, districts).tolist() == [0.9, 0.4, 0.25, 0.25]
    assert minefield_records.trust(table, places, None).tolist() == [0.9, 0.25, 0.25, 0.25]


def test_abandoned_are_named_so_or_empty_with_a_planned_return():
    table = gpd.GeoDataFrame(
        {"population": [0, 0, 5, None, None], "planned_population": [10, 0, 10, 10, None],
         "place": ["village", "village", "village", None, "Abandoned village"]},
        geometry=[Point(i, 0) for i in range(5)], crs=CRS,
    )  # fmt: skip
    assert settlements.is_abandoned(table).tolist() == [True, False, False, False, True]


def test_recent_and_casualty_densities_need_dates_and_casualties():
    grid = country_grid()
    bare = gpd.GeoDataFrame(geometry=[Point(505_000, 4_005_000)], crs=CRS)
    columns = incidents.build(grid, Snapshot(StandIn(grid, {"incidents": bare}, {}), FeatureContext(AS_OF)))
    assert not [name for name in columns if "recent" in name or "casualty" in name or "years" in name]
    dated = bare.assign(date=pd.to_datetime(["2019-06-30"]).astype("datetime64[ns]"), injured=[4])
    columns = incidents.build(grid, Snapshot(StandIn(grid, {"incidents": dated}, {}), FeatureContext(AS_OF)))
    plain = columns["incident_density_5km_per_km2"][grid.mask]
    np.testing.assert_allclose(columns["incident_recent_density_5km_3y_per_km2"][grid.mask], plain / 2, rtol=1e-3)
    np.testing.assert_allclose(columns["incident_recent_density_5km_1y_per_km2"][grid.mask], plain / 8, rtol=1e-3)
    np.testing.assert_allclose(columns["incident_casualty_density_5km_per_km2"][grid.mask], plain * 4, rtol=1e-6)
    assert columns["incident_years_since_5km"][-10, 10] == pytest.approx(3, abs=0.01)
    assert columns["incident_count_5km"].max() == 1


def test_a_location_error_widens_the_kernel():
    grid = country_grid()
    known = gpd.GeoDataFrame({"location_error_m": [0.0]}, geometry=[Point(505_250, 4_005_250)], crs=CRS)
    vague = known.assign(location_error_m=[2000.0 * np.sqrt(3)])
    sharp, wide = (
        incidents.build(grid, Snapshot(StandIn(grid, {"incidents": table}, {}), FeatureContext(AS_OF)))
        for table in (known, vague)
    )
    name = "incident_density_2km_per_km2"
    assert wide[name].max() == pytest.approx(sharp[name].max() / 4, rel=1e-5)


def test_land_use_raster_has_one_column_a_class_in_every_tile():
    grid = country_grid()
    sources = StandIn(grid, {}, {"land_use": Surface("land_use")})
    names = [info.name for info in land_use.described(Snapshot(sources, CONTEXT))]
    assert names == ["land_use_0", "land_use_1", "land_use_2"]
    tile = grid.window(40, 44, 0, 3)
    columns = land_use.build(tile, Snapshot(sources, CONTEXT))
    assert list(columns) == names
    assert (sum(columns.values()) == 1).all()


def test_classes_in_every_script_have_columns_of_their_own():
    grid = country_grid()
    names = ["Meşə", "Meše", "лес", "поле", "مزرعة", "farmland"]
    left, bottom = grid.bounds[:2]
    shapes = [box(left + 2e3 * n, bottom, left + 2e3 * n + 1e3, bottom + 1e4) for n in range(len(names))]
    table = gpd.GeoDataFrame({"land_use": names}, geometry=shapes, crs=grid.crs)
    snapshot = Snapshot(StandIn(grid, {"land_use": table}, {}), CONTEXT)
    infos = land_use.described(snapshot)
    columns = land_use.build(grid, snapshot)
    classes = {info.name for info in infos}
    assert len(classes) == len(names)
    assert classes <= set(columns)
    assert all(columns[name].max() == 1 for name in classes)
    assert "land_use_farmland" in classes
    assert {f"land use is {name.lower()}" for name in names} == {info.text for info in infos}


def test_a_raster_of_measurements_is_refused_as_land_use():
    class Measured(Surface):
        def read(self, grid, resampling="auto"):  # noqa: ARG002
            return np.add.outer(grid.northings_m, grid.eastings_m)

    grid = country_grid()
    with pytest.raises(InputError, match=r"sources.land_use \(cover\) has \d+ different values.*sources.covariates"):
        land_use.build(grid, Snapshot(StandIn(grid, {}, {"land_use": Measured("cover")}), CONTEXT))


def test_point_covariates_reach_one_spacing_and_no_further():
    grid = country_grid()
    places = np.array(
        [(e, n) for e in np.arange(500_500, 510_000, 2000.0) for n in np.arange(4_000_500, 4_010_000, 2000.0)]
    )
    table = gpd.GeoDataFrame({"rain": np.arange(len(places)) * 1.0}, geometry=shapely.points(places), crs=CRS)
    found = covariates.build(grid, Snapshot(StandIn(grid, {}, {}, (table,)), CONTEXT))["rain"][grid.mask]
    apart = np.hypot(*(grid.centres_m()[:, None] - places[None]).transpose(2, 0, 1))
    assert (np.isfinite(found) == (apart.min(axis=1) <= 2000)).all()
    within = np.flatnonzero(np.isfinite(found))
    np.testing.assert_allclose(apart[within, found[within].astype(int)], apart.min(axis=1)[within])


def test_two_covariates_of_one_name_are_refused():
    grid = country_grid()
    with pytest.raises(InputError, match=r"sources\.covariates has wetness more than once"):
        covariates.build(grid, Snapshot(StandIn(grid, {}, {}, (Surface("wetness"), Surface("wetness"))), CONTEXT))


def test_settlements_without_people_have_distances_alone():
    grid = country_grid()
    bare = gpd.GeoDataFrame(geometry=[Point(505_000, 4_005_000)], crs=CRS)
    assert list(settlements.build(grid, Snapshot(StandIn(grid, {"settlements": bare}, {}), CONTEXT))) == [
        "settlement_distance_m",
        "settlement_density_5km_per_km2",
    ]
    planned = bare.assign(population=[0], planned_population=[700])
    assert list(settlements.build(grid, Snapshot(StandIn(grid, {"settlements": planned}, {}), CONTEXT))) == [
        "settlement_distance_m",
        "planned_return_distance_m",
        "abandoned_settlement_distance_m",
        "settlement_density_5km_per_km2",
        "planned_population_density_2km_per_km2",
        "planned_population_density_5km_per_km2",
    ]


def test_population_density_is_people_under_a_gaussian():
    grid = country_grid()
    town = gpd.GeoDataFrame({"population": [2000]}, geometry=[Point(505_250, 4_005_250)], crs=CRS)
    columns = settlements.build(grid, Snapshot(StandIn(grid, {"settlements": town}, {}), CONTEXT))
    assert np.nanmax(columns["population_density_2km_per_km2"]) == pytest.approx(2000 / (2 * np.pi * 4), rel=1e-6)
    assert np.nanmin(columns["settlement_1000_distance_m"]) == 0
    assert "settlement_5000_distance_m" not in columns


def test_periods_sides_and_shifts_of_front_lines():
    grid = country_grid()
    held = pd.to_datetime(pd.Series(["1992-01-01", "1994-01-01", "2020-09-27"])).astype("datetime64[ns]")
    until = pd.to_datetime(pd.Series(["1994-01-01", "2020-09-27", None])).astype("datetime64[ns]")
    lines = [LineString([(east, 3_980_000), (east, 4_040_000)]) for east in (502_000, 506_000, 514_000)]
    table = gpd.GeoDataFrame(
        {"held_from": held, "held_to": until, "front_side": ["left", None, "right"]}, geometry=lines
    )
    columns = front_lines.build(grid, Snapshot(StandIn(grid, {"front_lines": table.set_crs(CRS)}, {}), CONTEXT))
    row, east = 20, grid.eastings_m
    inside = grid.mask[row]
    recent = np.abs(np.array([[506_000], [514_000]]) - east).min(axis=0)
    np.testing.assert_allclose(columns["front_line_held_5y_distance_m"][row][inside], recent[inside])
    shifts = (np.abs(np.array([[502_000], [506_000], [514_000]]) - east) < 5000).sum(axis=0)
    np.testing.assert_array_equal(columns["front_line_shifts_5km"][row][inside], shifts[inside])
    # Lines run north: the left is the west, and the middle line does not say.
    signed = np.where(np.abs(502_000 - east) < np.abs(514_000 - east), 502_000 - east, east - 514_000)
    np.testing.assert_allclose(columns["front_line_side_distance_m"][row][inside], signed[inside])
    assert (columns["front_line_bend_deg"][grid.mask] < 1e-3).all()
    between = (np.abs(504_000 - east) < OPPOSITE_REACH_M - 2000) & inside
    np.testing.assert_allclose(columns["no_mans_land_width_m"][row][between], 4000.0)


def test_rivers_cross_lines_and_roads_where_they_meet():
    grid = country_grid()

    def along(easting=None, northing=None):
        path = [(easting, 3_980_000), (easting, 4_040_000)] if easting else [(480_000, northing), (540_000, northing)]
        return gpd.GeoDataFrame(geometry=[LineString(path)], crs=CRS)

    vectors = {
        "rivers": along(northing=4_010_000),
        "front_lines": along(easting=507_000),
        "roads": along(easting=512_000),
    }
    snapshot = Snapshot(StandIn(grid, vectors, {}), CONTEXT)
    columns = front_lines.build(grid, snapshot) | roads.build(grid, snapshot)
    for name, easting in (("river_front_line_crossing", 507_000), ("river_crossing", 512_000)):
        expected = np.hypot(*(grid.centres_m() - (easting, 4_010_000)).T)
        np.testing.assert_allclose(columns[f"{name}_distance_m"][grid.mask], expected, rtol=1e-6)


def test_kinds_of_devices_are_told_by_whole_words():
    table = pd.DataFrame(
        {"device_category": ["Anti-personnel mine", "AT", "UXO/ERW", "determined", None, "Mina", "Cluster munition"]}
    )
    assert are_mines(table, "device_category").tolist() == [True, True, False, False, False, True, False]
    assert are_uxo(table, "device_category").tolist() == [False, False, True, False, False, False, True]


def test_found_share_is_the_weighed_share_of_jobs_that_found_and_nan_where_nobody_searched():
    grid = country_grid()
    survey = gpd.GeoDataFrame(
        {"outcome": ["found", "searched", "searched", "unknown"]}, geometry=[Point(505_250, 4_005_250)] * 4, crs=CRS
    )
    far = gpd.GeoDataFrame({"ap_mines": [0]}, geometry=[box(475_000, 3_975_000, 475_100, 3_975_100)], crs=CRS)
    sources = StandIn(grid, {"survey": survey, "land_release": far}, {})
    columns = surveyed.build(grid, Snapshot(sources, FeatureContext(AS_OF)))
    near = np.hypot(*(grid.centres_m() - (505_250, 4_005_250)).T) < 10_000
    np.testing.assert_allclose(columns["found_share_5km"][grid.mask][near], 1 / 3, rtol=1e-6)
    assert np.isnan(columns["found_share_5km"][grid.mask]).any()


def test_hazard_density_is_the_share_of_land_and_types_have_their_distances():
    grid = country_grid()
    areas = gpd.GeoDataFrame(
        {"hazard_type": ["CHA", "SHA"]},
        geometry=[Point(505_250, 4_005_250).buffer(800), Point(516_250, 4_005_250).buffer(400)],
        crs=CRS,
    )
    columns = hazard_areas.build(grid, Snapshot(StandIn(grid, {"hazard_areas": areas}, {}), FeatureContext(AS_OF)))
    share = columns["hazard_area_density_2km_share"][grid.mask].sum() * 0.25
    assert share == pytest.approx(areas.area.sum() / 1e6, rel=0.03)
    centres = shapely.points(grid.centres_m())
    for name, number in (("confirmed_hazard", 0), ("suspected_hazard", 1)):
        expected = shapely.distance(centres, areas.geometry.iloc[number])
        np.testing.assert_allclose(columns[f"{name}_distance_m"][grid.mask], expected, rtol=1e-6, atol=1e-3)


def test_junctions_are_where_three_roads_meet_and_not_where_one_bends():
    cross = [
        LineString([(0, 0), (100, 0), (200, 0)]),
        LineString([(100, 0), (100, 90)]),
        LineString([(200, 0), (300, 9)]),
    ]
    assert roads.junctions(layer_of(np.array(cross))).tolist() == [[100.0, 0.0]]
