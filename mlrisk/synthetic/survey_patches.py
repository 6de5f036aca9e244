"""Patches of land, each of which one survey visit decides about."""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from features.base import Floats, Integers
from mlrisk.synthetic.scenario import stage_rng
from mlrisk.synthetic.terrain import Terrain

CELLS_PER_PATCH = 9


@dataclass(frozen=True, eq=False)
class Patches:
    """Irregular polygons that divide the country; `tree` finds the patch of a point."""

    seeds: Floats
    polygons: np.ndarray
    cell: Integers  # flat cell of the terrain grid under each seed
    tree: cKDTree

    def of(self, points: Floats) -> Integers:
        """The patch that holds each point."""
        return np.asarray(self.tree.query(points)[1], dtype=np.int64)


def divide_land(seed: int, land: Terrain) -> Patches:
    """Voronoi polygons around scattered points, about nine cells each, cut at the border."""
    rng = stage_rng(seed, "patches")
    cells = np.flatnonzero(land.inside)
    count = max(20, cells.size // CELLS_PER_PATCH)
    jitter = rng.uniform(-0.5, 0.5, (count, 2)) * land.grid.cell_size_m
    seeds = np.round(land.centres()[rng.choice(cells, count, replace=False)] + jitter, 1)
    seeds = seeds[shapely.contains_xy(land.area, seeds[:, 0], seeds[:, 1])]
    parts = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=land.area.envelope, ordered=True)
    polygons = shapely.get_parts(parts)
    whole = shapely.contains_properly(_prepared(land.area), polygons)
    polygons[~whole] = shapely.intersection(polygons[~whole], land.area)
    return Patches(seeds, polygons, land.grid.locate(seeds[:, 0], seeds[:, 1]), cKDTree(seeds))


def _prepared(area: shapely.Polygon) -> shapely.Polygon:
    shapely.prepare(area)
    return area
