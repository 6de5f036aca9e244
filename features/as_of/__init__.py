"""Knowledge at a date, derived once for all tiles: tables, layers, a cell's own records, events."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
