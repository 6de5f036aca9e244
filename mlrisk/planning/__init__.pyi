from .audit_draw import season_seed
from .budget import AUDIT
from .ground import PlanningGround, planning_ground, with_ground
from .plan import Plan, make_plan

__all__ = [
    "AUDIT",
    "Plan",
    "PlanningGround",
    "make_plan",
    "planning_ground",
    "season_seed",
    "with_ground",
]
