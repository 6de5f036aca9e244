"""Places that one text holds whole: grid references (MGRS), and latitude and longitude side by side."""

import re
import warnings
from functools import cache

import mgrs
import numpy as np
import pandas as pd
import shapely
from mgrs.core import MGRSError
from numpy.typing import NDArray

from features.base import Floats
from features.sources.angles import degrees_of

MGRS = re.compile(r"^(\d{1,2}[C-HJ-NP-X])\s*([A-HJ-NP-Z]{2})\s*((?:\d\s*){2,10})$", re.IGNORECASE)
# A metre: a reference of fewer figures names a larger square.
MOST_FIGURES = 5
# Signs between two coordinates, the surest first.
BETWEEN = (
    r"\s*[;/|]\s*",
    r"(?<=[NSEWO])[,\s]+(?=\d)",
    r"(?<=\d|['\"])[,\s]+(?=[NSEWO]\s?\d)",
    r",\s+",
    r"\s*,\s*",
    r"(?<=[NSEWOL'\"\u2033\u2032\u00b0])\s+",
    r"\s+",
)
AXES = {True: (1, 0), False: (0, 1)}
GRID_REFERENCES, LATITUDE_FIRST = "grid references (MGRS)", "latitude and longitude in one text, read in this order"
LONGITUDE_FIRST = "longitude and latitude in one text, read in this order"


def places_of(texts: "pd.Series[str]") -> tuple[NDArray[np.float64], dict[str, int]]:
    """(n, 2) longitude and latitude of texts, NaN for other texts, and how many were read in which way.

    The latitude comes first, as maps and telephones write it, unless letters or a number beyond 90 show another order
    in the column.

    >>> places_of(pd.Series(["39.75, 46.71", "x"]))[0].tolist()
    [[46.71, 39.75], [nan, nan]]
    """
    places = np.full((len(texts), 2), np.nan)
    values = texts.astype(str).str.strip().tolist()
    counts = {GRID_REFERENCES: 0, LATITUDE_FIRST: 0, LONGITUDE_FIRST: 0}
    pairs: dict[int, tuple[str, str]] = {}
    for row, text in enumerate(values):
        reference = grid_reference(text)
        if reference is not None:
            places[row] = reference
            counts[GRID_REFERENCES] += 1
        elif (found := halves(text)) is not None:
            pairs[row] = found
    latitude_first = not any(_read(pair, False) is not None and _read(pair, True) is None for pair in pairs.values())
    for row, pair in pairs.items():
        for order in (latitude_first, not latitude_first):
            place = _read(pair, order)
            if place is not None:
                places[row] = place
                counts[LATITUDE_FIRST if order else LONGITUDE_FIRST] += 1
                break
    return places, {words: count for words, count in counts.items() if count}


def points_of(places: Floats) -> NDArray[np.object_]:
    """A point for each (longitude, latitude), None where one of them is missing."""
    points = np.full(len(places), None, dtype=object)
    known = np.isfinite(places).all(axis=1)
    points[known] = shapely.points(places[known])
    return points


def grid_reference(text: str) -> tuple[float, float] | None:
    """Longitude and latitude of the middle of the square that a reference names; None for other text.

    >>> [round(degrees, 3) for degrees in grid_reference("38S PK 400 050")]
    [46.636, 39.784]
    """
    match = MGRS.match(text)
    figures = "" if match is None else re.sub(r"\s", "", match[3])
    if match is None or len(figures) % 2:
        return None
    half = len(figures) // 2
    easting, northing = (part + "50000"[: MOST_FIGURES - half] for part in (figures[:half], figures[half:]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            latitude, longitude = _converter().toLatLon(f"{match[1]}{match[2]}{easting}{northing}".upper())
    except MGRSError:
        return None
    return longitude, latitude


@cache
def _converter() -> mgrs.MGRS:
    return mgrs.MGRS()


def halves(text: str) -> tuple[str, str] | None:
    """The two coordinates of a text, both with a fraction, minutes or letters; None for any other text.

    >>> halves("(39.75, 46.71)"), halves("39 45 00 N 46 42 36 E"), halves("39,75; 46,71"), halves("3, 4"), halves("a b")
    (('39.75', '46.71'), ('39 45 00 N', '46 42 36 E'), ('39,75', '46,71'), None, None)
    """
    plain = text.strip().strip("()[]").strip()
    for between in BETWEEN:
        parts = re.split(between, plain)
        if len(parts) == 2 and all(re.search(r"\d\D+\d|\d\s*[NSEWOL]$|^[NSEWOL]", part) for part in parts):
            first, second = parts
            if _read((first, second), True) is not None or _read((first, second), False) is not None:
                return first, second
    return None


def _read(pair: tuple[str, str], latitude_first: bool) -> Floats | None:
    """Longitude and latitude of two texts in one order; None if one of them is none."""
    first, second = (degrees_of(part, axis) for part, axis in zip(pair, AXES[latitude_first], strict=True))
    latitude, longitude = (first, second) if latitude_first else (second, first)
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return np.array([longitude, latitude])
