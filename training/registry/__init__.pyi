from .aliases import CHALLENGER, CHAMPION, restore
from .archive import export_version, import_version
from .decision_log import write_line
from .lock import only_one
from .mlrisk_scores import EXPOSURE, PATTERN
from .run_notes import environment
from .store import Store, Version
from .versions import (
    TARGETS,
    RegisteredVersion,
    compared,
    newest,
    promote,
    roll_back,
    row_of,
    rows_of,
    rows_with,
    sweep,
)

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "EXPOSURE",
    "PATTERN",
    "TARGETS",
    "RegisteredVersion",
    "Store",
    "Version",
    "compared",
    "environment",
    "export_version",
    "import_version",
    "newest",
    "only_one",
    "promote",
    "restore",
    "roll_back",
    "row_of",
    "rows_of",
    "rows_with",
    "sweep",
    "write_line",
]
