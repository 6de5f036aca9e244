"""Columns of a map in little memory: few different texts as small numbers, empty columns held once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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


def with_codes(cells: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """`cells` with the columns of these names as categories in the order of the alphabet; values are the same texts."""
    return cells.assign(**{name: coded(cells[name]) for name in names})


def coded(texts: pd.Series | NDArray[np.object_]) -> pd.Categorical:
    """Texts as categories in the order of the alphabet.

    >>> coded(np.array(["b", "", "b"], dtype=object)).codes.tolist()
    [1, 0, 1]
    """
    codes, names = pd.factorize(texts, sort=True)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))


def numbers_of(texts: pd.Series, numbers: Mapping[str, int], otherwise: int = 0) -> NDArray[np.uint8]:
    """The number of each text, (n,), `otherwise` for texts without one.

    >>> numbers_of(pd.Series(["none", "clearance"]), {"clearance": 4}).tolist()
    [0, 4]
    """
    codes, names = pd.factorize(texts)
    # The last place is that of missing texts, whose code is -1.
    table = np.array([*(numbers.get(str(name), otherwise) for name in names), otherwise], dtype=np.uint8)
    return np.asarray(table[codes])
