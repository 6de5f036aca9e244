"""The feature table that families make together: in memory, on a scheduler, in GeoParquet files; its catalogue."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
