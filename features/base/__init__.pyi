from .addresses import Address, Place, place_of
from .array_cache import ArrayCache, key_of
from .arrays import Flags, Floats, Floats32, Integers
from .code import package_digest
from .errors import ConfigError, InputError, MlriskError
from .feature_info import (
    CLIP_M,
    DAYS_PER_YEAR,
    FAMILY_NAMES,
    LONGEST_DISTANCE_M,
    Columns,
    FeatureContext,
    FeatureInfo,
    check_families,
    clipped,
    clipped_name,
)
from .grid import Grid, decode_cell_id, geographic_centres
from .grid_checks import projected_crs, scale_of
from .large_arrays import (
    arrays_on_disk,
    by_parts,
    columns_by_parts,
    kept,
    leave_memory,
    new_array,
    parts_of,
)
from .memory import MEMORY_SHARE, Buffers, free_bytes, trim_heap
from .names import column_names
from .notice import NOT_EVIDENCE
from .object_store import ObjectFolder, file_sizes, filled, local_copy
from .places import nearest_folder, refuse_address, try_file, try_folder, write_obstacle
from .plain_text import plain, printable
from .progress import Progress, no_progress
from .records import (
    DATED_BY,
    RULED_OUT_BY,
    ages_years,
    area_km2,
    dated_by,
    dates_of,
    day_after,
    decay,
    extent_m,
    is_dated,
    known_at,
    numbers,
    places_m,
    words,
    years_before,
    years_between,
)
from .regular_files import read_bytes, refuse_special
from .settings import Settings
from .temporary_folders import lasting_folder, temporary_folder
from .yaml_files import parse_yaml, read_yaml

__all__ = [
    "CLIP_M",
    "DATED_BY",
    "DAYS_PER_YEAR",
    "FAMILY_NAMES",
    "LONGEST_DISTANCE_M",
    "MEMORY_SHARE",
    "NOT_EVIDENCE",
    "RULED_OUT_BY",
    "Address",
    "ArrayCache",
    "Buffers",
    "Columns",
    "ConfigError",
    "FeatureContext",
    "FeatureInfo",
    "Flags",
    "Floats",
    "Floats32",
    "Grid",
    "InputError",
    "Integers",
    "MlriskError",
    "ObjectFolder",
    "Place",
    "Progress",
    "Settings",
    "ages_years",
    "area_km2",
    "arrays_on_disk",
    "by_parts",
    "check_families",
    "clipped",
    "clipped_name",
    "column_names",
    "columns_by_parts",
    "dated_by",
    "dates_of",
    "day_after",
    "decay",
    "decode_cell_id",
    "extent_m",
    "file_sizes",
    "filled",
    "free_bytes",
    "geographic_centres",
    "is_dated",
    "kept",
    "key_of",
    "known_at",
    "lasting_folder",
    "leave_memory",
    "local_copy",
    "nearest_folder",
    "new_array",
    "no_progress",
    "numbers",
    "package_digest",
    "parse_yaml",
    "parts_of",
    "place_of",
    "places_m",
    "plain",
    "printable",
    "projected_crs",
    "read_bytes",
    "read_yaml",
    "refuse_address",
    "refuse_special",
    "scale_of",
    "temporary_folder",
    "trim_heap",
    "try_file",
    "try_folder",
    "words",
    "write_obstacle",
    "years_before",
    "years_between",
]
