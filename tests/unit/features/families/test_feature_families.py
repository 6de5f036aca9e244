"""Properties that hold for every feature of every family."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from features.as_of.coarse_blocks import MARGIN_M
from features.as_of.snapshot import Snapshot
from features.base.feature_info import LONGEST_DISTANCE_M, FeatureContext
from features.families import terrain
from features.families.registry import FAMILIES
from features.table.build import feature_infos, feature_table
from tests.support.sample_country import (
    AS_OF,
    CONTEXT,
    built,
    built_once,
    country,
    country_grid,
    polygons,
    readers_of,
    with_vector,
)
from training.contamination.neighbour_outcomes import features_of_outcomes


def assert_same(found, expected, **tolerance):
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name, **tolerance)


@pytest.mark.slow
def test_every_column_is_described_and_every_description_has_its_column():
    sources = country()
    described = feature_infos(Snapshot(sources, CONTEXT), FAMILIES)
    n_fixed = sum(len(family.features) for family in FAMILIES.values())
    assert len({info.name for family in FAMILIES.values() for info in family.features}) == n_fixed
    # The pattern of incidents has columns only where they make no label.
    assert set(built(sources)) | set(built(sources, context=FeatureContext(AS_OF))) == set(described)
    assert len(described) >= 100
    assert {info.trend for info in described.values()} == {-1, 0, 1}
    for name, info in described.items():
        assert all((info.unit, info.text, info.sources, info.formula)), name
        assert info.family in FAMILIES, name


@pytest.mark.slow
def test_columns_are_on_the_tile_and_finite_except_where_nan_has_a_meaning():
    sources = country()
    tile = country_grid().window(3, 30, 5, 26)
    may_miss = {"incident_years_since_5km", "conflict_event_years_since_5km", "front_line_years_held", "rain"}
    may_miss |= {"found_share_5km", "found_share_10km", "devices_per_released_km2_5km"}
    for family in FAMILIES.values():
        for name, array in family.build(tile, Snapshot(sources, CONTEXT)).items():
            assert array.shape == tile.shape, name
            assert np.issubdtype(array.dtype, np.number), name
            missing = np.isnan(array[tile.mask]).sum()
            from_dem = family.build is terrain.build or name in ("front_line_height_m", "wetness")
            if name not in may_miss:
                assert missing <= (9 if from_dem else 0), name
            if name.endswith("distance_m"):
                assert array[tile.mask].min() >= (-LONGEST_DISTANCE_M if "side" in name else 0), name
                assert array[tile.mask].max() <= LONGEST_DISTANCE_M, name


@pytest.mark.slow
@pytest.mark.parametrize("tile_cells", [17, 32])
def test_values_do_not_depend_on_tile_borders(tile_cells):
    sources = country(1)
    whole = built_once(1)
    position = {cell: number for number, cell in enumerate(sources.grid.cell_ids())}
    for tile in sources.grid.tiles(tile_cells):
        here = [position[cell] for cell in tile.cell_ids()]
        part = built(sources, tile)
        assert_same(part, {name: values[here] for name, values in whole.items()}, rtol=0, atol=0)


@pytest.mark.slow
def test_a_larger_area_changes_nothing_for_the_cells_that_stay():
    small, large = country(2, country_grid(26)), country(2)
    before, after = built(small), built_once(2)
    stay = np.isin(large.grid.cell_ids(), small.grid.cell_ids())
    assert 0 < stay.sum() < len(stay)
    assert_same({name: values[stay] for name, values in after.items()}, before, rtol=0, atol=0)


DATED = {
    "incidents": ("date", "recorded_date"),
    "finds": ("date", "recorded_date"),
    "conflict_events": ("date",),
    "hazard_areas": ("record_date", "recorded_date"),
    "land_release": ("end_date", "recorded_date"),
    "survey": ("date", "recorded_date"),
    "minefield_records": ("record_date", "recorded_date"),
    "front_lines": ("held_from", "recorded_date"),
    "control_areas": ("held_from", "recorded_date"),
    "control_points": ("date", "recorded_date"),
    "roads": ("recorded_date",),
    "settlements": ("recorded_date",),
    "land_use": ("recorded_date",),
    "rivers": ("recorded_date",),
}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "column"), [(name, column) for name, all_ in DATED.items() for column in all_])
def test_a_record_after_as_of_changes_no_feature(source, column):
    sources, families = country(3), readers_of(source)
    expected = built(sources, families=families)
    table = sources.vectors[source].copy()
    if column not in table:
        table[column] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    later = table.head(3).copy()
    middle = later.geometry.iloc[0].centroid
    later["geometry"] = later.geometry.translate(508_100 - middle.x, 4_010_100 - middle.y)
    later[column] = pd.Timestamp("2022-07-01")
    more = pd.concat([later, table], ignore_index=True)
    assert_same(built(with_vector(sources, source, more), families=families), expected, rtol=0, atol=0)
    later[column] = pd.Timestamp("2022-06-30")
    known = built(with_vector(sources, source, pd.concat([later, table], ignore_index=True)), families=families)
    assert any(not np.array_equal(known[name], expected[name], equal_nan=True) for name in expected)


OWN_FEATURES = {
    "incidents": "incident_distance_m",
    "finds": "find_distance_m",
    "hazard_areas": "hazard_area_distance_m",
}
OWN_FEATURES |= {"land_release": "land_release_distance_m", "survey": "found_share_5km"}


@pytest.mark.slow
@pytest.mark.parametrize("source", OWN_FEATURES)
@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("change", ["add", "remove", "move"])
def test_a_cells_own_records_change_none_of_its_features(source, dated, change):
    rng = np.random.default_rng(7)
    sources = country(4)
    grid, table = sources.grid, sources.vectors[source]
    number = int(rng.integers(grid.n_cells))
    centre = grid.centres_m()[number]
    areal = source in ("hazard_areas", "land_release")
    size = 500.0 if dated or areal else 5000.0
    corner = np.floor(centre / size) * size
    date = next(name for name in ("date", "record_date", "end_date") if name in table)
    own = table.head(4).copy()
    own[date] = pd.Timestamp("2022-05-01") if dated else pd.NaT

    def placed():
        points = shapely.points(corner + rng.uniform(0, size, (4, 2)))
        return own.assign(geometry=shapely.buffer(points, 1500.0) if areal else points)

    first, moved = placed(), placed()
    before, after = {"add": (None, first), "remove": (first, None), "move": (first, moved)}[change]

    def with_own(records):
        more = table if records is None else pd.concat([table, records.astype(table.dtypes)], ignore_index=True)
        return built(with_vector(sources, source, more), families=readers_of(source))

    first, second = with_own(before), with_own(after)
    for name, values in first.items():
        np.testing.assert_array_equal(second[name][number], values[number], err_msg=name)
    changed = [name for name in first if not np.array_equal(first[name], second[name], equal_nan=True)]
    infos = feature_infos(Snapshot(sources, CONTEXT), FAMILIES)
    assert len(changed) >= 2
    assert all(source in infos[name].sources for name in changed)


def test_a_polygon_is_left_out_whole_of_every_block_that_it_reaches_into():
    sources = country(4)
    far = sources.vectors["hazard_areas"].head(0)
    long = polygons(np.random.default_rng(0), 1, hazard_type=["SHA"])
    long["geometry"] = [shapely.box(503_000, 4_010_100, 517_000, 4_010_300)]
    alone = built(
        with_vector(sources, "hazard_areas", pd.concat([far, long], ignore_index=True)), families=("hazard_areas",)
    )
    inside = shapely.intersects_xy(long.geometry.iloc[0].buffer(5000.0), *sources.grid.centres_m().T)
    block = np.floor(sources.grid.centres_m() / 5000.0)
    own = (block[:, 1] == 802) & (block[:, 0] >= 100) & (block[:, 0] <= 103)
    assert (alone["hazard_area_distance_m"][own] == LONGEST_DISTANCE_M).all()
    assert (alone["hazard_area_density_2km_share"][own] == 0).all()
    assert (alone["hazard_area_distance_m"][inside & ~own] < 5000.0).all()


@pytest.mark.slow
@pytest.mark.parametrize("source", OWN_FEATURES)
def test_own_records_count_where_the_source_makes_no_label(source):
    sources = country(5)
    plain = built(sources, context=FeatureContext(AS_OF), families=readers_of(source))
    name = OWN_FEATURES[source]
    other = built(sources, families=readers_of(source))[name]
    if source == "survey":
        assert (plain[name] != other).any()
    else:
        assert (plain[name] <= other).all()
        assert (plain[name] < other).any()


def test_the_own_block_is_as_wide_as_the_context_says():
    sources = country(5)
    table = sources.vectors["incidents"].assign(date=pd.NaT).astype({"date": "datetime64[ns]"})
    sources = with_vector(sources, "incidents", table)
    narrow = built(sources, None, replace(CONTEXT, own_block_m=1000.0), ("incidents",))["incident_distance_m"]
    wide = built(sources, None, replace(CONTEXT, own_block_m=10_000.0), ("incidents",))["incident_distance_m"]
    assert (narrow <= wide).all()
    assert narrow.mean() < wide.mean()


@pytest.mark.slow
@pytest.mark.parametrize("source", sorted(country().vectors))
def test_a_missing_source_drops_its_columns_and_only_these(source):
    sources = country(6)
    families, infos = readers_of(source), feature_infos(Snapshot(sources, CONTEXT), FAMILIES)
    expected = {name: values for name, values in built_once(6).items() if infos[name].family in families}
    fewer = replace(sources, vectors={name: table for name, table in sources.vectors.items() if name != source})
    found = built(fewer, families=families)
    gone = set(expected) - set(found)
    assert all(source in infos[name].sources for name in gone)
    assert all(name not in found for name, info in infos.items() if info.sources == (source,))
    assert not set(found) - set(expected)
    for name, values in found.items():
        if source not in infos[name].sources:
            np.testing.assert_array_equal(values, expected[name], err_msg=name)


@pytest.mark.slow
def test_without_a_dem_terrain_and_height_above_the_line_are_missing():
    sources = country(6)
    gone = set(built_once(6)) - set(built(replace(sources, rasters={})))
    infos = feature_infos(Snapshot(sources, CONTEXT), FAMILIES)
    needs_dem = {name for name, info in infos.items() if info.sources == ("dem",)}
    assert needs_dem >= {info.name for info in terrain.FEATURES}
    assert gone == needs_dem | {name for name in gone if "dem" in infos[name].sources}
    assert "front_line_height_m" in gone


@pytest.mark.slow
def test_a_source_without_a_known_record_is_far_away_and_empty():
    sources = country(6)
    empty = replace(sources, vectors={name: table.head(0) for name, table in sources.vectors.items()})
    found, infos = built(empty), feature_infos(Snapshot(empty, CONTEXT), FAMILIES)
    for name, values in found.items():
        if infos[name].sources == ("dem",):
            continue
        if name.endswith("distance_m"):
            longest = MARGIN_M if infos[name].family == "access" else LONGEST_DISTANCE_M
            assert (values == np.float32(longest)).all(), name
        elif "density" in name or "count" in name:
            assert (values == 0).all(), name
    assert "incident_distance_m" in found
    assert "road_density_1km_km_per_km2" in found


def test_the_hole_of_the_dem_touches_its_neighbours_alone():
    grid = country_grid()
    columns = terrain.build(grid, Snapshot(country(), CONTEXT))
    hole = grid.locate(np.array([505_250.0]), np.array([4_005_250.0]))[0]
    for name, array in columns.items():
        rows, places = np.nonzero(np.isnan(array))
        near = name in ("slope_deg", "northness", "eastness", "ruggedness_m", "roughness_m") or "curvature" in name
        # Its nine directions of the land, of 3 x 3 cells each, make vector ruggedness one of 5 x 5.
        touched = 25 if name == "vector_ruggedness" else 9 if near else 1
        assert len(rows) == touched, name
        assert np.isin(hole, rows * grid.shape[1] + places), name


def test_features_made_of_outcomes_that_make_labels_are_told_apart():
    infos = feature_infos(Snapshot(country(), CONTEXT), FAMILIES)
    assert features_of_outcomes(infos, FeatureContext(AS_OF, frozenset({"incidents"}))) == ()
    names = features_of_outcomes(infos, FeatureContext(AS_OF, frozenset({"incidents", "hazard_areas"})))
    assert set(names) == {name for name, info in infos.items() if info.family == "hazard_areas"}
    survey = features_of_outcomes(infos, FeatureContext(AS_OF, frozenset({"survey"})))
    assert set(survey) == {"found_share_5km", "found_share_10km"}


def test_features_are_left_out_by_name_and_by_family():
    snapshot = Snapshot(country(), CONTEXT)
    table = feature_table(country_grid(20), snapshot, ("terrain", "roads"))
    infos = feature_infos(snapshot, ("terrain", "roads"))
    fewer = table.without("leave_out", ("terrain", "road_distance_m"), infos)
    assert fewer.names == tuple(name for name in table.names if infos[name].family == "roads")[1:]
    np.testing.assert_array_equal(fewer.values[:, 0], table.aligned([fewer.names[0]])[:, 0])
    assert table.without("leave_out", (), infos) is table
