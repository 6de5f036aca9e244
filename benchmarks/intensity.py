"""Expected harm before ordnance was drawn: casualties a year over other draws from the same intensities."""

import numpy as np
from numpy.typing import NDArray

from mlrisk.synthetic.accidents import casualty_rate, measure_danger
from mlrisk.synthetic.country import Country
from mlrisk.synthetic.laying import lay_mines
from mlrisk.synthetic.population import exposure, use_of_cells
from mlrisk.synthetic.scenario import AS_OF
from mlrisk.synthetic.terrain import MARGIN_CELLS

DRAWS = 60


def casualty_intensity(country: Country, draws: int = DRAWS) -> NDArray[np.float64]:
    """Casualties a year in each cell of the area, (n_cells,), as the mean over draws of laid ordnance.

    People are those of the as-of date; nothing is cleared or marked, so the total is no forecast. This is the best
    ranking from knowledge of the generator without any record.
    """
    grid, land = country.truth.grid, country.land
    making = (country.kind, land, country.settlements, country.roads, country.use, country.war)
    base = use_of_cells(land, country.roads, country.use, country.war, country.power_lines)
    living = country.people.living(AS_OF.year)
    hurt = np.zeros(land.inside.size)
    for luck in range(20_000, 20_000 + draws):
        _, items = lay_mines(country.seed, *making, luck=luck)
        exposed = exposure(land, country.settlements, base, living, np.unique(items.cell))
        danger = measure_danger(country.kind, items, exposed, land.inside.size, 1.0)
        there, unmarked = np.ones(items.cell.size, dtype=bool), np.zeros(danger.cells.size, dtype=bool)
        hurt[danger.cells] += casualty_rate(danger.rates(items, there, exposed, unmarked, 1.0))
    rows, columns = grid.shape
    inner = (slice(MARGIN_CELLS, MARGIN_CELLS + rows), slice(MARGIN_CELLS, MARGIN_CELLS + columns))
    return np.asarray(hurt.reshape(land.grid.shape)[inner][grid.mask] / draws, dtype=np.float64)
