"""The features of one tile as the bytes of a GeoParquet file, with the meaning of every column in its metadata."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from features.base import FeatureInfo, Floats, Grid
from features.table.build import FeatureTable

# A constant, so that the bytes do not depend on the machine.
ROWS_PER_GROUP = 1 << 18
PLACE_COLUMNS = {
    "cell_id": {"unit": "1", "text": "id of the cell, from the CRS, the cell size and the place alone"},
    "geometry": {"unit": "m", "text": "centre of the cell in the CRS of the grid"},
    "easting_m": {"unit": "m", "text": "easting of the centre"},
    "northing_m": {"unit": "m", "text": "northing of the centre"},
}


def geo_metadata(crs: pyproj.CRS, bounds: tuple[float, float, float, float] | None) -> str:
    """The `geo` key of the GeoParquet specification, version 1.1.0, for points in a `geometry` column.

    `bounds` (easting_min, northing_min, easting_max, northing_max) is None for a table without rows.
    """
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"], "crs": crs.to_json_dict()}
    if bounds is not None:
        column["bbox"] = list(bounds)
    return json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})


def feature_file(tile: Grid, table: FeatureTable, infos: Mapping[str, FeatureInfo], notes: Mapping[str, Any]) -> bytes:
    """A GeoParquet file of the cells inside the tile; equal arguments give equal bytes.

    `notes` go into the key `mlrisk` of the file's metadata with the meaning of the columns; each column carries its
    own as well. A feature that is unknown is NaN, not null.
    """
    centres = tile.centres_m()
    metadata = PLACE_COLUMNS | {name: described(infos[name]) for name in table.names}
    arrays = [pa.array(tile.cell_ids()), point_wkb(centres), pa.array(centres[:, 0]), pa.array(centres[:, 1])]
    arrays += [pa.array(column) for column in table.values.T]
    fields = [
        pa.field(name, array.type, nullable=False, metadata={key: str(value) for key, value in metadata[name].items()})
        for name, array in zip(metadata, arrays, strict=True)
    ]
    low, high = centres.min(axis=0), centres.max(axis=0)
    bounds = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    record = json.dumps({**notes, "columns": metadata}, ensure_ascii=False, sort_keys=True)
    schema = pa.schema(fields, metadata={"geo": geo_metadata(tile.crs, bounds), "mlrisk": record})
    sink = pa.BufferOutputStream()
    # Measured values seldom repeat: a dictionary of them costs time and saves nothing. Bytes of equal weight
    # side by side compress better than whole floats.
    split = dict.fromkeys((*table.names, "easting_m", "northing_m"), "BYTE_STREAM_SPLIT")
    pq.write_table(
        pa.table(arrays, schema=schema), sink, compression="zstd", row_group_size=ROWS_PER_GROUP,
        use_dictionary=False, column_encoding=split,
    )  # fmt: skip
    return bytes(sink.getvalue())


def described(info: FeatureInfo) -> dict[str, str]:
    """The description of a feature in the metadata; sources are joined by commas."""
    return {
        "unit": info.unit,
        "text": info.text,
        "family": info.family,
        "sources": ", ".join(info.sources),
        "formula": info.formula,
    }


def point_wkb(places: Floats) -> pa.Array:
    """Points (n, 2) as little-endian WKB: byte order 1, type 1, two doubles, 21 bytes each.

    >>> import numpy as np
    >>> point_wkb(np.array([[0.0, 2.0]]))[0].as_py().hex()
    '010100000000000000000000000000000000000040'
    """
    records = np.empty(len(places), dtype=[("order", "u1"), ("type", "<u4"), ("east", "<f8"), ("north", "<f8")])
    records["order"], records["type"] = 1, 1
    records["east"], records["north"] = places[:, 0], places[:, 1]
    offsets = np.arange(len(places) + 1, dtype=np.int32) * records.itemsize
    return pa.Array.from_buffers(pa.binary(), len(places), [None, pa.py_buffer(offsets), pa.py_buffer(records)])
