from .derivatives import broad_slope, vector_ruggedness
from .focal_statistics import Heights, moments, to_centimetres, window_percentile, window_range
from .horizons import add_seen_lengths, sectors

__all__ = [
    "Heights",
    "add_seen_lengths",
    "broad_slope",
    "moments",
    "sectors",
    "to_centimetres",
    "vector_ruggedness",
    "window_percentile",
    "window_range",
]
