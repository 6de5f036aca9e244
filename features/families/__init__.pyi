from .registry import FAMILIES

__all__ = [
    "FAMILIES",
]
