"""The cells of an area, and rasters on them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from rasterio import Affine
from rasterio.features import rasterize

PARTS = 5  # a side of a cell has so many fine cells, on which lines are burnt and heights are read
MARGIN = 20  # cells around the area, so that what lies just outside counts

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Frame:
    """The cells of the area, a boolean `mask` (rows, columns) from north to south, with MARGIN cells around it."""

    crs: str
    size_m: float
    west: float
    north: float
    mask: Array

    def transform(self, parts: int = 1) -> Affine:
        """From (column, row) of the cells, or of the fine cells, to easting and northing."""
        return Affine(self.size_m / parts, 0, self.west, 0, -self.size_m / parts, self.north)

    def shape(self, parts: int = 1) -> tuple[int, int]:
        """Rows and columns of the cells, or of the fine cells."""
        return self.mask.shape[0] * parts, self.mask.shape[1] * parts

    def centres(self) -> Array:
        """Easting and northing of the centres of cells in the area, (n, 2)."""
        row, column = np.nonzero(self.mask)
        return np.column_stack([self.west + (column + 0.5) * self.size_m, self.north - (row + 0.5) * self.size_m])

    def burnt(self, shapes: Iterable[object], parts: int = 1, touched: bool = True) -> Array:
        """Where the shapes lie, a boolean raster; False without any shape."""
        given = [shape for shape in shapes if shape is not None and not shapely.is_empty(shape)]
        if not given:
            return np.zeros(self.shape(parts), dtype=bool)
        there = rasterize(given, self.shape(parts), transform=self.transform(parts), all_touched=touched, dtype="uint8")
        return np.asarray(there, dtype=bool)

    def counted(self, points: gpd.GeoSeries, weight: Array | None = None) -> Array:
        """How many points lie in each cell, or the sum of their weights, (rows, columns)."""
        column = np.floor((points.x.to_numpy() - self.west) / self.size_m).astype(int)
        row = np.floor((self.north - points.y.to_numpy()) / self.size_m).astype(int)
        inside = (row >= 0) & (row < self.mask.shape[0]) & (column >= 0) & (column < self.mask.shape[1])
        total = np.zeros(self.mask.shape)
        np.add.at(total, (row[inside], column[inside]), 1.0 if weight is None else weight[inside])
        return total


def frame_of(settings: Mapping[str, Any], folder: Path) -> Frame:
    """The cells that the area touches."""
    grid = settings["grid"]
    size = float(grid["cell_size_m"])
    area = gpd.read_file(folder / grid["area"]).to_crs(grid["crs"]).union_all()
    west, south, east, north = (value / size for value in area.bounds)
    left, top = np.floor(west) - MARGIN, np.ceil(north) + MARGIN
    rows, columns = int(top - np.floor(south)) + MARGIN, int(np.ceil(east) - left) + MARGIN
    empty = Frame(grid["crs"], size, left * size, top * size, np.zeros((rows, columns), dtype=bool))
    return Frame(grid["crs"], size, left * size, top * size, empty.burnt([area]))
