"""Properties that hold for every feature of every family."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from features import covariates, front_lines, incidents, land_use, terrain
from features.info import LONGEST_DISTANCE_M, FeatureContext
from features.known import Known
from tests.sample_country import AS_OF, CONTEXT, FAMILIES, built, country, country_grid, with_vector


def assert_same(found, expected, **tolerance):
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name, **tolerance)


def infos(sources, context=CONTEXT):
    fixed = [info for family in FAMILIES for info in family.FEATURES]
    return [*fixed, *land_use.described(Known(sources, context)), *covariates.described(Known(sources, context))]


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
        for name, array in family.build(tile, Known(sources, CONTEXT)).items():
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
        arrays = incidents.build(grid, Known(with_vector(sources, source, more), CONTEXT))
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
    columns = terrain.build(grid, Known(country(), CONTEXT))
    hole = grid.locate(np.array([505_250.0]), np.array([4_005_250.0]))[0]
    for name, array in columns.items():
        rows, places = np.nonzero(np.isnan(array))
        near = name in ("slope_deg", "northness", "eastness", "ruggedness_m", "roughness_m") or "curvature" in name
        # Its nine directions of the land, of 3 x 3 cells each, make vector ruggedness one of 5 x 5.
        touched = 25 if name == "vector_ruggedness" else 9 if near else 1
        assert len(rows) == touched, name
        assert np.isin(hole, rows * grid.shape[1] + places), name
