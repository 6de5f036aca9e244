"""Dated records of a table: knowledge at a date, ages, and places."""

from datetime import date, timedelta
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base.arrays import Flags, Floats
from features.base.feature_info import DAYS_PER_YEAR

# A record that has any of these dates existed by then. `start_date` alone does not count: work in progress has no
# result yet, so it can only rule a record out.
DATED_BY = ("date", "record_date", "end_date", "held_from", "recorded_date")

RULED_OUT_BY = (*DATED_BY, "start_date")

MISSING = np.datetime64("NaT", "ns")


def known_at(table: gpd.GeoDataFrame, as_of: date, *, undated: Literal["keep", "drop"] = "keep") -> gpd.GeoDataFrame:
    """The rows known at the end of the day `as_of`, with a fresh index.

    A row passes when none of its dates lies after `as_of`: an event cannot be known before it happened, whatever its
    `recorded_date` says, and a record written later was not known however old the event is. A `hazard_status` whose
    `status_date` lies after `as_of` is set to missing: the record was known then, but not its present status.
    """
    passes = np.ones(len(table), dtype=bool)
    for name in RULED_OUT_BY:
        if name in table:
            passes &= dated_by(table, name, as_of)
    if undated == "drop":
        passes &= is_dated(table)
    known = table.loc[passes].reset_index(drop=True)
    if "hazard_status" in known and "status_date" in known:
        known["hazard_status"] = known["hazard_status"].mask(~dated_by(known, "status_date", as_of))
    return known


def dated_by(table: gpd.GeoDataFrame, name: str, as_of: date) -> Flags:
    """True for the rows whose date in a column lies no later than the day `as_of`, and for those without one."""
    dates = dates_of(table, name)
    return np.asarray(np.isnat(dates) | (dates < day_after(as_of)))


def is_dated(table: gpd.GeoDataFrame) -> Flags:
    """True for the rows that carry any date of their event or record."""
    dated = np.zeros(len(table), dtype=bool)
    for name in DATED_BY:
        dated |= ~np.isnat(dates_of(table, name))
    return dated


def dates_of(table: gpd.GeoDataFrame, name: str) -> NDArray[np.datetime64]:
    """The dates of a column, NaT where missing or where the table lacks the column."""
    if name not in table:
        return np.full(len(table), MISSING)
    return np.asarray(pd.to_datetime(table[name]).to_numpy(dtype="datetime64[ns]"))


def ages_years(table: gpd.GeoDataFrame, as_of: date) -> Floats:
    """Years from the event, or if it is undated from its record, to `as_of`; NaN for undated rows."""
    event = dates_of(table, "date")
    for name in DATED_BY[1:]:
        event = np.where(np.isnat(event), dates_of(table, name), event)
    return years_between(event, np.datetime64(as_of, "ns"))


def years_between(start: NDArray[np.datetime64], end: NDArray[np.datetime64] | np.datetime64) -> Floats:
    """Years from `start` to `end`, NaN where either is missing."""
    days = (end - start) / np.timedelta64(1, "D")
    return np.asarray(days, dtype=np.float64) / DAYS_PER_YEAR


def decay(age_years: Floats, half_life_years: float) -> Floats:
    """Weight that halves every `half_life_years`; 0 for undated records.

    >>> import numpy as np
    >>> decay(np.array([0.0, 3.0, 6.0, np.nan]), 3.0).tolist()
    [1.0, 0.5, 0.25, 0.0]
    """
    weight = 0.5 ** (np.maximum(age_years, 0.0) / half_life_years)
    return np.where(np.isnan(age_years), 0.0, weight)


def numbers(table: gpd.GeoDataFrame, name: str, missing: float) -> Floats:
    """A column as numbers, `missing` where a value or the whole column is lacking."""
    if name not in table:
        return np.full(len(table), missing)
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), missing, values)


def words(table: gpd.GeoDataFrame, name: str) -> NDArray[np.str_]:
    """A column as lower-case text, empty where a value or the whole column is lacking."""
    if name not in table:
        return np.full(len(table), "", dtype=np.str_)
    text = table[name].astype("object").where(table[name].notna(), "")
    return np.array([str(value).strip().lower() for value in text], dtype=np.str_)


def places_m(table: gpd.GeoDataFrame) -> Floats:
    """(n, 2) easting and northing of one point of each record: the point itself, else a point on its surface."""
    shapes = np.asarray(table.geometry.array)
    single = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    points = shapes.copy()
    points[~single] = shapely.point_on_surface(shapes[~single])
    return np.asarray(shapely.get_coordinates(points).reshape(-1, 2))


def area_km2(table: gpd.GeoDataFrame) -> Floats:
    """Area (n,) of each record; 0 for a point."""
    return np.asarray(shapely.area(np.asarray(table.geometry.array)) / 1e6)


def extent_m(table: gpd.GeoDataFrame) -> Floats:
    """Standard deviation, along each axis, of a place drawn from a disc with the record's area; 0 for a point."""
    return np.asarray(np.sqrt(shapely.area(np.asarray(table.geometry.array)) / (4 * np.pi)))


def day_after(day: date) -> np.datetime64:
    """The first moment after the day: all earlier moments lie before its end."""
    return np.datetime64(day + timedelta(days=1), "ns")


def years_before(day: date, years: int) -> date:
    """The same day some years earlier (later where negative); 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
