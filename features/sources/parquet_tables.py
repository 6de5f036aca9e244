"""Parquet and GeoParquet as rows."""

from io import BytesIO

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
from shapely.errors import ShapelyError

from features.base import InputError
from features.sources.raw_table import RawTable
from features.sources.report import Tally

# Damaged metadata fail wherever a library first looks at them.
BROKEN_PARQUET = (
    pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ShapelyError,
)  # fmt: skip


def read_parquet(what: str, content: bytes, tally: Tally) -> RawTable:
    """GeoParquet with its geometry and CRS, or plain Parquet."""
    try:
        schema = pq.read_schema(BytesIO(content))
        if b"geo" in (schema.metadata or {}):
            frame = gpd.read_parquet(BytesIO(content))
            geometry, crs = np.asarray(frame.geometry.array, dtype=object), frame.crs
            table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
            others = [str(name) for name in frame if name != frame.geometry.name and frame[name].dtype == "geometry"]
            if others:
                tally.note(f"geometry from {frame.geometry.name!r}; {', '.join(map(repr, others))} left out")
        else:
            table, geometry, crs = _binary_as_hex(pd.read_parquet(BytesIO(content))), None, None
    except BROKEN_PARQUET as error:
        raise InputError(f"{what} cannot be read as Parquet: {error}") from error
    rows = np.arange(1, len(table) + 1)
    known = None if crs is None else pyproj.CRS(crs)
    return RawTable(table=table.reset_index(drop=True), geometry=geometry, crs=known, rows=rows, places=rows)


def _binary_as_hex(table: pd.DataFrame) -> pd.DataFrame:
    """Bytes, such as WKB without the marks of GeoParquet, as text in hexadecimal."""
    for name in table:
        if any(isinstance(value, bytes) for value in table[name].dropna().head(1)):
            table[name] = table[name].map(lambda value: value.hex() if isinstance(value, bytes) else value)
    return table
