"""Coordinates in files: their columns, decimal commas, swapped axes, missing signs, wrong units."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, InputError
from features.sources.angles import degrees_of, says_o
from features.sources.column_names import shown_names
from features.sources.dates import latest_hours
from features.sources.parsing import ascii_digits, parse_numbers
from features.sources.place_hints import place_hint
from features.sources.report import Tally
from features.sources.schema import COORDINATE_ALIASES
from features.sources.settings import SourceSpec

# If this share of a file shows the same mistake, the whole file is wrong in the same way and a person has to decide.
WHOLE_FILE_SHARE = 0.8


@dataclass(frozen=True)
class Home:
    """The rectangle in which records are expected, and how far around it they still count, in metres of `crs`."""

    crs: pyproj.CRS
    bounds: tuple[float, float, float, float]
    keep_m: float

    def holds(self, first: Floats, second: Floats, crs: pyproj.CRS) -> Flags:
        """Which points (longitude or easting first, in `crs`) lie within `keep_m` of the rectangle."""
        easting_m, northing_m = _transformer(crs, self.crs).transform(first, second)
        return self.distance_m(np.asarray(easting_m), np.asarray(northing_m)) <= self.keep_m

    def distance_m(self, easting_m: Floats, northing_m: Floats) -> Floats:
        """Distance of points in `crs` from the rectangle, 0 inside, not finite for points outside the projection."""
        left, bottom, right, top = self.bounds
        across = np.maximum(np.maximum(left - easting_m, easting_m - right), 0)
        along = np.maximum(np.maximum(bottom - northing_m, northing_m - top), 0)
        return np.hypot(across, along)

    def away_m(self, geometry: NDArray[np.object_]) -> Floats:
        """Distance of shapes in `crs` from the rectangle, NaN without geometry."""
        return np.asarray(shapely.distance(geometry, shapely.box(*self.bounds)), dtype=np.float64)

    def latest_hours(self) -> float:
        """Hours that clocks here may be ahead of UTC."""
        left, bottom, right, top = self.bounds
        longitude, _ = _transformer(self.crs, pyproj.CRS("EPSG:4326")).transform((left + right) / 2, (bottom + top) / 2)
        return latest_hours(float(longitude)) if np.isfinite(longitude) else 0.0

    def surroundings(self, crs: pyproj.CRS, reach_m: float) -> tuple[float, float, float, float] | None:
        """(west, south, east, north) in `crs` around everything within `reach_m`; None if that is not a single box."""
        left, bottom, right, top = self.bounds
        around = (left - reach_m, bottom - reach_m, right + reach_m, top + reach_m)
        west, south, east, north = _transformer(self.crs, crs).transform_bounds(*around)
        whole = np.isfinite([west, south, east, north]).all() and west < east and south < north
        return (west, south, east, north) if whole else None


@cache
def _transformer(crs: pyproj.CRS, to: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, to, always_xy=True)


def coordinate_columns(source: str, path: Path, spec: SourceSpec, table: pd.DataFrame, tally: Tally) -> tuple[str, ...]:
    """Names of the columns with longitude and latitude (or easting and northing); InputError if there are none."""
    names = [str(name) for name in table.columns]
    found = []
    for ours, aliases in COORDINATE_ALIASES.items():
        mapped = spec.columns.get(ours)
        hits = _named_alike(aliases if mapped is None else (mapped,), names)
        if not hits:
            missing = f"{mapped!r} (columns.{ours})" if mapped else f"{ours} ({', '.join(aliases)})"
            remedy = place_hint(table) or "give columns: {longitude: ..., latitude: ...}"
            raise InputError(
                f"sources.{source}: {path} has no geometry and no column {missing}: {remedy}; it has "
                f"{shown_names(names)}"
            )
        if mapped is None and hits[0] != ours:
            tally.note(f"{ours} read from column {hits[0]!r}")
        found.append(hits[0])
    return tuple(found)


def find_coordinates(spec: SourceSpec, names: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns with longitude and latitude, empty if there are none; mapped ones come first."""
    wanted = [
        (spec.columns[ours],) if ours in spec.columns else aliases for ours, aliases in COORDINATE_ALIASES.items()
    ]
    hits = [_named_alike(aliases, names) for aliases in wanted]
    return tuple(found[0] for found in hits) if all(hits) else ()


def _named_alike(aliases: Sequence[str], names: Sequence[str]) -> list[str]:
    exact = [name for alias in aliases for name in names if name == alias]
    return exact or [name for alias in aliases for name in names if name.casefold() == alias.casefold()]


def read_coordinates(
    source: str, path: Path, table: pd.DataFrame, columns: tuple[str, ...], tally: Tally, *, projected: bool
) -> Floats:
    """(n, 2) numbers of the two columns, NaN where missing or not understood, which is noted by row.

    Decimal commas are converted and counted. Where the CRS is not `projected`, degrees with minutes and seconds
    (40\u00b012'30"N, 46 45 10) are read too; where it is, commas between groups of three are thousands.
    """
    parsed = [_axis(table[name], axis, projected, groups=projected) for axis, name in enumerate(columns)]
    if projected and len({bool(part.thousands.any()) for part in parsed}) > 1:
        # Groups of three in one axis alone are fractions: 640.123 beside 4402.123, in kilometres.
        parsed = [_axis(table[name], axis, projected, groups=False) for axis, name in enumerate(columns)]
    lost = np.any([part.not_understood for part in parsed], axis=0)
    angles = np.any([part.angles for part in parsed], axis=0)
    if lost.any() and lost.sum() >= WHOLE_FILE_SHARE * len(table):
        bad = next(part for part in parsed if part.not_understood.any())
        shown = tally.examples(bad.column, bad.not_understood)
        raise InputError(
            f"sources.{source}: {' and '.join(map(repr, columns))} of {path} are not numbers, {shown}: give "
            + ("metres of the CRS that crs names" if projected else "decimal degrees, or metres with crs")
        )
    tally.repair("decimal comma", max(part.decimal_commas for part in parsed))
    tally.repair("degrees, minutes and seconds", int(angles.sum()))
    if parsed[0].angles.any() and parsed[0].column[parsed[0].angles].astype(str).map(says_o).any():
        tally.note(f"{columns[0]!r}: the letter O read as west (ouest, oeste)")
    for part, name in zip(parsed, columns, strict=True):
        if part.not_understood.any():
            tally.note(
                f"coordinates: {int(part.not_understood.sum())} values of {name!r} are no numbers, "
                f"{tally.examples(part.column, part.not_understood)}"
            )
        if part.thousands.any():
            tally.note(
                f"{name!r}: signs between groups of three read as thousands separators ({tally.where(part.thousands)})"
            )
    return np.column_stack([part.values for part in parsed])


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One column of coordinates: numbers, and flags of texts with angles, with thousands signs, or not understood."""

    column: pd.Series
    values: Floats
    not_understood: Flags
    angles: Flags
    thousands: Flags
    decimal_commas: int


def _axis(column: pd.Series, axis: int, projected: bool, groups: bool) -> _Axis:
    numbers = parse_numbers(column, comma_is_decimal=not projected, counts=groups)
    values, lost = numbers.values, numbers.not_understood
    angles = np.zeros(len(values), dtype=bool)
    if lost.any() and not projected:
        read = np.array([degrees_of(text, axis) for text in ascii_digits(column[lost].astype(str))])
        values[lost] = read
        angles[lost] = np.isfinite(read)
        lost = lost & ~angles
    return _Axis(
        column=column, values=values, not_understood=lost, angles=angles, thousands=numbers.thousands,
        decimal_commas=numbers.decimal_commas,
    )  # fmt: skip


def check_units(source: str, path: Path, points: Floats, crs: pyproj.CRS, stated: bool) -> None:
    """Refuse metres where the CRS is in degrees, and degrees where it is in metres.

    `points` is (n, 2), longitude or easting first; rows with NaN are ignored. `stated` is True if the file or the
    configuration named the CRS.
    """
    known = points[np.isfinite(points).all(axis=1)]
    if len(known) == 0:
        return
    low, high = known.min(axis=0), known.max(axis=0)
    bounds = f"({low[0]:.6g}, {low[1]:.6g}, {high[0]:.6g}, {high[1]:.6g})"
    if crs.is_geographic:
        if (np.abs(known) > 360).any(axis=1).mean() > 0.5:
            where = f"in {crs.to_string()}" if stated else "without a CRS"
            raise InputError(
                f"sources.{source}: {path} {where} has bounds {bounds}, which are no degrees: give crs, the projected "
                f"CRS that its coordinates are in, e.g. crs: EPSG:32638{_lost_point_hint(known)}"
            )
    elif (np.abs(known) <= np.array([360.0, 90.0])).all():
        raise InputError(
            f"sources.{source}: {path} in {crs.to_string()} has bounds {bounds}, which looks like degrees: give "
            "crs: EPSG:4326"
        )


def _lost_point_hint(known: Floats) -> str:
    whole = ((known == np.round(known)) & (np.abs(known) > 360)).all(axis=0).any()
    return "; or put the decimal point back, if degrees have lost it (4012345 for 40.12345)" if whole else ""
