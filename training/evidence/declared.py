"""Land that counts as searched because the config declares it, with a name and a reason but without a record."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from features.base import Flags, Floats, Grid, geographic_centres
from features.sources import open_area
from training.settings import DeclaredArea


def declared_weights(
    grid: Grid, declared: tuple[DeclaredArea, ...], data_folder: Path
) -> tuple[NDArray[np.int32], Floats]:
    """Cells that are declared to be searched, by their place in `grid.cell_ids()`, and the weight of each.

    Where declarations overlap the last one holds.
    """
    weight = np.zeros(grid.n_cells if declared else 0)
    for one in declared:
        weight[_declared_cells(grid, one, data_folder)] = one.weight
    cells = np.flatnonzero(weight).astype(np.int32)
    return cells, weight[cells]


def _declared_cells(grid: Grid, declared: DeclaredArea, data_folder: Path) -> Flags:
    """Flags of the cells inside the area that a declaration names."""
    chosen = np.ones(grid.n_cells, dtype=bool)
    if declared.area is not None:
        area, _ = open_area((declared.area,), grid.crs, data_folder)
        # Cells are chosen by their centres: a district holds too many cells to compute exact shares.
        chosen &= rasterize([(area, 1)], grid.shape, transform=grid.transform, dtype="uint8").astype(bool)[grid.mask]
    if declared.bounds is not None:
        longitude, latitude = geographic_centres(grid)
        west, south, east, north = declared.bounds
        chosen &= (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    return chosen
