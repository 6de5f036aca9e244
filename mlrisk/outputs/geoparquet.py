"""GeoParquet: every cell of the area, the file that other programs read."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.base import leave_memory
from features.table import geo_metadata, point_wkb
from mlrisk.outputs.wording import check_columns, notes_json
from mlrisk.risk_map import Package, present_casualty_columns, present_rule_columns

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
    "status": "str",
    "work": "str",
    **dict.fromkeys(FLOATS, "float64"),
    "in_domain": "bool",
    "priority": "float64",
    "rank": "Int32",
    "reason_1": "str",
    "reason_2": "str",
    "reason_3": "str",
    "released": "bool",
    **dict.fromkeys(("venn_abers_low", "venn_abers_high", "spread", "missed_share_below"), "float64"),
    "mask": "str",
    "task_id": "Int32",
    "purpose": "str",
    "inclusion_prob": "float64",
    "season_detection": "float64",
}
# A constant, so that the bytes do not depend on the machine; about 20 MB a group in memory.
ROWS_PER_GROUP = 1 << 18


def write_parquet(package: Package, folder: Path) -> list[Path]:
    """Write risk.parquet; the same package gives the same bytes."""
    check_columns(package.risk, tuple(COLUMNS), "risk")
    more = [*present_casualty_columns(package.risk), *present_rule_columns(package.risk)]
    columns = COLUMNS | dict.fromkeys(more, "float64")
    path = folder / "risk.parquet"
    schema = _rows(package.risk[:0], columns).schema
    metadata = {
        **(schema.metadata or {}),
        b"geo": geo_metadata(package.grid.crs, _bounds(package.risk)),
        b"mlrisk": notes_json(package.notes),
    }
    with pq.ParquetWriter(path, schema.with_metadata(metadata), compression="zstd") as writer:
        # Group by group, so that memory holds no second copy of the map.
        for start in range(0, max(len(package.risk), 1), ROWS_PER_GROUP):
            rows = _rows(package.risk[start : start + ROWS_PER_GROUP], columns)
            writer.write_table(rows.replace_schema_metadata(metadata), row_group_size=ROWS_PER_GROUP)
            leave_memory()
    return [path]


def _rows(risk: pd.DataFrame, columns: Mapping[str, str]) -> pa.Table:
    """Some rows of the map with the centre of each cell as geometry."""
    chosen = risk[list(columns)].astype(columns)
    table = pa.Table.from_pandas(chosen, preserve_index=False)
    return table.append_column("geometry", point_wkb(chosen[["easting_m", "northing_m"]].to_numpy()))


def _bounds(risk: pd.DataFrame) -> tuple[float, float, float, float] | None:
    if risk.empty:
        return None
    east, north = risk["easting_m"], risk["northing_m"]
    return float(east.min()), float(north.min()), float(east.max()), float(north.max())
