"""What incidents draw together: chains, ridges, neighbours and ratios against closed forms and slow definitions."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial.distance import cdist
from shapely.geometry import LineString

from features.as_of.snapshot import Snapshot
from features.base.feature_info import LONGEST_DISTANCE_M, FeatureContext
from features.base.grid import Grid
from features.families import front_lines, incident_pattern
from features.geometry.distances import neighbour_distances_m
from features.geometry.proximity_graphs import gabriel_chains, tree_chains
from features.geometry.ridges import ridge_strengths
from tests.support.sample_country import AS_OF, CRS, StandIn, country, country_grid, with_vector

PLAIN = FeatureContext(AS_OF)


def at(places, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapely.points(np.asarray(places, dtype=float)), crs=CRS)


def pattern(sources, tile=None, context=PLAIN):
    tile = tile or sources.grid
    columns = incident_pattern.build(tile, Snapshot(sources, context))
    return {name: array[tile.mask].astype(np.float32) for name, array in columns.items()}


def square(cells, cell_size_m=500.0):
    return Grid(
        crs=CRS,
        cell_size_m=cell_size_m,
        column_min=round(500_000 / cell_size_m),
        row_min=round(4_000_000 / cell_size_m),
        mask=np.ones((cells, cells), bool),
    )


@pytest.mark.parametrize("where", ["uniform", "crowded", "few"])
def test_distances_to_the_kth_neighbour_equal_brute_force(where):
    rng = np.random.default_rng(1)
    grid = country_grid()
    places = {
        "uniform": rng.uniform((470e3, 3970e3), (550e3, 4050e3), (400, 2)),
        "crowded": np.repeat(rng.normal((512e3, 4_012e3), 3000.0, (40, 2)), 7, axis=0),
        "few": np.array([(505e3, 4005e3), (900e3, 4005e3), (505e3, 4005e3)]),
    }[where]
    found = neighbour_distances_m(grid, places, (1, 3, 20))
    apart = np.sort(cdist(grid.centres_m(), places), axis=1)
    for number, k in enumerate((1, 3, 20)):
        expected = apart[:, k - 1] if k <= len(places) else np.full(len(apart), np.inf)
        np.testing.assert_allclose(found[number][grid.mask], np.minimum(expected, LONGEST_DISTANCE_M), rtol=1e-6)
    assert np.isnan(found[:, ~grid.mask]).all()


def test_incidents_on_a_straight_line_are_a_chain_along_it():
    grid = country_grid()
    places = [(500e3 + step, 4_000e3 + step) for step in (0, 3000, 7000, 9500, 12_000, 40_000)]
    columns = pattern(StandIn(grid, {"incidents": at(places[::-1])}, {}))
    line = LineString([places[0], places[4]])
    expected = shapely.distance(shapely.points(grid.centres_m()), line)
    np.testing.assert_allclose(columns["incident_chain_distance_m"], expected, rtol=1e-6, atol=1e-3)
    # The step of 4 km to each side is 5.7 km long.
    shorter = shapely.MultiLineString([LineString(places[:2]), LineString(places[2:5])])
    expected = shapely.distance(shapely.points(grid.centres_m()), shorter)
    np.testing.assert_allclose(columns["incident_gabriel_distance_m"], expected, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("steps", [400, 12])
def test_chains_are_gabriel_edges_and_a_tree_whatever_the_order(steps):
    rng = np.random.default_rng(2)
    # Twelve steps to a side give squares and repeated places: ties of both graphs.
    places = rng.integers(0, steps, (90, 2)) * 50.0 + (500e3, 4e6)
    spots = np.unique(places, axis=0)
    apart = cdist(spots, spots) ** 2
    first, second = np.triu_indices(len(spots), 1)
    alone = [
        not np.delete(apart[a] + apart[b] <= apart[a, b] + 1e-3, [a, b]).any()
        for a, b in zip(first, second, strict=True)
    ]
    expected = sorted(apart[first, second][alone].round())
    assert sorted((gabriel_chains(places, 1e9).length_m ** 2).round()) == expected
    tree = tree_chains(places, 1e9)
    assert len(tree.start) == len(spots) - 1
    joined = shapely.line_merge(shapely.union_all(shapely.linestrings(np.stack([tree.start, tree.end], axis=1))))
    assert shapely.buffer(joined, 1.0).geom_type == "Polygon"
    assert tree.length_m.sum() == pytest.approx(_prim(np.sqrt(apart)))
    again = tree_chains(places[rng.permutation(90)], 1e9)
    np.testing.assert_array_equal(again.start, tree.start)
    assert (tree_chains(places, 700.0).length_m <= 700).all()


def _prim(apart):
    """Total length of the minimum spanning tree, the slow way."""
    inside, total = [0], 0.0
    while len(inside) < len(apart):
        rest = np.setdiff1d(np.arange(len(apart)), inside)
        block = apart[np.ix_(inside, rest)]
        total += block.min()
        inside.append(rest[block.min(axis=0).argmin()])
    return total


@pytest.mark.parametrize("places", [np.empty((0, 2)), np.zeros((1, 2)), np.zeros((5, 2))])
def test_fewer_than_two_places_have_no_chain(places):
    assert len(tree_chains(places, 1e4).start) == len(gabriel_chains(places, 1e4).start) == 0


@pytest.mark.parametrize("cell_size_m", [500.0, 100.0])
def test_the_ridge_of_a_lone_incident_is_one_at_its_centre_and_follows_the_gaussian(cell_size_m):
    grid = square(41, cell_size_m)
    middle = grid.centres_m()[[20 * 41 + 20]]
    share, crest = ridge_strengths(grid, middle, np.zeros(1), 3000.0)
    radius = np.hypot(*(grid.centres_m() - middle).T).reshape(grid.shape) / 3000.0
    density = np.exp(-(radius**2) / 2) / (2 * np.pi * 9)
    # Of the eigenvalues f (r^2 - 1) along the radius and -f across it the second is the lesser.
    np.testing.assert_allclose(crest, density, rtol=0, atol=2e-3 / (2 * np.pi * 9))
    near = radius < 2
    np.testing.assert_allclose(share[near], 1.0, rtol=0, atol=0.02)


def test_on_a_row_of_incidents_the_ridge_is_one_and_beside_it_less():
    grid = square(60)
    middle = grid.centres_m().mean(axis=0)
    row = np.column_stack([np.arange(-60e3, 60e3, 300.0) + middle[0], np.full(400, middle[1])])
    share, crest = ridge_strengths(grid, row, np.zeros(400), 3000.0)
    away = (grid.northings_m - middle[1]) / 3000.0
    # -s^2 f'' / f = 1 - u^2 across the row, and 0 along it.
    density = 1 / 0.3 * np.exp(-(away**2) / 2) / np.sqrt(2 * np.pi) / 3
    np.testing.assert_allclose(crest[:, 30], np.maximum(1 - away**2, 0) * density, rtol=0, atol=1e-3)
    near = np.abs(away) < 1.5
    np.testing.assert_allclose(share[near, 30], np.maximum(1 - away[near] ** 2, 0), rtol=0, atol=2e-3)


def test_a_location_error_flattens_the_ridge():
    grid = square(21)
    middle = grid.centres_m()[[220]]
    sharp, vague = (ridge_strengths(grid, middle, np.array([error]), 3000.0)[1].max() for error in (0.0, 3000.0))
    assert vague == pytest.approx(sharp / 4, rel=2e-3)


def test_ratios_are_logarithms_of_densities_and_of_people():
    grid = square(21)
    middle = grid.centres_m()[[220]]
    vectors = {"incidents": at(np.repeat(middle, 50, axis=0)), "settlements": at(middle, population=[1000])}
    columns = {name: values.reshape(grid.shape)[10, 10] for name, values in pattern(StandIn(grid, vectors, {})).items()}
    assert columns["incident_ratio_2_10km"] == pytest.approx(np.log(25), abs=1e-3)
    assert columns["incident_ratio_5_20km"] == pytest.approx(np.log(1600 / 50), abs=1e-3)
    for km in (2, 5, 10):
        incidents, people = 50 / (2 * np.pi * km**2), 1000 / (2 * np.pi * km**2)
        expected = np.log((incidents + 4e-6) / (people + 1.2))
        assert columns[f"incidents_per_head_{km}km"] == pytest.approx(expected, abs=1e-4)
    empty = StandIn(grid, vectors | {"settlements": at(middle)}, {})
    assert not [name for name in pattern(empty) if "per_head" in name]


def test_incidents_say_how_far_from_the_line_mines_lie_here():
    grid = country_grid()
    line = gpd.GeoDataFrame(geometry=[LineString([(507_000, 3_900_000), (507_000, 4_100_000)])], crs=CRS)
    places = [(509_000, 4_004_000), (505_000, 4_009_000), (509_000, 4_001_000)]
    sources = StandIn(grid, {"incidents": at(places), "front_lines": line}, {})
    columns = pattern(sources)
    own = front_lines.build(grid, Snapshot(sources, PLAIN))["front_line_distance_m"][grid.mask].astype(np.float32)
    near = np.hypot(*(grid.centres_m() - (507_000, 4_005_000)).T) < 12_000
    mean = columns["incident_line_distance_mean_8km_m"]
    np.testing.assert_allclose(mean[near], 2000, rtol=0.1)
    np.testing.assert_allclose(columns["incident_line_distance_difference_8km_m"], own - mean, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(columns["incident_line_distance_ratio_8km"], own / (mean + 300), rtol=1e-5)
    both = np.minimum(own, columns["incident_chain_distance_m"])
    np.testing.assert_array_equal(columns["line_or_chain_distance_m"], both)
    assert (both < own).any()
    far = pattern(StandIn(grid, {"incidents": at([(700e3, 4e6)]), "front_lines": line}, {}))
    np.testing.assert_allclose(far["incident_line_distance_mean_8km_m"], 4300)


@pytest.mark.slow
def test_there_is_no_column_where_incidents_make_labels():
    sources = country(5)
    assert pattern(sources, context=FeatureContext(AS_OF, frozenset({"incidents"}))) == {}
    assert set(pattern(sources)) == {info.name for info in incident_pattern.FEATURES}
    other = pattern(sources, context=FeatureContext(AS_OF, frozenset({"finds", "hazard_areas"})))
    assert set(other) == set(pattern(sources))


@pytest.mark.slow
def test_values_depend_neither_on_tiles_nor_on_the_area():
    for grid in (country_grid(), square(48, 100.0)):
        sources = country(1, grid)
        whole, position = pattern(sources), {cell: number for number, cell in enumerate(grid.cell_ids())}
        for tile_cells in (17, 32):
            for tile in grid.tiles(tile_cells):
                here = [position[cell] for cell in tile.cell_ids()]
                for name, values in pattern(sources, tile).items():
                    np.testing.assert_array_equal(values, whole[name][here], err_msg=name)
    small, large = country(2, country_grid(26)), country(2)
    stay = np.isin(large.grid.cell_ids(), small.grid.cell_ids())
    after = pattern(large)
    for name, values in pattern(small).items():
        np.testing.assert_array_equal(values, after[name][stay], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("column", ["date", "recorded_date"])
def test_an_incident_after_as_of_changes_nothing(column):
    sources = country(3)
    table, expected = sources.vectors["incidents"], pattern(sources)
    later = table.head(25).copy()
    later[column] = pd.Series([pd.Timestamp("2022-07-01")] * 25).astype("datetime64[ns]")
    later["geometry"] = shapely.points(508_100 + 90.0 * np.arange(25), 4_010_100)
    for name, values in pattern(with_vector(sources, "incidents", pd.concat([later, table]))).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    later[column] = pd.Timestamp("2022-06-30")
    known = pattern(with_vector(sources, "incidents", pd.concat([later.assign(date=later[column]), table])))
    assert all((known[name] != expected[name]).any() for name in expected)


@pytest.mark.slow
def test_a_missing_source_drops_its_columns_and_only_these():
    sources = country(6)
    expected = pattern(sources)
    needs = {info.name: info.sources for info in incident_pattern.FEATURES}
    for gone in ("front_lines", "control_points", "settlements", "incidents"):
        fewer = replace(sources, vectors={name: table for name, table in sources.vectors.items() if name != gone})
        found = pattern(fewer)
        assert set(found) == {name for name in expected if gone not in needs[name]}
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_without_a_known_incident_all_is_far_and_even():
    sources = country(6)
    empty = with_vector(sources, "incidents", sources.vectors["incidents"].head(0))
    for name, values in pattern(empty).items():
        if name.endswith("distance_m") and not name.endswith("line_or_chain_distance_m"):
            assert (values == LONGEST_DISTANCE_M).all(), name
        assert np.isfinite(values).all(), name
