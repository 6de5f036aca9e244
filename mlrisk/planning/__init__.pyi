from .ground import planning_ground, with_ground
from .plan import Plan, make_plan

__all__ = [
    "Plan",
    "make_plan",
    "planning_ground",
    "with_ground",
]
