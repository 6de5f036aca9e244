"""The table of the feature families."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from features.as_of import Snapshot
from features.base import FAMILY_NAMES, Columns, FeatureInfo, Grid
from features.families import (
    access,
    broad_relief,
    conflict_events,
    control,
    control_points,
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


@dataclass(frozen=True)
class Family:
    """A group of features that are computed together.

    `build` makes the columns of a tile from a snapshot. `features` describes its columns; `described` those that depend
    on the data, such as covariates.
    """

    build: Callable[[Grid, Snapshot], Columns]
    features: tuple[FeatureInfo, ...] = ()
    described: Callable[[Snapshot], Iterable[FeatureInfo]] | None = None


# A new family is one module, one line here, its name in FAMILY_NAMES, which settings read without importing this, and
# the texts of its features in mlrisk/risk_map/languages.
FAMILIES: dict[str, Family] = {
    "terrain": Family(terrain.build, terrain.FEATURES),
    "drainage": Family(drainage.build, drainage.FEATURES),
    "broad_relief": Family(broad_relief.build, broad_relief.FEATURES),
    "front_lines": Family(front_lines.build, front_lines.FEATURES),
    "control": Family(control.build, control.FEATURES, described=control.described),
    "control_points": Family(control_points.build, control_points.FEATURES, described=control_points.described),
    "visibility": Family(visibility.build, visibility.FEATURES),
    "roads": Family(roads.build, roads.FEATURES),
    "incidents": Family(incidents.build, incidents.FEATURES),
    "incident_pattern": Family(incident_pattern.build, incident_pattern.FEATURES),
    "finds": Family(finds.build, finds.FEATURES),
    "conflict_events": Family(conflict_events.build, conflict_events.FEATURES),
    "settlements": Family(settlements.build, settlements.FEATURES),
    "access": Family(access.build, access.FEATURES),
    "land_use": Family(land_use.build, land_use.FEATURES, described=land_use.described),
    "hazard_areas": Family(hazard_areas.build, hazard_areas.FEATURES),
    "surveyed": Family(surveyed.build, surveyed.FEATURES),
    "minefield_records": Family(minefield_records.build, minefield_records.FEATURES),
    "covariates": Family(covariates.build, covariates.FEATURES, described=covariates.described),
}
if tuple(FAMILIES) != FAMILY_NAMES:
    raise RuntimeError(
        f"FAMILIES ({', '.join(FAMILIES)}) and FAMILY_NAMES ({', '.join(FAMILY_NAMES)}) must be the same"
    )
