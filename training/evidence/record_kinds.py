"""The kinds of records: the source of each, the state that it gives a cell, and its weight."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from features.base import ConfigError, Flags, dates_of, words
from training.evidence.states import FOUND, SEARCHED
from training.settings import LabelSettings

# Status of a hazard area that survey has refuted.
WITHDRAWN = ("cancelled", "discredited")
CLOSED = (*WITHDRAWN, "closed", "released", "handed over", "cleared")
RELEASE_TYPES = ("cancelled", "reduced", "cleared")
RELEASES = (*RELEASE_TYPES, "cleared_with_devices")
# Land that the config declares to be searched is not a record, but it decides a state like one.
DECLARED = "declared_searched"


@dataclass(frozen=True)
class Kind:
    """A kind of record: its source, the state that it gives a cell, and its weight.

    `strength` orders kinds that disagree about a cell: a located find ranks above clearance, clearance above a hazard
    area drawn on a map, and that above land cancelled from a desk.
    """

    source: str
    state: int
    strength: int
    weight: float


# Weights after IMAS 07.11: clearance is proof, technical survey a test, cancellation an argument (method: cancelled and
# reduced land counts less than cleared land). A new kind is one line here and one in `kinds_of`.
KINDS: dict[str, Kind] = {
    "find": Kind("finds", FOUND, 6, 1.0),
    "accident": Kind("incidents", FOUND, 6, 1.0),
    "survey_found": Kind("survey", FOUND, 5, 1.0),
    "survey_searched": Kind("survey", SEARCHED, 5, 1.0),
    "cleared": Kind("land_release", SEARCHED, 4, 1.0),
    "cleared_with_devices": Kind("land_release", FOUND, 4, 1.0),
    "CHA": Kind("hazard_areas", FOUND, 3, 1.0),
    "reduced": Kind("land_release", SEARCHED, 2, 0.8),
    "cancelled": Kind("land_release", SEARCHED, 1, 0.5),
    "SHA": Kind("hazard_areas", FOUND, 1, 0.5),
}
KIND_NAMES = (*KINDS, DECLARED)
NO_KIND = -1
# Sources whose records are evidence, in the order of their first kind.
EVIDENCE_SOURCES = tuple(dict.fromkeys(kind.source for kind in KINDS.values()))


def kinds_of(source: str, table: gpd.GeoDataFrame) -> NDArray[np.int8]:
    """The kind of each record as a place in KIND_NAMES; NO_KIND for records that are no evidence on any cell.

    Releases and hazard areas get the kind of their type. Whether devices are unlocated, and whether an area is
    withdrawn, depends on the date and is decided later.
    """
    named = np.full(len(table), "", dtype="<U24")
    if source == "finds":
        named[:] = "find"
    elif source == "incidents":
        named[:] = "accident"
    elif source == "survey":
        outcome = words(table, "outcome")
        named[outcome == "found"], named[outcome == "searched"] = "survey_found", "survey_searched"
    elif source == "hazard_areas":
        hazard = words(table, "hazard_type")
        named[hazard == "cha"], named[hazard == "sha"] = "CHA", "SHA"
    elif source == "land_release":
        known = finished_releases(table)
        named[known] = words(table, "release_type")[known]
    numbers = {name: number for number, name in enumerate(KIND_NAMES)}
    return np.array([numbers.get(name, NO_KIND) for name in named.tolist()], dtype=np.int8)


def finished_releases(table: gpd.GeoDataFrame) -> Flags:
    """Which land releases are of a known type and have ended: work in progress has no result yet."""
    started = ~np.isnat(dates_of(table, "start_date"))
    under_way = started & np.isnat(dates_of(table, "end_date")) & np.isnat(dates_of(table, "recorded_date"))
    return np.asarray(np.isin(words(table, "release_type"), RELEASE_TYPES) & ~under_way)


def withdrawn_hazards(table: gpd.GeoDataFrame) -> Flags:
    """Hazard areas that survey found never to have been hazardous."""
    return np.asarray(np.isin(words(table, "hazard_status"), WITHDRAWN))


def closed_hazards(table: gpd.GeoDataFrame) -> Flags:
    """Hazard areas on which work has ended, for whatever reason."""
    return np.asarray(np.isin(words(table, "hazard_status"), CLOSED))


def chosen_kinds(labels: LabelSettings) -> list[str]:
    """The kinds that make labels, weakest first; raises ConfigError for an unknown kind."""
    for key, wanted in (("found", FOUND), ("searched", SEARCHED)):
        possible = [name for name, kind in KINDS.items() if kind.state == wanted]
        for name in getattr(labels, key):
            if name not in possible:
                raise ConfigError(f"contamination.labels.{key} ({name}) is unknown: choose from {', '.join(possible)}")
    for name in labels.weights:
        if name not in KINDS:
            raise ConfigError(f"contamination.labels.weights ({name}) is unknown: choose from {', '.join(KINDS)}")
    chosen = {*labels.found, *labels.searched}
    # Among equal strengths found is laid last, because a search of the same quality must not hide it.
    return sorted(chosen, key=lambda name: (KINDS[name].strength, KINDS[name].state, name))


def state_of_kind(kind: str) -> int:
    """The state of the cells of a kind: declared land is searched, and so is a cleared polygon with counted devices.

    Nobody knows which of its cells held the devices: that is what the soft label expresses, see `bags`.
    """
    return KINDS[kind].state if kind in KINDS and kind != "cleared_with_devices" else SEARCHED


def weight_of(kind: str, labels: LabelSettings) -> float:
    """The weight of a kind: that of the config, else that of the table."""
    return labels.weights.get(kind, KINDS[kind].weight)
