"""Incidents and finds: distance, density, recency and casualties, each cell's own records left out."""

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from features.densities import count_within, event_densities, least_within, widened_m
from features.distances import event_distance_m
from features.grid import Grid
from features.info import FeatureContext, FeatureInfo
from features.known import Known
from features.records import Owned, ages_years, decay, is_dated, known_at, numbers, parts, places_m

FAMILY = "incidents"
DENSITY_KM = (1, 2, 5, 10)
FIND_DENSITY_KM = (2, 5)
# Bandwidths and half-lives of the recent densities: a pair of each, as forecasts of accidents need both.
RECENT_KM = (2, 5)
HALF_LIVES_YEARS = (1, 3)
CASUALTY_KM = 5
NEAR_KM = 5

FEATURES = (
    FeatureInfo("incident_distance_m", "m", FAMILY, -1, "distance to another recorded incident"),
    *(
        FeatureInfo(f"incident_density_{km}km_per_km2", "1/km2", FAMILY, 1, f"other incidents around {km} km")
        for km in DENSITY_KM
    ),
    *(
        FeatureInfo(
            f"incident_recent_density_{km}km_{years}y_per_km2",
            "1/km2",
            FAMILY,
            1,
            f"other incidents around {km} km, weight halved every {'year' if years == 1 else f'{years} years'}",
        )
        for km in RECENT_KM
        for years in HALF_LIVES_YEARS
    ),
    FeatureInfo(
        f"incident_casualty_density_{CASUALTY_KM}km_per_km2",
        "casualties/km2",
        FAMILY,
        1,
        f"casualties of other incidents around {CASUALTY_KM} km",
    ),
    FeatureInfo(f"incident_count_{NEAR_KM}km", "1", FAMILY, 1, f"number of other incidents within {NEAR_KM} km"),
    FeatureInfo(
        f"incident_years_since_{NEAR_KM}km", "years", FAMILY, 0, f"years since another incident within {NEAR_KM} km"
    ),
    FeatureInfo("find_distance_m", "m", FAMILY, -1, "distance to another find"),
    *(
        FeatureInfo(f"find_density_{km}km_per_km2", "1/km2", FAMILY, 1, f"other finds around {km} km")
        for km in FIND_DENSITY_KM
    ),
)

Ownership = list[tuple[NDArray[np.int64], Owned | None]]
Floats = NDArray[np.float64]


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Features of incidents and finds known at `as_of`; undated records count, except where age matters."""
    sources, context = known.sources, known.context
    columns: dict[str, Floats] = {}
    if "incidents" in sources.vectors:
        columns |= _incidents(tile, known_at(sources.vectors["incidents"], context.as_of), context)
    if "finds" in sources.vectors:
        columns |= _finds(tile, known_at(sources.vectors["finds"], context.as_of), context)
    return {name: array.astype(np.float32) for name, array in columns.items()}


def ownership(tile: Grid, source: str, table: gpd.GeoDataFrame, places: Floats, context: FeatureContext) -> Ownership:
    """The records of a source with the cells that own them; without owners unless the source also makes labels."""
    block_m = context.own_block_m if source in context.own_event_sources else None
    return parts(tile, places, is_dated(table), block_m)


def _incidents(tile: Grid, table: gpd.GeoDataFrame, context: FeatureContext) -> dict[str, Floats]:
    places, error_m = places_m(table), numbers(table, "location_error_m", 0.0)
    own = ownership(tile, "incidents", table, places, context)
    age = ages_years(table, context.as_of)
    ones, casualties = np.ones(len(table)), numbers(table, "killed", 0.0) + numbers(table, "injured", 0.0)
    columns = {"incident_distance_m": event_distance_m(tile, places, own)}
    for km in DENSITY_KM:
        weights = {f"incident_density_{km}km_per_km2": ones}
        if km in RECENT_KM and np.isfinite(age).any():
            for years in HALF_LIVES_YEARS:
                weights[f"incident_recent_density_{km}km_{years}y_per_km2"] = decay(age, years)
        if km == CASUALTY_KM and _has_any(table, "killed", "injured"):
            weights[f"incident_casualty_density_{km}km_per_km2"] = casualties
        sums = event_densities(tile, places, np.column_stack([*weights.values()]), widened_m(km * 1000.0, error_m), own)
        columns |= dict(zip(weights, sums, strict=True))
    return columns | _nearby(tile, places, age, own)


def _nearby(tile: Grid, places: Floats, age: Floats, own: Ownership) -> dict[str, Floats]:
    """Number of incidents within the radius, and years since the last dated one (NaN where there is none)."""
    count, least = np.zeros(tile.shape), np.full(tile.shape, np.inf)
    for rows, part in own:
        count += count_within(tile, places[rows], NEAR_KM * 1000.0, part)
        years = np.where(np.isnan(age[rows]), np.inf, age[rows])
        least = np.minimum(least, least_within(tile, places[rows], years, NEAR_KM * 1000.0, part))
    columns = {f"incident_count_{NEAR_KM}km": count}
    if np.isfinite(age).any():
        columns[f"incident_years_since_{NEAR_KM}km"] = np.where(np.isfinite(least), least, np.nan)
    return columns


def _finds(tile: Grid, table: gpd.GeoDataFrame, context: FeatureContext) -> dict[str, Floats]:
    places, error_m = places_m(table), numbers(table, "location_error_m", 0.0)
    own = ownership(tile, "finds", table, places, context)
    columns = {"find_distance_m": event_distance_m(tile, places, own)}
    for km in FIND_DENSITY_KM:
        weights = np.ones((len(table), 1))
        sums = event_densities(tile, places, weights, widened_m(km * 1000.0, error_m), own)
        columns[f"find_density_{km}km_per_km2"] = sums[0]
    return columns


def _has_any(table: gpd.GeoDataFrame, *names: str) -> bool:
    return any(np.isfinite(numbers(table, name, np.nan)).any() for name in names)
