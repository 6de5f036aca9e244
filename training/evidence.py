"""Evidence per cell at a date: what was found, what was searched, and what nobody has looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray
from rasterio.features import rasterize

from features.coverage import cell_coverage, covered_share
from features.errors import ConfigError
from features.grid import Grid
from features.records import dates_of, known_at, numbers, words
from features.sources import Sources, open_area
from training.config import DeclaredArea, LabelSettings

UNKNOWN, SEARCHED, FOUND = 0, 1, 2
STATE_NAMES = ("unknown", "searched", "found")
# A cell counts as released only when practically all of it was: what is left over would drop off the plan.
RELEASED_SHARE = 0.99
# A search speaks for a cell, and overrules weaker evidence of a hazard, only where it covers most of it.
MOST_OF_CELL = 0.5
# Below this share of a cell a search says nothing of it, nor does an event whose place is that uncertain.
LEAST_SHARE = 0.1
# What a hazard area is called once survey has found that it never was one.
WITHDRAWN = ("cancelled", "discredited")
CLOSED = (*WITHDRAWN, "closed", "released", "handed over", "cleared")
RELEASE_TYPES = ("cancelled", "reduced", "cleared")
# A polygon in which devices were counted but not located: some of its cells are positive, none is known to be.
MOST_UNLOCATED = 0.5


@dataclass(frozen=True)
class Kind:
    """A kind of record: where it comes from, what it says of a cell, and what it counts.

    `strength` orders kinds that disagree about a cell: a located find stands above clearance, clearance above a
    hazard area drawn on a map, and that above land cancelled from a desk.
    """

    source: str
    state: int
    strength: int
    weight: float
    rows: Callable[[gpd.GeoDataFrame], NDArray[np.bool_]]


def _all(table: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.ones(len(table), dtype=bool)


def _has(column: str, value: str) -> Callable[[gpd.GeoDataFrame], NDArray[np.bool_]]:
    def rows(table: gpd.GeoDataFrame) -> NDArray[np.bool_]:
        if column not in table:
            return np.zeros(len(table), dtype=bool)
        return np.asarray(table[column].astype("string").str.strip().str.casefold().eq(value.casefold()).fillna(False))

    return rows


def devices_found(table: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Devices that a land release record counts, 0 where it counts none."""
    columns = [column for column in ("ap_mines", "at_mines", "uxo") if column in table]
    return np.asarray(table[columns].fillna(0).sum(axis=1), dtype=np.float64) if columns else np.zeros(len(table))


def _released(release_type: str) -> Callable[[gpd.GeoDataFrame], NDArray[np.bool_]]:
    by_type = _has("release_type", release_type)
    return lambda table: by_type(table) & (table["unlocated_devices"].to_numpy() == 0)


def _unlocated(table: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(table["unlocated_devices"].to_numpy() > 0)


def _hazard(hazard_type: str) -> Callable[[gpd.GeoDataFrame], NDArray[np.bool_]]:
    by_type = _has("hazard_type", hazard_type)
    return lambda table: by_type(table) & ~_status(table, WITHDRAWN)


def _status(table: gpd.GeoDataFrame, wanted: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.isin(words(table, "hazard_status"), wanted)


# Weights after IMAS 07.11: clearance proves, technical survey tests, cancellation reasons (method: cancelled and
# reduced land counts less than cleared land). A new kind is one line here.
KINDS: dict[str, Kind] = {
    "find": Kind("finds", FOUND, 6, 1.0, _all),
    "accident": Kind("incidents", FOUND, 6, 1.0, _all),
    "survey_found": Kind("survey", FOUND, 5, 1.0, _has("outcome", "found")),
    "survey_searched": Kind("survey", SEARCHED, 5, 1.0, _has("outcome", "searched")),
    "cleared": Kind("land_release", SEARCHED, 4, 1.0, _released("cleared")),
    "cleared_with_devices": Kind("land_release", FOUND, 4, 1.0, _unlocated),
    "CHA": Kind("hazard_areas", FOUND, 3, 1.0, _hazard("CHA")),
    "reduced": Kind("land_release", SEARCHED, 2, 0.8, _released("reduced")),
    "cancelled": Kind("land_release", SEARCHED, 1, 0.5, _released("cancelled")),
    "SHA": Kind("hazard_areas", FOUND, 1, 0.5, _hazard("SHA")),
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the cells inside the area at `as_of`, arrays in `grid.cell_ids()` order.

    `state` is UNKNOWN, SEARCHED or FOUND; `share` is the part of the cell that the evidence speaks of and `weight` that
    share times the quality of the evidence, both in [0, 1] and 0 exactly where the state is unknown. `released` marks
    cells that recorded decisions of the authority released as a whole and where nothing was found since.
    """

    as_of: date
    state: NDArray[np.int8]
    share: NDArray[np.float64]
    weight: NDArray[np.float64]
    released: NDArray[np.bool_]
    counts: Mapping[str, int]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Cells that a model may learn from."""
        return self.weight > 0

    @property
    def shown(self) -> NDArray[np.int8]:
        """The state that a map may show: a cell of which less than half was searched is unknown to its reader."""
        partly = (self.state == SEARCHED) & (self.share < MOST_OF_CELL)
        return np.where(partly, UNKNOWN, self.state).astype(np.int8)


def evidence_at(grid: Grid, sources: Sources, as_of: date, labels: LabelSettings, data_folder: Path) -> Evidence:
    """Rebuild the evidence of every cell from the records known at `as_of`.

    Weak kinds are laid first and stronger ones over them; a stronger search overrules a hazard only where it covers
    at least half of the cell. Cells that a search covers in part count by their covered share.
    """
    layers = _Layers.unknown(grid.mask.size)
    declared_cells = np.zeros(grid.mask.size, dtype=bool)
    counts: dict[str, int] = {}
    for declared in labels.declared_searched:
        cells = _declared_cells(grid, declared, data_folder)
        layers.state[cells], layers.share[cells], layers.weight[cells] = SEARCHED, 1.0, declared.weight
        declared_cells[cells] = True
    for name in _chosen_kinds(labels):
        kind = KINDS[name]
        table = _records(sources, kind, as_of)
        counts[name] = len(table)
        if len(table):
            written = _lay(grid, table, kind, labels.weights.get(name, kind.weight), layers)
            declared_cells &= ~written
    if labels.declared_searched:
        counts["declared_searched"] = int(declared_cells.sum())
    inside = grid.mask.ravel()
    released = released_cells(grid, sources, as_of).ravel()
    return Evidence(as_of, layers.state[inside], layers.share[inside], layers.weight[inside], released[inside], counts)


def released_cells(grid: Grid, sources: Sources, as_of: date) -> NDArray[np.bool_]:
    """Cells that finished land release known at `as_of` covers wholly, shape `grid.shape`.

    A find, an accident, a survey that found something or a hazard area opens the cell again unless it is dated no
    later than the earliest release that touches the cell: the decision stands in the records, but land where
    somebody was hurt goes back on the map. Undated evidence counts as later, except hazard areas that are closed.
    """
    release = _finished_release(sources, as_of)
    if not len(release):
        return np.zeros(grid.shape, dtype=bool)
    polygons = np.asarray(release.geometry.array)
    released = (covered_share(grid, polygons) >= RELEASED_SHARE).ravel()
    earliest = np.full(released.size, np.iinfo(np.int64).max)
    pairs = cell_coverage(grid, polygons)
    # NaT is the smallest integer: an undated release is never later than what was found.
    ends = dates_of(release, "end_date").astype("datetime64[ns]").astype(np.int64)
    np.minimum.at(earliest, pairs["cell"].to_numpy(), ends[pairs["polygon"].to_numpy()])
    for events in _reopening(sources, as_of):
        cells, rows = _touched(grid, events)
        dates = _evidence_dates(events)[rows]
        known = ~np.isnat(dates) & (dates.astype(np.int64) <= earliest[cells])
        released[cells[~known]] = False
    return released.reshape(grid.shape)


def _reopening(sources: Sources, as_of: date) -> list[gpd.GeoDataFrame]:
    """Tables of evidence that land which was released is not free of ordnance."""
    tables = [_known(sources, name, as_of) for name in ("incidents", "finds")]
    survey = _known(sources, "survey", as_of)
    hazards = _known(sources, "hazard_areas", as_of)
    tables.append(survey[_has("outcome", "found")(survey)] if len(survey) else survey)
    if len(hazards):
        undated = np.isnat(_evidence_dates(hazards))
        hazards = hazards[~_status(hazards, WITHDRAWN) & ~(undated & _status(hazards, CLOSED))]
    return [table for table in (*tables, hazards) if len(table)]


def _evidence_dates(table: gpd.GeoDataFrame) -> NDArray[np.datetime64]:
    """Date of the event, else of its record, NaT where neither is known."""
    dates = dates_of(table, "date").astype("datetime64[ns]")
    for name in ("record_date", "recorded_date"):
        dates = np.where(np.isnat(dates), dates_of(table, name).astype("datetime64[ns]"), dates)
    return dates


def _touched(grid: Grid, table: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat cell and row of every (cell, record) pair that meets."""
    points = np.asarray(table.geom_type == "Point")
    rows = np.flatnonzero(points)
    cells = grid.locate(table.geometry[points].x.to_numpy(), table.geometry[points].y.to_numpy())
    pairs = cell_coverage(grid, np.asarray(table.geometry[~points].array))
    others = np.flatnonzero(~points)[pairs["polygon"].to_numpy()]
    return np.concatenate([cells[cells >= 0], pairs["cell"].to_numpy()]), np.concatenate([rows[cells >= 0], others])


def _finished_release(sources: Sources, as_of: date) -> gpd.GeoDataFrame:
    """Land release of a known type that has ended, with the devices that no located find accounts for."""
    release = _known(sources, "land_release", as_of)
    if not len(release):
        return release
    started = ~np.isnat(dates_of(release, "start_date"))
    under_way = started & np.isnat(dates_of(release, "end_date")) & np.isnat(dates_of(release, "recorded_date"))
    release = release[np.isin(words(release, "release_type"), RELEASE_TYPES) & ~under_way].reset_index(drop=True)
    finds = _known(sources, "finds", as_of)
    located = np.zeros(len(release))
    if len(finds) and len(release):
        inside = finds[["geometry"]].sjoin(release[["geometry"]], predicate="intersects")
        quantity = numbers(finds, "eo_quantity", 1.0).clip(min=1.0)
        np.add.at(located, inside["index_right"].to_numpy(), quantity[inside.index.to_numpy()])
    return release.assign(unlocated_devices=np.maximum(devices_found(release) - located, 0.0))


def _chosen_kinds(labels: LabelSettings) -> list[str]:
    for key, wanted in (("found", FOUND), ("searched", SEARCHED)):
        possible = [name for name, kind in KINDS.items() if kind.state == wanted]
        for name in getattr(labels, key):
            if name not in possible:
                raise ConfigError(f"contamination.labels.{key} ({name}) is unknown: choose from {', '.join(possible)}")
    for name in labels.weights:
        if name not in KINDS:
            raise ConfigError(f"contamination.labels.weights ({name}) is unknown: choose from {', '.join(KINDS)}")
    chosen = {*labels.found, *labels.searched}
    # Equal strengths: found is laid last, for it must not be hidden by a search of the same quality.
    return sorted(chosen, key=lambda name: (KINDS[name].strength, KINDS[name].state, name))


def _known(sources: Sources, source: str, as_of: date) -> gpd.GeoDataFrame:
    table = sources.vectors.get(source)
    return gpd.GeoDataFrame(geometry=[], crs=sources.grid.crs) if table is None else known_at(table, as_of)


def _records(sources: Sources, kind: Kind, as_of: date) -> gpd.GeoDataFrame:
    release = kind.source == "land_release"
    table = _finished_release(sources, as_of) if release else _known(sources, kind.source, as_of)
    return table[kind.rows(table)].reset_index(drop=True) if len(table) else table


@dataclass(frozen=True, eq=False)
class _Layers:
    """State, share and weight of every cell of the rectangle, flat, written kind by kind."""

    state: NDArray[np.int8]
    share: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def unknown(cls, size: int) -> "_Layers":
        return cls(np.full(size, UNKNOWN, dtype=np.int8), np.zeros(size), np.zeros(size))


def _lay(grid: Grid, table: gpd.GeoDataFrame, kind: Kind, kind_weight: float, layers: _Layers) -> NDArray[np.bool_]:
    """Write the cells of one kind over the weaker evidence below; True where it wrote."""
    points = np.asarray(table.geom_type == "Point")
    cells, shares = _point_cells(grid, table[points])
    if (~points).any():
        areas = table[~points]
        pairs = cell_coverage(grid, np.asarray(areas.geometry.array))
        cells = np.concatenate([cells, pairs["cell"].to_numpy()])
        # A hazard makes its cell found however small the part; a search counts by the part that it covers.
        part = pairs["share"].to_numpy()
        shares = np.concatenate([shares, _found_shares(areas, pairs, part) if kind.state == FOUND else part])
    best = np.zeros(layers.state.size)
    np.maximum.at(best, cells, shares)
    touched = best >= LEAST_SHARE
    if kind.state == SEARCHED:
        touched &= (layers.state != FOUND) | (best >= MOST_OF_CELL)
    # A second record of less weight never takes weight from a cell in the same state.
    stronger = touched & ((layers.state != kind.state) | (kind_weight * best > layers.weight))
    layers.state[stronger], layers.share[stronger] = kind.state, best[stronger]
    layers.weight[stronger] = kind_weight * best[stronger]
    return np.asarray(stronger)


def _found_shares(areas: gpd.GeoDataFrame, pairs: pd.DataFrame, part: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for every cell of a hazard; for counted but unlocated devices the share of cells that can hold them."""
    if "unlocated_devices" not in areas:
        return np.ones(len(part))
    owner = pairs["polygon"].to_numpy()
    cells = np.bincount(owner, weights=part, minlength=len(areas))
    expected = areas["unlocated_devices"].to_numpy() / np.maximum(cells, 1.0)
    return np.asarray(np.minimum(MOST_UNLOCATED, expected[owner]) * part)


def _point_cells(grid: Grid, table: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cell of each point and the part of its weight that its location error leaves in that cell."""
    if not len(table):
        return np.array([], dtype=np.int64), np.array([])
    cells = grid.locate(table.geometry.x.to_numpy(), table.geometry.y.to_numpy())
    share = np.ones(len(table))
    if "location_error_m" in table:
        error = table["location_error_m"].fillna(0).to_numpy(dtype=np.float64)
        # Rough probability that a point with this error lies in the cell that it was recorded in.
        share = 1 / (1 + (error / grid.cell_size_m) ** 2)
    inside = cells >= 0
    return cells[inside], share[inside]


def _declared_cells(grid: Grid, declared: DeclaredArea, data_folder: Path) -> NDArray[np.int64]:
    chosen = grid.mask.copy()
    if declared.area is not None:
        area, _ = open_area((declared.area,), grid.crs, data_folder)
        # By cell centres: a district holds too many cells for exact shares of each.
        chosen &= rasterize([(area, 1)], grid.shape, transform=grid.transform, dtype="uint8").astype(bool)
    if declared.bounds is not None:
        longitude, latitude = geographic_centres(grid)
        west, south, east, north = declared.bounds
        inside = (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
        chosen[grid.mask] &= inside
    return np.flatnonzero(chosen)


def geographic_centres(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """WGS 84 longitude and latitude of the cell centres, in `grid.cell_ids()` order."""
    centres = grid.centres_m()
    to_degrees = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(centres[:, 0], centres[:, 1])
    return np.asarray(longitude), np.asarray(latitude)
