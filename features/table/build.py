"""The feature table: a row for each cell inside the area, a column for each feature, built family by family."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.as_of import Snapshot
from features.base import (
    MEMORY_SHARE,
    ConfigError,
    FeatureInfo,
    Floats32,
    Grid,
    InputError,
    Integers,
    check_families,
    free_bytes,
)
from features.families import FAMILIES
from features.table.compute import Compute
from features.table.family_cache import family_keys, keep_columns, kept_columns
from features.table.scheduler import over_tiles

ONE_THREAD = Compute()

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of the cells inside a grid, in `grid.cell_ids()` order.

    `values` has shape (n_cells, n_features), float32; NaN where a feature is unknown (a hole in the DEM, a cell
    without covariates). `names` are its columns. In memory a feature is contiguous, `values` the transposed view.
    """

    names: tuple[str, ...]
    values: Floats32

    def frame(self) -> pd.DataFrame:
        """The table as a data frame, with one column for each feature."""
        return pd.DataFrame(self.values, columns=list(self.names))

    def without(self, setting: str, left_out: Iterable[str], infos: Mapping[str, FeatureInfo]) -> "FeatureTable":
        """The table without some features, given by name or by family.

        Raises ConfigError, with the `setting`, for a name that is neither.
        """
        gone = set(left_out)
        unknown = sorted(gone - set(self.names) - set(FAMILIES))
        if unknown:
            raise ConfigError(
                f"{setting} ({', '.join(unknown)}) names no feature and no family: there are "
                f"{', '.join((*FAMILIES, *self.names))}"
            )
        names = tuple(name for name in self.names if name not in gone and infos[name].family not in gone)
        return FeatureTable(names, self.aligned(names)) if gone else self

    def aligned(self, names: Iterable[str]) -> Floats32:
        """The columns that a model asks for, in its order.

        Raises InputError when one is absent: a model must never score without a feature that it has learned from.
        """
        wanted = list(names)
        missing = [name for name in wanted if name not in self.names]
        if missing:
            raise InputError(
                f"the model needs features that the sources do not give: {', '.join(missing)}. "
                "Give the sources that it was trained on, or train anew under another name"
            )
        if tuple(wanted) == self.names:
            return self.values
        position = {name: index for index, name in enumerate(self.names)}
        return self.values.T[[position[name] for name in wanted]].T

    def reindexed(self, names: Iterable[str]) -> Floats32:
        """The columns of these names, (n_cells, n_names), NaN for names that the table lacks.

        For a model that is judged on sources that no longer give all of its features; `aligned` is for the others.
        """
        position = {name: index for index, name in enumerate(self.names)}
        absent = np.full(len(self.values), np.nan, dtype=np.float32)
        columns = [self.values[:, position[name]] if name in position else absent for name in names]
        return np.ascontiguousarray(np.column_stack(columns))


def feature_table(tile: Grid, snapshot: Snapshot, families: Iterable[str], empty: bool = False) -> FeatureTable:
    """All features of the cells inside a tile.

    Raises InputError when no family finds a source (unless `empty`): a table without columns ranks nothing. The table
    lies in memory that `snapshot.buffers` lends; `lent_feature_table` gives it back.
    """
    chosen = check_families(families)
    inside = None if tile.mask.all() else np.flatnonzero(tile.mask)
    # Memory for every possible column, so that each is written once, straight to its place.
    room = len(snapshot.cached(feature_infos, chosen))
    values = snapshot.buffers.take((room, tile.n_cells))
    names: list[str] = []
    for family in chosen:
        for name, array in FAMILIES[family].build(tile, snapshot).items():
            if name in names:
                raise InputError(f"two sources give the feature {name}: rename the covariate by its columns mapping")
            values[len(names)] = array.ravel() if inside is None else array.ravel()[inside]
            names.append(name)
    if not names and not empty:
        raise _no_feature(chosen)
    return FeatureTable(tuple(names), values[: len(names)].T)


def _no_feature(families: Iterable[str]) -> InputError:
    return InputError(f"no source gives a feature of {', '.join(families)}: add sources to the config")


@contextmanager
def lent_feature_table(tile: Grid, snapshot: Snapshot, families: Iterable[str]) -> Iterator[FeatureTable]:
    """The table of `feature_table` for the duration of a block: the next tile overwrites it."""
    table = feature_table(tile, snapshot, families)
    try:
        yield table
    finally:
        snapshot.buffers.give_back(table.values)


@dataclass(frozen=True, eq=False)
class _TableOf:
    """The job of a tile; it travels to workers."""

    snapshot: Snapshot
    families: tuple[str, ...]
    empty: bool

    def __call__(self, tile: Grid) -> FeatureTable:
        return feature_table(tile, self.snapshot, self.families, self.empty)


def feature_tiles(
    grid: Grid,
    snapshot: Snapshot,
    families: Iterable[str],
    tile_cells: int,
    compute: Compute = ONE_THREAD,
    *,
    empty: bool = False,
) -> Iterator[tuple[Grid, FeatureTable]]:
    """Each tile of the grid with its table, north to south; only a few tiles are in memory at a time."""
    return over_tiles(_TableOf(snapshot, check_families(families), empty), grid.tiles(tile_cells), compute)


def grid_feature_table(
    grid: Grid, snapshot: Snapshot, families: Iterable[str], tile_cells: int, compute: Compute = ONE_THREAD
) -> FeatureTable:
    """The feature table of a whole grid, made tile by tile so that memory holds the rasters of few tiles at a time.

    Families that `compute.memory` keeps are read from there, the others are computed and kept.
    """
    chosen = check_families(families)
    if compute.memory is None:
        return _computed(grid, snapshot, chosen, tile_cells, compute)
    keys = family_keys(grid, snapshot, chosen)
    columns = kept_columns(compute.memory, keys)
    missing = {family: key for family, key in keys.items() if family not in columns}
    LOGGER.info("families kept: %s; computed: %s", ", ".join(columns) or "none", ", ".join(missing) or "none")
    if missing:
        infos = feature_infos(snapshot, missing)
        made = _columns_of(_computed(grid, snapshot, tuple(missing), tile_cells, compute, empty=bool(columns)))
        keep_columns(compute.memory, missing, made, infos)
        columns |= {family: _of(family, made, infos) for family in missing}
    # In the order of `feature_table`: by family, and within a family as built.
    together = {name: values for family in chosen for name, values in columns[family].items()}
    if not together:
        raise _no_feature(chosen)
    if len(together) < sum(len(part) for part in columns.values()):
        raise InputError("two sources give one feature: rename the covariate by its columns mapping")
    return FeatureTable(tuple(together), np.stack(list(together.values())).T)


def _check_memory(cells: int, features: int, memory_bytes: float) -> None:
    need = cells * features * 4
    if need > MEMORY_SHARE * memory_bytes:
        raise InputError(
            f"{features} features of {cells:,} cells take {need / 1e9:.1f} GB: {memory_bytes / 1e9:.1f} GB are free; "
            "use larger cells, a smaller area or fewer families"
        )


def _columns_of(table: FeatureTable) -> dict[str, Floats32]:
    return dict(zip(table.names, table.values.T, strict=True))


def _of(family: str, columns: Mapping[str, Floats32], infos: Mapping[str, FeatureInfo]) -> dict[str, Floats32]:
    return {name: values for name, values in columns.items() if infos[name].family == family}


def _computed(
    grid: Grid,
    snapshot: Snapshot,
    families: tuple[str, ...],
    tile_cells: int,
    compute: Compute,
    empty: bool = False,
) -> FeatureTable:
    """The table without the cache; `empty` accepts that no source gives a column to the families."""
    _check_memory(grid.n_cells, len(snapshot.cached(feature_infos, families)), free_bytes())
    names: tuple[str, ...] = ()
    values = np.empty((0, grid.n_cells), dtype=np.float32)
    row_starts = starts_of_rows(grid)
    for tile, part in feature_tiles(grid, snapshot, families, tile_cells, compute, empty=empty):
        if not names:
            names, values = part.names, np.empty((len(part.names), grid.n_cells), dtype=np.float32)
        places = places_of(grid, tile, row_starts)
        for column, here in zip(values, part.aligned(names).T, strict=True):
            column[places] = here
        snapshot.buffers.give_back(part.values)
    return FeatureTable(names, values.T)


def starts_of_rows(grid: Grid) -> Integers:
    """Position of the first cell of each row among the cells inside the grid."""
    cells = np.count_nonzero(grid.mask, axis=1)
    return np.asarray(np.cumsum(cells) - cells)


def places_of(grid: Grid, tile: Grid, row_starts: Integers) -> Integers:
    """Position of each cell inside the tile among the cells inside the grid, whose rows begin at `row_starts`."""
    top = grid.row_min + grid.shape[0] - tile.row_min - tile.shape[0]
    left = tile.column_min - grid.column_min
    rows = slice(top, top + tile.shape[0])
    before = row_starts[rows] + np.count_nonzero(grid.mask[rows, :left], axis=1)
    return np.asarray((before[:, None] + np.cumsum(tile.mask, axis=1) - 1)[tile.mask])


def feature_infos(snapshot: Snapshot, families: Iterable[str]) -> dict[str, FeatureInfo]:
    """The description of each feature of the families, by name, including columns that depend on the data."""
    infos: list[FeatureInfo] = []
    for name in check_families(families):
        family = FAMILIES[name]
        infos += family.features
        infos += family.described(snapshot) if family.described is not None else ()
    return {info.name: info for info in infos}
