"""Mistakes of axes by which places lie away from home: swapped, without a sign, out of range, without decimal point."""

from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray

from features.base import Flags, Floats, InputError
from features.sources.coordinates import WHOLE_FILE_SHARE, Home

Labels = NDArray[np.str_]

# A file with fewer rows is too small to compare a stray row with the rest.
FEWEST_TYPICAL_ROWS = 5
# Half the height of the largest countries on the equator.
NEAR_ZERO_DEGREES = 10.0

LONGITUDE_SIGN, LATITUDE_SIGN, BOTH_SIGNS = "longitude sign", "latitude sign", "longitude and latitude sign"
SWAPPED, OUT_OF_RANGE = "longitude and latitude swapped", "coordinates out of range"
NO_POINT = "decimal point lost in coordinates"
# Decimals that a file of degrees may have had.
MOST_DECIMALS = 12


def mistaken_axes(points: Floats, crs: pyproj.CRS, home: Home) -> Labels:
    """The mistake that explains why each (longitude, latitude) or (easting, northing) lies away from home.

    It is '' for a point at home and for one that neither a flipped sign nor a swap brings home. A point far from the
    rest of the file that a flip or swap brings into it has that mistake, wherever home is.
    """
    first, second = points[:, 0], points[:, 1]
    labels = np.full(len(points), "", dtype="<U40")
    finite = np.isfinite(points).all(axis=1)
    away = finite & ~home.holds(first, second, crs)
    candidates = [(SWAPPED, second, first)]
    if crs.is_geographic:
        signs = [(LONGITUDE_SIGN, -first, second), (LATITUDE_SIGN, first, -second), (BOTH_SIGNS, -first, -second)]
        candidates = [*signs, *candidates]
    for label, one, other in candidates:
        labels[away & (labels == "") & home.holds(one, other, crs)] = label
    low, high = _bulk(points[finite])
    width = high - low
    within = (points >= low - 0.1 * width).all(axis=1) & (points <= high + 0.1 * width).all(axis=1)
    if (labels != "").sum() < WHOLE_FILE_SHARE * finite.sum():
        # In a country on the equator or on Greenwich both signs are right: the bulk of its records decides.
        labels[within & np.isin(labels, _ambiguous_signs(home, crs))] = ""
    stray = away & (labels == "") & ((points < low - width) | (points > high + width)).any(axis=1)
    for label, one, other in candidates:
        there = np.column_stack([one, other])
        inside = (there >= low - 0.1 * width).all(axis=1) & (there <= high + 0.1 * width).all(axis=1)
        labels[stray & (labels == "") & inside] = label
    if crs.is_geographic:
        beyond = (np.abs(first) > 180) | (np.abs(second) > 90)
        # Across the antimeridian some count on to 360 degrees: such a place is at home.
        labels[away & beyond & (labels == "")] = OUT_OF_RANGE
        rows = np.flatnonzero(labels == OUT_OF_RANGE)
        labels[rows[_at_home_with_a_point(points[rows], crs, home)]] = NO_POINT
    return labels


def _at_home_with_a_point(points: Floats, crs: pyproj.CRS, home: Home) -> Flags:
    """Which degrees beyond the globe lie at home once a power of ten divides them, one for each axis."""
    found = np.zeros(len(points), dtype=bool)
    for first in range(MOST_DECIMALS + 1) if len(points) else ():
        longitude = points[:, 0] / 10.0**first
        for second in range(MOST_DECIMALS + 1):
            latitude = points[:, 1] / 10.0**second
            near = ~found & (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
            found[near] = home.holds(longitude[near], latitude[near], crs)
    return found


def _bulk(known: Floats) -> tuple[Floats, Floats]:
    """Lower left and upper right of the points without the outer 1 % on each side; NaN for too few of them."""
    if len(known) < FEWEST_TYPICAL_ROWS:
        return np.full(2, np.nan), np.full(2, np.nan)
    # Rounded inwards, so that in a short file a single stray row is not part of the bulk.
    low = np.quantile(known, 0.01, axis=0, method="higher")
    return low, np.quantile(known, 0.99, axis=0, method="lower")


def _ambiguous_signs(home: Home, crs: pyproj.CRS) -> list[str]:
    """Signs that are ambiguous, because the country may lie on both sides of the meridian or the equator."""
    window = home.surroundings(crs, home.keep_m) if crs.is_geographic else None
    if window is None:
        return []
    west, south, east, north = window
    signs = [LONGITUDE_SIGN] if west < NEAR_ZERO_DEGREES and east > -NEAR_ZERO_DEGREES else []
    signs += [LATITUDE_SIGN] if south < NEAR_ZERO_DEGREES and north > -NEAR_ZERO_DEGREES else []
    return [*signs, BOTH_SIGNS] if len(signs) > 1 else signs


def refuse_whole_file(source: str, path: Path, labels: Labels, n_placed: int, columns: tuple[str, ...]) -> None:
    """InputError when most of the `n_placed` rows with coordinates show one and the same mistake.

    `columns` are the columns of the coordinates, empty for a file with geometry.
    """
    for mistake in (SWAPPED, LONGITUDE_SIGN, LATITUDE_SIGN, BOTH_SIGNS, OUT_OF_RANGE):
        share = (labels == mistake).sum() / max(n_placed, 1)
        if share < WHOLE_FILE_SHARE:
            continue
        finding = f"sources.{source}: {share:.0%} of {path} "
        if mistake == SWAPPED:
            remedy = (
                f"give columns: {{longitude: {columns[1]}, latitude: {columns[0]}}}"
                if columns
                else "exchange them in the file (QGIS: Swap X and Y coordinates)"
            )
            raise InputError(f"{finding}lies in the area only with longitude and latitude swapped: {remedy}")
        if mistake == OUT_OF_RANGE:
            raise InputError(f"{finding}has longitudes beyond 180 or latitudes beyond 90: check columns and crs")
        which = mistake.removesuffix(" sign")
        if source == "area":
            raise InputError(f"{finding}lies in the domain of grid.crs only with the other sign of {which}: check both")
        raise InputError(
            f"{finding}lies in the area only with the other sign of {which}: correct the sign in the file, or check "
            "that columns.longitude and columns.latitude name the right columns"
        )
