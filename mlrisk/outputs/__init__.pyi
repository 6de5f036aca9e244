from .evidence_ledger import Audit, write_ledger
from .registry import Beside, write_package

__all__ = [
    "Audit",
    "Beside",
    "write_ledger",
    "write_package",
]
