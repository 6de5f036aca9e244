from .evidence_ledger import Audit, write_ledger
from .file_columns import LAYERS, MORE_TASK_COLUMNS, SHEET_TEXTS, layer_text
from .geotiff import BANDS
from .registry import Beside, write_package
from .risk_columns import RISK_COLUMN_TEXTS
from .wording import TASK_COLUMNS

__all__ = [
    "BANDS",
    "LAYERS",
    "MORE_TASK_COLUMNS",
    "RISK_COLUMN_TEXTS",
    "SHEET_TEXTS",
    "TASK_COLUMNS",
    "Audit",
    "Beside",
    "layer_text",
    "write_ledger",
    "write_package",
]
