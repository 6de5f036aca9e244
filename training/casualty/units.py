"""The units in which accidents are counted: squares of whole cells, or polygons such as districts and villages."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from features.base import Floats, Floats32, Grid, InputError, Integers
from features.geometry import first_inside, layer_of
from features.sources import Sources, SourceSpec, SourcesSettings, open_sources
from training.settings import TrainConfig

KM2 = 1e6


@dataclass(frozen=True, eq=False)
class Units:
    """Units made of whole cells; `place` (n_cells,) is the unit of each cell of `cells`, in `cell_ids()` order.

    `squares` is the grid of the units where they are squares, None where they are polygons: then the last unit may be
    all land outside the polygons.
    """

    cells: Grid
    place: Integers
    n_units: int
    squares: Grid | None

    def total(self, values: Floats) -> Floats:
        """Sum over the cells of each unit, (n_units,)."""
        return np.bincount(self.place, weights=values, minlength=self.n_units).astype(np.float64)

    @property
    def area_km2(self) -> Floats:
        """Area of each unit, (n_units,)."""
        return self.total(np.full(len(self.place), self.cells.cell_size_m**2 / KM2))

    @property
    def centres_m(self) -> Floats:
        """Mean easting and northing of the cells of each unit, (n_units, 2)."""
        number = self.total(np.ones(len(self.place)))[:, None]
        return np.column_stack([self.total(axis) for axis in self.cells.centres_m().T]) / number

    def mean(self, values: Floats32) -> Floats32:
        """Mean of each column over the cells of each unit, (n_units, k); cells without a value do not count."""
        columns = []
        for column in values.T:
            known = np.isfinite(column)
            with np.errstate(invalid="ignore"):
                columns.append(self.total(np.where(known, column, 0)) / self.total(known.astype(np.float64)))
        return np.column_stack(columns).astype(np.float32)

    def most_common(self, names: NDArray[np.object_]) -> NDArray[np.object_]:
        """The name that most cells of each unit have, the first in the alphabet where two are as common."""
        known, number = np.unique(names.astype(str), return_inverse=True)
        pairs, times = np.unique(self.place * len(known) + number.reshape(-1), return_counts=True)
        order = np.lexsort((pairs, -times, pairs // len(known)))
        first = order[np.unique(pairs[order] // len(known), return_index=True)[1]]
        common: NDArray[np.object_] = known[pairs[first] % len(known)].astype(object)
        return common

    def of_points(self, easting_m: Floats, northing_m: Floats) -> Integers:
        """Unit of the cell in which each point lies, -1 outside the area."""
        inside = self.cells.mask.ravel()
        flat = self.cells.locate(easting_m, northing_m)
        order = np.where(inside, np.cumsum(inside) - 1, -1)
        cell = np.where(flat >= 0, order[np.maximum(flat, 0)], -1)
        return np.where(cell >= 0, self.place[np.maximum(cell, 0)], -1)


def make_units(grid: Grid, unit_m: float) -> Units:
    """Square units of whole cells, as near to `unit_m` as possible; a cell larger than that is its own unit."""
    squares, place = grid.coarsened(max(1, round(unit_m / grid.cell_size_m)))
    return Units(grid, place, squares.n_cells, squares)


def polygon_units(grid: Grid, polygons: NDArray[np.object_]) -> Units:
    """A unit for each polygon that holds a cell centre, and one for all land outside the polygons.

    Where polygons overlap the first one counts.
    """
    inside = first_inside(grid, layer_of(polygons)).ravel()[grid.mask.ravel()].astype(np.int64)
    place = np.unique(np.where(inside < 0, len(polygons), inside), return_inverse=True)[1].reshape(-1)
    return Units(grid, place.astype(np.int64), int(place.max()) + 1, None)


def units_of(config: TrainConfig, grid: Grid, sources: Sources) -> Units:
    """The units that the config asks for; raises InputError if their polygons are missing."""
    wanted = config.casualty.units
    if wanted == "squares":
        return make_units(grid, config.casualty.unit_m)
    if isinstance(wanted, SourceSpec):
        specs = SourcesSettings(districts=wanted)
        sources = open_sources(specs, grid, config.data_folder, config.home_folder)
    table = sources.vectors.get("districts")
    shapes = np.asarray([] if table is None else table.geometry.array, dtype=object)
    if not len(shapes) or (shapely.get_dimensions(shapes) < 2).any():
        raise InputError(
            f"casualty.units ({wanted if isinstance(wanted, str) else ', '.join(wanted.paths)}) needs polygons: "
            "give sources.districts as polygons, a file of villages, or squares"
        )
    return polygon_units(grid, shapes)
