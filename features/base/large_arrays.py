"""Large arrays in unnamed files: memory holds the part in use, and a killed process leaves no file behind."""

import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
from numpy.typing import DTypeLike, NDArray

from features.base.errors import MlriskError

# Smaller arrays stay in memory: two million numbers.
LEAST_BYTES = 1 << 24
# Rows that are worked on at a time: numbers of some tens of columns then take a few hundred megabytes.
ROWS_AT_ONCE = 1 << 20
# Zeros that are written at a time where the system cannot reserve room in a file.
WRITTEN_AT_ONCE = 1 << 24

Array = TypeVar("Array", bound=np.generic)

_FOLDER: ContextVar[Path | None] = ContextVar("folder of large arrays", default=None)
_OPEN: WeakSet[mmap.mmap] = WeakSet()


@contextmanager
def arrays_on_disk(folder: Path) -> Iterator[None]:
    """Within the block, large arrays of `new_array` and `kept` lie in unnamed files in `folder`, which must exist."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def new_array(shape: int | tuple[int, ...], dtype: DTypeLike, fill: float | None = None) -> NDArray[Any]:
    """An array of zeros, or of `fill`: on disk if it is large and the caller is within `arrays_on_disk`.

    Raises MlriskError if the disk has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    folder = _FOLDER.get()
    array = (
        np.zeros(shape, dtype=dtype) if folder is None or size < LEAST_BYTES else _mapped(folder, shape, dtype, size)
    )
    if fill:
        array[...] = fill
    return array


def kept(values: NDArray[Array]) -> NDArray[Array]:
    """The same values where `new_array` would put them."""
    if _FOLDER.get() is None or values.nbytes < LEAST_BYTES:
        return values
    array = new_array(values.shape, values.dtype)
    array[...] = values
    return array


def parts_of(count: int) -> Iterator[slice]:
    """Slices of consecutive rows that together are all `count` rows; one empty slice for no rows.

    After each but the last, large arrays leave memory.
    """
    for start in range(0, max(count, 1), ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, count))
        if start + ROWS_AT_ONCE < count:
            leave_memory()


def by_parts(count: int, function: Callable[[slice], NDArray[Any]]) -> NDArray[Any]:
    """The values of `function` for consecutive parts of `count` rows, (count,), where `new_array` puts them."""
    return columns_by_parts(count, lambda rows: {"": function(rows)})[""]


def columns_by_parts(count: int, function: Callable[[slice], Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The columns (count,) that `function` gives for consecutive parts of the rows, where `new_array` puts them."""
    columns: dict[str, NDArray[Any]] = {}
    for rows in parts_of(count):
        values = function(rows)
        if count <= ROWS_AT_ONCE:
            return {name: kept(column) for name, column in values.items()}
        for name, column in values.items():
            if name not in columns:
                columns[name] = new_array(count, column.dtype)
            columns[name][rows] = column
    return columns


def leave_memory() -> None:
    """Let large arrays leave memory, where the system can: what is read again comes from their files."""
    for mapped in list(_OPEN):
        with suppress(ValueError, OSError, AttributeError):
            mapped.madvise(mmap.MADV_DONTNEED)


def _mapped(folder: Path, shape: int | tuple[int, ...], dtype: DTypeLike, size: int) -> NDArray[Any]:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file.fileno(), size)
            mapped = mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise MlriskError(
            f"{folder} has no room for {size / 1e9:.1f} GB of the map's columns ({error.strerror or error}): "
            "free some, or choose an output.folder on another disk"
        ) from error
    _OPEN.add(mapped)
    return np.frombuffer(mapped, dtype=dtype).reshape(shape)


def _reserve(descriptor: int, size: int) -> None:
    """Room for a file, now: a disk that fills while a mapped file is written ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    zeros = bytes(WRITTEN_AT_ONCE)
    for start in range(0, size, WRITTEN_AT_ONCE):
        os.write(descriptor, zeros[: size - start])
