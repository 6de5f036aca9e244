"""Columns of few different texts, held as a small number for each cell in place of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
