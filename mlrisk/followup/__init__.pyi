from .change_report import FILES, write_changes
from .map_changes import Earlier, changes_between, read_earlier
from .plan_comparison import Comparison, compare_plans, read_tasks
from .plan_progress import PlanProgress, plan_progress
from .task_overlap import planned_overlap
from .verification import MAP, Verification, verify
from .verification_report import RECALL_ONLY, audit_lines, write_verification

__all__ = [
    "FILES",
    "MAP",
    "RECALL_ONLY",
    "Comparison",
    "Earlier",
    "PlanProgress",
    "Verification",
    "audit_lines",
    "changes_between",
    "compare_plans",
    "plan_progress",
    "planned_overlap",
    "read_earlier",
    "read_tasks",
    "verify",
    "write_changes",
    "write_verification",
]
