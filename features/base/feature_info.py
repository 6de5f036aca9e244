"""The description of a feature, and the date of knowledge for which features are built."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.base.errors import ConfigError

# Sources keep no record further than this from the grid, so a greater distance would depend on the area.
LONGEST_DISTANCE_M = 50_000.0

# A greater distance to a hazard carries no information about a cell, but trees would learn it as a map of the training
# region: with raw distances models transferred worse.
CLIP_M = 5000.0

DAYS_PER_YEAR = 365.25
# The feature families in the order in which they are built; the table of families holds the same names.
FAMILY_NAMES = (
    "terrain",
    "drainage",
    "broad_relief",
    "front_lines",
    "control",
    "control_points",
    "visibility",
    "roads",
    "incidents",
    "incident_pattern",
    "finds",
    "conflict_events",
    "settlements",
    "access",
    "land_use",
    "hazard_areas",
    "surveyed",
    "minefield_records",
    "covariates",
)


# The result of a family for a tile: arrays of tile.shape by column, which the table keeps as float32.
Columns = dict[str, NDArray[np.floating[Any]]]


def clipped(columns: Columns) -> Columns:
    """The distances among some columns, at most CLIP_M, as columns of their own names."""
    return {
        clipped_name(name): np.minimum(values, CLIP_M)
        for name, values in columns.items()
        if name.endswith("_distance_m")
    }


def clipped_name(name: str) -> str:
    """The name of the clipped form of a distance.

    >>> clipped_name("hazard_area_distance_m")
    'hazard_area_distance_clipped_m'
    """
    return f"{name.removesuffix('_m')}_clipped_m"


@dataclass(frozen=True, kw_only=True)
class FeatureInfo:
    """A column of the feature table.

    `trend` is the direction of contamination with a rising feature, if the field's evidence supports one: -1 falls, +1
    rises, 0 free. `text` names the feature in a reason, as in "distance to the front line". `sources` are its sources;
    `formula` is the method, with author and year if it is more than plain geometry.
    """

    name: str
    unit: str
    family: str
    trend: int
    text: str
    sources: tuple[str, ...] = ()
    formula: str = ""


@dataclass(frozen=True)
class FeatureContext:
    """The date of knowledge, and the sources whose records also make labels.

    A cell leaves out its own records of `own_event_sources`: dated records of its own cell, undated records of its
    own block of `own_block_m`, aligned to the CRS origin.
    """

    as_of: date
    own_event_sources: frozenset[str] = frozenset()
    own_block_m: float = 5000.0


def check_families(families: Iterable[str]) -> tuple[str, ...]:
    """The families, refused when one is unknown; the error lists the known ones."""
    chosen = tuple(families)
    unknown = sorted(set(chosen) - set(FAMILY_NAMES))
    if unknown:
        raise ConfigError(f"features ({', '.join(unknown)}) are unknown: choose from {', '.join(FAMILY_NAMES)}")
    return chosen
