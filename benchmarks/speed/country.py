"""A country for the benchmark, written as an authority would hand it over: GeoPackage, GeoTIFF and CSV.

4,000 x 4,000 cells of 30 m hold 20,000 roads of seven segments, 300 pieces of front line, 5,000 incidents and all other
sources of the feature families; any other size has them at the same density.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
import yaml
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import Resampling, calculate_default_transform, reproject

from benchmarks.speed import shapes
from features.sources.schema import VOCABULARIES

SEED = 42
CELL_SIZE_M = 30.0
FULL_SIDE = 4000
CRS_NAME, DEGREES = "EPSG:32634", "EPSG:4326"
# Lower left corner: multiples of the cell size, so that the area is a whole number of cells.
WEST_M, SOUTH_M = 390_000.0, 4_800_000.0
COVARIATE_FACTOR = 8
ROAD_CLASSES = ("primary", "secondary", "tertiary", "residential", "unclassified", "track", "path")
LAND_USES = ("farmland", "orchard", "vineyard", "forest", "meadow", "residential", "industrial")
# Records of each source on the full side.
COUNTS = {
    "front_lines": 300,
    "roads": 20_000,
    "incidents": 5_000,
    "conflict_events": 9_000,
    "hazard_areas": 1_500,
    "minefield_records": 500,
    "land_release": 1_500,
    "finds": 3_000,
    "settlements": 3_000,
    "land_use": 2_000,
    "rivers": 500,
    "power_lines": 100,
    "buildings": 20_000,
    "districts": 20,
}

Columns = dict[str, Any]
Made = tuple[NDArray[Any], Columns]


def make_country(folder: Path, side: int, dem_crs: str) -> Path:
    """Write the country of `side` x `side` cells, unless it is there, and give the path of its config."""
    config = folder / f"config-{dem_crs.rpartition(':')[2]}.yaml"
    if config.is_file():
        return config
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    length_m = side * CELL_SIZE_M
    _write_dem(folder, shapes.heights(rng, side), dem_crs)
    _write_covariate(folder / "greenness.tif", rng, max(1, side // COVARIATE_FACTOR))
    _write_vector(folder / "area.gpkg", np.array([shapely.box(0, 0, length_m, length_m)]), {})
    sources: dict[str, Any] = {"dem": "dem.tif" if dem_crs == CRS_NAME else "dem_degrees.tif"}
    for source, make in MAKERS.items():
        number = max(1, round(COUNTS[source] * (side / FULL_SIDE) ** 2))
        geometry, columns = make(rng, number, length_m)
        sources[source] = f"{source}.csv" if source == "conflict_events" else f"{source}.gpkg"
        _write_vector(folder / sources[source], geometry, columns)
    tree = {
        "name": "benchmark",
        "as_of": "2024-07-31",
        "grid": {"crs": CRS_NAME, "cell_size_m": CELL_SIZE_M, "area": "area.gpkg"},
        "sources": {**sources, "covariates": ["greenness.tif"]},
    }
    config.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return config


def _front_lines(rng: np.random.Generator, n: int, length_m: float) -> Made:
    held_from = shapes.dates(rng, n)
    held_to = held_from + pd.to_timedelta(rng.integers(30, 2000, n), unit="D")
    kind = rng.choice(VOCABULARIES["kind"], n)
    return shapes.lines(rng, n, length_m, 100.0, 20), {"held_from": held_from, "held_to": held_to, "kind": kind}


def _roads(rng: np.random.Generator, n: int, length_m: float) -> Made:
    bridge = np.where(rng.random(n) < 0.01, "yes", "no")
    return shapes.lines(rng, n, length_m, 120.0, 8), {"road_class": rng.choice(ROAD_CLASSES, n), "bridge": bridge}


def _incidents(rng: np.random.Generator, n: int, length_m: float) -> Made:
    places = shapes.clusters(rng, n, max(1, n * 60 // COUNTS["incidents"]), length_m, 3000.0)
    return places, {
        "date": shapes.dates(rng, n),
        "killed": rng.poisson(0.4, n),
        "injured": rng.poisson(0.9, n),
        "activity": rng.choice(["farming", "herding", "travel", "passing"], n),
        "device_category": rng.choice(["AP mine", "AT mine", "UXO"], n),
        "accident_class": rng.choice(VOCABULARIES["accident_class"], n, p=[0.1, 0.9]),
        "location_error_m": rng.choice([0.0, 100.0, 500.0], n, p=[0.9, 0.07, 0.03]),
    }


def _conflict_events(rng: np.random.Generator, n: int, length_m: float) -> Made:
    places = shapes.clusters(rng, n, max(1, n * 60 // COUNTS["conflict_events"]), length_m, 8000.0)
    return places, {
        "date": shapes.dates(rng, n),
        "fatalities": rng.poisson(1.5, n),
        "event_type": rng.choice(["battle", "shelling", "explosion"], n),
        "location_error_m": rng.choice([0.0, 1000.0, 5000.0], n, p=[0.6, 0.3, 0.1]),
    }


def _hazard_areas(rng: np.random.Generator, n: int, length_m: float) -> Made:
    return shapes.polygons(rng, n, length_m, 250.0), {
        "hazard_type": rng.choice(VOCABULARIES["hazard_type"], n),
        "hazard_status": rng.choice(["open", "closed"], n),
        "device_category": rng.choice(["AP mine", "AT mine", "UXO"], n),
        "record_date": shapes.dates(rng, n),
        "record_trust": rng.uniform(0.1, 1.0, n),
    }


def _minefield_records(rng: np.random.Generator, n: int, length_m: float) -> Made:
    return shapes.polygons(rng, n, length_m, 150.0), {
        "device_category": rng.choice(["AP mine", "AT mine"], n),
        "location_error_m": rng.choice([0.0, 100.0, 500.0], n),
        "record_date": shapes.dates(rng, n),
        "record_trust": rng.uniform(0.1, 1.0, n),
    }


def _land_release(rng: np.random.Generator, n: int, length_m: float) -> Made:
    start = shapes.dates(rng, n)
    return shapes.polygons(rng, n, length_m, 200.0), {
        "release_type": rng.choice(VOCABULARIES["release_type"], n),
        "start_date": start - pd.Timedelta(days=60),
        "end_date": start,
        "method": rng.choice(["manual", "mechanical", "dogs"], n),
        "clearance_depth_m": rng.choice([0.13, 0.2, 0.3], n),
        "ap_mines": rng.poisson(0.8, n),
        "at_mines": rng.poisson(0.1, n),
        "uxo": rng.poisson(0.5, n),
    }


def _finds(rng: np.random.Generator, n: int, length_m: float) -> Made:
    places = shapes.clusters(rng, n, max(1, n * 60 // COUNTS["finds"]), length_m, 3000.0)
    kind = rng.choice(["AP mine", "AT mine", "UXO"], n)
    return places, {"date": shapes.dates(rng, n), "eo_category": kind, "eo_quantity": rng.integers(1, 9, n)}


def _settlements(rng: np.random.Generator, n: int, length_m: float) -> Made:
    return shapes.points(rng, n, length_m), {
        "name": [f"place {number}" for number in range(n)],
        "population": np.rint(rng.lognormal(5.5, 1.5, n)),
        "planned_population": np.where(rng.random(n) < 0.2, np.rint(rng.lognormal(5.0, 1.0, n)), 0.0),
        "place": rng.choice(["town", "village", "hamlet", "abandoned"], n, p=[0.05, 0.5, 0.4, 0.05]),
    }


def _land_use(rng: np.random.Generator, n: int, length_m: float) -> Made:
    return shapes.polygons(rng, n, length_m, 600.0), {"land_use": rng.choice(LAND_USES, n)}


def _districts(rng: np.random.Generator, n: int, length_m: float) -> Made:
    districts = shapes.squares(length_m, n)
    names = [f"district {number}" for number in range(len(districts))]
    return districts, {"name": names, "record_trust": rng.uniform(0.1, 0.9, len(districts))}


# In this order, which the random numbers follow.
MAKERS: dict[str, Callable[[np.random.Generator, int, float], Made]] = {
    "front_lines": _front_lines,
    "roads": _roads,
    "incidents": _incidents,
    "conflict_events": _conflict_events,
    "hazard_areas": _hazard_areas,
    "minefield_records": _minefield_records,
    "land_release": _land_release,
    "finds": _finds,
    "settlements": _settlements,
    "land_use": _land_use,
    "rivers": lambda rng, n, length_m: (shapes.lines(rng, n, length_m, 300.0, 40), {}),
    "power_lines": lambda rng, n, length_m: (shapes.lines(rng, n, length_m, 400.0, 30), {}),
    "buildings": lambda rng, n, length_m: (shapes.polygons(rng, n, length_m, 12.0, 6), {}),
    "districts": _districts,
}


def _write_vector(path: Path, geometry: NDArray[Any], columns: Columns) -> None:
    """GeoPackage in the grid's CRS, or CSV with longitude and latitude; geometry is counted from the lower left."""
    corner = np.array([WEST_M, SOUTH_M])
    placed = shapely.transform(geometry, lambda places: places + corner)
    table = gpd.GeoDataFrame(columns, geometry=placed, crs=CRS_NAME)
    if path.suffix == ".gpkg":
        table.to_file(path, driver="GPKG", engine="pyogrio")
        return
    there = table.geometry.to_crs(DEGREES)
    plain = pd.DataFrame(columns).assign(longitude=there.x, latitude=there.y)
    plain.to_csv(path, index=False, date_format="%Y-%m-%d")


def _write_dem(folder: Path, ground: NDArray[np.float32], dem_crs: str) -> None:
    """The DEM on the grid itself, and if asked a second one in degrees at about the same resolution."""
    side = len(ground)
    transform = from_origin(WEST_M, SOUTH_M + side * CELL_SIZE_M, CELL_SIZE_M, CELL_SIZE_M)
    _write_raster(folder / "dem.tif", ground, CRS_NAME, transform)
    if dem_crs == CRS_NAME:
        return
    bounds = (WEST_M, SOUTH_M, WEST_M + side * CELL_SIZE_M, SOUTH_M + side * CELL_SIZE_M)
    degrees, width, height = calculate_default_transform(CRS_NAME, dem_crs, side, side, *bounds)
    there = np.full((height, width), np.nan, dtype=np.float32)
    reproject(
        ground,
        there,
        src_transform=transform,
        src_crs=CRS.from_string(CRS_NAME),
        dst_transform=degrees,
        dst_crs=CRS.from_string(dem_crs),
        dst_nodata=np.nan,
        resampling=Resampling.bilinear,
    )
    _write_raster(folder / "dem_degrees.tif", there, dem_crs, degrees)


def _write_covariate(path: Path, rng: np.random.Generator, side: int) -> None:
    size_m = CELL_SIZE_M * COVARIATE_FACTOR
    transform = from_origin(WEST_M, SOUTH_M + side * size_m, size_m, size_m)
    _write_raster(path, rng.random((side, side), dtype=np.float32), CRS_NAME, transform)


def _write_raster(path: Path, values: NDArray[np.float32], crs: str, transform: rasterio.Affine) -> None:
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": np.nan, "crs": crs, "transform": transform}
    if min(values.shape) >= 256:
        profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}
    with rasterio.open(path, "w", height=values.shape[0], width=values.shape[1], **profile) as dataset:
        dataset.write(values, 1)
