"""GeoParquet: every cell of the area, the file that other programs read."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from mlrisk.package import Package
from mlrisk.writers.words import check_columns, notes_json

FLOATS = (
    "contamination",
    "contamination_low",
    "contamination_high",
    "contamination_score",
    "casualties_per_year",
)
COLUMNS = {
    "cell_id": "int64",
    "easting_m": "float64",
    "northing_m": "float64",
    "longitude": "float64",
    "latitude": "float64",
    "evidence": "str",
    **dict.fromkeys(FLOATS, "float64"),
    "in_domain": "bool",
    "priority": "float64",
    "rank": "Int32",
    "reason_1": "str",
    "reason_2": "str",
    "reason_3": "str",
    "released": "bool",
}
# A constant, so that the bytes do not depend on the machine; about 20 MB a group in memory.
ROWS_PER_GROUP = 1 << 18


def write_parquet(package: Package, folder: Path) -> list[Path]:
    """Write risk.parquet; the same package gives the same bytes."""
    check_columns(package.risk, tuple(COLUMNS), "risk")
    risk = package.risk[list(COLUMNS)].astype(COLUMNS)
    table = pa.Table.from_pandas(risk, preserve_index=False)
    points = shapely.points(risk["easting_m"].to_numpy(), risk["northing_m"].to_numpy())
    table = table.append_column("geometry", pa.array(shapely.to_wkb(points), type=pa.binary()))
    metadata = {**(table.schema.metadata or {}), b"geo": _geo(package, risk), b"mlrisk": notes_json(package.notes)}
    path = folder / "risk.parquet"
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd", row_group_size=ROWS_PER_GROUP)
    return [path]


def _geo(package: Package, risk: pd.DataFrame) -> str:
    """The `geo` key of the GeoParquet specification, version 1.1.0."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "crs": package.grid.crs.to_json_dict(),
    }
    if len(risk):
        east, north = risk["easting_m"], risk["northing_m"]
        column["bbox"] = [float(east.min()), float(north.min()), float(east.max()), float(north.max())]
    return json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})
