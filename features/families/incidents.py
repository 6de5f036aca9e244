"""Incidents: distance, density, recency, kind and casualties, each cell's own records left out."""

import numpy as np

from features.as_of import Snapshot, are_mines, are_uxo, events_of, events_on, has_any, has_words
from features.base import Columns, FeatureInfo, Flags, Floats, Grid, decay, numbers

FAMILY = "incidents"
DENSITY_KM = (1, 2, 5, 10)
# Bandwidths and half-lives of the recent densities: a pair of each, as forecasts of accidents need both.
RECENT_KM = (2, 5)
HALF_LIVES_YEARS = (1, 3)
CASUALTY_KM = 5
NEAR_KM = 5
COUNT_KM = (1, NEAR_KM)

SOURCE, KERNEL = ("incidents",), "Gaussian kernel widened by location_error_m"
WITHIN = f"count within {NEAR_KM} km"
FEATURES = (
    FeatureInfo(
        name="incident_distance_m",
        unit="m",
        family=FAMILY,
        trend=-1,
        text="distance to another recorded incident",
        sources=SOURCE,
        formula="exact, at most 50 km",
    ),
    *(
        FeatureInfo(
            name=f"incident_density_{km}km_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=1,
            text=f"other incidents around {km} km",
            sources=SOURCE,
            formula=KERNEL,
        )
        for km in DENSITY_KM
    ),
    *(
        FeatureInfo(
            name=f"incident_recent_density_{km}km_{years}y_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=1,
            text=f"other incidents around {km} km, weight halved every {'year' if years == 1 else f'{years} years'}",
            sources=SOURCE,
            formula=f"{KERNEL}, times 0.5^(age / {years} years)",
        )
        for km in RECENT_KM
        for years in HALF_LIVES_YEARS
    ),
    FeatureInfo(
        name=f"incident_casualty_density_{CASUALTY_KM}km_per_km2",
        unit="casualties/km2",
        family=FAMILY,
        trend=1,
        text=f"casualties of other incidents around {CASUALTY_KM} km",
        sources=SOURCE,
        formula=f"{KERNEL}, times killed + injured",
    ),
    *(
        FeatureInfo(
            name=f"incident_count_{km}km",
            unit="1",
            family=FAMILY,
            trend=1,
            text=f"number of other incidents within {km} km",
            sources=SOURCE,
            formula=f"count within {km} km",
        )
        for km in COUNT_KM
    ),
    FeatureInfo(
        name=f"incident_fatal_count_{NEAR_KM}km",
        unit="1",
        family=FAMILY,
        trend=1,
        text=f"number of other deadly incidents within {NEAR_KM} km",
        sources=SOURCE,
        formula=f"{WITHIN}, killed > 0",
    ),
    FeatureInfo(
        name=f"incident_mine_count_{NEAR_KM}km",
        unit="1",
        family=FAMILY,
        trend=1,
        text=f"number of other incidents with mines within {NEAR_KM} km",
        sources=SOURCE,
        formula=f"{WITHIN}, device_category speaks of mines",
    ),
    FeatureInfo(
        name=f"incident_uxo_count_{NEAR_KM}km",
        unit="1",
        family=FAMILY,
        trend=1,
        text=f"number of other incidents with unexploded ordnance within {NEAR_KM} km",
        sources=SOURCE,
        formula=f"{WITHIN}, device_category speaks of unexploded ordnance",
    ),
    FeatureInfo(
        name=f"incident_years_since_{NEAR_KM}km",
        unit="years",
        family=FAMILY,
        trend=0,
        text=f"years since another incident within {NEAR_KM} km",
        sources=SOURCE,
        formula=f"least age of dated incidents within {NEAR_KM} km",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of the incidents known at `as_of`; undated records count, except where age matters."""
    if "incidents" not in snapshot.sources.vectors:
        return {}
    here = events_on(tile, snapshot, "incidents")
    columns: Columns = {"incident_distance_m": here.distance_m()}
    for km in DENSITY_KM:
        columns |= here.densities(snapshot.cached(_weights, km), km)
    columns |= {f"incident_count_{km}km": here.count(km) for km in COUNT_KM}
    columns |= {name: here.count(NEAR_KM, chosen) for name, chosen in snapshot.cached(_kinds).items()}
    if here.events.has_ages:
        columns[f"incident_years_since_{NEAR_KM}km"] = here.years_since(NEAR_KM)
    return columns


def _weights(snapshot: Snapshot, km: int) -> dict[str, Floats]:
    """Weights (n,) of the densities with this bandwidth, by column."""
    events = snapshot.cached(events_of, "incidents")
    weights = {f"incident_density_{km}km_per_km2": np.ones(events.count)}
    if km in RECENT_KM and events.has_ages:
        for years in HALF_LIVES_YEARS:
            weights[f"incident_recent_density_{km}km_{years}y_per_km2"] = decay(events.age_years, years)
    if km == CASUALTY_KM and has_any(events.table, "killed", "injured"):
        casualties = numbers(events.table, "killed", 0.0) + numbers(events.table, "injured", 0.0)
        weights[f"incident_casualty_density_{km}km_per_km2"] = casualties
    return weights


def _kinds(snapshot: Snapshot) -> dict[str, Flags]:
    """The incidents of each kind by the column that counts them, if the records give kinds."""
    table = snapshot.table("incidents")
    kinds = {}
    if has_any(table, "killed"):
        kinds[f"incident_fatal_count_{NEAR_KM}km"] = numbers(table, "killed", 0.0) > 0
    if has_words(table, "device_category"):
        kinds[f"incident_mine_count_{NEAR_KM}km"] = are_mines(table, "device_category")
        kinds[f"incident_uxo_count_{NEAR_KM}km"] = are_uxo(table, "device_category")
    return kinds
