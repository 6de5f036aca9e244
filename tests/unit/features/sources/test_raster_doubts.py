"""Rasters that are read with a doubt, and those that are no heights or have no place."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from features.base import InputError
from tests.support.source_files import BOTTOM, LEFT, opened

PLACE = Affine(1000, 0, LEFT, 0, -1000, BOTTOM + 20_000)
SLOPE = 500.0 + np.arange(400).reshape(20, 20)


def written(base: Path, values: object, dtype: str = "float32", place: Affine = PLACE, **more: object) -> None:
    bands = np.asarray(values, dtype=dtype).reshape(-1, 20, 20)
    with rasterio.open(
        base / "a.tif", "w", driver="GTiff", width=20, height=20, count=len(bands), dtype=dtype, crs="EPSG:32638",
        transform=place,
    ) as dataset:  # fmt: skip
        dataset.write(bands)
        for name, value in more.items():
            setattr(dataset, name, value)


def notes(base: Path, source: str = "dem") -> str:
    return "; ".join(opened(base, **{source: ["a.tif"] if source == "covariates" else "a.tif"}).reports[-1].notes)


def part(value: float, rest: object = SLOPE) -> np.ndarray:
    """Heights of which the western quarter has one value."""
    heights = np.array(rest, dtype=np.float64)
    heights[:, :5] = value
    return heights


@pytest.mark.parametrize(
    ("values", "dtype", "source", "note"),
    [
        (part(-12345), "float32", "dem", "-12345, in 25.0% of its pixels here, read as missing: no height of land"),
        (part(0), "float32", "dem", "0 m in 25.0% of its pixels here, and no other height below 505 m"),
        (np.full((20, 20), 100), "float32", "dem", "every height is 100 m"),
        (SLOPE % 250, "uint8", "dem", "heights of 8 bits, 0 to 249: check that it is no picture"),
        (part(255, SLOPE % 7), "uint8", "land_use", "255, in 25.0% of its pixels here, is a class"),
        (part(-1), "float32", "covariates", "-1 in 25.0% of its pixels here is its one negative value"),
        (part(-128, SLOPE % 100), "int8", "covariates", "-128, in 25.0% of its pixels here, read as missing"),
        (part(-999.9), "float32", "covariates", "-999.9000244, in 25.0% of its pixels here, read as missing"),
    ],
)
def test_a_doubt_names_file_value_and_share(tmp_path: Path, values: object, dtype: str, source: str, note: str) -> None:
    written(tmp_path, values, dtype)
    assert f"a.tif: {note}" in notes(tmp_path, source)


@pytest.mark.parametrize("source", ["dem", "covariates"])
def test_values_of_land_raise_no_doubt(tmp_path: Path, source: str) -> None:
    written(tmp_path, SLOPE - 600)
    assert "a.tif" not in notes(tmp_path, source)


@pytest.mark.parametrize(
    ("unit", "text"),
    [("decimetres", "heights in decimetres turned into metres"), ("degree", "its unit is 'degree': taken as metres")],
)
def test_units_are_converted_or_doubted(tmp_path: Path, unit: str, text: str) -> None:
    written(tmp_path, SLOPE, units=(unit,))
    assert text in notes(tmp_path)


def test_metres_above_a_geoid_are_metres(tmp_path: Path) -> None:
    written(tmp_path, SLOPE, units=("m above EGM96",))
    assert "unit" not in notes(tmp_path)


RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def test_a_picture_in_colours_is_no_elevation_model(tmp_path: Path) -> None:
    written(tmp_path, np.stack([SLOPE % 250] * 3), "uint8", colorinterp=RGB)
    with pytest.raises(InputError, match="is a picture in colours, not heights"):
        notes(tmp_path)
    assert "a.tif is a picture in colours: its red is read as the value" in notes(tmp_path, "covariates")


@pytest.mark.filterwarnings("ignore:The given matrix is equal to Affine.identity")
def test_a_raster_without_a_geotransform_is_refused_although_it_states_a_crs(tmp_path: Path) -> None:
    written(tmp_path, SLOPE, place=Affine.identity())
    with pytest.raises(InputError, match="does not say where it lies"):
        notes(tmp_path)


def test_a_grid_of_text_with_decimal_commas_is_refused(tmp_path: Path) -> None:
    head = f"ncols 2\nnrows 2\nxllcorner {LEFT}\nyllcorner {BOTTOM}\ncellsize 10000\n"
    (tmp_path / "a.asc").write_text(head + "500,5 501,5\n502,5 503,5\n")
    with pytest.raises(InputError, match="has decimal commas"):
        opened(tmp_path, dem={"path": "a.asc", "crs": "EPSG:32638"})


@pytest.mark.parametrize(
    ("name", "why"), [("tile.hgt", "is placed by its name"), ("cut.tif", "its pixels cannot be read: it is cut off")]
)
def test_what_rasterio_cannot_read_is_named_with_a_remedy(tmp_path: Path, name: str, why: str) -> None:
    written(tmp_path, SLOPE)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2] if name == "cut.tif" else bytes(1000))
    with pytest.raises(InputError, match=why):
        opened(tmp_path, dem=name)
