"""A check that a covariate with the name of an elevation agrees with the DEM."""

import re

import geopandas as gpd
import numpy as np

from features.base import Floats, Grid
from features.sources.rasters import RasterSource

# Names of terrain heights; heights of trees or buildings have a further word in their name.
ELEVATION_NAME = re.compile(r"(^|_)(elevation|altitude|elev|alt|dem)(_|\d|$)|^height(_m|_metres)?$", re.IGNORECASE)
# Two good elevation models of one country agree far better, even if one has pixels of 1 km.
LEAST_CORRELATION = 0.8
SAMPLE_PLACES = 2000
# With fewer places a correlation is meaningless.
FEWEST_PLACES = 30


def disagreements(covariate: RasterSource | gpd.GeoDataFrame, dem: RasterSource, grid: Grid) -> list[str]:
    """A remark for each elevation of a covariate whose correlation with the DEM is below 0.8 (Pearson).

    Compared at about 2,000 points of the table, or cell centres of the area for a raster.
    """
    remarks = []
    if isinstance(covariate, RasterSource):
        if ELEVATION_NAME.search(covariate.name):
            places = grid.some_centres_m(SAMPLE_PLACES)
            values = covariate.values_at(places[:, 0], places[:, 1], grid.crs)
            remarks.append(_remark(covariate.name, values, dem.values_at(places[:, 0], places[:, 1], grid.crs)))
    else:
        table = covariate.iloc[_steps(len(covariate))]
        east_m, north_m = table.geometry.x.to_numpy(), table.geometry.y.to_numpy()
        for name in filter(ELEVATION_NAME.search, map(str, table.columns)):
            values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
            remarks.append(_remark(name, values, dem.values_at(east_m, north_m, grid.crs)))
    return [remark for remark in remarks if remark]


def _remark(name: str, values: Floats, heights: Floats) -> str:
    """A sentence on the disagreement; empty if there is none, or with too few values to judge."""
    known = np.isfinite(values) & np.isfinite(heights)
    values, heights = values[known], heights[known]
    if len(values) < FEWEST_PLACES or np.ptp(values) == 0 or np.ptp(heights) == 0:
        return ""
    r = float(np.corrcoef(values, heights)[0, 1])
    if r >= LEAST_CORRELATION:
        return ""
    apart = np.median(values - heights)
    return (
        f"{name} disagrees with the DEM (r = {r:.2f} at {len(values):,} places, median difference {apart:.0f} m): "
        "check registration or leave it out"
    )


def _steps(count: int) -> slice:
    return slice(None, None, max(1, -(-count // SAMPLE_PLACES)))
