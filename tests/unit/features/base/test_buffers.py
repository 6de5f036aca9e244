import gc

import numpy as np
import pytest

from features.base.memory import Buffers


def place_of(array):
    return array.__array_interface__["data"][0]


def test_an_array_that_is_lent_is_never_lent_again():
    pool = Buffers()
    first = pool.take((3, 4))
    first[:] = 1
    view = first.T[1:]
    del first
    second = pool.take((3, 4))
    second[:] = 2
    assert (view == 1).all()
    assert not np.shares_memory(view, second)


@pytest.mark.parametrize("view", [lambda values: values, lambda values: values[:2].T])
def test_an_array_that_was_given_back_by_any_view_is_lent_again(view):
    pool = Buffers()
    first = pool.take((3, 4))
    place = place_of(first)
    pool.give_back(view(first))
    again, other = pool.take((2, 4)), pool.take((2, 4))
    assert again.shape == (2, 4)
    assert place_of(again) == place
    assert not np.shares_memory(again, other)


def test_an_array_that_is_given_back_twice_is_lent_once():
    pool = Buffers()
    first = pool.take((3, 4))
    pool.give_back(first)
    pool.give_back(first)
    assert not np.shares_memory(pool.take((3, 4)), pool.take((3, 4)))


def test_an_array_of_another_origin_is_not_taken_in():
    pool, others = Buffers(), Buffers()
    foreign, own = others.take((3, 4)), np.empty((3, 4), dtype=np.float32)
    pool.give_back(foreign)
    pool.give_back(own)
    pool.give_back(own.T)
    assert not np.shares_memory(pool.take((3, 4)), foreign)
    assert not np.shares_memory(pool.take((3, 4)), own)


def test_a_larger_array_replaces_smaller_ones():
    pool = Buffers()
    small = pool.take((1, 2))
    pool.give_back(small)
    large = pool.take((9, 9))
    pool.give_back(large)
    assert place_of(pool.take((1, 2))) == place_of(large)
    assert not np.shares_memory(pool.take((1, 2)), large)


@pytest.mark.slow
def test_the_pool_keeps_nothing_alive_that_was_not_given_back():
    pool = Buffers()
    pool.take((3, 4))
    gc.collect()
    assert len(pool._lent) == 0
