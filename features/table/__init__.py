"""Families to one table: in memory, on a scheduler, as a folder of GeoParquet, as a catalogue."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
