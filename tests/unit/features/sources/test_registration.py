"""A covariate called elevation that does not lie where the DEM says is reported, and only that."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine

from features.base.grid import Grid
from features.sources.coregistration import ELEVATION_NAME
from features.sources.opening import SourcesSettings, open_sources

BOX = (600_000, 4_400_000, 620_000, 4_424_000)
ON = Grid.from_area(shapely.box(*BOX), pyproj.CRS("EPSG:32638"), 500)


def land(east_m, north_m):
    return 900 + 300 * np.sin(east_m / 2900) * np.cos(north_m / 1700)


def raster(path: Path, shift_m: float = 0, pixel_m: float = 200) -> None:
    east_m, north_m = np.meshgrid(np.arange(BOX[0], BOX[2], pixel_m), np.arange(BOX[3], BOX[1], -pixel_m))
    values = land(east_m + pixel_m / 2 + shift_m, north_m - pixel_m / 2).astype("float32")
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": "EPSG:32638"}
    transform = Affine(pixel_m, 0, BOX[0], 0, -pixel_m, BOX[3])
    with rasterio.open(path, "w", width=values.shape[1], height=values.shape[0], transform=transform, **profile) as new:
        new.write(values, 1)


def table(path: Path, shuffled: bool) -> None:
    rng = np.random.default_rng(0)
    east_m, north_m = rng.uniform(BOX[0], BOX[2], 3000), rng.uniform(BOX[1], BOX[3], 3000)
    height = land(east_m, north_m) + rng.normal(0, 20, 3000)
    longitude, latitude = pyproj.Transformer.from_crs(32638, 4326, always_xy=True).transform(east_m, north_m)
    columns = {
        "longitude": longitude,
        "latitude": latitude,
        "Elevation": rng.permutation(height) if shuffled else height,
    }
    pd.DataFrame({**columns, "rain": rng.random(3000)}).to_csv(path, index=False)


def notes(folder: Path, path: str, dem: bool = True) -> list[str]:
    specs = {"covariates": [path]} | ({"dem": "dem.tif"} if dem else {})
    report = open_sources(SourcesSettings.model_validate(specs), ON, folder).reports[-1]
    return [note for note in report.notes if "disagrees" in note]


@pytest.mark.slow
def test_a_shuffled_column_is_reported_and_a_noisy_one_is_not(tmp_path: Path) -> None:
    raster(tmp_path / "dem.tif")
    table(tmp_path / "good.csv", shuffled=False)
    table(tmp_path / "bad.csv", shuffled=True)
    assert notes(tmp_path, "good.csv") == []
    (note,) = notes(tmp_path, "bad.csv")
    assert note.startswith("elevation disagrees with the DEM (r = ")
    assert "at 1,500 places" in note
    assert note.endswith("check registration or leave it out")
    assert notes(tmp_path, "bad.csv", dem=False) == []


def test_a_shifted_raster_is_reported_if_it_calls_itself_an_elevation(tmp_path: Path) -> None:
    raster(tmp_path / "dem.tif")
    raster(tmp_path / "altitude.tif", pixel_m=500)
    raster(tmp_path / "dem_old.tif", shift_m=4500)
    raster(tmp_path / "wetness.tif", shift_m=4500)
    assert notes(tmp_path, "altitude.tif") == notes(tmp_path, "wetness.tif") == []
    assert notes(tmp_path, "dem_old.tif")[0].startswith("dem_old disagrees with the DEM (r = ")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("elevation", True), ("altitude_m", True), ("dem_30", True), ("mean_elev", True), ("height", True), ("alt", True),
     ("tree_height", False), ("demand", False), ("salt", False), ("relevation", False), ("height_of_trees", False)],
)  # fmt: skip
def test_names_of_elevations(name: str, is_one: bool) -> None:
    assert bool(ELEVATION_NAME.search(name)) == is_one
