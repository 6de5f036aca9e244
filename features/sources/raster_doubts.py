"""Doubts about the values of a raster that is read all the same: pictures, flat heights, values that may be markers."""

from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from features.base import Floats
from features.sources.raster_files import GREATEST
from features.sources.report import Tally

# Heights from the shore of the Dead Sea, with room for pits, to Mount Everest: any other value is a marker.
DEM_RANGE_M = (-1000.0, 9000.0)
# A share of pixels from which a doubt about a value is noted, and the height from which 0 m is one.
FEW, FAR_ABOVE_SEA_M = 0.005, 50.0
MOST_VALUES = 3
DECLARE = "if it marks missing land, declare it (gdal_edit.py -a_nodata"


def note_doubts(source: str, path: Path, dataset: DatasetReader, values: Floats, factor: float, tally: Tally) -> None:
    """Note doubts about the pixels (n,) of a file, as they are in it, without markers; `factor` is metres a unit."""
    if dataset.count > 2 and dataset.colorinterp[0] == ColorInterp.red:
        tally.note(f"{path.name} is a picture in colours: its red is read as the value")
    if not len(values):
        return
    if source == "dem":
        heights_m = values * (dataset.scales[0] * factor) + dataset.offsets[0] * factor
        _note_heights(path, heights_m, dataset.dtypes[0], tally)
    elif source == "land_use":
        _note_last_class(path, values, dataset.dtypes[0], tally)
    else:
        _note_lone_negative(path, values, tally)


def _note_heights(path: Path, heights_m: Floats, dtype: str, tally: Tally) -> None:
    """Note heights that are no heights of land, and models that look like something else."""
    odd = (heights_m < DEM_RANGE_M[0]) | (heights_m > DEM_RANGE_M[1])
    if odd.any():
        shown = ", ".join(f"{value:.10g}" for value in np.unique(heights_m[odd])[:MOST_VALUES])
        tally.note(f"{path.name}: {shown}, in {odd.mean():.1%} of its pixels here, read as missing: no height of land")
    known = heights_m[~odd & np.isfinite(heights_m)]
    if not len(known):
        return
    if known.min() == known.max():
        tally.note(f"{path.name}: every height is {known.min():.10g} m: check that it is an elevation model")
    elif dtype in ("uint8", "int8"):
        tally.note(
            f"{path.name}: heights of 8 bits, {known.min():.0f} to {known.max():.0f}: check that it is no picture"
        )
    flat = known == 0
    rest = known[~flat]
    if FEW <= flat.mean() < 1 and rest.min() > FAR_ABOVE_SEA_M:
        tally.note(
            f"{path.name}: 0 m in {flat.mean():.1%} of its pixels here, and no other height below {rest.min():.0f} m: "
            f"{DECLARE} 0)"
        )


def _note_last_class(path: Path, classes: Floats, dtype: str, tally: Tally) -> None:
    """Note the greatest value of the type as a class far above the others: it may mark missing land."""
    last, others = GREATEST.get(dtype), classes[classes != GREATEST.get(dtype)]
    if last is not None and len(others) < len(classes) and (not len(others) or others.max() < last / 2):
        share = (classes == last).mean()
        tally.note(f"{path.name}: {last:.0f}, in {share:.1%} of its pixels here, is a class: {DECLARE} {last:.0f})")


def _note_lone_negative(path: Path, values: Floats, tally: Tally) -> None:
    """Note a single negative value beside others that are all 0 or greater: it may mark missing land."""
    below = values < 0
    if FEW <= below.mean() < 1 and len(np.unique(values[below])) == 1:
        value = values[below][0]
        tally.note(
            f"{path.name}: {value:.10g} in {below.mean():.1%} of its pixels here is its one negative value: "
            f"{DECLARE} {value:.10g})"
        )
