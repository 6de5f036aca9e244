from .ground import ground_of, with_ground
from .plan import Plan, make_plan

__all__ = [
    "Plan",
    "ground_of",
    "make_plan",
    "with_ground",
]
