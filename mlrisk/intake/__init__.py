"""A config proposed for a folder of files: the source of each file, its columns, and the doubts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
