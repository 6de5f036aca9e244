"""Distances, densities, cover and shape of points, lines and polygons on a grid, without sources and dates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
