"""Quality rules for recorded polygons and record ids, after GICHD's geocheck: some rows are noted, others set aside."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers
from features.sources.report import Tally

# Sources whose polygons are records of survey and clearance, drawn point by point in the field.
RECORDED_AREAS = frozenset({"hazard_areas", "land_release", "minefield_records", "survey"})

# GICHD/geocheck: consecutive points further apart than this are mostly a typing error of one digit.
LONGEST_EDGE_M = 5_000.0

# Neighbours may share a strip along the border; from this share on one polygon was drawn over the other.
OVERLAP_SHARE = 0.1

# GICHD/geocheck's own limit: practically the same polygon twice.
SAME_AREA_SHARE = 0.9

MOST_PAIRS = 500_000

# The statement of a record: two records of one id, place and date that differ in it contradict each other; both stay.
SAYS = ("hazard_type", "hazard_status", "release_type", "outcome")


def repeated_ids(columns: pd.DataFrame, places: NDArray[np.object_]) -> tuple[Flags, Flags]:
    """Rows that repeat the id of an earlier row: those with the same place, dates and statement, and the others.

    Ids are compared without blanks around them; `places` are the geometries as bytes. A row without an id is not a
    repetition.
    """
    if "record_id" not in columns:
        return np.zeros(len(columns), dtype=bool), np.zeros(len(columns), dtype=bool)
    known = columns["record_id"].notna().to_numpy(dtype=bool)
    dates = [name for name in columns if pd.api.types.is_datetime64_any_dtype(columns[name])]
    keys = columns[[name for name in ("record_id", *dates, *SAYS) if name in columns]].assign(mlrisk_place=places)
    same = known & keys.duplicated().to_numpy()
    return same, known & columns["record_id"].duplicated().to_numpy() & ~same


def few_vertices(geometry: NDArray[np.object_]) -> Flags:
    """Polygons with fewer than three different vertices: a point or a line that somebody closed."""
    points, owner = shapely.get_coordinates(geometry, return_index=True)
    different = pd.DataFrame({"owner": owner, "easting": points[:, 0], "northing": points[:, 1]}).drop_duplicates()
    count = np.bincount(different["owner"].to_numpy(), minlength=len(geometry))
    return np.asarray(np.isin(shapely.get_type_id(geometry), (3, 6)) & (count < 3))


def note_polygons(geometry: NDArray[np.object_], where: Callable[[Flags], str], tally: Tally) -> None:
    """Report long edges and overlaps of polygons in metres; they stay as they are. `where` names flagged rows.

    A long edge may be right (a border on a map), and a cell takes the largest share of overlapping polygons, so that
    none counts twice.
    """
    areas = np.flatnonzero(np.isin(shapely.get_type_id(geometry), (3, 6)))
    long = areas[longest_edges_m(geometry[areas]) > LONGEST_EDGE_M]
    if len(long):
        tally.remark("edge over 5 km", len(long))
        flags = np.zeros(len(geometry), dtype=bool)
        flags[long] = True
        tally.note(f"consecutive points over {LONGEST_EDGE_M / 1000:.0f} km apart: {where(flags)}")
    pairs, share = _overlaps(geometry[areas])
    if len(pairs) > MOST_PAIRS:
        tally.note(f"overlaps were not measured: {len(pairs):,} pairs of polygons touch")
        return
    much = share > OVERLAP_SHARE
    if much.any():
        whole = int((share > SAME_AREA_SHARE).sum())
        tally.remark("overlapping polygon", len(np.unique(pairs[much])))
        tally.note(
            f"overlapping polygons: {int(much.sum())} pairs share more than {OVERLAP_SHARE:.0%} of the smaller one, "
            f"{whole} of them more than {SAME_AREA_SHARE:.0%}; no cell counts twice"
        )


def longest_edges_m(polygons: NDArray[np.object_]) -> Floats:
    """Longest distance between consecutive points of each (multi)polygon, in the unit of its coordinates.

    >>> import shapely
    >>> longest_edges_m(shapely.box([0, 0], [0, 0], [3, 1], [2, 7])).tolist()
    [3.0, 7.0]
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    step = np.hypot(*np.diff(points, axis=0).T) if len(points) else np.zeros(0)
    # From the last point of one ring to the first of the next there is no edge.
    step[np.diff(ring) != 0] = 0.0
    longest = np.zeros(len(polygons))
    np.maximum.at(longest, owner[part[ring[:-1]]], step)
    return longest


def _overlaps(polygons: NDArray[np.object_]) -> tuple[Integers, Floats]:
    """(n, 2) pairs of polygons that meet and the share of the smaller one's area that lies in both."""
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    once = one < other
    pairs = np.column_stack([one[once], other[once]]).astype(np.int64)
    if len(pairs) > MOST_PAIRS:
        return pairs, np.zeros(len(pairs))
    first, second = polygons[pairs[:, 0]], polygons[pairs[:, 1]]
    smaller = np.minimum(shapely.area(first), shapely.area(second))
    return pairs, np.asarray(shapely.area(shapely.intersection(first, second)) / np.maximum(smaller, 1e-9))


# With a greater error the place is that of a village or a municipality, not of an accident.
COARSE_PLACE_M = 1_000.0

# A place that so many accidents share is mostly the default of a register for accidents of unknown place.
SHARED_BY = 5


def note_accidents(columns: pd.DataFrame, places: NDArray[np.object_], tally: Tally) -> None:
    """Report doubts about records of accidents; no row is changed. `places` are the geometries as bytes."""
    if not len(columns):
        return
    _note_counts(columns, tally)
    _note_years(columns, tally)
    shared = pd.Series(places).map(pd.Series(places).value_counts()).to_numpy() >= SHARED_BY
    if shared.any():
        tally.remark("place of several accidents", int(shared.sum()))
        tally.note(
            f"{int(shared.sum())} accidents lie on {len(set(places[shared].tolist()))} places that {SHARED_BY} or more "
            "share, such as the seat of a municipality: give location_error_m"
        )
    if "location_error_m" in columns:
        error = columns["location_error_m"].to_numpy(dtype=np.float64)
        unsaid, coarse = int(np.isnan(error).sum()), int((error > COARSE_PLACE_M).sum())
        tally.remark("coarse place", coarse)
        if unsaid or coarse:
            tally.note(
                f"places are of mixed precision: {unsaid} without location_error_m, {coarse} beyond "
                f"{COARSE_PLACE_M:.0f} m"
            )
    twice = same_day_and_place(columns, places)
    tally.remark("accident of the same place and day", int(twice.sum()))


def same_day_and_place(columns: pd.DataFrame, places: NDArray[np.object_]) -> Flags:
    """Rows with the place and day of an earlier row; dates known only to the month or year do not count."""
    if "date" not in columns:
        return np.zeros(len(columns), dtype=bool)
    known = columns["date"].notna().to_numpy()
    if "date_precision" in columns:
        known = known & (columns["date_precision"] == "day").to_numpy(dtype=bool)
    keys = pd.DataFrame({"date": columns["date"].to_numpy(), "place": places})
    return np.asarray(known & keys.where(pd.Series(known)).duplicated().to_numpy())


def years_without(dates: NDArray[np.datetime64]) -> list[int]:
    """Years without a date between the first and the last date.

    >>> import numpy as np
    >>> years_without(np.array(["2001-05-01", "2004-01-01", "NaT"], dtype="datetime64[D]"))
    [2002, 2003]
    """
    years = set((dates[~np.isnat(dates)].astype("datetime64[Y]").astype(np.int64) + 1970).tolist())
    return [year for year in range(min(years), max(years)) if year not in years] if years else []


def _note_counts(columns: pd.DataFrame, tally: Tally) -> None:
    given = [name for name in ("killed", "injured") if name in columns]
    if len(given) == 1:
        other = "injured" if given == ["killed"] else "killed"
        tally.note(f"{given[0]} is given and {other} is not: casualties are those {given[0]} alone, map {other}")
    if given:
        unsaid = int(columns[given].isna().all(axis=1).sum())
        tally.remark("no casualty count", unsaid)


def _note_years(columns: pd.DataFrame, tally: Tally) -> None:
    if "date" not in columns:
        return
    gaps = years_without(columns["date"].to_numpy(dtype="datetime64[D]"))
    if gaps:
        tally.note(f"no accident in {', '.join(map(str, gaps))}: none happened, or the register has a gap")
