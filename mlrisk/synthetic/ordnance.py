"""Ordnance as tables: fields (minefields and impact areas) and the items in them."""

from dataclasses import dataclass

import numpy as np

from features.base import Floats, Integers

ORIGINS = ("belt", "withdrawal", "bridge", "orchard", "village", "nuisance", "shelling")
TYPES = ("AP mine", "AT mine", "UXO")


@dataclass(frozen=True, eq=False, kw_only=True)
class Fields:
    """Oriented rectangles; `score` is the log intensity with which each would be laid. `along` is a unit vector."""

    origin: Integers
    centre: Floats
    along: Floats
    length_m: Floats
    depth_m: Floats
    at_share: Floats
    spacing_m: Floats
    score: Floats
    year: Integers
    row: Integers  # trench stretch that it protects, -1 without

    def take(self, index: Integers) -> "Fields":
        """The fields at `index`, in that order."""
        return Fields(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class Items:
    """Every item laid or fired: position, index into TYPES, index into the fields, flat cell of the terrain grid."""

    points: Floats
    type: Integers
    field: Integers
    cell: Integers


def join_fields(parts: list[Fields]) -> Fields:
    """Several tables of fields as one."""
    names = Fields.__dataclass_fields__
    return Fields(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
