"""The table of the feature families: a new family is one module and one line here."""

from collections.abc import Callable
from types import ModuleType

from features.as_of.snapshot import Known
from features.base.feature_info import Columns
from features.base.grid import Grid
from features.families import (
    access,
    broad_relief,
    conflict_events,
    control,
    covariates,
    drainage,
    finds,
    front_lines,
    hazard_areas,
    incident_pattern,
    incidents,
    land_use,
    minefield_records,
    roads,
    settlements,
    surveyed,
    terrain,
    visibility,
)

Builder = Callable[[Grid, Known], Columns]

# A new family is one module and one line here. A module has `build`, `FEATURES` (its columns, described), and
# `described` where it has columns that only the data know.
FAMILIES: dict[str, ModuleType] = {
    "terrain": terrain,
    "drainage": drainage,
    "broad_relief": broad_relief,
    "front_lines": front_lines,
    "control": control,
    "visibility": visibility,
    "roads": roads,
    "incidents": incidents,
    "incident_pattern": incident_pattern,
    "finds": finds,
    "conflict_events": conflict_events,
    "settlements": settlements,
    "access": access,
    "land_use": land_use,
    "hazard_areas": hazard_areas,
    "surveyed": surveyed,
    "minefield_records": minefield_records,
    "covariates": covariates,
}

BUILDERS: dict[str, Builder] = {family: module.build for family, module in FAMILIES.items()}
