"""The rows of one file before anything is decided about them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from features.base import Flags, Integers


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns as in the file, geometry in `crs` (None for a table without), and the place of each row.

    `rows` counts the rows of the file from 1, including those that `where` excludes; `places` are the numbers that a
    person looks for: the line of a text, the row of a sheet, the number of a record (`unit`). `faults` names rows that
    cannot be used.
    """

    table: pd.DataFrame
    geometry: NDArray[np.object_] | None
    crs: pyproj.CRS | None
    rows: Integers
    places: Integers
    unit: str = "row"
    faults: dict[str, Flags] = field(default_factory=dict)
