"""People: settlements by size, population and planned return around a cell, abandoned places."""

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from features.densities import point_densities
from features.distances import distance_m
from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known
from features.records import known_at, numbers, places_m, words

FAMILY = "settlements"
SIZES = (1000, 5000)
DENSITY_KM = (1, 2, 5)
PLANNED_KM = 5
ABANDONED = ("abandon", "ruin", "destroyed")

FEATURES = (
    FeatureInfo("settlement_distance_m", "m", FAMILY, 0, "distance to a settlement"),
    *(
        FeatureInfo(
            f"settlement_{size}_distance_m", "m", FAMILY, 0, f"distance to a settlement of {size:,} people or more"
        )
        for size in SIZES
    ),
    *(
        FeatureInfo(f"population_density_{km}km_per_km2", "people/km2", FAMILY, 0, f"people living around {km} km")
        for km in DENSITY_KM
    ),
    FeatureInfo(
        f"planned_population_density_{PLANNED_KM}km_per_km2",
        "people/km2",
        FAMILY,
        0,
        f"people expected to return around {PLANNED_KM} km",
    ),
    FeatureInfo("abandoned_settlement_distance_m", "m", FAMILY, 0, "distance to an abandoned settlement"),
)


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Settlement features of the tile; sizes, people and abandoned places only if the source tells of any.

    A settlement without a population counts as a place, and as nobody in the sums.
    """
    sources, context = known.sources, known.context
    if "settlements" not in sources.vectors:
        return {}
    table = known_at(sources.vectors["settlements"], context.as_of)
    places = places_m(table)
    points = np.asarray(shapely.points(places))
    population, planned = numbers(table, "population", 0.0), numbers(table, "planned_population", 0.0)
    columns = {"settlement_distance_m": distance_m(tile, points)}
    for size in SIZES:
        if (population >= size).any():
            columns[f"settlement_{size}_distance_m"] = distance_m(tile, points[population >= size])
    if (population > 0).any():
        for km in DENSITY_KM:
            columns[f"population_density_{km}km_per_km2"] = _people(tile, places, population, km)
    if (planned > 0).any():
        columns[f"planned_population_density_{PLANNED_KM}km_per_km2"] = _people(tile, places, planned, PLANNED_KM)
    abandoned = is_abandoned(table)
    if abandoned.any():
        columns["abandoned_settlement_distance_m"] = distance_m(tile, points[abandoned])
    return {name: array.astype(np.float32) for name, array in columns.items()}


def is_abandoned(table: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Places called abandoned, ruined or destroyed, and places without people to which people are to return."""
    empty = (numbers(table, "population", -1.0) == 0) & (numbers(table, "planned_population", 0.0) > 0)
    named = [any(word in place for word in ABANDONED) for place in words(table, "place")]
    return np.asarray(empty | np.array(named, dtype=bool))


def _people(tile: Grid, places: NDArray[np.float64], people: NDArray[np.float64], km: int) -> NDArray[np.float64]:
    """People per km2 under a Gaussian of `km` kilometres."""
    some = people > 0
    return np.asarray(point_densities(tile, places[some], people[some, None], np.full(int(some.sum()), km * 1000.0))[0])
