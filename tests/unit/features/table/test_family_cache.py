"""Families are kept by content: read where nothing of theirs changed, computed where anything did."""

import os

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point

from features.as_of import Snapshot
from features.base import ArrayCache, InputError, key_of
from features.table import Compute, grid_feature_table
from features.table.family_cache import family_keys
from tests.support.sample_country import CONTEXT, CRS, country, readers_of, with_vector

FAMILIES = ("roads", "incidents", "settlements")


@pytest.fixture
def memory(tmp_path):
    return ArrayCache(tmp_path / "kept", 1e9)


def table_of(sources, memory, families=FAMILIES):
    return grid_feature_table(sources.grid, Snapshot(sources, CONTEXT), families, 64, Compute(memory=memory))


def with_another_accident(sources):
    table = sources.vectors["incidents"]
    more = table.iloc[[0]].assign(geometry=gpd.GeoSeries([Point(505_000, 4_015_000)], crs=CRS).to_numpy())
    return with_vector(sources, "incidents", gpd.pd.concat([table, more], ignore_index=True))


def test_what_is_kept_is_what_would_be_computed(memory):
    sources = country()
    computed = table_of(sources, None)
    for kept in (table_of(sources, memory), table_of(sources, memory)):
        assert kept.names == computed.names
        np.testing.assert_array_equal(kept.values, computed.values)


def test_a_family_is_read_where_nothing_of_it_changed_and_computed_where_a_record_came(memory):
    sources = country()
    before = table_of(sources, memory)
    keys = family_keys(sources.grid, Snapshot(sources, CONTEXT), FAMILIES)
    mark = {"names": np.array(["road_distance_m"]), "values": np.full((1, sources.grid.n_cells), 7, np.float32)}
    memory.write(keys["roads"], mark)
    after = table_of(with_another_accident(sources), memory)
    assert (after.aligned(["road_distance_m"]) == 7).all()
    assert not np.array_equal(after.aligned(["incident_count_5km"]), before.aligned(["incident_count_5km"]))
    np.testing.assert_array_equal(after.aligned(["settlement_distance_m"]), before.aligned(["settlement_distance_m"]))


def test_a_record_changes_the_keys_of_the_families_that_read_it_alone():
    sources = country()
    changed = {
        family
        for family, key in family_keys(sources.grid, Snapshot(sources, CONTEXT), FAMILIES).items()
        if family_keys(sources.grid, Snapshot(with_another_accident(sources), CONTEXT), FAMILIES)[family] != key
    }
    assert changed == set(readers_of("incidents")) & set(FAMILIES)


def test_a_damaged_file_is_computed_again(memory):
    sources = country()
    before = table_of(sources, memory)
    for path in memory.folder.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(table_of(sources, memory).values, before.values)


def test_no_column_at_all_is_refused_as_without_memory(memory):
    sources = with_vector(country(), "finds", country().vectors["finds"])
    del sources.vectors["finds"]
    for _ in range(2):
        with pytest.raises(InputError, match="no source gives a feature of finds"):
            table_of(sources, memory, ("finds",))


def test_the_file_that_was_not_read_for_longest_goes_first(tmp_path):
    memory = ArrayCache(tmp_path, 3_500)
    for age, name in ((1, "read"), (2, "old"), (3, "new")):
        memory.write(name, {"values": np.zeros(100)})
        os.utime(tmp_path / f"{name}.npz", (age, age))
    assert memory.read("read") is not None
    memory.write("last", {"values": np.zeros(100)})
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["last", "new", "read"]


def test_a_key_tells_arrays_of_other_shape_or_type_apart():
    values = np.arange(6, dtype=np.float32)
    others = (values.reshape(2, 3), values.astype(np.float64), values + 1)
    assert len({key_of([one]) for one in (values, *others)}) == 4
    assert key_of([values.reshape(2, 3).T]) == key_of([values.reshape(2, 3).T.copy()])
