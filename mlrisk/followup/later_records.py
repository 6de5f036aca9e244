"""Finds and searches later than a map, read from files and laid onto the cells of the map."""

import re
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from features.base import DATED_BY, Flags, Floats, Grid, InputError, Integers, dates_of
from features.geometry import cell_coverage, covered_share
from features.sources import (
    DATE,
    KEEP_AROUND_M,
    POINT,
    POLYGON,
    SHARE,
    TEXT,
    Home,
    Schema,
    SourceSpec,
    Tally,
    read_vector,
    take_canonical,
)

DATES = {"date": DATE, "year": DATE, "recorded_date": DATE}
FOUND = Schema((POINT, POLYGON), DATES | {"eo_category": TEXT})
SEARCHED = Schema((POINT, POLYGON), DATES | {"outcome": TEXT, "inclusion_prob": SHARE})


@dataclass(frozen=True, eq=False, kw_only=True)
class LaterRecords:
    """Records newer than a map, in its CRS, and the (cell, record) pairs of those on its cells.

    `cell` counts in `grid.cell_ids()` order and `record` rows of `table`. `read` counts the rows of the file, `known`
    those recorded by the map's as_of, `outside` those on no cell of the map; `notes` name repairs and omissions.
    """

    table: gpd.GeoDataFrame
    cell: Integers
    record: Integers
    read: int
    known: int
    outside: int
    notes: tuple[str, ...]


def read_later_records(
    option: str, path: Path, schema: Schema, grid: Grid, as_of: date, crs: str | None
) -> LaterRecords:
    """Read the file of an option such as `--found`; raises InputError with the option for an unusable file.

    A record is known at `as_of` if it was recorded by then or, without a date of recording, if it happened by then.
    Records without any date count as later ones.
    """
    tally = Tally()
    spec = SourceSpec(path=str(path), crs=crs)
    take = partial(take_canonical, option, spec, schema)
    home = Home(grid.crs, grid.bounds, KEEP_AROUND_M)
    try:
        table = read_vector(option, spec, schema.geometry, home, Path.cwd(), take, tally)
    except InputError as error:
        text = str(error).replace(f"sources.{option}", option).replace("give crs, e.g. crs:", "give --crs, e.g. --crs")
        # There is no config that could give names and folders.
        text = re.sub(r"give columns: \{[^}]*\}", "give its columns these names", text)
        text = re.sub(r"; paths are relative to .*$", "", text)
        raise InputError(text) from error
    if not tally.rows_read:
        raise InputError(f"{option}: {path} holds no record: give a file with at least one")
    known = _known(table, as_of)
    undated = int(sum(_undated(table)))
    later = table.loc[~known].reset_index(drop=True)
    cell, record = _on_cells(grid, later)
    far = tally.set_aside.pop("out of area", 0)
    notes = [
        *(f"{count:,} set aside: {reason}" for reason, count in tally.set_aside.items()),
        *(f"{count:,} repaired: {reason}" for reason, count in tally.repaired.items()),
        *(note for note in tally.notes if not note.startswith("no rows")),
        *([f"{undated:,} without a date: taken as later than the map"] if undated else []),
    ]
    outside = far + len(later) - len(np.unique(record))
    return LaterRecords(
        table=later,
        cell=cell,
        record=record,
        read=tally.rows_read,
        known=int(known.sum()),
        outside=outside,
        notes=tuple(f"{option}: {note}" for note in notes),
    )


def searched_share(grid: Grid, later: LaterRecords) -> Floats:
    """Share of each cell that was searched, in `grid.cell_ids()` order; a point counts as its whole cell."""
    polygons = later.table.geom_type.isin(("Polygon", "MultiPolygon")).to_numpy()
    shapes = np.asarray(later.table.geometry.array, dtype=object)[polygons]
    share = covered_share(grid, shapes)[grid.mask]
    share[later.cell[~polygons[later.record]]] = 1.0
    return np.asarray(share)


def _known(table: gpd.GeoDataFrame, as_of: date) -> Flags:
    recorded, happened = dates_of(table, "recorded_date"), dates_of(table, "date")
    recorded = np.where(np.isnat(recorded), happened, recorded)
    # Comparisons with NaT are False, so that a record without a date is never taken for an old one.
    return np.asarray(recorded < np.datetime64(as_of, "D") + np.timedelta64(1, "D"))


def _undated(table: gpd.GeoDataFrame) -> Flags:
    dated = np.zeros(len(table), dtype=bool)
    for name in DATED_BY:
        dated |= ~np.isnat(dates_of(table, name))
    return ~dated


def _on_cells(grid: Grid, table: gpd.GeoDataFrame) -> tuple[Integers, Integers]:
    number = np.full(grid.mask.size, -1, dtype=np.int64)
    number[grid.mask.reshape(-1)] = np.arange(grid.n_cells)
    points = np.flatnonzero(table.geom_type.eq("Point").to_numpy())
    shapes = np.setdiff1d(np.arange(len(table)), points)
    places = table.geometry.iloc[points]
    at = grid.locate(places.x.to_numpy(), places.y.to_numpy())
    pairs = cell_coverage(grid, np.asarray(table.geometry.array, dtype=object)[shapes])
    flat = np.concatenate([at, pairs["cell"].to_numpy(dtype=np.int64)])
    record = np.concatenate([points, shapes[pairs["polygon"].to_numpy(dtype=np.int64)]])
    cell = np.where(flat >= 0, number[flat], -1)
    kept = pd.DataFrame({"record": record[cell >= 0], "cell": cell[cell >= 0]}).sort_values(["record", "cell"])
    return kept["cell"].to_numpy(dtype=np.int64), kept["record"].to_numpy(dtype=np.int64)
