"""A folder of features, one GeoParquet file for each tile; after a kill the next run resumes where it stopped."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.as_of import Snapshot
from features.base import ConfigError, FeatureInfo, Grid, MlriskError, check_families
from features.table.build import feature_infos, lent_feature_table
from features.table.compute import Compute
from features.table.geoparquet import PLACE_COLUMNS, feature_file
from features.table.scheduler import code_digest, over_tiles

# Readers of a folder of Parquet files ignore names that begin with an underscore or a dot.
MANIFEST = "_features.json"
# Libraries on which the values or bytes of a file depend besides the program's own code.
LIBRARIES = ("numba", "numpy", "pyarrow", "pyproj", "rasterio", "scipy", "shapely")

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class FeatureFolder:
    """A finished folder; `reused` of its `tiles` files existed from an earlier run, killed or finished."""

    folder: Path
    cells: int
    features: int
    tiles: int
    reused: int


@dataclass(frozen=True, eq=False)
class _FileOf:
    """The job of a tile: its file as bytes. Workers encode too, because that takes as long as the features."""

    snapshot: Snapshot
    families: tuple[str, ...]
    infos: Mapping[str, FeatureInfo]
    notes: Mapping[str, Any]

    def __call__(self, tile: Grid) -> bytes:
        with lent_feature_table(tile, self.snapshot, self.families) as table:
            return feature_file(tile, table, self.infos, self.notes)


def write_features(
    folder: Path,
    grid: Grid,
    snapshot: Snapshot,
    families: tuple[str, ...],
    tile_cells: int,
    compute: Compute,
    account: Mapping[str, Any],
    progress: Progress = lambda _: None,
) -> FeatureFolder:
    """Write the features of every cell of the grid as a folder of GeoParquet files, one for each tile.

    `account` describes in JSON values the input of the features; with the code, the families and the tiles it is the
    manifest `_features.json`. Files of a run with the same manifest are kept, all others are rewritten: a folder never
    holds a mixture, and equal runs leave equal bytes. Raises ConfigError if `folder` is a file or holds Parquet files
    of another origin, MlriskError if it cannot be written.
    """
    plan = tile_plan(grid, tile_cells)
    manifest = _manifest(plan, check_families(families), tile_cells, account)
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    with _writing(folder):
        _prepare(folder, manifest, frozenset(plan))
    missing = {name: tile for name, tile in plan.items() if not _is_finished(folder / name, tile.n_cells, digest)}
    job = _FileOf(snapshot, families, feature_infos(snapshot, families), {**account, "manifest": digest})
    made = over_tiles(job, missing.values(), compute)
    for number, (name, (_, content)) in enumerate(zip(missing, made, strict=True), start=1):
        with _writing(folder):
            _write(folder / name, content)
        progress(f"tile {number} of {len(missing)}")
    columns = len(pq.read_schema(folder / next(iter(plan)))) - len(PLACE_COLUMNS)
    return FeatureFolder(
        folder=folder, cells=grid.n_cells, features=columns, tiles=len(plan), reused=len(plan) - len(missing)
    )


def tile_plan(grid: Grid, tile_cells: int) -> dict[str, Grid]:
    """The tiles of the folder by file name, north to south.

    Their borders are multiples of `tile_cells` from the CRS origin, and the name counts tiles from there: the file of a
    tile keeps its name when the area changes.
    """
    return {
        f"tile_{tile.column_min // tile_cells}_{tile.row_min // tile_cells}.parquet": tile
        for tile in _aligned_tiles(grid, tile_cells)
    }


def _aligned_tiles(grid: Grid, tile_cells: int) -> Iterator[Grid]:
    rows, columns = grid.shape
    row_end = grid.row_min + rows
    for row in range((row_end - 1) // tile_cells, grid.row_min // tile_cells - 1, -1):
        north, south = max(row_end - (row + 1) * tile_cells, 0), min(row_end - row * tile_cells, rows)
        for column in range(grid.column_min // tile_cells, (grid.column_min + columns - 1) // tile_cells + 1):
            west = max(column * tile_cells - grid.column_min, 0)
            east = min((column + 1) * tile_cells - grid.column_min, columns)
            tile = grid.window(north, south, west, east)
            if tile.mask.any():
                yield tile


def _manifest(plan: Mapping[str, Grid], families: tuple[str, ...], tile_cells: int, account: Mapping[str, Any]) -> str:
    tiles = [{"file": name, "rows": tile.n_cells, "mask": _mask_digest(tile)} for name, tile in plan.items()]
    record = {
        **account,
        "code": code_digest(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "families": families,
        "tile_cells": tile_cells,
        "tiles": tiles,
    }
    return json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _mask_digest(tile: Grid) -> str:
    return hashlib.sha256(tile.mask.tobytes()).hexdigest()[:16]


def _prepare(folder: Path, manifest: str, names: frozenset[str]) -> None:
    """Leave in the folder the manifest of this run and no file of another run; foreign files are not touched."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(
            f"{folder} is a file, and features are written as a folder with a file for each tile: remove it, or name "
            "another folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    ours = _names_in(before)
    foreign = sorted(file.relative_to(folder) for file in folder.rglob("*.parquet") if file.name not in ours)
    if foreign:
        raise ConfigError(
            f"{folder} holds Parquet files that `mlrisk features` did not write ({foreign[0]}), and a reader of the "
            "folder would mix them with the features: move them away, or name another folder with --out"
        )
    for part in folder.glob(".*.part"):
        if part.name[1:-5] in ours | names | {MANIFEST}:
            part.unlink()
    if before != manifest:
        for name in ours:
            (folder / name).unlink(missing_ok=True)
        _write(path, manifest.encode())


def _names_in(manifest: str) -> frozenset[str]:
    """The files that a manifest names; none if it is not from mlrisk."""
    try:
        return frozenset(str(tile["file"]) for tile in json.loads(manifest)["tiles"] if "/" not in tile["file"])
    except (ValueError, KeyError, TypeError):
        return frozenset()


def _is_finished(path: Path, rows: int, digest: str) -> bool:
    """True for a complete file of a run with this manifest."""
    if not path.is_file():
        return False
    try:
        footer = pq.read_metadata(path)
        notes = json.loads(footer.metadata[b"mlrisk"])
        return bool(footer.num_rows == rows and notes["manifest"] == digest)
    except (pa.ArrowInvalid, OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MlriskError(f"the folder of features ({folder}) cannot be written: {error.strerror or error}") from error


def _write(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a file under its name is complete even after a power cut."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
