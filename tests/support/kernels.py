"""Compiles every kernel once, before two workers would both do it: python -m tests.support.kernels."""

import numpy as np

from features.base.feature_info import FeatureContext
from models.nearness import near_any
from models.ranker import fit_ranker
from tests.support.sample_country import CONTEXT, built, country, country_grid
from training.contamination import recipe_of
from training.settings import ContaminationSettings


def main():
    """Build every family and score a few rows; numba keeps what it compiled beside the modules."""
    land, tile = country(), country_grid().window(8, 34, 4, 30)
    for context in (CONTEXT, FeatureContext(CONTEXT.as_of)):
        built(land, tile, context)
    rows = np.arange(40, dtype=np.float32)[:, None]
    ranker = fit_ranker(rows, rows[:, 0] % 2, np.ones(40), ("row",), recipe_of(ContaminationSettings()).ranker, seed=0)
    ranker.raw(rows)
    ranker.contributions(rows)
    near_any(np.zeros((1, 1)), np.zeros((1, 1)), 1.0)


if __name__ == "__main__":
    main()
