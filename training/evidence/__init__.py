"""Records on cells, the state of every cell at any date, and fingerprints of both."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
