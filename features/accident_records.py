"""What to look at in a register of accidents: same place and day, years without any, unsaid counts, mixed precision."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.report import Tally

# Beyond this a place is that of a village or a municipality, not of an accident.
COARSE_PLACE_M = 1_000.0
# A place that so many accidents share is mostly where a register puts what it cannot place.
SHARED_BY = 5


def note_accidents(columns: pd.DataFrame, places: NDArray[np.object_], tally: Tally) -> None:
    """Report what the counts of accidents will rest on; no row is changed. `places` are the geometries as bytes."""
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


def same_day_and_place(columns: pd.DataFrame, places: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Rows whose place and day an earlier row has; dates known to the month or year alone say nothing."""
    if "date" not in columns:
        return np.zeros(len(columns), dtype=bool)
    known = columns["date"].notna().to_numpy()
    if "date_precision" in columns:
        known = known & (columns["date_precision"] == "day").to_numpy(dtype=bool)
    keys = pd.DataFrame({"date": columns["date"].to_numpy(), "place": places})
    return np.asarray(known & keys.where(pd.Series(known)).duplicated().to_numpy())


def years_without(dates: NDArray[np.datetime64]) -> list[int]:
    """Years between the first and the last date in which there is none.

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
