"""Hillshade of the DEM under the land of the map page."""

from math import ceil, sqrt

import numpy as np
from shapely.geometry import box

from features.base import Floats, Grid
from features.sources import Sources
from mlrisk.risk_map import Relief

# More pixels no screen shows at the first zoom; so many take a third of a megabyte.
MOST_PIXELS = 500_000
# Light from the north-west, as on printed maps; slopes are steepened, because a wide pixel flattens them.
AZIMUTH_DEG, ALTITUDE_DEG, STEEPENED = 315.0, 45.0, 2.0
# Few shades compress well; none is so dark that a colour over it changes its class.
DARKEST, LEVEL, CONTRAST, STEP = 110, 240, 180, 10
NO_HEIGHT = 250


def relief_of(grid: Grid, sources: Sources) -> Relief | None:
    """Hillshade over the rectangle of a grid; None without a DEM."""
    dem = sources.rasters.get("dem")
    if dem is None:
        return None
    west, south, east, north = grid.bounds
    pixel_m = float(max(ceil(sqrt((east - west) * (north - south) / MOST_PIXELS)), ceil(dem.pixel_m)))
    pixels = Grid.from_area(box(*grid.bounds), grid.crs, pixel_m)
    return Relief(hillshade(dem.read(pixels), pixel_m), pixels.bounds)


def hillshade(height_m: Floats, pixel_m: float) -> "np.typing.NDArray[np.uint8]":
    """Grey values of heights whose row 0 lies in the north; NO_HEIGHT where a neighbour is missing.

    Horn's formula (1981) with central differences. Level ground is light, slopes away from the light are dark.

    >>> level = hillshade(np.zeros((3, 3)), 100.0)
    >>> south_east = hillshade(-20.0 * np.add.outer(np.arange(3.0), np.arange(3.0)), 100.0)
    >>> bool(south_east[1, 1] < level[1, 1])
    True
    """
    south, east = np.gradient(height_m * STEEPENED, pixel_m)
    azimuth, altitude = np.radians([AZIMUTH_DEG, ALTITUDE_DEG])
    light = np.array([np.sin(azimuth), np.cos(azimuth)]) * np.cos(altitude)
    # The normal of the ground is (-dz/de, -dz/dn, 1); rows run to the south.
    shade = (np.sin(altitude) - east * light[0] + south * light[1]) / np.sqrt(1 + east**2 + south**2)
    grey = LEVEL + (shade - np.sin(altitude)) * CONTRAST
    steps = np.round(np.clip(grey, DARKEST, NO_HEIGHT) / STEP) * STEP
    return np.where(np.isnan(steps), NO_HEIGHT, steps).astype(np.uint8)
