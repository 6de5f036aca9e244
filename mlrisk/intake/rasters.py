"""A look at a raster: facts on its values from which its kind is recognised."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from features.base import Floats, InputError

# Pixels along a side of the sample: the middle at full resolution, the whole raster thinned out.
LOOK_SIDE = 512
# Values that often mark missing data without being declared; none is a height, count or class.
MARKERS = (-32768.0, -32767.0, -9999.0, -99999.0, -200.0)
ONE_DEGREE_M = 111_320.0


@dataclass(frozen=True, kw_only=True)
class RasterFacts:
    """Facts on a raster. `values` are finite pixels (n,) of the thinned raster, without missing ones.

    `smoothness` is the correlation of neighbouring pixels in the middle, NaN where they are all the same.
    """

    crs: pyproj.CRS
    bounds: tuple[float, float, float, float]
    own_bounds: tuple[float, float, float, float]
    shape: tuple[int, int]
    pixel: tuple[float, float]
    pixel_m: float
    dtype: str
    bands: int
    nodata: float | None
    values: Floats
    smoothness: float

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def whole_numbers(self) -> bool:
        """Whether every value is a whole number."""
        return bool((self.values == np.round(self.values)).all())


def look_at_raster(path: Path) -> RasterFacts:
    """The facts of a raster; InputError for one that cannot be read or has no position."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as dataset:
                return _facts(dataset)
    except RasterioError as error:
        raise InputError(f"it cannot be read as a raster: {error}") from error


def _facts(dataset: rasterio.DatasetReader) -> RasterFacts:
    if dataset.crs is None or dataset.count < 1 or dataset.transform.is_identity:
        raise InputError("a raster that does not say where it lies: give one with a CRS and a geotransform")
    crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
    shape = min(dataset.height, LOOK_SIDE), min(dataset.width, LOOK_SIDE)
    whole = _clean(dataset.read(1, out_shape=shape, masked=True))
    top, left = (dataset.height - shape[0]) // 2, (dataset.width - shape[1]) // 2
    window = rasterio.windows.Window(left, top, shape[1], shape[0])
    middle = _clean(dataset.read(1, window=window, masked=True))
    whole_box = dataset.bounds
    box = (whole_box.left, whole_box.bottom, whole_box.right, whole_box.top)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*box)
    pixel = abs(dataset.transform.a), abs(dataset.transform.e)
    return RasterFacts(
        crs=crs, bounds=(west, south, east, north), own_bounds=box,
        shape=(dataset.height, dataset.width), pixel=pixel,
        pixel_m=pixel[1] * (ONE_DEGREE_M if crs.is_geographic else 1.0), dtype=str(dataset.dtypes[0]),
        bands=dataset.count, nodata=dataset.nodata, values=whole[np.isfinite(whole)], smoothness=_smoothness(middle),
    )  # fmt: skip


def _clean(read: np.ma.MaskedArray) -> Floats:
    values: Floats = np.ma.filled(read.astype(np.float64), np.nan)
    values[np.isin(values, MARKERS) | ~np.isfinite(values)] = np.nan
    return values


def _smoothness(values: Floats) -> float:
    first, second = values[:, :-1].ravel(), values[:, 1:].ravel()
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 2 or first[both].std() == 0 or second[both].std() == 0:
        return float("nan")
    return float(np.corrcoef(first[both], second[both])[0, 1])
