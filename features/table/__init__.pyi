from .build import (
    FeatureTable,
    feature_infos,
    feature_table,
    grid_feature_table,
    lent_feature_table,
    places_of,
    starts_of_rows,
)
from .compute import LOCAL, PROCESSES, Compute, is_scheduler
from .geoparquet import geo_metadata, point_wkb
from .scheduler import over_tiles
from .store import FeatureFolder, write_features

__all__ = [
    "LOCAL",
    "PROCESSES",
    "Compute",
    "FeatureFolder",
    "FeatureTable",
    "feature_infos",
    "feature_table",
    "geo_metadata",
    "grid_feature_table",
    "is_scheduler",
    "lent_feature_table",
    "over_tiles",
    "places_of",
    "point_wkb",
    "starts_of_rows",
    "write_features",
]
