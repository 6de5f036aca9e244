"""Rasters whose files leave something unsaid: markers of no value, units, tiles that are not there."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pydantic import ValidationError

from features.base import InputError
from features.sources import SourcesSettings
from features.sources.raster_files import undeclared_markers
from tests.support.source_files import BOTTOM, GRID, LEFT, opened

SIDE = 40
HEIGHTS = 400 + 5.0 * np.add.outer(np.arange(SIDE), np.arange(SIDE))
HOLE = np.zeros((SIDE, SIDE), dtype=bool)
HOLE[:, 10:20] = True


def written(
    path: Path, values: np.ndarray, shift: int = 0, units: str | None = None, crs: object = "EPSG:32638"
) -> Path:
    """Pixels of 500 m over the grid, from its north-west corner on, `shift` pixels further east."""
    place = Affine(500, 0, LEFT + 500 * shift, 0, -500, BOTTOM + 20_000)
    rows, columns = values.shape
    shape = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": values.dtype}
    with rasterio.open(path, "w", crs=crs, transform=place, **shape) as dataset:
        dataset.write(values, 1)
        if units:
            dataset.units = (units,)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marker", "dtype"),
    [
        (-99999, "float32"), (-200, "float64"), (255, "uint8"), (65535, "uint16"), (-2147483648, "int32"),
        (-999, "float32"), (-9999, "float32"), (1e20, "float32"), (np.inf, "float32"), (-3.4e38, "float64"),
        (32767, "int16"), (99999, "int32"), (-1e30, "float64"),
    ],
)  # fmt: skip
def test_markers_that_no_tag_declares_are_missing_and_named_with_their_file(
    tmp_path: Path, marker: float, dtype: str
) -> None:
    people = np.random.default_rng(1).uniform(0, 240, (SIDE, SIDE))
    written(tmp_path / "people.tif", np.where(HOLE, marker, people).astype(dtype))
    found = opened(tmp_path, covariates=[{"path": "people.tif"}])
    values = found.covariates[0].read(GRID)
    assert np.isnan(values[:, 5:10]).all()
    assert np.nanmax(values) <= 240
    assert np.nanmin(values) >= 0
    notes = found.reports[-1].notes
    assert any(note.startswith("people.tif: ") and "read as missing" in note for note in notes) or marker == np.inf


@pytest.mark.parametrize("value", [-999.0, -500.0])
def test_a_marker_below_all_heights_is_no_height(tmp_path: Path, value: float) -> None:
    written(tmp_path / "dem.tif", np.where(HOLE, value, HEIGHTS).astype("float32"))
    heights = opened(tmp_path, dem="dem.tif").rasters["dem"].read(GRID)
    assert np.isnan(heights[:, 5:10]).all()
    assert np.nanmin(heights) >= 400


def test_values_that_may_well_be_measured_stay() -> None:
    shore = np.array([-430.0, -500.0, -500.0, -200.0, -200.0, 800.0])
    assert undeclared_markers(shore, "float32", categorical=False) == ()
    assert undeclared_markers(np.array([250.0, 254.0, 255.0, 255.0]), "uint8", categorical=False) == ()
    assert undeclared_markers(np.array([10.0, 20.0, 255.0, 255.0]), "uint8", categorical=True) == ()
    assert undeclared_markers(np.array([5.0, 6.0, -999.0]), "float32", categorical=False) == ()


@pytest.mark.parametrize(("units", "factor"), [("ft", 0.3048), ("US survey foot", 1200 / 3937), ("cm", 0.01), ("m", 1)])
def test_heights_in_other_units_become_metres(tmp_path: Path, units: str, factor: float) -> None:
    written(tmp_path / "dem.tif", HEIGHTS / factor, units=units)
    found = opened(tmp_path, dem="dem.tif")
    assert np.nanmax(np.abs(found.rasters["dem"].read(GRID, "nearest") - HEIGHTS[1::2, 1::2])) < 6
    assert any("turned into metres" in note for note in found.reports[0].notes) == (factor != 1)


def test_a_vertical_reference_in_feet_says_so(tmp_path: Path) -> None:
    written(tmp_path / "dem.tif", HEIGHTS / 0.3048, crs="EPSG:32638+8228")
    heights = opened(tmp_path, dem="dem.tif").rasters["dem"].read(GRID)
    assert 400 <= np.nanmin(heights) <= np.nanmax(heights) <= 800


VRT = """<VRTDataset rasterXSize="40" rasterYSize="40"><SRS>EPSG:32638</SRS>
<GeoTransform>{left}, 500, 0, {top}, 0, -500</GeoTransform><VRTRasterBand dataType="Float64" band="1">{tiles}
</VRTRasterBand></VRTDataset>"""
TILE = """<SimpleSource><SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="10" ySize="40"/>
<DstRect xOff="{left}" yOff="0" xSize="10" ySize="40"/></SimpleSource>"""


def virtual(folder: Path, tiles: list[int]) -> None:
    parts = "".join(TILE.format(name=f"t{number}.tif", left=10 * number) for number in tiles)
    (folder / "all.vrt").write_text(VRT.format(left=LEFT, top=BOTTOM + 20_000, tiles=parts))
    for number in tiles:
        written(folder / f"t{number}.tif", HEIGHTS[:, 10 * number : 10 * number + 10], 10 * number)


def test_a_tile_that_is_gone_is_named(tmp_path: Path) -> None:
    virtual(tmp_path, [0, 1, 2, 3])
    (tmp_path / "t2.tif").unlink()
    with pytest.raises(InputError, match=r"all.vrt lacks t2.tif"):
        opened(tmp_path, dem="all.vrt")


def test_land_between_tiles_has_no_height(tmp_path: Path) -> None:
    virtual(tmp_path, [0, 1, 3])
    found = opened(tmp_path, dem="all.vrt")
    heights = found.rasters["dem"].read(GRID)
    assert np.isnan(heights[:, 10:15]).all()
    assert np.isfinite(heights[:, :10]).all()
    assert np.nanmin(heights) >= 400
    assert "all.vrt: land between its tiles counts as without value" in found.reports[0].notes


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "dem.tif", HEIGHTS.astype("complex64"))
    with pytest.raises(InputError, match="holds complex numbers"):
        opened(tmp_path, dem="dem.tif")


def test_a_reference_system_that_is_not_tied_to_the_earth_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "dem.tif", HEIGHTS, crs='LOCAL_CS["unnamed",UNIT["metre",1]]')
    with pytest.raises(InputError, match="states no usable CRS"):
        opened(tmp_path, dem="dem.tif")


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("dem", {"layer": "b1"}), ("dem", {"columns": {"elevation": "x"}}),
        ("land_use", {"values": {"land_use": {"1": "x"}}}),
        ("land_use", {"where": "value > 1"}), ("land_use", {"time_zone": "Asia/Baku"}),
    ],
)  # fmt: skip
def test_keys_without_an_effect_on_a_raster_are_refused(source: str, keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=rf"{source}.{next(iter(keys))} .* has no effect on a raster"):
        SourcesSettings.model_validate({source: {"path": "a.tif", **keys}})
