"""The region in which each cell lies: a district, a named box or a square block."""

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.base import Floats, Grid, geographic_centres
from features.sources import Sources
from training.settings import ValidationSettings

NO_REGION = ""
# Number of cells whose centres are points in memory at a time: a point takes hundreds of bytes.
CENTRES_AT_ONCE = 1 << 18


def cell_regions(grid: Grid, sources: Sources, settings: ValidationSettings) -> NDArray[np.object_]:
    """Name of the region of each cell, in `grid.cell_ids()` order; empty where a cell lies in none.

    Districts are cut by cell centres, or taken from the nearest point where points mark the cells of a district; if
    there are fewer than two districts, blocks take their place.
    """
    if isinstance(settings.regions, dict):
        longitude, latitude = geographic_centres(grid)
        names = np.full(len(longitude), NO_REGION, dtype=object)
        for name, (west, south, east, north) in settings.regions.items():
            names[(longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)] = name
        return names
    districts = sources.vectors.get("districts")
    if settings.regions == "districts" and districts is not None and len(districts):
        names = district_names(grid, districts)
        if len(set(names) - {NO_REGION}) > 1:
            return names
    return block_names(grid.centres_m(), settings.block_m)


def block_names(centres_m: Floats, block_m: float) -> NDArray[np.object_]:
    """Name of the square block of each point; blocks are aligned to the CRS origin."""
    blocks, place = np.unique(np.floor(centres_m / block_m).astype(np.int64), axis=0, return_inverse=True)
    return np.array([f"block {east} {north}" for east, north in blocks], dtype=object)[place.reshape(-1)]


def district_names(grid: Grid, districts: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Name of the district of each cell centre, in `grid.cell_ids()` order; empty outside all of them."""
    centres = grid.centres_m()
    texts = district_texts(districts)
    if districts.geom_type.eq("Point").all():
        tree = cKDTree(np.column_stack([districts.geometry.x, districts.geometry.y]))
        _, nearest = tree.query(centres, distance_upper_bound=grid.cell_size_m)
        return np.asarray(np.array([*texts, NO_REGION], dtype=object)[nearest])
    names = np.full(len(centres), NO_REGION, dtype=object)
    for start in range(0, len(centres), CENTRES_AT_ONCE):
        names[start : start + CENTRES_AT_ONCE] = _names_at(centres[start : start + CENTRES_AT_ONCE], districts, texts)
    return names


def _names_at(centres: Floats, districts: gpd.GeoDataFrame, texts: list[str]) -> NDArray[np.object_]:
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(centres[:, 0], centres[:, 1]), crs=districts.crs)
    joined = points.sjoin(districts[["geometry"]], how="left", predicate="within")
    # A centre on a shared border belongs to the first of its districts.
    first = joined[~joined.index.duplicated()]["index_right"].fillna(len(texts)).astype("int64")
    return np.asarray(np.array([*texts, NO_REGION], dtype=object)[first.to_numpy()])


def district_texts(districts: gpd.GeoDataFrame) -> list[str]:
    """A text for each district: its name, with a number added where several polygons share a name."""
    names = districts["name"].astype("string").fillna("") if "name" in districts else [""] * len(districts)
    if districts.geom_type.eq("Point").all():
        return [str(name) for name in names]
    texts: list[str] = []
    for number, name in enumerate(names):
        texts.append(str(name) if name and name not in texts else f"{name} (district {number})".strip())
    return texts
