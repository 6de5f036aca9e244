"""Population by settlement and year, and the exposure of each cell by activity."""

from dataclasses import dataclass

import numpy as np
from rasterio.features import rasterize
from scipy import ndimage
from scipy.sparse.csgraph import minimum_spanning_tree
from shapely import LineString

from features.base import Floats, Integers
from mlrisk.synthetic.roads import Roads
from mlrisk.synthetic.scenario import AS_OF, Kind, stage_rng
from mlrisk.synthetic.settlements import LAND_USES, Settlements
from mlrisk.synthetic.terrain import FINE, Terrain
from mlrisk.synthetic.war import War

ACTIVITIES = ("travel", "agriculture", "infrastructure", "official")
# Civilian incidents of Azerbaijan since November 2020 (ANAMA, April 2025).
ACTIVITY_SHARES = np.array([0.38, 0.22, 0.20, 0.20])
FIELD_WORK = np.array([0.5, 1.0, 1.0, 0.9, 0.25, 0.0, 0.4])  # by LAND_USES
ROAD_TRAVEL = np.array([0.0, 1.0, 0.9, 0.8, 0.7, 0.8])  # without road, then by CLASSES: verges, and unchecked tracks
ROAD_WORKS = np.array([0.05, 1.0, 0.7, 0.4, 0.2, 0.05])


@dataclass(frozen=True, eq=False)
class People:
    """People by settlement: those who stayed, those who return or will, and the year when half of these are back."""

    stayed: Floats
    returning: Floats
    half_back: Floats

    def living(self, year: float) -> Floats:
        """People at the end of `year`."""
        back = 1 / (1 + np.exp(-(year - self.half_back) / 1.6))
        return np.asarray(np.round(self.stayed * 1.004 ** (year - AS_OF.year) + self.returning * back))

    def planned(self) -> Floats:
        """People whose return is planned at AS_OF for the five years after it."""
        return np.maximum(self.living(AS_OF.year + 5) - self.living(AS_OF.year) - 0.05 * self.stayed, 0).round()


@dataclass(frozen=True, eq=False)
class Exposure:
    """The constant part of exposure: shares of the cells for each activity."""

    travel: Floats
    work: Floats
    works: Floats
    patrol: Floats


def settle(seed: int, kind: Kind, settlements: Settlements, war: War) -> People:
    """Emptied settlements fill again over decades, some never; the others hardly change."""
    rng = stage_rng(seed, "people")
    count = settlements.cell.size
    comes_back = rng.random(count) < 0.8
    half_back = np.where(
        rng.random(count) < 0.55,
        kind.war_ended + rng.uniform(1.5, 6, count),
        AS_OF.year + rng.uniform(-1, 9, count),
    )
    returning = np.where(war.evacuated & comes_back, settlements.people * rng.uniform(0.35, 0.9, count), 0.0)
    return People(
        np.where(war.evacuated, 0.0, settlements.people), np.asarray(np.round(returning), dtype=np.float64), half_back
    )


def power_lines(settlements: Settlements) -> list[LineString]:
    """Straight lines that join the towns."""
    points = settlements.points[settlements.town]
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    tree = minimum_spanning_tree(distance).tocoo()
    return [LineString(points[[i, j]]) for i, j in zip(tree.row, tree.col, strict=True)]


def use_of_cells(land: Terrain, roads: Roads, use: Integers, war: War, lines: list[LineString]) -> Exposure:
    """The constant part of the exposure of every cell of the terrain grid."""
    shape = land.grid.shape
    blocks = use.reshape(shape[0], FINE, shape[1], FINE)
    work = FIELD_WORK[blocks].mean(axis=(1, 3))
    built = (blocks == LAND_USES.index("residential")).mean(axis=(1, 3))
    pylons = rasterize(lines, shape, transform=land.grid.transform, all_touched=True, dtype="uint8") if lines else 0
    travel = ROAD_TRAVEL[roads.class_of_cell + 1] + 0.12 + 0.3 * built
    works = ROAD_WORKS[roads.class_of_cell + 1] + 0.4 * (np.asarray(pylons) > 0) + 1.5 * built
    patrol = (0.2 + np.exp(-war.to_line_m / 2500)) * (0.15 + ROAD_TRAVEL[roads.class_of_cell + 1])
    return Exposure(travel, work, works, patrol)


def exposure(land: Terrain, settlements: Settlements, base: Exposure, living: Floats, cells: Integers) -> Floats:
    """(activities, cells): relative time that people spend in each of `cells` for each activity."""
    near = np.zeros(land.inside.size)
    np.add.at(near, settlements.cell, living)
    size = land.grid.cell_size_m
    field = near.reshape(land.grid.shape)
    village = np.maximum(_spread(field, 1500 / size), 0).ravel()[cells]
    region = np.maximum(_spread(field, 3500 / size), 0).ravel()[cells]
    return np.stack(
        [
            base.travel.ravel()[cells] * (region**0.6 + 0.05),
            base.work.ravel()[cells] * village**0.7,
            base.works.ravel()[cells] * (region**0.5 + 0.05),
            base.patrol.ravel()[cells] * (0.6 + 0.4 * region**0.4),
        ]
    )


def _spread(field: Floats, sigma_cells: float) -> Floats:
    """People within reach: a Gaussian of `sigma_cells`, scaled so that its centre counts a settlement in full."""
    spread = ndimage.gaussian_filter(field, sigma_cells, mode="constant", truncate=3.0)
    return np.asarray(spread * 2 * np.pi * sigma_cells**2, dtype=np.float64)
