"""Reading back the map of an earlier ranking."""

import geopandas as gpd

from features.base import InputError, Place, local_copy, place_of
from mlrisk.risk_map.risk_frame import RiskFrame


def load_risk_map(path: str | Place) -> RiskFrame:
    """Read risk.parquet, or the one in a folder; the geometry is the cell centre in the grid CRS.

    `plot()` draws its priority classes, `explore()` shows the map page of its folder in a notebook.
    """
    place = place_of("risk map", path)
    file = local_copy("risk map", place, ["risk.parquet", "map.html"])
    file = file / "risk.parquet" if file.is_dir() else file
    if not file.is_file():
        raise InputError(f"risk map ({file}) does not exist: give the output folder of `mlrisk rank`")
    frame = RiskFrame(gpd.read_parquet(file))
    frame.attrs["folder"] = str(file.parent)
    return frame
