"""Columns of a map in little memory: texts as small numbers, empty columns held once, large ones on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import by_parts, new_array, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from features.base import Integers

    Column: TypeAlias = NDArray[Any] | pd.Categorical | pd.arrays.IntegerArray | pd.Series


def frame_of(columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """A frame of columns, none of which is copied.

    Columns of numbers without any value are one and the same array, which cannot be written to: a map by rules of the
    field has twenty.

    >>> frame = frame_of({"low": np.full(2, np.nan), "high": np.full(2, np.nan), "rank": np.array([1.0, 2.0])})
    >>> np.shares_memory(frame["low"], frame["high"])
    True
    """
    empty = {name: values.dtype == np.float64 and bool(np.isnan(values).all()) for name, values in columns.items()}
    first = next((columns[name] for name in columns if empty[name]), None)
    if first is not None:
        first.flags.writeable = False
    return pd.DataFrame({name: first if empty[name] else values for name, values in columns.items()}, copy=False)


def with_columns(cells: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """`cells` with further columns in place of any of the same names; none is copied, as by `assign`."""
    more = pd.DataFrame(dict(columns), index=cells.index, copy=False)
    return pd.concat([cells.drop(columns=[name for name in columns if name in cells]), more], axis=1)


def coded(numbers: NDArray[np.integer[Any]], names: Sequence[str]) -> pd.Categorical:
    """The name of each number as categories in the order of the alphabet, those that occur.

    >>> texts = coded(np.array([2, 0, 2]), ["b", "unused", "a"])
    >>> texts.codes.tolist(), texts.categories.tolist()
    ([0, 1, 0], ['a', 'b'])
    """
    occurs = np.zeros(len(names), dtype=bool)
    for rows in parts_of(len(numbers)):
        occurs[np.unique(numbers[rows])] = True
    kinds = sorted({names[number] for number in np.flatnonzero(occurs).tolist()})
    code = {name: number for number, name in enumerate(kinds)}
    place = np.array([code.get(name, -1) for name in names], dtype=np.min_scalar_type(-max(len(kinds), 1)))
    codes = by_parts(len(numbers), lambda rows: place[numbers[rows]])
    return pd.Categorical.from_codes(codes, categories=pd.Index(kinds, dtype="str"))


def coded_in_rows(texts: Sequence[str], rows: Integers, count: int) -> pd.Categorical:
    """A column of `count` texts as categories: these ones in their rows, empty text in the others.

    >>> coded_in_rows(["far", "near"], np.array([2, 0]), 3).tolist()
    ['near', '', 'far']
    """
    names, number = np.unique(np.array(["", *texts], dtype=object), return_inverse=True)
    codes = new_array(count, np.min_scalar_type(-len(names)))
    codes[rows] = number[1:]
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))


def numbers_of(texts: pd.Series, numbers: Mapping[str, int], otherwise: int = 0) -> NDArray[np.uint8]:
    """The number of each text, (n,), `otherwise` for texts without one.

    >>> numbers_of(pd.Series(["none", "clearance"]), {"clearance": 4}).tolist()
    [0, 4]
    """
    cells = texts.astype("category").cat
    # The last place is that of missing texts, whose code is -1.
    table = np.array([*(numbers.get(str(name), otherwise) for name in cells.categories), otherwise], dtype=np.uint8)
    return np.asarray(table[cells.codes.to_numpy()])
