"""A folder of features, one GeoParquet file for each tile; after a kill the next run resumes where it stopped.

In an object store each file is uploaded as soon as it is made, as one object, which is there as a whole or not at all.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.as_of import Snapshot
from features.base import Address, ConfigError, FeatureInfo, Grid, ObjectFolder, Place, check_families
from features.table.build import feature_infos, lent_feature_table
from features.table.compute import Compute
from features.table.geoparquet import PLACE_COLUMNS, feature_file
from features.table.local_folder import LocalFolder
from features.table.scheduler import code_digest, over_tiles

# Readers of a folder of Parquet files ignore names that begin with an underscore or a dot.
MANIFEST = "_features.json"
# Libraries on which the values or bytes of a file depend besides the program's own code.
LIBRARIES = ("numba", "numpy", "pyarrow", "pyproj", "rasterio", "scipy", "shapely")

Progress = Callable[[str], None]
Files = LocalFolder | ObjectFolder


@dataclass(frozen=True, kw_only=True)
class FeatureFolder:
    """A finished folder; `reused` of its `tiles` files existed from an earlier run, killed or finished."""

    folder: Place
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
    folder: Place,
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
    files = ObjectFolder("the folder of features", folder) if isinstance(folder, Address) else LocalFolder(folder)
    there = _prepare(files, folder, manifest, frozenset(plan))
    missing = {
        name: tile
        for name, tile in plan.items()
        if name not in there or not _is_finished(files, name, tile.n_cells, digest)
    }
    job = _FileOf(snapshot, families, feature_infos(snapshot, families), {**account, "manifest": digest})
    made = over_tiles(job, missing.values(), compute)
    for number, (name, (_, content)) in enumerate(zip(missing, made, strict=True), start=1):
        files.write(name, content)
        progress(f"tile {number} of {len(missing)}")
    with files.open(next(iter(plan))) as stream:
        columns = len(pq.read_schema(stream)) - len(PLACE_COLUMNS)
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


def _prepare(files: Files, folder: Place, manifest: str, names: frozenset[str]) -> frozenset[str]:
    """Leave in the folder the manifest of this run and no file of another run; foreign files are not touched.

    Returns the files of this run that are there.
    """
    there = files.below(".parquet")
    before = files.read(MANIFEST).decode("utf-8", "replace")
    ours = _names_in(before)
    foreign = [file for file in there if file.rpartition("/")[2] not in ours]
    if foreign:
        raise ConfigError(
            f"{folder} holds Parquet files that `mlrisk features` did not write ({foreign[0]}), and a reader of the "
            "folder would mix them with the features: move them away, or name another folder with --out"
        )
    if isinstance(files, LocalFolder):
        files.remove_parts(ours | names | {MANIFEST})
    if before == manifest:
        return frozenset(there)
    for name in sorted(ours):
        files.remove(name)
    files.write(MANIFEST, manifest.encode())
    return frozenset()


def _names_in(manifest: str) -> frozenset[str]:
    """The files that a manifest names; none if it is not from mlrisk."""
    try:
        return frozenset(str(tile["file"]) for tile in json.loads(manifest)["tiles"] if "/" not in tile["file"])
    except (ValueError, KeyError, TypeError):
        return frozenset()


def _is_finished(files: Files, name: str, rows: int, digest: str) -> bool:
    """True for a complete file of a run with this manifest."""
    try:
        with files.open(name) as stream:
            footer = pq.read_metadata(stream)
        notes = json.loads(footer.metadata[b"mlrisk"])
        return bool(footer.num_rows == rows and notes["manifest"] == digest)
    except (pa.ArrowInvalid, OSError, ValueError, KeyError, TypeError):
        return False
