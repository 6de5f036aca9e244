"""Large arrays on disk: the same values, no file to be seen, and a sentence where the disk has no room."""

import errno
import os

import numpy as np
import pytest

from features.base import MlriskError, arrays_on_disk, by_parts, columns_by_parts, kept, large_arrays, new_array
from features.base.large_arrays import leave_memory, parts_of


@pytest.fixture
def large(monkeypatch):
    """Arrays of a hundred bytes count as large, and seven rows are worked on at a time."""
    monkeypatch.setattr(large_arrays, "LEAST_BYTES", 100)
    monkeypatch.setattr(large_arrays, "ROWS_AT_ONCE", 7)


def on_disk(array):
    return any(array is not None and isinstance(one, memoryview | type(large_arrays.mmap.mmap(-1, 1)))
               for one in bases(array))  # fmt: skip


def bases(array):
    while array is not None:
        yield array
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)


@pytest.mark.usefixtures("large")
def test_only_large_arrays_within_the_block_lie_on_disk(tmp_path):
    with arrays_on_disk(tmp_path):
        assert on_disk(new_array(50, np.float64))
        assert not on_disk(new_array(5, np.float64))
    assert not on_disk(new_array(50, np.float64))


@pytest.mark.usefixtures("large")
def test_values_are_the_same_and_stay_when_memory_is_left(tmp_path):
    values = np.random.default_rng(0).random((30, 2))
    with arrays_on_disk(tmp_path):
        here = kept(values)
        filled = new_array((5, 9), np.int32, 3)
    leave_memory()
    assert np.array_equal(here, values)
    assert (filled == 3).all()
    here[4] = 7.0
    leave_memory()
    assert (here[4] == 7.0).all()


@pytest.mark.usefixtures("large")
def test_no_file_is_left_or_seen(tmp_path):
    with arrays_on_disk(tmp_path):
        array = new_array(1_000, np.float64)
        assert list(tmp_path.iterdir()) == []
    assert array.sum() == 0


@pytest.mark.usefixtures("large")
def test_a_disk_without_room_is_named_before_anything_is_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(large_arrays, "_reserve", full)
    with arrays_on_disk(tmp_path), pytest.raises(MlriskError, match=r"has no room for .*No space left on device"):
        new_array(1_000, np.float64)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("count", [0, 1, 7, 8, 50])
def test_parts_together_are_the_whole(count, tmp_path):
    values = np.arange(count) * 0.5
    assert np.concatenate([np.arange(count)[rows] for rows in parts_of(count)]).tolist() == list(range(count))
    with arrays_on_disk(tmp_path):
        assert by_parts(count, lambda rows: np.sqrt(values[rows])).tolist() == np.sqrt(values).tolist()
        two = columns_by_parts(count, lambda rows: {"a": values[rows], "b": values[rows] > 3})
    assert two["a"].tolist() == values.tolist()
    assert two["b"].dtype == bool
    assert two["b"].tolist() == (values > 3).tolist()


@pytest.mark.usefixtures("large")
def test_room_is_reserved_where_the_system_has_no_call_for_it(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    monkeypatch.setattr(large_arrays, "WRITTEN_AT_ONCE", 64)
    with arrays_on_disk(tmp_path):
        array = new_array(33, np.float64)
    array[:] = 1.5
    assert array.sum() == 49.5
