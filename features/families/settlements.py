"""People: settlements by size, population and planned return around a cell, abandoned places."""

import geopandas as gpd
import numpy as np

from features.as_of import Snapshot
from features.base import Columns, FeatureInfo, Flags, Floats, Grid, numbers, places_m, words
from features.geometry import Layer, distance_m, point_layer, points_density

FAMILY = "settlements"
SIZES = (1000, 5000)
DENSITY_KM = (1, 2, 5)
PLANNED_KM = (2, 5)
PLACES_KM = 5
ABANDONED = ("abandon", "ruin", "destroyed")

SOURCE, KERNEL = ("settlements",), "Gaussian kernel, times people"
FEATURES = (
    FeatureInfo(
        name="settlement_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a settlement",
        sources=SOURCE,
        formula="exact, at most 50 km",
    ),
    *(
        FeatureInfo(
            name=f"settlement_{size}_distance_m",
            unit="m",
            family=FAMILY,
            trend=0,
            text=f"distance to a settlement of {size:,} people or more",
            sources=SOURCE,
            formula="exact, at most 50 km",
        )
        for size in SIZES
    ),
    FeatureInfo(
        name=f"settlement_density_{PLACES_KM}km_per_km2",
        unit="1/km2",
        family=FAMILY,
        trend=0,
        text=f"settlements around {PLACES_KM} km",
        sources=SOURCE,
        formula="Gaussian kernel",
    ),
    *(
        FeatureInfo(
            name=f"population_density_{km}km_per_km2",
            unit="people/km2",
            family=FAMILY,
            trend=0,
            text=f"people living around {km} km",
            sources=SOURCE,
            formula=KERNEL,
        )
        for km in DENSITY_KM
    ),
    *(
        FeatureInfo(
            name=f"planned_population_density_{km}km_per_km2",
            unit="people/km2",
            family=FAMILY,
            trend=0,
            text=f"people expected to return around {km} km",
            sources=SOURCE,
            formula="Gaussian kernel, times planned_population",
        )
        for km in PLANNED_KM
    ),
    FeatureInfo(
        name="planned_return_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a settlement that people are to return to",
        sources=SOURCE,
        formula="exact, planned_population > 0",
    ),
    FeatureInfo(
        name="abandoned_settlement_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to an abandoned settlement",
        sources=SOURCE,
        formula="exact, by place or by return to nobody",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Settlement features of the tile; sizes, people and abandoned places only if the source has any.

    A settlement without a population counts as a place, and as 0 in sums of people.
    """
    if "settlements" not in snapshot.sources.vectors:
        return {}
    columns: Columns = {name: distance_m(tile, layer) for name, layer in snapshot.cached(_layers).items()}
    places, population, planned = snapshot.cached(_people)
    density = points_density(tile, places, np.ones(len(places)), PLACES_KM * 1000.0)
    columns[f"settlement_density_{PLACES_KM}km_per_km2"] = density
    for name, people, radii in (("population", population, DENSITY_KM), ("planned_population", planned, PLANNED_KM)):
        if (people > 0).any():
            for km in radii:
                density = points_density(tile, places[people > 0], people[people > 0], km * 1000.0)
                columns[f"{name}_density_{km}km_per_km2"] = density
    return columns


def _people(snapshot: Snapshot) -> tuple[Floats, Floats, Floats]:
    table = snapshot.table("settlements")
    return places_m(table), numbers(table, "population", 0.0), numbers(table, "planned_population", 0.0)


def _layers(snapshot: Snapshot) -> dict[str, Layer]:
    """The settlements of each size and kind, by the name of the distance to them, where there are any."""
    places, population, planned = snapshot.cached(_people)
    chosen = {f"settlement_{size}_distance_m": population >= size for size in SIZES}
    chosen["planned_return_distance_m"] = planned > 0
    chosen["abandoned_settlement_distance_m"] = is_abandoned(snapshot.table("settlements"))
    layers = {name: point_layer(places[rows]) for name, rows in chosen.items() if rows.any()}
    return {"settlement_distance_m": point_layer(places), **layers}


def is_abandoned(table: gpd.GeoDataFrame) -> Flags:
    """Places called abandoned, ruined or destroyed, and places without people to which people are to return."""
    empty = (numbers(table, "population", -1.0) == 0) & (numbers(table, "planned_population", 0.0) > 0)
    named = [any(word in place for word in ABANDONED) for place in words(table, "place")]
    return np.asarray(empty | np.array(named, dtype=bool))
