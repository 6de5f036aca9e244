"""Values per cell as arrays on the grid, and coarser pictures in which the most urgent value prevails."""

import warnings
from math import ceil, sqrt
from typing import Any

import numpy as np
import rasterio.errors
import rasterio.features
import rasterio.io
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from features.base import Flags, Grid


def on_grid(grid: Grid, values: NDArray[Any], outside: float) -> NDArray[Any]:
    """One value per cell of the area as an array of grid.shape, `outside` elsewhere."""
    array = np.full(grid.shape, outside, dtype=values.dtype)
    array[grid.mask] = values
    return array


def coarsening(shape: tuple[int, int], most_pixels: int) -> int:
    """Number of cells along the side of a pixel such that the picture has at most `most_pixels`.

    >>> coarsening((1000, 4000), 1_000_000)
    2
    """
    factor = max(1, ceil(sqrt(shape[0] * shape[1] / most_pixels)))
    while ceil(shape[0] / factor) * ceil(shape[1] / factor) > most_pixels:
        factor += 1
    return factor


def coarsen(codes: NDArray[np.uint8], factor: int, most_urgent_first: tuple[int, ...]) -> NDArray[np.uint8]:
    """The most urgent code of each block of `factor` x `factor` cells, counted from the upper left corner.

    >>> coarsen(np.array([[5, 5, 0], [5, 1, 4]], dtype=np.uint8), 2, (1, 4, 5, 0)).tolist()
    [[1, 4]]
    """
    order = np.array(most_urgent_first, dtype=np.uint8)
    place = np.zeros(256, dtype=np.uint8)
    place[order] = np.arange(len(order))
    rows, columns = (ceil(size / factor) for size in codes.shape)
    padding = ((0, rows * factor - codes.shape[0]), (0, columns * factor - codes.shape[1]))
    padded = np.pad(place[codes], padding, constant_values=len(order) - 1)
    blocks = padded.reshape(rows, factor, columns, factor)
    return np.asarray(order[blocks.min(axis=(1, 3))])


def polygons_of(mask: Flags, transform: Affine, most_vertices: int) -> list[BaseGeometry]:
    """Outlines of the True pixels, made coarser by majority until they have at most `most_vertices` vertices."""
    while True:
        found = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, transform=transform)
        shapes = [shapely.geometry.shape(shape) for shape, _ in found]
        if int(shapely.get_num_coordinates(np.array(shapes, dtype=object)).sum()) <= most_vertices:
            return shapes
        rows, columns = mask.shape
        padded = np.pad(mask, ((0, rows % 2), (0, columns % 2)))
        blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
        mask = blocks.mean(axis=(1, 3)) >= 0.5
        transform = transform @ Affine.scale(2)


def grey_png(picture: NDArray[np.uint8]) -> bytes:
    """A picture of grey values, row 0 on top, as PNG; the same picture gives the same bytes."""
    rows, columns = picture.shape
    profile: dict[str, Any] = {"driver": "PNG", "count": 1, "dtype": "uint8", "height": rows, "width": columns}
    with rasterio.io.MemoryFile() as file:
        with warnings.catch_warnings():
            # A picture on a page needs no place on the Earth.
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(file.name, "w", **profile, ZLEVEL=9) as dataset:
                dataset.write(picture, 1)
        return bytes(file.read())
