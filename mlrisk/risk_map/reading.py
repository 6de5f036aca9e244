"""Reading back the map of an earlier ranking."""

from pathlib import Path

import geopandas as gpd

from features.base import InputError


def load_risk_map(path: str | Path) -> gpd.GeoDataFrame:
    """Read risk.parquet, or the one in a folder; the geometry is the cell centre in the grid CRS."""
    file = Path(path)
    file = file / "risk.parquet" if file.is_dir() else file
    if not file.is_file():
        raise InputError(f"risk map ({file}) does not exist: give the output folder of `mlrisk rank`")
    return gpd.read_parquet(file)
