from .evidence_ledger import Audit, write_ledger
from .registry import Beside, write_package
from .risk_columns import RISK_COLUMN_TEXTS
from .wording import TASK_COLUMNS

__all__ = [
    "RISK_COLUMN_TEXTS",
    "TASK_COLUMNS",
    "Audit",
    "Beside",
    "write_ledger",
    "write_package",
]
