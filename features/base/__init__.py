"""The common ground of all rooms: errors, settings, grid and cell ids, dates of records, features, array types."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
