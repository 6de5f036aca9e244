"""The placebo: the recipe on land that was shifted against its labels, so that nothing can be learned from it.

Labels and the records that they are made of stay in place, and everything else (relief, lines, roads, people) is
shifted by whole blocks around the area: the same as moving the labels, but without laying the records anew. A score of
the recipe above chance then means that labels leak into features, or is chance itself.
"""

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from features.base import Floats, Grid, Integers
from features.table import FeatureTable
from training.contamination.dataset import CellDataset
from training.contamination.learning_set import learning_set_of
from training.contamination.neighbour_outcomes import SURVEY_SOURCES, features_made_of
from training.contamination.recipe import Recipe, fit_recipe, recipe_of
from training.settings import TrainConfig
from training.validation import Fold

# This many cells suffice to distinguish an AUC of 0.5 from 0.6.
MOST_CELLS = 4_000
# A shift by less than this part of the area would leave land too near to its own labels.
LEAST_SHIFT = 0.2


def placebo_scores(config: TrainConfig, dataset: CellDataset, fold: Fold) -> Floats:
    """Scores of the judged cells of a fold by the recipe on shifted land; every fold has a shift of its own.

    There are only `validation.placebo_trees` trees, and nothing is tuned or screened.
    """
    seed = [config.seed, *(fold.protocol + fold.name).encode()]
    rng = np.random.default_rng(seed)
    moved = shifted(dataset, shift_of(dataset.grid, config.validation.block_m, rng))
    learning = learning_set_of(moved, fold.train, config.validation.block_m).thinned(MOST_CELLS, config.seed)
    recipe = recipe_of(config.contamination)
    trees = replace(recipe.ranker.trees, n_trees=config.validation.placebo_trees)
    few = Recipe(replace(recipe.ranker, trees=trees, bags=1))
    ranker = fit_recipe(learning, few, config.seed)
    return ranker.raw(np.ascontiguousarray(moved.learned.values[fold.test]), config.compute.threads)


def shift_of(grid: Grid, block_m: float, rng: np.random.Generator) -> tuple[int, int]:
    """Cells down and across: whole blocks where the area holds several, at least LEAST_SHIFT of its height or width."""
    shift = []
    for cells in grid.shape:
        low, high = max(1, round(LEAST_SHIFT * cells)), max(1, round((1 - LEAST_SHIFT) * cells))
        step = max(1, min(round(block_m / grid.cell_size_m), max(1, cells // 5)))
        steps = np.arange(step, cells, step)
        allowed = steps[(steps >= low) & (steps <= high)]
        shift.append(int(rng.choice(allowed)) if len(allowed) else cells // 2)
    return shift[0], shift[1]


def shifted(dataset: CellDataset, shift: tuple[int, int]) -> CellDataset:
    """The dataset with everything shifted around its rectangle but labels and the records that make them."""
    source = shifted_rows(dataset.grid, shift)
    stay = set(features_made_of(dataset.infos, SURVEY_SOURCES | dataset.snapshot.context.own_event_sources))
    values = np.array(dataset.learned.values.T)
    for place, name in enumerate(dataset.learned.names):
        if name not in stay:
            values[place] = values[place][source]
    return replace(dataset, learned=FeatureTable(dataset.learned.names, values.T))


def shifted_rows(grid: Grid, shift: tuple[int, int]) -> Integers:
    """Row of the cell whose land each cell gets, (n_cells,); the nearest cell if that one lies outside the area."""
    rows, columns = np.nonzero(grid.mask)
    place = np.full(grid.shape, -1, dtype=np.int64)
    place[rows, columns] = np.arange(len(rows))
    to = np.column_stack([(rows + shift[0]) % grid.shape[0], (columns + shift[1]) % grid.shape[1]])
    source = place[to[:, 0], to[:, 1]]
    outside = source < 0
    if outside.any():
        source[outside] = cKDTree(np.column_stack([rows, columns])).query(to[outside])[1]
    return source
