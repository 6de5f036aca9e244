"""Memory used again: the first touch of fresh pages costs more than what is written to them."""

import ctypes
import sys
import threading
from contextlib import suppress

import numpy as np

from features.base.arrays import Floats32

# References to a buffer that only the pool knows of: the pool's list, the loop variable and getrefcount's own argument.
ONLY_OURS = 3


class Buffers:
    """A pool of arrays. One is handed out again when no view of it is left, which its reference count tells."""

    def __init__(self) -> None:
        self._kept: list[Floats32] = []
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, int]) -> Floats32:
        """An array of this shape with arbitrary content; it is the caller's until every view of it is gone."""
        size = shape[0] * shape[1]
        with self._lock:
            for buffer in self._kept:
                if buffer.size >= size and sys.getrefcount(buffer) <= ONLY_OURS:
                    return buffer[:size].reshape(shape)
            fresh = np.empty(size, dtype=np.float32)
            # One that is too small for this tile will hardly fit the next.
            self._kept = [buffer for buffer in self._kept if buffer.size >= size]
            self._kept.append(fresh)
            return fresh[:size].reshape(shape)


def give_back() -> None:
    """Return what the heap holds unused to the system, where its C library can (glibc); elsewhere do nothing.

    Opening the sources of a country leaves a third of what they take behind, out of reach of the threads that follow.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
