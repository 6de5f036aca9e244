"""Compiles every kernel of the features once, before two workers would both do it: python -m tests.support.kernels."""

from features.base.feature_info import FeatureContext
from tests.support.sample_country import CONTEXT, built, country, country_grid


def main():
    """Build every family; numba keeps what it compiled beside the modules."""
    land, tile = country(), country_grid().window(8, 34, 4, 30)
    for context in (CONTEXT, FeatureContext(CONTEXT.as_of)):
        built(land, tile, context)


if __name__ == "__main__":
    main()
