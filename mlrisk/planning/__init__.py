"""From a ranked map to jobs: who surveys what, for how long, what for, and what is expected of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
