"""What single features mean: attributes of the nearest line, crossings, classes, trust, recency, covariates."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from features import covariates, front_lines, incidents, land_use, minefield_records, roads, settlements
from features.errors import InputError
from features.info import FeatureContext
from features.known import Known
from tests.sample_country import AS_OF, CONTEXT, CRS, StandIn, Surface, country_grid


def test_front_line_attributes_are_those_of_the_nearest_line():
    grid = country_grid()
    held = pd.to_datetime(pd.Series(["1994-05-12", "2020-11-10", "2023-01-01"])).astype("datetime64[ns]")
    until = pd.to_datetime(pd.Series(["2020-05-12", "2024-01-01", None])).astype("datetime64[ns]")
    west = LineString([(501_000, 3_980_000), (501_000, 4_040_000)])
    east = LineString([(521_000, 3_980_000), (521_000, 4_040_000)])
    unknown = LineString([(511_000, 3_980_000), (511_000, 4_040_000)])
    table = gpd.GeoDataFrame({"held_from": held, "held_to": until}, geometry=[west, east, unknown], crs=CRS)
    dem = Surface("dem")
    columns = front_lines.build(grid, Known(StandIn(grid, {"front_lines": table}, {"dem": dem}), CONTEXT))
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
    columns = roads.build(grid, Known(StandIn(grid, {"roads": road, "front_lines": line}, {}), CONTEXT))
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
    columns = incidents.build(grid, Known(StandIn(grid, {"incidents": bare}, {}), FeatureContext(AS_OF)))
    assert not [name for name in columns if "recent" in name or "casualty" in name or "years" in name]
    dated = bare.assign(date=pd.to_datetime(["2019-06-30"]).astype("datetime64[ns]"), injured=[4])
    columns = incidents.build(grid, Known(StandIn(grid, {"incidents": dated}, {}), FeatureContext(AS_OF)))
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
        incidents.build(grid, Known(StandIn(grid, {"incidents": table}, {}), FeatureContext(AS_OF)))
        for table in (known, vague)
    )
    name = "incident_density_2km_per_km2"
    assert wide[name].max() == pytest.approx(sharp[name].max() / 4, rel=1e-5)


def test_land_use_raster_has_one_column_a_class_in_every_tile():
    grid = country_grid()
    sources = StandIn(grid, {}, {"land_use": Surface("land_use")})
    names = [info.name for info in land_use.described(Known(sources, CONTEXT))]
    assert names == ["land_use_0", "land_use_1", "land_use_2"]
    tile = grid.window(40, 44, 0, 3)
    columns = land_use.build(tile, Known(sources, CONTEXT))
    assert list(columns) == names
    assert (sum(columns.values()) == 1).all()


def test_a_raster_of_measurements_is_refused_as_land_use():
    class Measured(Surface):
        def read(self, grid, resampling="auto"):  # noqa: ARG002
            return np.add.outer(grid.northings_m, grid.eastings_m)

    grid = country_grid()
    with pytest.raises(InputError, match=r"sources.land_use \(cover\) has \d+ different values.*sources.covariates"):
        land_use.build(grid, Known(StandIn(grid, {}, {"land_use": Measured("cover")}), CONTEXT))


def test_point_covariates_reach_one_spacing_and_no_further():
    grid = country_grid()
    places = np.array(
        [(e, n) for e in np.arange(500_500, 510_000, 2000.0) for n in np.arange(4_000_500, 4_010_000, 2000.0)]
    )
    table = gpd.GeoDataFrame({"rain": np.arange(len(places)) * 1.0}, geometry=shapely.points(places), crs=CRS)
    found = covariates.build(grid, Known(StandIn(grid, {}, {}, (table,)), CONTEXT))["rain"][grid.mask]
    apart = np.hypot(*(grid.centres_m()[:, None] - places[None]).transpose(2, 0, 1))
    assert (np.isfinite(found) == (apart.min(axis=1) <= 2000)).all()
    within = np.flatnonzero(np.isfinite(found))
    np.testing.assert_allclose(apart[within, found[within].astype(int)], apart.min(axis=1)[within])


def test_two_covariates_of_one_name_are_refused():
    grid = country_grid()
    with pytest.raises(InputError, match=r"sources\.covariates has wetness more than once"):
        covariates.build(grid, Known(StandIn(grid, {}, {}, (Surface("wetness"), Surface("wetness"))), CONTEXT))


def test_settlements_without_people_have_distances_alone():
    grid = country_grid()
    bare = gpd.GeoDataFrame(geometry=[Point(505_000, 4_005_000)], crs=CRS)
    assert list(settlements.build(grid, Known(StandIn(grid, {"settlements": bare}, {}), CONTEXT))) == [
        "settlement_distance_m",
        "settlement_density_5km_per_km2",
    ]
    planned = bare.assign(population=[0], planned_population=[700])
    assert list(settlements.build(grid, Known(StandIn(grid, {"settlements": planned}, {}), CONTEXT))) == [
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
    columns = settlements.build(grid, Known(StandIn(grid, {"settlements": town}, {}), CONTEXT))
    assert np.nanmax(columns["population_density_2km_per_km2"]) == pytest.approx(2000 / (2 * np.pi * 4), rel=1e-6)
    assert np.nanmin(columns["settlement_1000_distance_m"]) == 0
    assert "settlement_5000_distance_m" not in columns
