"""Every record of a country on the cells that it concerns, intersected once for all dates."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import RULED_OUT_BY, Flags, Floats, Grid, Integers, dates_of, numbers, words
from features.geometry import cell_coverage
from features.sources import Sources
from training.evidence.pieces import Pieces, cut_pieces
from training.evidence.record_kinds import (
    EVIDENCE_SOURCES,
    NO_KIND,
    closed_hazards,
    finished_releases,
    kinds_of,
    withdrawn_hazards,
)
from training.evidence.selection import chosen_by
from training.evidence.states import MOST_OF_CELL

DEVICE_COLUMNS = ("ap_mines", "at_mines", "uxo")
# Column with the date of a record's subject if there are several dates: event, end of the work, survey of the area.
EVENT_DATES = ("date", "end_date", "record_date", "start_date")
# Column with the date of observation, which decides whether a release or a find came first.
SEEN_DATES = ("date", "record_date", "recorded_date")
# Purposes of surveys that show what an earlier search missed.
CHECKS = ("audit", "quality_control")
# Sources of events, which have a place, and of areas, which cover land.
EVENT_SOURCES, AREA_SOURCES = ("finds", "incidents"), ("hazard_areas", "land_release", "survey")


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordCells:
    """The records of all evidence sources and every (cell, record) pair, whatever the date.

    `records` has one row for each record, on the grid or not: `source`, `number` (its row in the file, counted through
    the files of the source), `record_id`, `event_date`, `recorded_date`, `known_from` (the last of its dates, NaT:
    always known), `seen`, `ends`, `kind` (a place in KIND_NAMES), `quality` (probability that it lies in the cell in
    which it was recorded), `devices` (counted; NaN where a find states none), `covered` (cells that it covers, as a sum
    of shares), `finished` (a decision that releases land), `reopens` (evidence that ordnance is there), `withdrawn` and
    `closed` (status of a hazard area, as of `status_from`, NaT: always), `inclusion_prob`, `chosen_by` (model, people,
    chance; empty if not recorded), `method` and `team` of the work (empty likewise), `check` (survey of land that may
    have been searched before: audit or quality control).

    `place` (position in `grid.cell_ids()`), `record` (row of `records`) and `share` (part of the cell; 1 for a point)
    are the pairs, by place and then record. `point` marks records that are points. `event_row` and `area_row` say which
    finds and accidents lie in which areas. `release_pieces` are pieces of releases that release a cell only together,
    `hazard_pieces` pieces of hazard areas that cover most of a cell only together.
    """

    records: pd.DataFrame
    place: NDArray[np.int32]
    record: NDArray[np.int32]
    share: Floats
    point: Flags
    event_row: Integers
    area_row: Integers
    release_pieces: Pieces
    hazard_pieces: Pieces

    @property
    def pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
        """Place, record and share of every pair."""
        return self.place, self.record, self.share

    @property
    def is_find(self) -> Flags:
        """Which records are finds that concern a cell."""
        return np.asarray((self.records["source"] == "finds") & (self.records["kind"] != NO_KIND))


def lay_records(grid: Grid, sources: Sources, whole_share: float) -> RecordCells:
    """Lay every record of the evidence sources on the grid; from `whole_share` on a cell counts as covered."""
    tables = {name: sources.vectors[name] for name in EVIDENCE_SOURCES if name in sources.vectors}
    first = dict(zip(tables, np.cumsum([0, *map(len, tables.values())]), strict=False))
    described, pairs = [], []
    for name, table in tables.items():
        cells, rows, share, covered = _pairs(grid, table)
        inside = grid.mask.ravel()[cells]
        place, record = grid.places(cells[inside]).astype(np.int32), (rows[inside] + first[name]).astype(np.int32)
        pairs.append((place, record, share[inside]))
        described.append(_described(grid, name, table, sources.rows.get(name), covered))
    records = pd.concat(described, ignore_index=True) if described else _described_nothing(grid)
    place, record, share = (np.concatenate(part) for part in zip(*pairs, strict=True)) if pairs else _no_pairs()
    order = np.lexsort((record, place))
    place, record, share = place[order], record[order], share[order]
    point = np.concatenate([_is_point(table) for table in tables.values()]) if tables else np.zeros(0, dtype=bool)
    shapes = np.concatenate([_shapes(table) for table in tables.values()]) if tables else np.zeros(0, dtype=object)
    finished, areal = records["finished"].to_numpy(), ~point & np.isin(records["source"], ("hazard_areas", "survey"))
    event_row, area_row = _events_in_areas(tables, first)
    return RecordCells(
        records=records,
        place=place,
        record=record,
        share=share,
        point=point,
        event_row=event_row,
        area_row=area_row,
        release_pieces=cut_pieces(grid, shapes, finished, (place, record, share), whole_share),
        hazard_pieces=cut_pieces(grid, shapes, areal, (place, record, share), MOST_OF_CELL),
    )


def _no_pairs() -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
    return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0)


def _shapes(table: gpd.GeoDataFrame) -> NDArray[np.object_]:
    return np.asarray(table.geometry.array, dtype=object)


def _is_point(table: gpd.GeoDataFrame) -> Flags:
    return np.asarray(table.geom_type == "Point")


def _pairs(grid: Grid, table: gpd.GeoDataFrame) -> tuple[Integers, Integers, Floats, Floats]:
    """Flat cell, row and share of every (cell, record) that intersects, and the number of cells in each record."""
    points = _is_point(table)
    rows = np.flatnonzero(points)
    places = shapely.get_coordinates(np.asarray(table.geometry.array)[points])
    cells = grid.locate(places[:, 0], places[:, 1])
    rows, cells = rows[cells >= 0], cells[cells >= 0]
    pairs = cell_coverage(grid, np.asarray(table.geometry.array)[~points])
    part = pairs["share"].to_numpy()
    owner = np.flatnonzero(~points)[pairs["polygon"].to_numpy()]
    covered = np.bincount(owner, weights=part, minlength=len(table)).astype(np.float64)
    return (
        np.concatenate([cells, pairs["cell"].to_numpy()]),
        np.concatenate([rows, owner]),
        np.concatenate([np.ones(len(rows)), part]),
        covered,
    )


def _described(
    grid: Grid, source: str, table: gpd.GeoDataFrame, rows: Integers | None, covered: Floats
) -> pd.DataFrame:
    """One row for each record of a source: its origin, content, dates and quality."""
    given = [name for name in RULED_OUT_BY if name in table]
    drawn = numbers(table, "inclusion_prob", np.nan)
    hazard = np.full(len(table), source == "hazard_areas")
    identity = table["record_id"].astype(object) if "record_id" in table else pd.Series([None] * len(table))
    return pd.DataFrame(
        {
            "source": np.full(len(table), source, dtype=object),
            "number": np.arange(1, len(table) + 1) if rows is None else rows,
            "record_id": identity.where(identity.notna(), None).to_numpy(dtype=object),
            "event_date": _first_of(table, EVENT_DATES),
            "recorded_date": dates_of(table, "recorded_date"),
            "known_from": _latest([dates_of(table, name) for name in given], len(table)),
            "seen": _first_of(table, SEEN_DATES),
            "ends": dates_of(table, "end_date"),
            "kind": kinds_of(source, table),
            "quality": _quality(grid, table),
            "devices": _devices(source, table),
            "covered": covered,
            "finished": finished_releases(table) if source == "land_release" else np.zeros(len(table), dtype=bool),
            "reopens": _reopens(source, table),
            "withdrawn": hazard & withdrawn_hazards(table),
            "closed": hazard & closed_hazards(table),
            "status_from": dates_of(table, "status_date"),
            # A cell that could not be drawn was not drawn: a probability of 0 means that there is none.
            "inclusion_prob": np.where(drawn > 0, drawn, np.nan),
            "chosen_by": chosen_by(source, table, drawn),
            "method": words(table, "method").astype(object),
            "team": words(table, "team").astype(object),
            "check": np.isin(words(table, "purpose"), CHECKS) & (source == "survey"),
        }
    )


def _described_nothing(grid: Grid) -> pd.DataFrame:
    nothing = gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=grid.crs)
    return _described(grid, "finds", nothing, None, np.zeros(0))


def _first_of(table: gpd.GeoDataFrame, names: tuple[str, ...]) -> NDArray[np.datetime64]:
    dates = dates_of(table, names[0]).astype("datetime64[ns]")
    for name in names[1:]:
        dates = np.where(np.isnat(dates), dates_of(table, name).astype("datetime64[ns]"), dates)
    return dates


def _latest(dates: list[NDArray[np.datetime64]], size: int) -> NDArray[np.datetime64]:
    """The last of several dates, NaT if all are missing: a record is known only when none of its dates lies ahead."""
    latest = np.full(size, np.datetime64("NaT", "ns"))
    for one in dates:
        latest = np.fmax(latest, one.astype("datetime64[ns]"))
    return latest


def _quality(grid: Grid, table: gpd.GeoDataFrame) -> Floats:
    """Rough probability that a point with this location error lies in the cell that it was recorded in."""
    error = np.where(_is_point(table), numbers(table, "location_error_m", 0.0), 0.0)
    return np.asarray(1 / (1 + (error / grid.cell_size_m) ** 2))


def _devices(source: str, table: gpd.GeoDataFrame) -> Floats:
    """Devices that a record counts: mines and ordnance of a release (0 where it counts none), pieces of a find."""
    if source == "land_release":
        return np.asarray(np.sum([numbers(table, name, 0.0) for name in DEVICE_COLUMNS], axis=0), dtype=np.float64)
    return numbers(table, "eo_quantity", np.nan)


def _reopens(source: str, table: gpd.GeoDataFrame) -> Flags:
    """Evidence that land which was released is not free of ordnance, whatever the status of a hazard area."""
    if source == "survey":
        return np.asarray(kinds_of(source, table) == kinds_of(source, table.assign(outcome="found")))
    return np.full(len(table), source in (*EVENT_SOURCES, "hazard_areas"))


def _events_in_areas(tables: Mapping[str, gpd.GeoDataFrame], first: Mapping[str, int]) -> tuple[Integers, Integers]:
    """Rows of each pair of a find or accident and a polygon in which it lies."""
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for source in EVENT_SOURCES:
        for area in AREA_SOURCES:
            if source in tables and area in tables:
                inside = tables[source][["geometry"]].sjoin(tables[area][["geometry"]], predicate="intersects")
                rows = np.column_stack([inside.index.to_numpy(), inside["index_right"].to_numpy()])
                pairs.append(rows + np.array([first[source], first[area]]))
    event, area_row = np.concatenate(pairs).T
    return event, area_row
