"""Seeded heights, lines, polygons and dates over a square of land, easting and northing in metres."""

from typing import Any

import numpy as np
import pandas as pd
import scipy.fft
import shapely
from numpy.typing import NDArray

from features.base import Floats32

# Spectral exponent of the amplitudes: hills and valleys as smooth as a 30 m DEM of a hilly country.
SMOOTHNESS = 1.9
HEIGHT_RANGE_M = (50.0, 950.0)
NOISE_M = 0.15
FIRST_DAY, LAST_DAY = np.datetime64("1992-01-01"), np.datetime64("2024-06-30")


def heights(rng: np.random.Generator, side: int) -> Floats32:
    """Heights (side, side): noise of a power spectrum, stretched over the range, and white noise of the sensor."""
    spectrum = scipy.fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]).astype(np.float32)
    frequency[0, 0] = 1.0
    spectrum *= frequency**-SMOOTHNESS
    ground = scipy.fft.irfft2(spectrum, s=(side, side))
    low, high = HEIGHT_RANGE_M
    ground = (ground - ground.min()) / (ground.max() - ground.min()) * (high - low) + low
    ground += NOISE_M * rng.standard_normal(ground.shape, dtype=np.float32)
    return np.asarray(ground, dtype=np.float32)


def lines(rng: np.random.Generator, n: int, length_m: float, step_m: float, n_points: int) -> NDArray[Any]:
    """`n` winding lines of `n_points` vertices `step_m` apart, kept inside the square of side `length_m`."""
    heading = rng.uniform(0, 2 * np.pi, (n, 1)) + np.cumsum(rng.normal(0, 0.3, (n, n_points - 1)), axis=1)
    steps = step_m * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    start = rng.uniform(0, length_m, (n, 1, 2))
    places = np.concatenate([start, start + np.cumsum(steps, axis=1)], axis=1)
    return np.asarray(shapely.linestrings(np.clip(places, 1.0, length_m - 1.0)))


def polygons(rng: np.random.Generator, n: int, length_m: float, radius_m: float, n_points: int = 9) -> NDArray[Any]:
    """`n` star-shaped polygons whose corners lie between 0.5 and 1.5 of `radius_m` from their middle."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, (n, n_points)), axis=1)
    reach = radius_m * rng.uniform(0.5, 1.5, (n, n_points))
    middle = rng.uniform(2 * radius_m, length_m - 2 * radius_m, (n, 1, 2))
    corners = middle + reach[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    # Corners all on one side of the middle would make a sliver that crosses it; the hull is always valid.
    return np.asarray(shapely.convex_hull(shapely.multipoints(corners)))


def clusters(rng: np.random.Generator, n: int, n_clusters: int, length_m: float, spread_m: float) -> NDArray[Any]:
    """`n` points scattered normally around `n_clusters` places."""
    middle = rng.uniform(0, length_m, (n_clusters, 2))[rng.integers(0, n_clusters, n)]
    return np.asarray(shapely.points(np.clip(middle + rng.normal(0, spread_m, (n, 2)), 1.0, length_m - 1.0)))


def points(rng: np.random.Generator, n: int, length_m: float) -> NDArray[Any]:
    """`n` points spread evenly."""
    return np.asarray(shapely.points(rng.uniform(1.0, length_m - 1.0, (n, 2))))


def squares(length_m: float, n: int) -> NDArray[Any]:
    """At least `n` rectangles that share the land without a gap."""
    across = max(1, round(np.sqrt(n)))
    down = -(-n // across)
    west, south = np.meshgrid(np.arange(across) * length_m / across, np.arange(down) * length_m / down)
    east, north = west + length_m / across, south + length_m / down
    return np.asarray(shapely.box(west.ravel(), south.ravel(), east.ravel(), north.ravel()))


def dates(rng: np.random.Generator, n: int) -> pd.Series:
    """`n` days between 1992 and a month before the date of knowledge."""
    days = int((LAST_DAY - FIRST_DAY).astype(np.int64))
    return pd.Series(pd.to_datetime(FIRST_DAY + rng.integers(0, days, n)))
