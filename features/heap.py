"""A binary heap in two arrays for compiled kernels: the least key first, among equals the least index."""

from numba import njit

from features.base.arrays import Floats, Integers


@njit(cache=True, nogil=True)
def push(keys: Floats, items: Integers, size: int, key: float, item: int) -> int:
    """Put `item` in and return the new size; the arrays must have room.

    >>> import numpy as np
    >>> keys, items, size = np.empty(3), np.empty(3, np.int64), 0
    >>> for key, item in ((2.0, 5), (1.0, 8), (1.0, 3)):
    ...     size = push(keys, items, size, key, item)
    >>> int(items[0]), size
    (3, 3)
    """
    place = size
    while place > 0:
        above = (place - 1) // 2
        if keys[above] < key or (keys[above] == key and items[above] <= item):
            break
        keys[place], items[place] = keys[above], items[above]
        place = above
    keys[place], items[place] = key, item
    return size + 1


@njit(cache=True, nogil=True)
def pop(keys: Floats, items: Integers, size: int) -> int:
    """Take out the first entry, which the caller has read at place 0, and return the new size."""
    size -= 1
    key, item = keys[size], items[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        right = below + 1
        if right < size and (keys[right] < keys[below] or (keys[right] == keys[below] and items[right] < items[below])):
            below = right
        if key < keys[below] or (key == keys[below] and item <= items[below]):
            break
        keys[place], items[place] = keys[below], items[below]
        place = below
    keys[place], items[place] = key, item
    return size
