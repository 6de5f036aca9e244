"""The table of recognisers: each inspects one file and returns findings or none. The first findings count."""

from collections.abc import Callable

from mlrisk.intake import mine_action, open_data
from mlrisk.intake.dating import with_dates
from mlrisk.intake.finding import Finding
from mlrisk.intake.looking import Look, Unread
from mlrisk.intake.raster_kinds import of_raster

# Ordered from unambiguous kinds to guesses.
RECOGNISERS: dict[str, Callable[[Look], tuple[Finding, ...]]] = {
    "rasters by their values": of_raster,
    "UCDP GED and ACLED": open_data.conflict,
    "the Colombian register": mine_action.colombian_events,
    "Geofabrik": open_data.geofabrik,
    "OpenStreetMap": open_data.openstreetmap,
    "fronts": mine_action.front_lines,
    "roads": open_data.roads,
    "who held the land": open_data.control,
    "cells of a study": mine_action.surveyed_cells,
    "killed and injured": mine_action.victims,
    "IMSMA and GICHD": mine_action.by_columns,
    "records by their words": mine_action.by_words,
    "land use": open_data.land_use,
    "boundaries": open_data.boundaries,
    "settlements": open_data.settlements,
    "other lines": open_data.other_lines,
}


def recognise(look: Look) -> tuple[Finding, ...] | Unread:
    """The findings of the first recogniser that has any, or the reason why there are none."""
    for recogniser in RECOGNISERS.values():
        if found := recogniser(look):
            return tuple(with_dates(one) for one in found)
    if look.where_lost:
        return Unread(look.name, look.where_lost)
    if look.raster is not None:
        return Unread(look.name, "a raster whose values look like none of elevation, people and land cover")
    kinds = " and ".join(sorted(f"{kind}s" for kind in look.geometry)) or "a table without places"
    columns = ", ".join(list(look.sample.columns.astype(str))[:12])
    return Unread(look.name, f"{kinds} with the columns {columns}: nothing that is known; say what it is under sources")
