"""A pool of reusable arrays: the first write to new memory costs more than the computation in it."""

import ctypes
import os
import threading
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from features.base.arrays import Floats32

# Other programs need memory too.
MEMORY_SHARE = 0.8


class Buffers:
    """A pool of arrays that are lent and given back.

    An array that is never given back does no harm: the pool forgets it, and its memory is freed with its last view.
    """

    def __init__(self) -> None:
        self._free: list[Floats32] = []
        self._lent: WeakValueDictionary[int, Floats32] = WeakValueDictionary()
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, int]) -> Floats32:
        """An array of this shape with arbitrary content, which belongs to the caller until `give_back`."""
        size = shape[0] * shape[1]
        with self._lock:
            # Arrays that are too small for this tile will hardly fit the next.
            self._free = [buffer for buffer in self._free if buffer.size >= size]
            buffer = self._free.pop() if self._free else np.empty(size, dtype=np.float32)
            self._lent[id(buffer)] = buffer
        return buffer[:size].reshape(shape)

    def give_back(self, view: NDArray[np.generic]) -> None:
        """Give back the array of a view, which nobody may read from now on; arrays that were not lent are ignored."""
        with self._lock:
            buffer = self._lent.pop(id(view.base), None)
            if buffer is not None:
                self._free.append(buffer)


def trim_heap() -> None:
    """Return unused memory of the heap to the system if the C library can (glibc); otherwise do nothing.

    Opening the sources of a country leaves a third of its memory in the heap, where later threads cannot use it.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def free_bytes() -> float:
    """Free memory of the machine in bytes; infinite if unknown (only Linux and macOS state it)."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return float(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return float("inf")
