"""GeoParquet: every cell of the area, the file that other programs read."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

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
    risk = package.risk[list(columns)].astype(columns)
    table = pa.Table.from_pandas(risk, preserve_index=False)
    table = table.append_column("geometry", point_wkb(risk[["easting_m", "northing_m"]].to_numpy()))
    metadata = {
        **(table.schema.metadata or {}),
        b"geo": geo_metadata(package.grid.crs, _bounds(risk)),
        b"mlrisk": notes_json(package.notes),
    }
    path = folder / "risk.parquet"
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd", row_group_size=ROWS_PER_GROUP)
    return [path]


def _bounds(risk: pd.DataFrame) -> tuple[float, float, float, float] | None:
    if risk.empty:
        return None
    east, north = risk["easting_m"], risk["northing_m"]
    return float(east.min()), float(north.min()), float(east.max()), float(north.max())
