import numpy as np

from features.base.memory import Buffers


def test_an_array_in_use_is_never_handed_out_again():
    pool = Buffers()
    first = pool.take((3, 4))
    first[:] = 1
    view = first.T[1:]
    del first
    second = pool.take((3, 4))
    second[:] = 2
    assert (view == 1).all()
    assert not np.shares_memory(view, second)


def test_an_array_that_nobody_sees_is_used_again():
    pool = Buffers()
    first = pool.take((3, 4))
    place = first.__array_interface__["data"][0]
    del first
    again = pool.take((2, 4))
    assert again.shape == (2, 4)
    assert again.__array_interface__["data"][0] == place


def test_a_larger_array_replaces_smaller_ones():
    pool = Buffers()
    small = pool.take((1, 2))
    small[:] = 5
    large = pool.take((9, 9))
    large[:] = 6
    assert (small == 5).all()
