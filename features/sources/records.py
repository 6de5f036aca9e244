"""Rows of a source while it is read, some of which are set aside with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Integers
from features.sources.report import Tally, name_rows

Geometry = NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Records:
    """Arrays of equal length: canonical columns, geometry, row numbers, places in the file, fingerprints of dated rows.

    `rows` counts through the files of the source; `parts` and `places` say which file or layer a row is from, and the
    line or row in it.
    """

    columns: pd.DataFrame
    geometry: Geometry
    rows: Integers
    parts: Integers
    places: Integers
    prints: NDArray[np.uint64]

    def without(self, gone: Flags) -> "Records":
        """The rows that are not `gone`."""
        return self.chosen(np.nonzero(~gone)[0])

    def chosen(self, index: Integers) -> "Records":
        """The rows at the given positions, in that order."""
        return Records(
            columns=self.columns.iloc[index].reset_index(drop=True),
            geometry=self.geometry[index],
            rows=self.rows[index],
            parts=self.parts[index],
            places=self.places[index],
            prints=self.prints[index],
        )


def joined(records: Sequence[Records]) -> Records:
    """The rows of several files one after another; a flag that a file lacks counts as no."""
    columns = pd.concat([part.columns for part in records], ignore_index=True)
    flags = {name for part in records for name in part.columns if part.columns[name].dtype == bool}
    for name in flags:
        columns[name] = columns[name].eq(True)
    return Records(
        columns=columns,
        geometry=np.concatenate([part.geometry for part in records]),
        rows=np.concatenate([part.rows for part in records]),
        parts=np.concatenate([part.parts for part in records]),
        places=np.concatenate([part.places for part in records]),
        prints=np.concatenate([part.prints for part in records]),
    )


def where_they_stand(records: Records, flags: Flags, tally: Tally) -> str:
    """The flagged rows by file, such as 'lines 3, 7 of a.csv; line 4 of b.csv'."""
    named = []
    for number in np.unique(records.parts[flags]):
        part = tally.parts[number]
        places = records.places[flags & (records.parts == number)]
        named.append(f"{name_rows(list(dict.fromkeys(places.tolist())), part.unit)}{part.suffix}")
    return "; ".join(named)


def set_aside(records: Records, gone: Flags, reason: str, tally: Tally, *, named: bool = True) -> Records:
    """The records without those that are `gone`, which are counted and named by their place in the file."""
    if not gone.any():
        return records
    tally.put_aside(reason, int(gone.sum()))
    if named:
        tally.note(f"{reason}: {where_they_stand(records, gone, tally)}")
    return records.without(gone)


def set_aside_by_reason(records: Records, reasons: NDArray[np.str_], tally: Tally) -> Records:
    """The records whose reason is ''; the others are counted and their rows named."""
    for reason in sorted(set(reasons.tolist()) - {""}):
        gone = reasons == reason
        tally.put_aside(reason, int(gone.sum()))
        tally.note(f"{reason}: {where_they_stand(records, gone, tally)}")
    return records.without(reasons != "")


def mark(reasons: NDArray[np.str_], more: NDArray[np.str_]) -> None:
    """Give rows without a reason that in `more`: a row is set aside once, for the first reason."""
    empty = reasons == ""
    reasons[empty] = more[empty]
