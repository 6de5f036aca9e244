"""The same stages, and whole families, with the functions of `features`: tile by tile, as every command runs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.oracles import DENSITY_M, LINE_BANDWIDTH_M
from benchmarks.speed.peers import Result
from features.as_of import Snapshot
from features.base import Grid, places_m
from features.families import visibility
from features.families.terrain import derivatives
from features.geometry import distance_m, line_density, points_density
from features.table import Compute, over_tiles
from features.table.build import feature_tiles
from mlrisk.settings import load_config
from training.evidence import Inputs, contamination_context, open_inputs

Made = TypeVar("Made")
Columns = dict[str, NDArray[Any]]
# Cells to a side of the window on which compiled code is loaded before the clock starts.
WARM_CELLS = 64


@dataclass(frozen=True)
class Stage:
    """The sources of a stage, its function of a tile, and a description."""

    sources: tuple[str, ...]
    make: Callable[[Grid, Snapshot], Columns]
    remark: str


def opened(config_path: Path, only: Sequence[str] = ()) -> tuple[Inputs, Snapshot]:
    """The sources of the config, or only some of them, opened through the border as for a run."""
    config = load_config(config_path)
    if only:
        others = {name: None for name in type(config.sources).model_fields if name not in (*only, "covariates")}
        chosen = config.sources.model_copy(update={**others, "covariates": ()})
        config = config.model_copy(update={"sources": chosen})
    inputs = open_inputs(config)
    return inputs, Snapshot(inputs.sources, contamination_context(config))


def afresh(snapshot: Snapshot) -> Snapshot:
    """The same sources with an empty memory, so that one measurement does not pay for another."""
    return Snapshot(snapshot.sources, snapshot.context)


def warm_up(grid: Grid, snapshot: Snapshot, make: Callable[[Grid, Snapshot], object]) -> None:
    """Load or compile what the work needs, on a corner of the grid."""
    make(grid.window(0, min(WARM_CELLS, grid.shape[0]), 0, min(WARM_CELLS, grid.shape[1])), afresh(snapshot))


def run_families(grid: Grid, snapshot: Snapshot, families: Sequence[str], tile_cells: int, threads: int) -> int:
    """Build the feature table of every tile and drop it; the number of columns."""
    columns = 0
    for _, table in feature_tiles(grid, snapshot, families, tile_cells, Compute(threads=threads)):
        columns = len(table.names)
        snapshot.buffers.give_back(table.values)
    return columns


def run_stage(name: str, grid: Grid, snapshot: Snapshot, tile_cells: int, threads: int) -> Result:
    """The columns of a stage over the whole grid."""
    stage = STAGES[name]
    whole: Columns = {}
    for tile, columns in over_tiles(
        lambda tile: stage.make(tile, snapshot), grid.tiles(tile_cells), Compute(threads=threads)
    ):
        top = grid.row_min + grid.shape[0] - tile.row_min - tile.shape[0]
        left = tile.column_min - grid.column_min
        for column, values in columns.items():
            out = whole.setdefault(column, np.empty(grid.shape, dtype=np.float32))
            out[top : top + tile.shape[0], left : left + tile.shape[1]] = values
    return Result(whole, stage.remark)


def _terrain(tile: Grid, snapshot: Snapshot) -> Columns:
    # Derivatives read only the adjacent cells; windows of other features need the halo of `Snapshot.heights`.
    heights = snapshot.sources.rasters["dem"].read(tile.expanded(1)).astype(np.float32)
    found = derivatives(heights, tile.cell_size_m)
    return {"slope_deg": found["slope_deg"]}


def _distance(source: str, column: str) -> Callable[[Grid, Snapshot], Columns]:
    return lambda tile, snapshot: {column: distance_m(tile, snapshot.layer(source))}


def _incident_density(tile: Grid, snapshot: Snapshot) -> Columns:
    places = snapshot.cached(_incident_places)
    weights = np.ones(len(places))
    return {
        f"incident_density_{bandwidth}m_per_km2": points_density(tile, places, weights, float(bandwidth))
        for bandwidth in DENSITY_M
    }


def _incident_places(snapshot: Snapshot) -> NDArray[np.float64]:
    return places_m(snapshot.table("incidents"))


def _road_length(tile: Grid, snapshot: Snapshot) -> Columns:
    density = line_density(tile, snapshot.layer("roads"), LINE_BANDWIDTH_M)
    return {"road_length_1000m_gaussian_km_per_km2": density}


def _visibility(tile: Grid, snapshot: Snapshot) -> Columns:
    visibility.build(tile, snapshot)
    return {}


STAGES: dict[str, Stage] = {
    "terrain": Stage(("dem",), _terrain, "slope, aspect, curvatures and ruggedness"),
    "road_distance": Stage(("roads",), _distance("roads", "road_distance_m"), "exact"),
    "front_line_distance": Stage(("front_lines",), _distance("front_lines", "front_line_distance_m"), "exact"),
    "incident_density": Stage(("incidents",), _incident_density, "Gaussian sums"),
    "road_length": Stage(("roads",), _road_length, "Gaussian sum of lengths, 1,000 m"),
    "visibility": Stage(("dem", "front_lines"), _visibility, "the whole family"),
}
