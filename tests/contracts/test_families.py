"""Every family of FAMILIES: columns of the tile that depend on nothing but the land and what was known of it."""

import hashlib
from functools import cache

import numpy as np
import pytest

from features.as_of.snapshot import Snapshot
from features.base.feature_info import FAMILY_NAMES, FeatureContext
from features.families.registry import FAMILIES
from features.sources.schema import SCHEMAS
from tests.support.sample_country import AS_OF, CONTEXT, StandIn, country, country_grid

TILE = country_grid().window(8, 34, 4, 30)
RASTERS = ("dem", "covariates")
every_family = pytest.mark.parametrize("name", FAMILIES)


@cache
def sources():
    return country(5)


@cache
def built(name):
    """The columns of TILE from labels' sources that are held back, and from sources that make no label."""
    return tuple(
        FAMILIES[name].build(TILE, Snapshot(sources(), context)) for context in (CONTEXT, FeatureContext(AS_OF))
    )


def digest_of(tables):
    sha = hashlib.sha256()
    for key in sorted(tables):
        sha.update(tables[key].to_wkb().to_csv().encode())
    return sha.hexdigest()


def test_the_table_and_the_settings_name_the_same():
    assert tuple(FAMILIES) == FAMILY_NAMES


@every_family
def test_columns_have_the_shape_of_the_tile_and_no_infinite_value(name):
    for columns in built(name):
        for column, values in columns.items():
            assert values.shape == TILE.shape, column
            assert np.issubdtype(values.dtype, np.floating), column
            assert not np.isinf(values).any(), column


@every_family
def test_every_column_is_described_in_full(name):
    snapshot, family = Snapshot(sources(), FeatureContext(AS_OF)), FAMILIES[name]
    infos = {info.name: info for info in family.features}
    infos |= {info.name: info for info in (family.described(snapshot) if family.described else ())}
    columns = {column for part in built(name) for column in part}
    assert columns
    assert columns == set(infos)
    for info in infos.values():
        assert info.family == name, info.name
        assert info.trend in {-1, 0, 1}, info.name
        assert all((info.unit, info.text, info.formula)), info.name
        assert set(info.sources) <= {*SCHEMAS, *RASTERS}, info.name
        assert info.sources, info.name


@every_family
def test_a_family_reads_no_source_that_it_does_not_name(name):
    snapshot = Snapshot(sources(), FeatureContext(AS_OF))
    infos = [*FAMILIES[name].features, *(FAMILIES[name].described(snapshot) if FAMILIES[name].described else ())]
    named = {source for info in infos for source in info.sources}
    only = StandIn(
        sources().grid,
        {key: table for key, table in sources().vectors.items() if key in named},
        {key: raster for key, raster in sources().rasters.items() if key in named},
        sources().covariates if "covariates" in named else (),
    )
    columns = FAMILIES[name].build(TILE, Snapshot(only, CONTEXT))
    assert list(columns) == list(built(name)[0])
    for column, values in columns.items():
        np.testing.assert_array_equal(values, built(name)[0][column], err_msg=column)


@every_family
def test_the_same_land_gives_the_same_bits(name):
    again = FAMILIES[name].build(TILE, Snapshot(country(5), CONTEXT))
    assert list(again) == list(built(name)[0])
    for column, values in again.items():
        np.testing.assert_array_equal(values, built(name)[0][column], err_msg=column)


@every_family
def test_a_value_does_not_depend_on_where_the_tile_ends(name):
    snapshot = Snapshot(sources(), CONTEXT)
    for rows, columns in (((0, 11), (0, 26)), ((11, 26), (3, 20))):
        part = FAMILIES[name].build(TILE.window(*rows, *columns), snapshot)
        for column, values in part.items():
            whole = built(name)[0][column][slice(*rows), slice(*columns)]
            inside = TILE.mask[slice(*rows), slice(*columns)]
            same = values.astype(np.float32)[inside], whole.astype(np.float32)[inside]
            np.testing.assert_array_equal(*same, err_msg=column)


@every_family
def test_without_its_sources_a_family_gives_no_column(name):
    bare = StandIn(sources().grid, {}, {}, ())
    assert FAMILIES[name].build(TILE, Snapshot(bare, CONTEXT)) == {}


@every_family
def test_the_sources_stay_as_they_are(name):
    own = country(6)
    before = digest_of(own.vectors)
    FAMILIES[name].build(TILE, Snapshot(own, CONTEXT))
    assert digest_of(own.vectors) == before
