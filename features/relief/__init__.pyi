from .derivatives import broad_slope, vector_ruggedness
from .focal_statistics import Heights, moments, to_centimetres, window_percentile, window_range
from .horizons import look_around, sectors

__all__ = [
    "Heights",
    "broad_slope",
    "look_around",
    "moments",
    "sectors",
    "to_centimetres",
    "vector_ruggedness",
    "window_percentile",
    "window_range",
]
