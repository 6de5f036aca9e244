"""What a model learns from: terrain, distances, counts around and land use of each cell, an array (n,) a column."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.warp import Resampling, reproject
from scipy import ndimage
from scipy.spatial import cKDTree

from benchmarks.analyst.frame import PARTS, Array, Frame

REACHES_M = (500, 1_000, 2_000, 4_000)
LINES = ("front_lines", "roads", "rivers", "power_lines", "settlements", "control_areas", "minefield_records")
POINTS = ("incidents", "conflict_events", "settlements")


def terrain(frame: Frame, dem: Path, scratch: Path) -> dict[str, Array]:
    """Height and slope of each cell by rasterstats; ruggedness, curvature and the height above the land around."""
    from rasterstats import zonal_stats

    heights = np.full(frame.shape(PARTS), np.nan, dtype=np.float32)
    with rasterio.open(dem) as file:
        reproject(
            rasterio.band(file, 1), heights, dst_transform=frame.transform(PARTS), dst_crs=frame.crs,
            dst_nodata=np.nan, resampling=Resampling.bilinear,
        )  # fmt: skip
    slopes = slope(frame, heights, scratch)
    centres, half = frame.centres(), frame.size_m / 2
    cells = shapely.box(*(centres - half).T, *(centres + half).T)
    columns: dict[str, Array] = {}
    for name, raster in (("height", heights), ("slope", slopes)):
        options = {"affine": frame.transform(PARTS), "nodata": -9999.0, "stats": ["mean", "std", "min", "max"]}
        rows = zonal_stats(cells, np.nan_to_num(raster, nan=-9999.0).astype(np.float64), **options)
        columns |= {f"{name}_{stat}": values for stat, values in pd.DataFrame(rows).astype(float).items()}
    whole = np.where(np.isfinite(heights), heights, np.nanmean(heights))
    for reach in REACHES_M[:3]:
        width = 2 * round(reach * PARTS / frame.size_m) + 1
        mean = ndimage.uniform_filter(whole, width)
        columns[f"above_{reach}"] = sampled(frame, whole - mean)
        spread = ndimage.uniform_filter(whole.astype(np.float64) ** 2, width) - mean.astype(np.float64) ** 2
        columns[f"rugged_{reach}"] = sampled(frame, np.sqrt(np.maximum(spread, 0)))
    east, south = np.gradient(np.asarray(whole), frame.size_m / PARTS)[::-1]
    aspect = np.arctan2(east, south)
    return columns | {"northness": sampled(frame, np.cos(aspect)), "eastness": sampled(frame, np.sin(aspect))}


def slope(frame: Frame, heights: Array, scratch: Path) -> Array:
    """Slope of the fine cells in degrees, by gdaldem where it is installed, else by numpy."""
    tool = shutil.which("gdaldem")
    if tool is None:
        return np.asarray(np.degrees(np.arctan(np.hypot(*np.gradient(heights, frame.size_m / PARTS)))))
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "nodata": -9999.0, "crs": frame.crs}
    rows, columns = heights.shape
    place = {"height": rows, "width": columns, "transform": frame.transform(PARTS)}
    with rasterio.open(scratch / "heights.tif", "w", **profile, **place) as file:
        file.write(np.nan_to_num(heights, nan=-9999.0), 1)
    line = [tool, "slope", "-q", "-compute_edges", str(scratch / "heights.tif"), str(scratch / "slope.tif")]
    subprocess.run(line, check=True)
    with rasterio.open(scratch / "slope.tif") as file:
        values = file.read(1)
    return np.asarray(np.where(values == -9999.0, np.nan, values))


def sampled(frame: Frame, fine: Array) -> Array:
    """The value of a fine raster at the centre of each cell of the area, (n,)."""
    return np.asarray(fine[PARTS // 2 :: PARTS, PARTS // 2 :: PARTS][frame.mask], dtype=float)


def around(frame: Frame, count: Array, reach_m: float) -> Array:
    """Gaussian mean of counts around each cell without the cell's own, which would tell its label, (n,)."""
    sigma = reach_m / frame.size_m
    one = np.zeros(2 * int(4 * sigma) + 3)
    one[len(one) // 2] = 1
    own = ndimage.gaussian_filter1d(one, sigma).max() ** 2
    return np.asarray((ndimage.gaussian_filter(count, sigma, mode="constant") - own * count)[frame.mask])


def nearest_other(frame: Frame, count: Array) -> Array:
    """Distance of each cell to the nearest other cell that holds something, in metres, (n,); NaN without any."""
    row, column = np.nonzero(count)
    if len(row) < 2:
        return np.full(int(frame.mask.sum()), np.nan)
    places = np.column_stack([frame.west + (column + 0.5) * frame.size_m, frame.north - (row + 0.5) * frame.size_m])
    near, _ = cKDTree(places).query(frame.centres(), k=2)
    return np.asarray(np.where(near[:, 0] < 1, near[:, 1], near[:, 0]))


def distances(frame: Frame, tables: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Array]:
    """Distance to each kind of line and place, by the distance transform of a burnt raster."""
    columns: dict[str, Array] = {}
    for name in LINES:
        shapes = tables[name].geometry
        there = frame.burnt(shapes.boundary if name == "control_areas" else shapes, PARTS)
        if there.any():
            distance = ndimage.distance_transform_edt(~there, sampling=frame.size_m / PARTS)
            columns[f"{name}_m"] = sampled(frame, distance)
    return columns


def densities(frame: Frame, tables: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Array]:
    """Counts of accidents, events and people around each cell."""
    columns: dict[str, Array] = {}
    for name in POINTS:
        points = tables[name].geometry.representative_point()
        if not len(points):
            continue
        people = "population" in tables[name]
        weight = pd.to_numeric(tables[name]["population"], errors="coerce").fillna(0).to_numpy() if people else None
        count = frame.counted(points, weight)
        columns |= {f"{name}_{reach}": around(frame, count, reach) for reach in REACHES_M}
        columns[f"{name}_nearest"] = nearest_other(frame, count)
    return columns


def land_cover(frame: Frame, table: gpd.GeoDataFrame) -> dict[str, Array]:
    """Share of each cell under each kind of land use."""
    columns: dict[str, Array] = {}
    for kind, part in table.groupby("land_use") if "land_use" in table else ():
        there = frame.burnt(part.geometry, PARTS, touched=False).astype(np.float32)
        rows, across = frame.mask.shape
        columns[f"cover_{kind}"] = there.reshape(rows, PARTS, across, PARTS).mean(axis=(1, 3))[frame.mask]
    return columns
