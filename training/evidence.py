"""Evidence per cell at a date: what was found, what was searched, and what nobody has looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
from numpy.typing import NDArray

from features.coverage import cell_coverage, covered_share
from features.errors import ConfigError
from features.grid import Grid
from features.records import known_at
from features.sources import Sources, open_area
from training.config import DeclaredArea, LabelSettings

UNKNOWN, SEARCHED, FOUND = 0, 1, 2
STATE_NAMES = ("unknown", "searched", "found")
# A cell counts as released only when practically all of it was: what is left over would drop off the plan.
RELEASED_SHARE = 0.99
# A stronger search overrules weaker evidence of a hazard only where it covers most of the cell.
OVERRULING_SHARE = 0.5


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
    return lambda table: by_type(table) & (devices_found(table) == 0)


# Weights after IMAS 07.11: clearance proves, technical survey tests, cancellation reasons (method: cancelled and
# reduced land counts less than cleared land). A new kind is one line here.
KINDS: dict[str, Kind] = {
    "find": Kind("finds", FOUND, 6, 1.0, _all),
    "accident": Kind("incidents", FOUND, 6, 1.0, _all),
    "survey_found": Kind("survey", FOUND, 5, 1.0, _has("outcome", "found")),
    "survey_searched": Kind("survey", SEARCHED, 5, 1.0, _has("outcome", "searched")),
    "cleared": Kind("land_release", SEARCHED, 4, 1.0, _released("cleared")),
    "cleared_with_devices": Kind("land_release", FOUND, 4, 0.5, lambda table: devices_found(table) > 0),
    "CHA": Kind("hazard_areas", FOUND, 3, 1.0, _has("hazard_type", "CHA")),
    "reduced": Kind("land_release", SEARCHED, 2, 0.8, _released("reduced")),
    "cancelled": Kind("land_release", SEARCHED, 1, 0.5, _released("cancelled")),
    "SHA": Kind("hazard_areas", FOUND, 1, 0.5, _has("hazard_type", "SHA")),
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the cells inside the area at `as_of`, arrays in `grid.cell_ids()` order.

    `state` is UNKNOWN, SEARCHED or FOUND; `weight` in [0, 1] is 0 exactly where the state is unknown; `released` marks
    cells that recorded decisions of the authority released as a whole and where nothing was found since.
    """

    as_of: date
    state: NDArray[np.int8]
    weight: NDArray[np.float64]
    released: NDArray[np.bool_]
    counts: Mapping[str, int]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Cells that a model may learn from."""
        return self.weight > 0


def evidence_at(grid: Grid, sources: Sources, as_of: date, labels: LabelSettings, data_folder: Path) -> Evidence:
    """Rebuild the evidence of every cell from the records known at `as_of`.

    Weak kinds are laid first and stronger ones over them; a stronger search overrules a hazard only where it covers
    at least half of the cell. Cells that a search covers in part count by their covered share.
    """
    state = np.full(grid.shape, UNKNOWN, dtype=np.int8).reshape(-1)
    weight = np.zeros(state.shape)
    counts: dict[str, int] = {}
    declared_cells = np.zeros(state.shape, dtype=bool)
    for declared in labels.declared_searched:
        cells = _declared_cells(grid, declared, data_folder)
        state[cells], weight[cells], declared_cells[cells] = SEARCHED, declared.weight, True
    for name in _chosen_kinds(labels):
        kind = KINDS[name]
        table = _records(sources, kind, as_of)
        counts[name] = len(table)
        if len(table):
            declared_cells &= ~_lay(grid, table, kind, labels.weights.get(name, kind.weight), state, weight)
    if labels.declared_searched:
        counts["declared_searched"] = int(declared_cells.sum())
    return Evidence(
        as_of,
        state.reshape(grid.shape)[grid.mask],
        weight.reshape(grid.shape)[grid.mask],
        released_cells(grid, sources, as_of)[grid.mask],
        counts,
    )


def released_cells(grid: Grid, sources: Sources, as_of: date) -> NDArray[np.bool_]:
    """Cells that land release records known at `as_of` cover wholly, shape `grid.shape`.

    An accident or a find dated after the release, or undated, opens the cell again: the decision stands in the
    records, but land where somebody was hurt goes back on the map.
    """
    release = _known(sources, "land_release", as_of)
    if not len(release):
        return np.zeros(grid.shape, dtype=bool)
    released = covered_share(grid, np.asarray(release.geometry.array)) >= RELEASED_SHARE
    latest = np.full(released.size, np.datetime64("NaT"), dtype="datetime64[ns]")
    pairs = cell_coverage(grid, np.asarray(release.geometry.array))
    if "end_date" in release:
        ends = release["end_date"].to_numpy(dtype="datetime64[ns]")[pairs["polygon"]]
        np.fmax.at(latest, pairs["cell"].to_numpy(), ends)
    for source in ("incidents", "finds"):
        events = _known(sources, source, as_of)
        if len(events):
            cells = grid.locate(events.geometry.x.to_numpy(), events.geometry.y.to_numpy())
            dates = (
                events["date"].to_numpy(dtype="datetime64[ns]")
                if "date" in events
                else np.full(len(events), np.datetime64("NaT"), dtype="datetime64[ns]")
            )
            inside = cells >= 0
            # Comparisons with NaT are false: an undated event or release counts as the later one.
            before = dates[inside] <= latest[cells[inside]]
            released.reshape(-1)[cells[inside][~before]] = False
    return released


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
    table = _known(sources, kind.source, as_of)
    return table[kind.rows(table)] if len(table) else table


def _lay(
    grid: Grid,
    table: gpd.GeoDataFrame,
    kind: Kind,
    kind_weight: float,
    state: NDArray[np.int8],
    weight: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Write the cells of one kind over the weaker evidence below; True where it wrote."""
    points = np.asarray(table.geom_type == "Point")
    cells, shares = _point_cells(grid, table[points])
    if (~points).any():
        pairs = cell_coverage(grid, np.asarray(table[~points].geometry.array))
        cells = np.concatenate([cells, pairs["cell"].to_numpy()])
        # A hazard makes its cell found however small the part; a search counts by the part that it covers.
        part = pairs["share"].to_numpy()
        shares = np.concatenate([shares, np.ones(len(part)) if kind.state == FOUND else part])
    best = np.zeros(state.size)
    np.maximum.at(best, cells, shares)
    touched = best > 0
    if kind.state == SEARCHED:
        touched &= (state != FOUND) | (best >= OVERRULING_SHARE)
    # A second record of less weight never takes weight from a cell in the same state.
    stronger = touched & ((state != kind.state) | (kind_weight * best > weight))
    state[stronger], weight[stronger] = kind.state, kind_weight * best[stronger]
    return stronger


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
        chosen &= covered_share(grid, np.array([area], dtype=object)) >= OVERRULING_SHARE
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
