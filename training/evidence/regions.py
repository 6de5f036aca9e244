"""The region in which each cell lies: a district, a named box or a square block."""

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.base import Floats, Grid, Integers, geographic_centres, new_array
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
    numbers, texts = district_numbers(grid, districts)
    return np.asarray(np.array(texts, dtype=object)[numbers])


def district_numbers(grid: Grid, districts: gpd.GeoDataFrame) -> tuple[NDArray[np.int32], list[str]]:
    """The district of each cell centre, in `grid.cell_ids()` order, by its place among the texts; the last is empty."""
    texts = [*district_texts(districts), NO_REGION]
    numbers = new_array(grid.n_cells, np.int32)
    marks = districts.geom_type.eq("Point").all()
    tree = cKDTree(np.column_stack([districts.geometry.x, districts.geometry.y])) if marks else None
    for band, cells in grid.bands():
        centres, here = band.centres_m(), numbers[cells]
        if tree is not None:
            here[:] = tree.query(centres, distance_upper_bound=grid.cell_size_m)[1]
            continue
        for start in range(0, len(centres), CENTRES_AT_ONCE):
            part = slice(start, start + CENTRES_AT_ONCE)
            here[part] = _districts_at(centres[part], districts)
    return numbers, texts


def _districts_at(centres: Floats, districts: gpd.GeoDataFrame) -> Integers:
    """The first district at each point, (n,), in number of districts where there is none."""
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(centres[:, 0], centres[:, 1]), crs=districts.crs)
    joined = points.sjoin(districts[["geometry"]], how="left", predicate="within")
    # A centre on a shared border belongs to the first of its districts.
    first = joined[~joined.index.duplicated()]["index_right"].fillna(len(districts)).astype("int64")
    return np.asarray(first.to_numpy())


def district_texts(districts: gpd.GeoDataFrame) -> list[str]:
    """A text for each district: its name, with a number added where several polygons share a name."""
    names = districts["name"].astype("string").fillna("") if "name" in districts else [""] * len(districts)
    if districts.geom_type.eq("Point").all():
        return [str(name) for name in names]
    texts: list[str] = []
    for number, name in enumerate(names):
        texts.append(str(name) if name and name not in texts else f"{name} (district {number})".strip())
    return texts
