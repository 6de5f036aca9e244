"""How any ranking of cells is judged: folds, metrics, intervals, baselines; knows no model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
