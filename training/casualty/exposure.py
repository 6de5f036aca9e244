"""Exposure: the number of people present in each cell, today and after a return, and where activities take them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.features import rasterize

from features.as_of import Snapshot
from features.base import FeatureContext, Floats, Grid, new_array, numbers, places_m
from features.families import land_use
from features.geometry import distance_m, points_density
from features.sources import Sources, open_area
from training.settings import ACTIVITIES, CasualtySettings, PlannedWorks, TrainConfig

KM2 = 1e6
# People travel further than they go to work: for travel and patrols the kernel is this many times as wide.
WIDE = 2.5
# Distance at which the attraction of a road or a power line has fallen by two thirds.
ALONG_M = 500.0
# Least share of an activity far from roads, lines and fields: people also walk over open land.
AWAY = 0.1


@dataclass(frozen=True, eq=False)
class People:
    """People present per km2 of each cell (n_cells,): near where they live, on the way, and at planned works."""

    near: Floats
    wide: Floats
    works: Floats

    def part(self, cells: slice) -> "People":
        """The people of some of the cells."""
        return People(self.near[cells], self.wide[cells], self.works[cells])


@dataclass(frozen=True, eq=False)
class Ground:
    """Attraction of cells for people, 0 to 1 (n_cells,): 1 at a road, at a power line or building, on farmed land."""

    road: Floats
    works: Floats
    farmed: Floats

    def part(self, cells: slice) -> "Ground":
        """The attraction of some of the cells."""
        return Ground(self.road[cells], self.works[cells], self.farmed[cells])


Layer = Callable[[Ground, People, float], Floats]


def exposed_people(grid: Grid, sources: Sources, settings: CasualtySettings) -> Floats:
    """People present in each cell at a time, in `cell_ids()` order: residents spread by a kernel, and a floor.

    Without settlements every cell has only the floor, so that rates are per area.
    """
    return people_today(grid, sources, settings).near * grid.cell_size_m**2 / KM2


def people_today(grid: Grid, sources: Sources, settings: CasualtySettings) -> People:
    """The people of today according to the inputs."""
    return _people(grid, sources, settings, 0.0, np.zeros(grid.n_cells))


def people_if_return(config: TrainConfig, grid: Grid, sources: Sources) -> People:
    """The people once planned population has come and planned works are under way; nowhere fewer than today."""
    scenario = config.casualty.scenario
    works = np.zeros(grid.n_cells)
    for one in scenario.works:
        if _under_way(one, config):
            works += _works_density(grid, one, config.data_folder)
    return _people(grid, sources, config.casualty, scenario.return_share, works)


def ground_of(grid: Grid, sources: Sources, context: FeatureContext) -> Ground:
    """Attraction of each cell for people; the same everywhere if there are no sources."""
    snapshot = Snapshot(sources, context)
    road, works, farmed = (new_array(grid.n_cells, np.float64, 1.0) for _ in range(3))
    for band, cells in grid.bands():
        along = {
            name: np.exp(-distance_m(band, snapshot.layer(name))[band.mask].astype(np.float64) / ALONG_M)
            for name in ("roads", "power_lines", "buildings")
            if name in sources.vectors
        }
        worked = [along[name] for name in ("power_lines", "buildings") if name in along]
        share = land_use.build(band, snapshot).get(f"farmland_share_{land_use.FARM_KM}km")
        if "roads" in along:
            road[cells] = along["roads"]
        if worked:
            works[cells] = np.maximum.reduce(worked)
        if share is not None:
            farmed[cells] = np.nan_to_num(share[band.mask].astype(np.float64), nan=0.0).clip(0, 1)
    return Ground(road, works, farmed)


def presence(people: People, power: float) -> Floats:
    """Presence to which harm is proportional: people per km2, including those at works, to `power`."""
    return np.asarray((people.near + people.works) ** power)


# Where each activity takes people. A new activity is one function and one line here, and its name in ACTIVITIES.
LAYERS: dict[str, Layer] = {
    "unauthorised_travel": lambda ground, people, power: (AWAY + ground.road) * people.wide**power,
    "agriculture": lambda ground, people, power: (AWAY + ground.farmed) * people.near**power,
    "infrastructure": lambda ground, people, power: (
        (AWAY + 0.5 * ground.road + ground.works) * people.near**power + people.works**power
    ),
    "official": lambda ground, people, power: (AWAY + ground.road) * (1 + (people.wide + people.works) ** power),
    "other": lambda _, people, power: people.near**power,
}


def activity_layers(ground: Ground, people: People, power: float) -> Floats:
    """Relative presence of each activity in each cell, (n_cells, len(ACTIVITIES))."""
    return np.column_stack([LAYERS[name](ground, people, power) for name in ACTIVITIES])


def _people(grid: Grid, sources: Sources, settings: CasualtySettings, return_share: float, works: Floats) -> People:
    near, wide = (new_array(grid.n_cells, np.float64, settings.exposure_floor) for _ in range(2))
    settlements = sources.vectors.get("settlements")
    if settlements is not None and len(settlements):
        residents = numbers(settlements, "population", 0.0).clip(min=0)
        residents = residents + return_share * numbers(settlements, "planned_population", 0.0).clip(min=0)
        places = places_m(settlements)
        bandwidth = settings.exposure_bandwidth_m
        for band, cells in grid.bands():
            near[cells] += points_density(band, places, residents, bandwidth)[band.mask]
            wide[cells] += points_density(band, places, residents, bandwidth * WIDE)[band.mask]
    return People(near, wide, works)


def _under_way(works: PlannedWorks, config: TrainConfig) -> bool:
    day = config.casualty.scenario.future_date
    if day is None:
        return True
    return (works.start_date is None or works.start_date <= day) and (works.end_date is None or day <= works.end_date)


def _works_density(grid: Grid, works: PlannedWorks, data_folder: Path) -> Floats:
    area, _ = open_area((works.area,), grid.crs, data_folder)
    shape = [(area, 1)]
    inside = rasterize(shape, grid.shape, transform=grid.transform, all_touched=True, dtype="uint8")[grid.mask] > 0
    return np.where(inside, works.people / max(inside.sum() * grid.cell_size_m**2 / KM2, 1e-9), 0.0)
