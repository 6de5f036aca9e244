"""Ranks land for mine survey: probability of explosive ordnance and expected casualties per grid cell.

Importing mlrisk is light; the first use of a function loads what it needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
