"""Input: files of an authority become typed tables and rasters in the grid's CRS, with an account of each row."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
