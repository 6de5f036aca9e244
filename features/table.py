"""The feature table: one row a cell inside the area, one column a feature, built family by family."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import (
    conflict_events,
    covariates,
    finds,
    front_lines,
    hazard_areas,
    incidents,
    land_use,
    minefield_records,
    roads,
    settlements,
    surveyed,
    terrain,
    visibility,
)
from features.errors import ConfigError, InputError
from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known

Builder = Callable[[Grid, Known], dict[str, NDArray[np.float32]]]

# A new family is one module and one line here. A module has `build`, `FEATURES` (its columns, described), and
# `described` where it has columns that only the data know.
FAMILIES: dict[str, ModuleType] = {
    "terrain": terrain,
    "front_lines": front_lines,
    "visibility": visibility,
    "roads": roads,
    "incidents": incidents,
    "finds": finds,
    "conflict_events": conflict_events,
    "settlements": settlements,
    "land_use": land_use,
    "hazard_areas": hazard_areas,
    "surveyed": surveyed,
    "minefield_records": minefield_records,
    "covariates": covariates,
}
BUILDERS: dict[str, Builder] = {family: module.build for family, module in FAMILIES.items()}


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of the cells inside a grid, in `grid.cell_ids()` order.

    `values` has shape (n_cells, n_features), float32; NaN where a feature is unknown (a hole in the DEM, a cell
    without covariates). `names` are its columns.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def frame(self) -> pd.DataFrame:
        """The same as a data frame, one column a feature."""
        return pd.DataFrame(self.values, columns=list(self.names))

    def without(self, setting: str, left_out: Iterable[str], infos: Mapping[str, FeatureInfo]) -> "FeatureTable":
        """The table without some features, given by name or by family.

        Raises ConfigError, naming the `setting`, where one is neither.
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

    def aligned(self, names: Iterable[str]) -> NDArray[np.float32]:
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
        position = {name: index for index, name in enumerate(self.names)}
        return self.values[:, [position[name] for name in wanted]]


def check_families(families: Iterable[str]) -> tuple[str, ...]:
    """The families, refused when one is unknown; the error lists the known ones."""
    chosen = tuple(families)
    unknown = sorted(set(chosen) - set(BUILDERS))
    if unknown:
        raise ConfigError(f"features ({', '.join(unknown)}) are unknown: choose from {', '.join(BUILDERS)}")
    return chosen


def feature_table(tile: Grid, known: Known, families: Iterable[str]) -> FeatureTable:
    """All features of the cells inside a tile.

    Raises InputError when no family finds a source: a table without columns ranks nothing.
    """
    columns: dict[str, NDArray[np.float32]] = {}
    for family in check_families(families):
        for name, array in BUILDERS[family](tile, known).items():
            if name in columns:
                raise InputError(f"two sources give the feature {name}: rename the covariate by its columns mapping")
            columns[name] = array[tile.mask]
    if not columns:
        raise InputError(f"no source gives a feature of {', '.join(families)}: add sources to the config")
    return FeatureTable(tuple(columns), np.column_stack(list(columns.values())).astype(np.float32, copy=False))


def grid_feature_table(grid: Grid, known: Known, families: Iterable[str], tile_cells: int) -> FeatureTable:
    """The feature table of a whole grid, made tile by tile so that memory holds one tile's rasters at a time."""
    chosen = check_families(families)
    ids = grid.cell_ids()
    by_id = np.argsort(ids, kind="stable")
    names: tuple[str, ...] = ()
    values = np.empty((0, 0), dtype=np.float32)
    for tile in grid.tiles(tile_cells):
        part = feature_table(tile, known, chosen)
        if not names:
            names, values = part.names, np.empty((len(ids), len(part.names)), dtype=np.float32)
        values[by_id[np.searchsorted(ids, tile.cell_ids(), sorter=by_id)]] = part.values
    return FeatureTable(names, values)


def feature_infos(known: Known, families: Iterable[str]) -> dict[str, FeatureInfo]:
    """What each feature of the families means, by name; includes the columns that only the data know."""
    infos: list[FeatureInfo] = []
    for family in check_families(families):
        module = FAMILIES[family]
        infos += getattr(module, "FEATURES", ())
        infos += module.described(known) if hasattr(module, "described") else ()
    return {info.name: info for info in infos}
