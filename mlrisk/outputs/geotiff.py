"""Cloud optimised GeoTIFFs: the bands of the risk map, the classes with a colour table, and QGIS styles beside them."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.windows import Window

from features.base import NOT_EVIDENCE, Grid, leave_memory
from mlrisk.outputs.cell_rasters import on_grid
from mlrisk.outputs.qgis_styles import Entry, classes_qml, scale_qml
from mlrisk.outputs.wording import check_columns, notes_tags, speaker
from mlrisk.outputs.written_files import check_raster
from mlrisk.risk_map import (
    CLASSES,
    CONTAMINATION_SCALE,
    EVIDENCE_CODES,
    EVIDENCE_TEXTS,
    NO_BASIS,
    OUTSIDE,
    Package,
    casualty_scale,
    numbers_of,
)

# The meaning of values by band name, in the order of the bands.
BANDS = {
    "contamination": "probability that survey would find explosive ordnance",
    "contamination_low": "lower end of the interval of contamination",
    "contamination_high": "upper end of the interval of contamination",
    "casualties_per_year": "killed and injured people expected per cell and year",
    "priority_class": "; ".join(f"{cls.code} {cls.text}" for cls in CLASSES),
    "in_domain": "1 inside the area of applicability of the model; 0 outside: no basis to rank",
    "evidence": "; ".join(f"{code} {EVIDENCE_TEXTS[name]}" for name, code in EVIDENCE_CODES.items()),
    "venn_abers_low": "lower end of the Venn-Abers interval: share found at this score, low among regions not seen",
    "venn_abers_high": "upper end of the Venn-Abers interval: share found at this score, high among regions not seen",
    "spread": "width of contamination over models trained on resampled blocks of land, 5 % to 95 %",
    "missed_share_below": "if survey stopped above this cell, at most this share of the hazards would be missed, on "
    "average over land like that judged; not evidence of absence",
    "purpose": "what the survey task of the cell is for: 0 no task; 1 survey; 2 explore; 3 audit (drawn at random)",
    "inclusion_prob": "probability with which the cell could be drawn for the random audit",
    "season_detection": "probability that this season's survey, as planned, finds what lies in the cell",
    "likely_range": "contamination_high minus contamination_low: how unsure the probability is",
}
# Land with no basis to rank shows no numbers, which would be believed; risk.parquet holds the model's values there.
BASED = ("contamination", "contamination_low", "contamination_high", "casualties_per_year", "venn_abers_low",
         "venn_abers_high", "spread", "missed_share_below", "likely_range")  # fmt: skip
# Side of the blocks of a cloud optimised GeoTIFF, in pixels.
BLOCK = 512
# Memory of GDAL while it writes one: blocks that it keeps (its own limit is a twentieth of the machine's memory), and
# blocks of all bands that it makes one of an overview from (with its own 10 MB it reads each of them many times).
MEMORY = {"GDAL_CACHEMAX": 256, "GDAL_OVR_CHUNK_MAX_SIZE": "70000000"}
PURPOSES = {"": 0, "survey": 1, "explore": 2, "audit": 3}
CLASS_ENTRIES = tuple(Entry(cls.code, cls.text, cls.colour) for cls in CLASSES)


def write_cog(package: Package, folder: Path) -> list[Path]:
    """Write risk_map.tif (float32, NaN outside the area), risk_classes.tif (uint8, 0 outside), its table and styles."""
    columns = (*(name for name in BANDS if name not in ("priority_class", "likely_range")), "rank", "released")
    check_columns(package.risk, columns, "risk")
    with rasterio.Env(**MEMORY):
        rasters = [_write_bands(package, folder / "risk_map.tif"), _write_classes(package, folder / "risk_classes.tif")]
    return [
        *rasters,
        _write_attributes(package, folder / "risk_classes.tif.aux.xml"),
        *_write_styles(package, folder),
    ]


def _write_bands(package: Package, path: Path) -> Path:
    # The predictor for floats halves the file; overviews by nearest neighbour keep classes and codes unchanged.
    options = {"dtype": "float32", "count": len(BANDS), "nodata": np.nan}
    known = np.zeros(len(BANDS), dtype=np.int64)
    with _cog(package, path, options, {"predictor": "FLOATING_POINT"}) as image:
        for band, (name, text) in enumerate(BANDS.items(), start=1):
            image.set_band_description(band, name)
            image.update_tags(band, meaning=text)
        _tag(image, package)
        for part, rows, window in _strips(package.grid):
            cells, classes = package.risk.iloc[rows], package.classes[rows]
            for band, name in enumerate(BANDS):
                values = _band(cells, classes, name).astype(np.float32)
                known[band] += np.count_nonzero(~np.isnan(values))
                image.write(on_grid(part, values, np.nan), band + 1, window=window)
    check_raster(path, package.grid.shape, known.tolist())
    return path


def _band(cells: pd.DataFrame, classes: NDArray[np.int8], name: str) -> NDArray[Any]:
    if name == "priority_class":
        return classes
    if name == "evidence":
        return numbers_of(cells["evidence"], EVIDENCE_CODES)
    if name == "purpose":
        return numbers_of(cells["purpose"], PURPOSES)
    if name == "likely_range":
        values = (cells["contamination_high"] - cells["contamination_low"]).to_numpy()
    else:
        values = cells[name].to_numpy()
    return np.where(classes == NO_BASIS, np.nan, values) if name in BASED else np.asarray(values)


def _write_classes(package: Package, path: Path) -> Path:
    with _cog(package, path, {"dtype": "uint8", "count": 1, "nodata": OUTSIDE}) as image:
        image.write_colormap(1, {cls.code: (*rgb(cls.colour), 255) for cls in CLASSES} | {OUTSIDE: (0, 0, 0, 0)})
        image.set_band_description(1, "priority_class")
        image.update_tags(1, meaning=BANDS["priority_class"])
        _tag(image, package)
        for part, rows, window in _strips(package.grid):
            image.write(on_grid(part, package.classes[rows].astype(np.uint8), OUTSIDE), 1, window=window)
    check_raster(path, package.grid.shape, [int(np.count_nonzero(package.classes != OUTSIDE))])
    return path


def _strips(grid: Grid) -> Iterator[tuple[Grid, slice, Window]]:
    """Windows of the grid as high as the blocks of a file, the rows of the map in each, and its place in the file."""
    start = 0
    for row in range(0, grid.shape[0], BLOCK):
        part = grid.window(row, min(row + BLOCK, grid.shape[0]), 0, grid.shape[1])
        stop = start + part.n_cells
        yield part, slice(start, stop), Window(0, row, grid.shape[1], part.shape[0])
        start = stop
        leave_memory()


@contextmanager
def _cog(package: Package, path: Path, kind: dict[str, Any], options: dict[str, str] | None = None) -> Iterator[Any]:
    """A file of this `kind` to write strip by strip, which becomes a cloud optimised GeoTIFF at the end.

    GDAL makes one of a whole picture only; held in memory, that of a country takes gigabytes.
    """
    grid, plain = package.grid, path.with_suffix(".strips.tif")
    place = {"width": grid.shape[1], "height": grid.shape[0], "crs": grid.crs, "transform": grid.transform}
    blocks = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band", "bigtiff": "IF_SAFER"}
    with rasterio.open(plain, "w", driver="GTiff", **place, **blocks, **kind) as image:
        yield image
    rasterio.shutil.copy(
        plain, path, driver="COG", compress="DEFLATE", overview_resampling="NEAREST", num_threads="ALL_CPUS",
        **(options or {}),
    )  # fmt: skip
    plain.unlink()


def _write_attributes(package: Package, path: Path) -> Path:
    """The raster attribute table of the classes as GDAL keeps it beside a file: ArcGIS shows it as legend and table.

    Usages are those of GDAL: 5 value, 2 name, 6 to 8 red, green and blue; types 0 whole number, 2 text.
    """
    root = ET.Element("PAMDataset")
    metadata = ET.SubElement(root, "Metadata")
    ET.SubElement(metadata, "MDI", {"key": "not_evidence"}).text = NOT_EVIDENCE
    band = ET.SubElement(root, "PAMRasterBand", {"band": "1"})
    table = ET.SubElement(band, "GDALRasterAttributeTable", {"tableType": "thematic"})
    columns = (("Value", 0, 5), ("Class_name", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
    for number, (name, kind, usage) in enumerate(columns):
        field = ET.SubElement(table, "FieldDefn", {"index": str(number)})
        for tag, text in (("Name", name), ("Type", str(kind)), ("Usage", str(usage))):
            ET.SubElement(field, tag).text = text
    say = speaker(package)
    for number, cls in enumerate(CLASSES):
        row = ET.SubElement(table, "Row", {"index": str(number)})
        for value in (cls.code, say(cls.text), *rgb(cls.colour)):
            ET.SubElement(row, "F").text = str(value)
    ET.ElementTree(root).write(path, encoding="utf-8")
    return path


def _tag(image: Any, package: Package) -> None:
    image.update_tags(**notes_tags(package.notes), TIFFTAG_IMAGEDESCRIPTION=f"mlrisk risk map. {NOT_EVIDENCE}")


def _write_styles(package: Package, folder: Path) -> list[Path]:
    """QGIS loads the style with the name of the file by itself; the others are loaded by hand.

    The classes come first: a band of numbers alone would show land with no basis to rank as if it were ranked.
    """
    bands = list(BANDS)
    casualties = casualty_scale(package.risk["casualties_per_year"])
    styles = {
        "risk_map.qml": classes_qml(CLASS_ENTRIES, bands.index("priority_class") + 1),
        "risk_map_contamination.qml": scale_qml(CONTAMINATION_SCALE, bands.index("contamination") + 1),
        "risk_map_contamination_high.qml": scale_qml(CONTAMINATION_SCALE, bands.index("contamination_high") + 1),
        "risk_map_casualties_per_year.qml": scale_qml(casualties, bands.index("casualties_per_year") + 1),
        "risk_classes.qml": classes_qml(CLASS_ENTRIES),
    }
    for name, text in styles.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in styles]


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of #rrggbb.

    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
