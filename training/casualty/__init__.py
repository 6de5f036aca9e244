"""The casualty model: units, accidents, exposure, history, fitting, judging."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
