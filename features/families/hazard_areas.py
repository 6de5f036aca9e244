"""Recorded hazard areas, suspected and confirmed: distance and cover around a cell, without the cell's own."""

import numpy as np

from features.as_of import Snapshot, own_polygons
from features.base import (
    CLIP_M,
    Columns,
    FeatureInfo,
    Floats,
    Grid,
    Integers,
    area_km2,
    clipped,
    extent_m,
    places_m,
    words,
)
from features.geometry import Layer, OwnRecords, count_within, distance_m, part_of, point_densities

FAMILY = "hazard_areas"
TYPES = {
    "cha": ("confirmed_hazard", "confirmed hazardous area"),
    "sha": ("suspected_hazard", "suspected hazardous area"),
}
DENSITY_KM = (2, 5)
NEAR_KM = 5

SOURCE = ("hazard_areas",)
FEATURES = (
    FeatureInfo(
        name="hazard_area_distance_m",
        unit="m",
        family=FAMILY,
        trend=-1,
        text="distance to another hazard area",
        sources=SOURCE,
        formula="exact, 0 inside",
    ),
    *(
        FeatureInfo(
            name=f"{name}_distance_m",
            unit="m",
            family=FAMILY,
            trend=-1,
            text=f"distance to another {text}",
            sources=SOURCE,
            formula=f"exact, 0 inside, {kind.upper()}",
        )
        for kind, (name, text) in TYPES.items()
    ),
    *(
        FeatureInfo(
            name=f"{name}_distance_clipped_m",
            unit="m",
            family=FAMILY,
            trend=-1,
            text=f"distance to another {text}",
            sources=SOURCE,
            formula=f"exact, 0 inside, at most {CLIP_M:.0f} m",
        )
        for name, text in (("hazard_area", "hazard area"), *TYPES.values())
    ),
    *(
        FeatureInfo(
            name=f"hazard_area_density_{km}km_share",
            unit="share",
            family=FAMILY,
            trend=1,
            text=f"share of the land around {km} km in other hazard areas",
            sources=SOURCE,
            formula="Gaussian kernel of the areas, widened by their extent",
        )
        for km in DENSITY_KM
    ),
    FeatureInfo(
        name=f"hazard_area_count_{NEAR_KM}km",
        unit="1",
        family=FAMILY,
        trend=1,
        text=f"number of other hazard areas within {NEAR_KM} km",
        sources=SOURCE,
        formula="count of their middles",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of the hazard areas known at `as_of`, open or closed.

    If hazard areas make labels, a cell leaves out the whole of every area that reaches into its own block.
    """
    if "hazard_areas" not in snapshot.sources.vectors:
        return {}
    own = own_polygons(tile, snapshot, "hazard_areas")
    columns: Columns = {"hazard_area_distance_m": distance_m(tile, snapshot.layer("hazard_areas"), own)}
    types = snapshot.cached(_types)
    for kind, (name, _) in TYPES.items():
        if kind in types:
            rows, layer = types[kind]
            columns[f"{name}_distance_m"] = distance_m(tile, layer, _among(own, rows))
    columns |= clipped(columns)
    places, area_km2, spread_m = snapshot.cached(_places)
    for km in DENSITY_KM:
        density = point_densities(tile, places, area_km2[:, None], km * 1000.0, spread_m, own)[0]
        columns[f"hazard_area_density_{km}km_share"] = density
    columns[f"hazard_area_count_{NEAR_KM}km"] = count_within(tile, places, NEAR_KM * 1000.0, own).astype(np.float64)
    return columns


def _types(snapshot: Snapshot) -> dict[str, tuple[Integers, Layer]]:
    """Row numbers and layer of the areas of each type; only types that occur."""
    table = snapshot.table("hazard_areas")
    types, layer = words(table, "hazard_type"), snapshot.layer("hazard_areas")
    chosen = {kind: types == kind for kind in TYPES}
    return {kind: (np.flatnonzero(rows), part_of(layer, rows)) for kind, rows in chosen.items() if rows.any()}


def _places(snapshot: Snapshot) -> tuple[Floats, Floats, Floats]:
    table = snapshot.table("hazard_areas")
    return places_m(table), area_km2(table), extent_m(table)


def _among(own: OwnRecords | None, rows: Integers) -> OwnRecords | None:
    """The own records restricted to `rows`; their new indices are their places in `rows`."""
    if own is None:
        return None
    chosen = np.isin(own.members, rows)
    window = np.repeat(np.arange(len(own.windows)), np.diff(own.starts))[chosen]
    starts = np.concatenate([[0], np.cumsum(np.bincount(window, minlength=len(own.windows)))]).astype(np.int64)
    return OwnRecords(own.windows, starts, np.searchsorted(rows, own.members[chosen]), own.cells)
