from .aliases import ANCHOR, CHALLENGER, CHAMPION, TARGETS
from .archive import export_version, import_version
from .decision_log import read_lines, write_line
from .lock import only_one
from .mlrisk_scores import EXPOSURE, PATTERN
from .promotion import (
    FIRST,
    OvertakenError,
    assign_aliases,
    promote,
    restore,
    roll_back,
    training_of,
)
from .prune import prune
from .run_notes import environment
from .runs import RunRow, run_of, runs_compared, runs_of
from .signatures import make_keys, signature_path
from .store import Store, Version
from .store_errors import store_errors
from .transfer import transfer_version
from .versions import (
    SHOWN,
    RegisteredVersion,
    compared,
    newest,
    row_of,
    rows_of,
    rows_with,
    sweep,
)

__all__ = [
    "ANCHOR",
    "CHALLENGER",
    "CHAMPION",
    "EXPOSURE",
    "FIRST",
    "PATTERN",
    "SHOWN",
    "TARGETS",
    "OvertakenError",
    "RegisteredVersion",
    "RunRow",
    "Store",
    "Version",
    "assign_aliases",
    "compared",
    "environment",
    "export_version",
    "import_version",
    "make_keys",
    "newest",
    "only_one",
    "promote",
    "prune",
    "read_lines",
    "restore",
    "roll_back",
    "row_of",
    "rows_of",
    "rows_with",
    "run_of",
    "runs_compared",
    "runs_of",
    "signature_path",
    "store_errors",
    "sweep",
    "training_of",
    "transfer_version",
    "write_line",
]
