"""The rows of one file before anything is decided about them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from features.base import Flags, Integers


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns as they are, geometry (None: the file has none, a table) in `crs`, and where each row stands.

    `rows` counts the rows of the file from 1, with those that `where` passes over; `places` is what a person looks for:
    the line of a text, the row of a sheet, the number of a record (`unit`). `faults` names rows that cannot be used.
    """

    table: pd.DataFrame
    geometry: NDArray[np.object_] | None
    crs: pyproj.CRS | None
    rows: Integers
    places: Integers
    unit: str = "row"
    faults: dict[str, Flags] = field(default_factory=dict)
