"""Land use at the cell, and distance to water, power lines, buildings and farmed land."""

import re

import numpy as np
from numpy.typing import NDArray

from features.distances import distance_m, first_inside
from features.errors import InputError
from features.grid import Grid
from features.info import FeatureContext, FeatureInfo
from features.known import Known
from features.records import known_at, words
from features.sources import RasterSource, Sources

FAMILY = "land_use"
NEARBY = {"rivers": "river", "power_lines": "power_line", "buildings": "building"}
FARMED = {
    "farmland": frozenset({"farmland", "farm", "arable", "cropland", "farmyard"}),
    "orchard": frozenset({"orchard", "vineyard", "plantation", "olive_grove"}),
}
# More values than this in a raster are measurements or identifiers, not classes.
MOST_CLASSES = 64
# Cells to a side of the coarse grid on which the classes of a raster are looked up.
LOOKUP_SIDE = 512

FEATURES = (
    FeatureInfo("river_distance_m", "m", FAMILY, 0, "distance to a river"),
    FeatureInfo("power_line_distance_m", "m", FAMILY, 0, "distance to a power line"),
    FeatureInfo("building_distance_m", "m", FAMILY, 0, "distance to a building"),
    FeatureInfo("farmland_distance_m", "m", FAMILY, 0, "distance to farmland"),
    FeatureInfo("orchard_distance_m", "m", FAMILY, 0, "distance to an orchard or vineyard"),
)


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Distances to what surrounds the cell, and 1 or 0 for every class of land use at its centre."""
    sources, context = known.sources, known.context
    columns: dict[str, NDArray[np.float64]] = {}
    for source, name in NEARBY.items():
        if source in sources.vectors:
            table = known_at(sources.vectors[source], context.as_of)
            columns[f"{name}_distance_m"] = distance_m(tile, np.asarray(table.geometry.array))
    if "land_use" in sources.vectors:
        columns |= _polygons(tile, sources, context)
    elif "land_use" in sources.rasters:
        columns |= _raster(tile, sources)
    return {name: array.astype(np.float32) for name, array in columns.items()}


def described(known: Known) -> tuple[FeatureInfo, ...]:
    """The columns that only the data know: one for each class of land use."""
    sources, context = known.sources, known.context
    if "land_use" in sources.vectors:
        table = known_at(sources.vectors["land_use"], context.as_of)
        classes = [str(name) for name in np.unique(words(table, "land_use")) if name]
    elif "land_use" in sources.rasters:
        classes = [f"{code}" for code in raster_classes(sources.rasters["land_use"], sources.grid)]
    else:
        classes = []
    return tuple(FeatureInfo(_column(name), "0 or 1", FAMILY, 0, f"land use is {name}") for name in classes)


def raster_classes(raster: RasterSource, grid: Grid) -> tuple[int, ...]:
    """The class values met on a coarse grid over the whole area, so that every tile has the same columns.

    Raises InputError when there are too many for classes.
    """
    rows, columns = grid.shape
    factor = max(1, -(-max(rows, columns) // LOOKUP_SIDE))
    shape = -(-rows // factor) + 1, -(-columns // factor) + 1
    coarse = Grid(
        grid.crs, grid.cell_size_m * factor, grid.column_min // factor, grid.row_min // factor, np.ones(shape, bool)
    )
    values = raster.read(coarse, "nearest")
    codes = np.unique(values[np.isfinite(values)])
    if len(codes) > MOST_CLASSES or np.any(codes != np.rint(codes)):
        raise InputError(
            f"sources.land_use ({raster.name}) has {len(codes)} different values: a raster of land use holds at most "
            f"{MOST_CLASSES} whole-numbered classes; list measurements under sources.covariates"
        )
    return tuple(int(code) for code in codes)


def _polygons(tile: Grid, sources: Sources, context: FeatureContext) -> dict[str, NDArray[np.float64]]:
    table = known_at(sources.vectors["land_use"], context.as_of)
    shapes, classes = np.asarray(table.geometry.array), words(table, "land_use")
    columns = {
        _column(str(name)): (first_inside(tile, shapes[classes == name]) >= 0).astype(np.float64)
        for name in np.unique(classes)
        if name
    }
    for name, members in FARMED.items():
        farmed = np.isin(classes, list(members))
        if farmed.any():
            columns[f"{name}_distance_m"] = distance_m(tile, shapes[farmed])
    return columns


def _raster(tile: Grid, sources: Sources) -> dict[str, NDArray[np.float64]]:
    """Indicators of the class at the cell centre, NaN where the raster has none."""
    raster = sources.rasters["land_use"]
    values = raster.read(tile, "nearest")
    hole = np.where(np.isfinite(values), 0.0, np.nan)
    return {_column(f"{code}"): (values == code) + hole for code in raster_classes(raster, sources.grid)}


def _column(name: str) -> str:
    return f"land_use_{re.sub(r'[^0-9a-z]+', '_', name.lower()).strip('_')}"
