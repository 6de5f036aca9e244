"""Facts about a raster file that are not in its pixels: units, missing tiles, undeclared markers of missing values."""

import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from features.base import Floats, InputError, refuse_special
from features.sources.kinds import describe, first_bytes

# Metres of the units that elevation models state; feet are those of the international foot unless they say "survey".
METRES = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
    **dict.fromkeys(("dm", "decimetre", "decimetres", "decimeter", "decimeters"), 0.1),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), 0.01),
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), 0.001),
    **dict.fromkeys(("ft", "foot", "feet", "international foot"), 0.3048),
    **dict.fromkeys(("ftus", "us-ft", "us_survey_foot", "us survey foot"), 1200 / 3937),
    **dict.fromkeys(("us survey feet", "foot_us", "us foot"), 1200 / 3937),
    **dict.fromkeys(("yard", "yards"), 0.9144), "fathom": 1.8288,
}  # fmt: skip
# Markers of missing values that files use without declaring them, whatever the other values are.
SENTINELS = (-32768.0, -32767.0, -9999.0)
# Markers that may be values too: WorldPop, GHSL, spreadsheets, old elevation models, defaults of programs. They are
# taken for markers if they lie below all values by more than the range of these, or if no other value is negative.
BELOW = (
    -99999.0,
    -999.0,
    -999.9,
    -9999.9,
    -99.9,
    -1e10,
    -1e5,
    -99.0,
    -200.0,
    -500.0,
    -9998.0,
    -8888.0,
    -10000.0,
    -99999999.0,
    -2147483648.0,
    -2147483647.0,
)
ABOVE = (9999.0, 99999.0, 999999.0, 1e20, 2147483647.0, 4294967295.0, 1.7014118346046923e38)
# The greatest value of an integer type is a marker if no other value comes near.
# The least value of an integer type is one if all others are greater.
LEAST = {"int8": -128.0}
GREATEST = {"uint8": 255.0, "uint16": 65535.0, "int16": 32767.0, "uint32": 4294967295.0, "int32": 2147483647.0}
FEWEST_PIXELS = 2
# A float beyond this is not a measurement.
HUGE = 1e19
# Number of pixels along a side of the sample in which markers are sought.
LOOK_SIDE = 2000

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class FileFacts:
    """Corrections of the values of one file: undeclared markers, metres of its unit, the tiles of a VRT.

    `tiles` are (left, top, right, bottom) in pixels; None: everywhere.
    """

    markers: tuple[float, ...] = ()
    factor: float = 1.0
    tiles: tuple[Rectangle, ...] | None = None

    def masked(self, read: np.ma.MaskedArray, window: Window) -> np.ma.MaskedArray:
        """The pixels of a window without those that are markers or lie in a gap between tiles."""
        gone = np.isin(read.data, self.markers) if self.markers else np.zeros(read.shape, dtype=bool)
        if self.tiles is not None:
            gone |= ~_covered(self.tiles, window, read.shape)
        return np.ma.masked_where(gone, read) if gone.any() else read


@contextmanager
def opened(source: str, path: Path) -> Iterator[DatasetReader]:
    """The opened raster; errors of GDAL become InputError."""
    try:
        refuse_special(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", NotGeoreferencedWarning)
            dataset = rasterio.open(path)
        with dataset:
            yield dataset
    except NotGeoreferencedWarning as error:
        raise InputError(
            f"sources.{source}: {path} does not say where it lies: give a raster with a geotransform, such as a GeoTIFF"
        ) from error
    except (RasterioError, OSError) as error:
        reason = describe(path) or _plain(path, str(error))
        raise InputError(f"sources.{source}: {path} cannot be read as a raster: {reason}") from error


def _plain(path: Path, reason: str) -> str:
    """The reason without words of the library."""
    if path.suffix.casefold() == ".hgt" and "not recognized" in reason:
        return "a tile of SRTM is placed by its name: call it as N39E046.hgt again"
    if "Read failed" in reason:
        return "its pixels cannot be read: it is cut off or damaged, copy or download it anew"
    return reason


def refuse_unplaced(source: str, path: Path, dataset: DatasetReader) -> None:
    """InputError for a raster that has no place on the earth, is a picture, or has decimal commas."""
    what = f"sources.{source}: {path}"
    if dataset.gcps[0] and dataset.transform.is_identity:
        raise InputError(f"{what} is placed by control points alone: warp it first (gdalwarp)")
    if dataset.transform.is_identity:
        raise InputError(f"{what} does not say where it lies: give a raster with a geotransform, such as a GeoTIFF")
    if dataset.driver == "AAIGrid" and b"," in first_bytes(path):
        raise InputError(f"{what} has decimal commas, of which only whole numbers would be read: write points")
    colours = dataset.colorinterp[0]
    if source == "dem" and (colours == ColorInterp.palette or (colours == ColorInterp.red and dataset.count > 2)):
        raise InputError(f"{what} is a picture in colours, not heights: ask for the elevation model behind it")


def look(dataset: DatasetReader, window: Window) -> np.ma.MaskedArray:
    """The pixels of a window, thinned out to at most 2,000 a side, as the file declares them."""
    thin = max(1, ceil(max(window.width, window.height) / LOOK_SIDE))
    shape = (ceil(window.height / thin), ceil(window.width / thin))
    read: np.ma.MaskedArray = dataset.read(1, window=window, out_shape=shape, masked=True)
    return read


def undeclared_markers(values: Floats, dtype: str, categorical: bool) -> tuple[float, ...]:
    """Values among the finite `values` (n,) of a file that mark missing data without being declared.

    >>> undeclared_markers(np.array([-200.0, -200.0, 0.0, 30.0, 12.0]), "float32", categorical=False)
    (-200.0,)
    >>> undeclared_markers(np.array([-200.0, -200.0, -150.0, 30.0]), "float32", categorical=False)
    ()
    """
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    greatest = GREATEST.get(dtype)
    known = {*BELOW, *ABOVE, greatest, LEAST.get(dtype)}
    # A value in single precision is near the one that was meant.
    known |= {float(np.float32(value)) for value in known if value is not None}
    suspects = [value for value in distinct[counts >= FEWEST_PIXELS].tolist() if abs(value) >= HUGE or value in known]
    rest = distinct[~np.isin(distinct, [*suspects, *SENTINELS]) & (np.abs(distinct) < HUGE)]
    if not len(rest):
        return tuple(value for value in suspects if abs(value) >= HUGE)
    low, high = float(rest.min()), float(rest.max())
    found = []
    for value in suspects:
        negative = value < 0 and (low >= 0 or low - value > high - low)
        # Classes may be 255 or 9999.
        far = value > 0 and not categorical and value - high > high - low
        edge = value == greatest and not categorical and value - high > 1
        if abs(value) >= HUGE or negative or far or edge:
            found.append(value)
    return tuple(found)


def metres_of_unit(dataset: DatasetReader, crs: pyproj.CRS) -> tuple[float, str]:
    """Metres of one unit of the heights, and the unit as the band or else the vertical CRS states it ('' for none)."""
    stated = (dataset.units[0] or "").strip()
    # The unit may stand in brackets, or before the level from which it counts.
    first = re.split(r"[\s,;]+(?:above|over|a\.?s\.?l|\()", stated.casefold().strip("[]() "))[0].strip()
    factor = METRES.get(first)
    if factor is not None:
        return factor, stated
    axes = crs.sub_crs_list[1].axis_info if crs.is_compound and len(crs.sub_crs_list) > 1 else crs.axis_info[2:]
    if axes and axes[0].unit_conversion_factor:
        return float(axes[0].unit_conversion_factor), axes[0].unit_name
    return 1.0, ""


def tiles_of(source: str, path: Path, dataset: DatasetReader) -> tuple[Rectangle, ...] | None:
    """The tiles of a VRT; None for other files, for one that declares no data, and for one without gaps.

    Raises InputError that names the missing tiles.
    """
    if path.suffix.casefold() != ".vrt":
        return None
    try:
        band = ET.parse(path).getroot().find("VRTRasterBand")  # noqa: S314 GDAL has read it before
    except ET.ParseError:
        return None
    sources = [] if band is None else [part for part in band if part.find("SourceFilename") is not None]
    lost = []
    for part in sources:
        name = part.find("SourceFilename")
        text = "" if name is None else (name.text or "").strip()
        beside = name is not None and name.get("relativeToVRT") == "1"
        file = path.parent / text if beside else Path(text)
        if text and not text.startswith("/vsi") and not file.exists():
            lost.append(text)
    if lost:
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        raise InputError(
            f"sources.{source}: {path} lacks {', '.join(lost[:5])}{more}, of which it is made: bring the tiles beside "
            "it, or build the VRT anew"
        )
    places = [part.find("DstRect") for part in sources]
    if not places or any(place is None for place in places) or dataset.nodatavals[0] is not None:
        return None
    rectangles = tuple(sorted({_rectangle(place) for place in places if place is not None}))
    whole = _covered(rectangles, Window(0, 0, dataset.width, dataset.height), (500, 500)).all()
    return None if whole else rectangles


def _rectangle(place: ET.Element) -> Rectangle:
    left, top = float(place.get("xOff", "0")), float(place.get("yOff", "0"))
    right, bottom = left + float(place.get("xSize", "0")), top + float(place.get("ySize", "0"))
    return round(left), round(top), round(right), round(bottom)


def _covered(tiles: tuple[Rectangle, ...], window: Window, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels of a window, read in `shape`, lie in one of the tiles."""
    covered = np.zeros(shape, dtype=bool)
    across, down = window.width / shape[1], window.height / shape[0]
    for left, top, right, bottom in tiles:
        columns = _part(left - window.col_off, right - window.col_off, across, shape[1])
        rows = _part(top - window.row_off, bottom - window.row_off, down, shape[0])
        covered[rows, columns] = True
    return covered


def _part(first: float, last: float, step: float, count: int) -> slice:
    """The pixels whose middle lies between two places."""
    return slice(min(max(ceil(first / step - 0.5), 0), count), min(max(ceil(last / step - 0.5), 0), count))
