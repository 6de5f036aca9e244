"""Properties that hold for every feature of every family."""

from dataclasses import dataclass, replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from features import (
    conflict_events,
    covariates,
    front_lines,
    incidents,
    land_use,
    minefield_records,
    roads,
    settlements,
    terrain,
)
from features.errors import InputError
from features.grid import Grid, projected_crs
from features.info import LONGEST_DISTANCE_M, FeatureContext

CRS = projected_crs("EPSG:32638")
AS_OF = date(2022, 6, 30)
CONTEXT = FeatureContext(AS_OF, frozenset({"incidents", "finds"}), 5000.0)
FAMILIES = (
    terrain, front_lines, roads, incidents, conflict_events, settlements, land_use, minefield_records, covariates,
)  # fmt: skip
CELLS = 48


@dataclass(frozen=True)
class Surface:
    """A raster that is a formula of the cell centre, with one hole."""

    name: str

    def read(self, grid, resampling="auto"):
        east, north = np.meshgrid(grid.eastings_m, grid.northings_m)
        if resampling == "nearest":
            return np.floor(east / 3e3) % 3
        height = 900 + 300 * np.sin(east / 2900) * np.cos(north / 1700) + east % 977 / 10
        return np.where((abs(east - 505_250) < 1) & (abs(north - 4_005_250) < 1), np.nan, height)


@dataclass(frozen=True)
class StandIn:
    """What builders read of Sources."""

    grid: Grid
    vectors: dict
    rasters: dict
    covariates: tuple = ()


def country_grid(cells=CELLS):
    """An area with a ragged border, its lower left corner at (500 km, 4,000 km)."""
    rows, columns = np.mgrid[:CELLS, :CELLS]
    mask = ((rows - 24) ** 2 + (columns - 20) ** 2 < 600) | (columns < 9)
    return Grid(CRS, 500.0, 1000, 8000, mask).window(CELLS - cells, CELLS, 0, cells)


def points(rng, count, **columns):
    places = rng.uniform((490e3, 3990e3), (534e3, 4034e3), (count, 2))
    return gpd.GeoDataFrame(columns, geometry=shapely.points(places), crs=CRS)


def lines(rng, count, **columns):
    paths = [
        rng.uniform((495e3, 3995e3), (529e3, 4029e3)) + rng.normal(0, 1500, (9, 2)).cumsum(0) for _ in range(count)
    ]
    return gpd.GeoDataFrame(columns, geometry=[LineString(path) for path in paths], crs=CRS)


def polygons(rng, count, **columns):
    return gpd.GeoDataFrame(columns, geometry=points(rng, count).buffer(rng.uniform(300, 2500, count)), crs=CRS)


def days(rng, count, undated=0.0):
    dates = pd.Series(pd.Timestamp("1992-01-01") + pd.to_timedelta(rng.integers(0, 11_000, count), unit="D"))
    return dates.astype("datetime64[ns]").mask(rng.random(count) < undated)


def country(seed=0, grid=None):
    rng = np.random.default_rng(seed)
    kinds = np.array([*front_lines.KINDS, "line_of_contact"])
    vectors = {
        "front_lines": lines(rng, 5, kind=kinds, held_from=days(rng, 5), held_to=days(rng, 5, 0.5)),
        "roads": lines(
            rng, 12, road_class=rng.choice(["primary", "residential", "track", "odd"], 12), bridge=rng.random(12) < 0.3
        ),
        "incidents": points(
            rng, 60, date=days(rng, 60, 0.4), killed=rng.integers(0, 3, 60), injured=rng.integers(0, 4, 60),
            location_error_m=rng.choice([np.nan, 500.0], 60),
        ),
        "finds": points(rng, 50, date=days(rng, 50, 0.4)),
        "conflict_events": points(rng, 80, date=days(rng, 80), fatalities=rng.integers(0, 90, 80)),
        "settlements": points(
            rng, 40, population=rng.choice([0, 50, 1500, 9000], 40), planned_population=rng.choice([0, 300], 40)
        ),
        "land_use": polygons(rng, 25, land_use=rng.choice(["Farmland", "orchard", "forest"], 25)),
        "rivers": lines(rng, 4), "power_lines": lines(rng, 2), "buildings": polygons(rng, 30),
        "minefield_records": polygons(rng, 15, record_trust=rng.choice([np.nan, 0.7], 15), record_date=days(rng, 15)),
        "districts": gpd.GeoDataFrame({"record_trust": [0.1]}, geometry=[box(490e3, 3990e3, 510e3, 4034e3)], crs=CRS),
    }  # fmt: skip
    tables = (Surface("wetness"), points(rng, 300, rain=rng.random(300), name=["a"] * 300))
    return StandIn(grid or country_grid(), vectors, {"dem": Surface("dem")}, tables)


def built(sources, tile=None, context=CONTEXT):
    tile = tile or sources.grid
    columns = {}
    for family in FAMILIES:
        columns |= family.build(tile, sources, context)
    return {name: array[tile.mask] for name, array in columns.items()}


def with_vector(sources, name, table):
    return replace(sources, vectors=sources.vectors | {name: table})


def assert_same(found, expected, **tolerance):
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name, **tolerance)


def infos(sources, context=CONTEXT):
    fixed = [info for family in FAMILIES for info in family.FEATURES]
    return [*fixed, *land_use.described(sources, context), *covariates.described(sources, context)]


def test_every_column_is_described_and_every_description_has_its_column():
    sources = country()
    described = infos(sources)
    names = [info.name for info in described]
    assert len(names) == len(set(names))
    assert set(built(sources)) == set(names)
    assert len(names) >= 60
    assert {info.trend for info in described} == {-1, 0, 1}
    assert all(info.unit and info.text and info.family for info in described)


def test_columns_are_float32_on_the_tile_and_finite_except_where_nan_has_a_meaning():
    sources = country()
    tile = country_grid().window(3, 30, 5, 26)
    may_miss = {"incident_years_since_5km", "front_line_years_held", "rain"}
    for family in FAMILIES:
        for name, array in family.build(tile, sources, CONTEXT).items():
            assert array.shape == tile.shape, name
            assert array.dtype == np.float32, name
            missing = np.isnan(array[tile.mask]).sum()
            from_dem = family is terrain or name in ("front_line_height_m", "wetness")
            assert missing <= (9 if from_dem else 0) or name in may_miss, name
            if name.endswith("distance_m"):
                assert array[tile.mask].min() >= 0, name
                assert array[tile.mask].max() <= LONGEST_DISTANCE_M, name


@pytest.mark.parametrize("tile_cells", [17, 32])
def test_values_do_not_depend_on_tile_borders(tile_cells):
    sources = country(1)
    whole = built(sources)
    position = {cell: number for number, cell in enumerate(sources.grid.cell_ids())}
    for tile in sources.grid.tiles(tile_cells):
        here = [position[cell] for cell in tile.cell_ids()]
        part = built(sources, tile)
        assert_same(part, {name: values[here] for name, values in whole.items()}, rtol=1e-5, atol=0)
        for name, values in part.items():
            if "density" not in name:  # sums by matrix products may round differently, everything else may not
                np.testing.assert_array_equal(values, whole[name][here], err_msg=name)


def test_a_larger_area_changes_nothing_for_the_cells_that_stay():
    small, large = country(2, country_grid(26)), country(2)
    before, after = built(small), built(large)
    stay = np.isin(large.grid.cell_ids(), small.grid.cell_ids())
    assert 0 < stay.sum() < len(stay)
    assert_same({name: values[stay] for name, values in after.items()}, before, rtol=1e-5, atol=0)


DATED = {
    "incidents": ("date", "recorded_date"),
    "finds": ("date", "recorded_date"),
    "conflict_events": ("date",),
    "minefield_records": ("record_date", "recorded_date"),
    "front_lines": ("held_from", "recorded_date"),
    "roads": ("recorded_date",),
    "settlements": ("recorded_date",),
    "land_use": ("recorded_date",),
    "rivers": ("recorded_date",),
}


@pytest.mark.parametrize(("source", "column"), [(name, column) for name, all_ in DATED.items() for column in all_])
def test_a_record_after_as_of_changes_no_feature(source, column):
    sources = country(3)
    expected = built(sources)
    table = sources.vectors[source].copy()
    if column not in table:
        table[column] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    later = table.head(3).copy()
    middle = later.geometry.iloc[0].centroid
    later["geometry"] = later.geometry.translate(508_100 - middle.x, 4_010_100 - middle.y)
    later[column] = pd.Timestamp("2022-07-01")
    more = pd.concat([later, table], ignore_index=True)
    assert_same(built(with_vector(sources, source, more)), expected, rtol=0, atol=0)
    later[column] = pd.Timestamp("2022-06-30")
    known = built(with_vector(sources, source, pd.concat([later, table], ignore_index=True)))
    assert any(not np.array_equal(known[name], expected[name], equal_nan=True) for name in expected)


OWN_FEATURES = {"incidents": "incident_", "finds": "find_"}


@pytest.mark.parametrize("source", OWN_FEATURES)
@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("change", ["add", "remove", "move"])
def test_a_cells_own_records_change_none_of_its_features(source, dated, change):
    rng = np.random.default_rng(7)
    sources = country(4)
    grid, table = sources.grid, sources.vectors[source]
    number = int(rng.integers(grid.n_cells))
    centre = grid.centres_m()[number]
    size = 500.0 if dated else 5000.0
    corner = np.floor(centre / size) * size
    own = table.head(4).copy()
    own["date"] = pd.Timestamp("2022-05-01") if dated else pd.NaT
    own["geometry"] = shapely.points(corner + rng.uniform(0, size, (4, 2)))
    moved = own.copy()
    moved["geometry"] = shapely.points(corner + rng.uniform(0, size, (4, 2)))
    before, after = {"add": (None, own), "remove": (own, None), "move": (own, moved)}[change]

    def with_own(records):
        more = table if records is None else pd.concat([table, records.astype(table.dtypes)], ignore_index=True)
        arrays = incidents.build(grid, with_vector(sources, source, more), CONTEXT)
        return {name: array[grid.mask] for name, array in arrays.items()}

    first, second = with_own(before), with_own(after)
    names = [name for name in first if name.startswith(OWN_FEATURES[source])]
    assert len(names) >= 3
    for name in names:
        np.testing.assert_allclose(second[name][number], first[name][number], rtol=1e-6, atol=0, err_msg=name)
    assert any(not np.array_equal(first[name], second[name], equal_nan=True) for name in names)


@pytest.mark.parametrize("source", OWN_FEATURES)
def test_own_records_count_where_the_source_makes_no_label(source):
    sources = country(5)
    plain = built(sources, context=FeatureContext(AS_OF))
    name = f"{OWN_FEATURES[source]}distance_m"
    assert plain[name].min() < built(sources)[name].min()


def test_the_own_block_is_as_wide_as_the_context_says():
    sources = country(5)
    table = sources.vectors["incidents"].assign(date=pd.NaT).astype({"date": "datetime64[ns]"})
    sources = with_vector(sources, "incidents", table)
    narrow = built(sources, context=replace(CONTEXT, own_block_m=1000.0))["incident_distance_m"]
    wide = built(sources, context=replace(CONTEXT, own_block_m=10_000.0))["incident_distance_m"]
    assert (narrow <= wide).all()
    assert narrow.mean() < wide.mean()


COLUMNS_OF = {
    "front_lines": ("front_line_", "road_front_line_", *(f"{kind}_distance" for kind in front_lines.KINDS)),
    "roads": ("road_", "major_road_", "minor_road_", "track_", "bridge_"),
    "incidents": ("incident_",),
    "finds": ("find_",),
    "conflict_events": ("conflict_",),
    "settlements": ("settlement_", "population_", "planned_", "abandoned_"),
    "land_use": ("land_use_", "farmland_", "orchard_"),
    "rivers": ("river_",),
    "power_lines": ("power_line_",),
    "buildings": ("building_",),
    "minefield_records": ("minefield_record_",),
}


@pytest.mark.parametrize("source", COLUMNS_OF)
def test_a_missing_source_drops_its_columns_and_only_these(source):
    sources = country(6)
    expected = built(sources)
    fewer = replace(sources, vectors={name: table for name, table in sources.vectors.items() if name != source})
    kept = {name: values for name, values in expected.items() if not name.startswith(COLUMNS_OF[source])}
    assert len(kept) < len(expected)
    assert_same(built(fewer), kept, rtol=0, atol=0)


def test_without_a_dem_terrain_and_height_above_the_line_are_missing():
    sources = country(6)
    gone = set(built(sources)) - set(built(replace(sources, rasters={})))
    assert gone == {info.name for info in terrain.FEATURES} | {"front_line_height_m"}


def test_a_source_without_a_known_record_is_far_away_and_empty():
    sources = country(6)
    empty = replace(sources, vectors={name: table.head(0) for name, table in sources.vectors.items()})
    found = built(empty)
    for name, values in found.items():
        if name.endswith("distance_m"):
            assert (values == LONGEST_DISTANCE_M).all(), name
        elif "density" in name or "count" in name:
            assert (values == 0).all(), name
    assert "incident_distance_m" in found
    assert "road_density_1km_km_per_km2" in found


def test_the_hole_of_the_dem_touches_its_neighbours_alone():
    grid = country_grid()
    columns = terrain.build(grid, country(), CONTEXT)
    hole = grid.locate(np.array([505_250.0]), np.array([4_005_250.0]))[0]
    for name, array in columns.items():
        rows, places = np.nonzero(np.isnan(array))
        near = name in ("slope_deg", "northness", "eastness", "ruggedness_m") or "curvature" in name
        assert len(rows) == (9 if near else 1), name
        assert np.isin(hole, rows * grid.shape[1] + places), name


def test_front_line_attributes_are_those_of_the_nearest_line():
    grid = country_grid()
    held = pd.to_datetime(pd.Series(["1994-05-12", "2020-11-10", "2023-01-01"])).astype("datetime64[ns]")
    until = pd.to_datetime(pd.Series(["2020-05-12", "2024-01-01", None])).astype("datetime64[ns]")
    west = LineString([(501_000, 3_980_000), (501_000, 4_040_000)])
    east = LineString([(521_000, 3_980_000), (521_000, 4_040_000)])
    unknown = LineString([(511_000, 3_980_000), (511_000, 4_040_000)])
    table = gpd.GeoDataFrame({"held_from": held, "held_to": until}, geometry=[west, east, unknown], crs=CRS)
    dem = Surface("dem")
    columns = front_lines.build(grid, StandIn(grid, {"front_lines": table}, {"dem": dem}), CONTEXT)
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
    columns = roads.build(grid, StandIn(grid, {"roads": road, "front_lines": line}, {}), CONTEXT)
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
    columns = incidents.build(grid, StandIn(grid, {"incidents": bare}, {}), FeatureContext(AS_OF))
    assert not [name for name in columns if "recent" in name or "casualty" in name or "years" in name]
    dated = bare.assign(date=pd.to_datetime(["2019-06-30"]).astype("datetime64[ns]"), injured=[4])
    columns = incidents.build(grid, StandIn(grid, {"incidents": dated}, {}), FeatureContext(AS_OF))
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
        incidents.build(grid, StandIn(grid, {"incidents": table}, {}), FeatureContext(AS_OF))
        for table in (known, vague)
    )
    name = "incident_density_2km_per_km2"
    assert wide[name].max() == pytest.approx(sharp[name].max() / 4, rel=1e-5)


def test_land_use_raster_has_one_column_a_class_in_every_tile():
    grid = country_grid()
    sources = StandIn(grid, {}, {"land_use": Surface("land_use")})
    names = [info.name for info in land_use.described(sources, CONTEXT)]
    assert names == ["land_use_0", "land_use_1", "land_use_2"]
    tile = grid.window(40, 44, 0, 3)
    columns = land_use.build(tile, sources, CONTEXT)
    assert list(columns) == names
    assert (sum(columns.values()) == 1).all()


def test_a_raster_of_measurements_is_refused_as_land_use():
    class Measured(Surface):
        def read(self, grid, resampling="auto"):  # noqa: ARG002
            return np.add.outer(grid.northings_m, grid.eastings_m)

    grid = country_grid()
    with pytest.raises(InputError, match=r"sources.land_use \(cover\) has \d+ different values.*sources.covariates"):
        land_use.build(grid, StandIn(grid, {}, {"land_use": Measured("cover")}), CONTEXT)


def test_point_covariates_reach_one_spacing_and_no_further():
    grid = country_grid()
    places = np.array(
        [(e, n) for e in np.arange(500_500, 510_000, 2000.0) for n in np.arange(4_000_500, 4_010_000, 2000.0)]
    )
    table = gpd.GeoDataFrame({"rain": np.arange(len(places)) * 1.0}, geometry=shapely.points(places), crs=CRS)
    found = covariates.build(grid, StandIn(grid, {}, {}, (table,)), CONTEXT)["rain"][grid.mask]
    apart = np.hypot(*(grid.centres_m()[:, None] - places[None]).transpose(2, 0, 1))
    assert (np.isfinite(found) == (apart.min(axis=1) <= 2000)).all()
    within = np.flatnonzero(np.isfinite(found))
    np.testing.assert_allclose(apart[within, found[within].astype(int)], apart.min(axis=1)[within])


def test_two_covariates_of_one_name_are_refused():
    grid = country_grid()
    with pytest.raises(InputError, match=r"sources\.covariates has wetness more than once"):
        covariates.build(grid, StandIn(grid, {}, {}, (Surface("wetness"), Surface("wetness"))), CONTEXT)
