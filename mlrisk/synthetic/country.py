"""A synthetic country with known truth: terrain, people, a war, its remnants, and the records of the authority."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from shapely import LineString

from features.base import ConfigError, Floats, Integers
from mlrisk.synthetic.accidents import Danger, measure_danger
from mlrisk.synthetic.ground_truth import Truth, measure_truth
from mlrisk.synthetic.handover_records import MinefieldRecords, covered_patches, draw_minefield_records
from mlrisk.synthetic.laying import lay_mines
from mlrisk.synthetic.ordnance import Fields, Items
from mlrisk.synthetic.population import Exposure, People, exposure, power_lines, settle, use_of_cells
from mlrisk.synthetic.postwar_years import Aftermath, Surroundings, simulate_years
from mlrisk.synthetic.roads import Roads, build_roads
from mlrisk.synthetic.scenario import AS_OF, YEARS_AFTER, Kind, draw_kind
from mlrisk.synthetic.settlements import Districts, Settlements, divide, place_settlements, use_land
from mlrisk.synthetic.survey_patches import Patches, divide_land
from mlrisk.synthetic.terrain import Terrain, make_terrain
from mlrisk.synthetic.war import War, make_war

FEWEST_CELLS = 1000
LEAST_KM2 = 20.0
# Share of the danger after the war that is left at AS_OF, over many seeds: clearance goes where people are.
DANGER_LEFT = 0.38


@dataclass(frozen=True, eq=False, kw_only=True)
class Country:
    """All parts of the country in memory, from which files are written and which tests inspect."""

    seed: int
    kind: Kind
    land: Terrain
    settlements: Settlements
    people: People
    roads: Roads
    power_lines: list[LineString]
    use: Integers
    districts: Districts
    war: War
    fields: Fields
    items: Items
    records: MinefieldRecords
    patches: Patches
    danger: Danger
    after: Aftermath
    truth: Truth


def build_country(seed: int, cells: int, cell_size_m: float) -> Country:
    """The country of a seed with at least `cells` cells, without writing anything.

    Raises ConfigError for a negative seed, fewer than 1,000 cells, less than 20 km2, or cells outside 50 to 1,000 m,
    where minefields and valleys would no longer fit the cells.
    """
    _check(seed, cells, cell_size_m)
    kind = draw_kind(seed)
    land = make_terrain(seed, kind, cells, cell_size_m)
    settlements = place_settlements(seed, kind, land)
    roads = build_roads(seed, land, settlements)
    use = use_land(seed, kind, land, settlements)
    districts = divide(seed, land, settlements)
    war = make_war(seed, kind, land, settlements, roads)
    fields, items = lay_mines(seed, kind, land, settlements, roads, use, war)
    people = settle(seed, kind, settlements, war)
    records = draw_minefield_records(seed, kind, land, districts, fields, items)
    patches = divide_land(seed, land)
    pylons = power_lines(settlements)
    base = use_of_cells(land, roads, use, war, pylons)
    around = _surroundings(kind, land, settlements, people, base, war, items, patches, records)
    n_cells = int(land.inside.sum())
    danger = measure_danger(kind, items, around.exposed[AS_OF.year], n_cells, DANGER_LEFT)
    after = simulate_years(seed, kind, n_cells, items, patches, danger, around)
    truth = measure_truth(seed, kind, land, fields, items, danger, after, records)
    return Country(
        seed=seed, kind=kind, land=land, settlements=settlements, people=people, roads=roads, power_lines=pylons,
        use=use, districts=districts, war=war, fields=fields, items=items, records=records, patches=patches,
        danger=danger, after=after, truth=truth,
    )  # fmt: skip


def _surroundings(
    kind: Kind, land: Terrain, settlements: Settlements, people: People, base: Exposure, war: War, items: Items,
    patches: Patches, records: MinefieldRecords,
) -> Surroundings:  # fmt: skip
    """Exposure and people near each patch by year, and the suspicion of the authority about each patch.

    The year after AS_OF has the people of AS_OF, because that is the exposure in the inputs.
    """
    cells = np.unique(items.cell)
    exposed: dict[int, Floats] = {}
    near: dict[int, Floats] = {}
    sigma = 2500 / land.grid.cell_size_m
    for year in range(kind.war_ended + 1, AS_OF.year + YEARS_AFTER + 1):
        living = people.living(AS_OF.year if year == AS_OF.year + 1 else year)
        exposed[year] = exposure(land, settlements, base, living, cells)
        field = np.zeros(land.inside.size)
        # Teams go ahead of people: people who will be back in three years count.
        np.add.at(field, settlements.cell, people.living(year + 3))
        spread = ndimage.gaussian_filter(field.reshape(land.grid.shape), sigma, mode="constant", truncate=3.0)
        near[year] = np.asarray(np.maximum(spread, 0).ravel()[patches.cell] * 2 * np.pi * sigma**2)
    line_m = war.to_line_m.ravel()[patches.cell]
    suspicion = np.exp(-line_m / 2500) - 0.3 * np.minimum(line_m / 6000, 3.0)
    suspicion += 0.4 * covered_patches(records.table, patches.seeds)
    return Surroundings(exposed, near, np.asarray(suspicion, dtype=np.float64))


def _check(seed: int, cells: int, cell_size_m: float) -> None:
    if seed < 0:
        raise ConfigError(f"seed ({seed}) must not be negative")
    if cells < FEWEST_CELLS:
        raise ConfigError(
            f"cells ({cells}) must be at least {FEWEST_CELLS}: smaller land holds no valleys and no front"
        )
    if not 50 <= cell_size_m <= 1000:
        raise ConfigError(f"cell_size_m ({cell_size_m:g}) must be between 50 and 1000 metres")
    area_km2 = cells * cell_size_m**2 / 1e6
    if area_km2 < LEAST_KM2:
        raise ConfigError(
            f"cells ({cells}) of cell_size_m ({cell_size_m:g}) make {area_km2:.1f} km2: a country needs at least "
            f"{LEAST_KM2:g} km2, give more or larger cells"
        )
