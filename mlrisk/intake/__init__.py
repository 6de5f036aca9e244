"""A folder of files becomes a proposed config: what each file is, where our columns are, and what is unsure."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
