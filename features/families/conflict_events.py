"""Conflict events: how near, how dense, how deadly, how long ago the fighting was, and how much of it was shelling."""

import numpy as np

from features.as_of import Snapshot, events_of, events_on, has_any, has_words
from features.base import Columns, FeatureInfo, Floats, Grid, decay, numbers, words

FAMILY = "conflict_events"
DENSITY_KM = (2, 5, 10)
DETAIL_KM = 5
# Duds of the last fighting lie on the surface; ten years later ploughs and collectors have taken most.
HALF_LIVES_YEARS = (3, 10)
# Event types of ACLED, UCDP and national registers with ordnance fired from a distance.
REMOTE = ("explosi", "shell", "artill", "missile", "air", "bomb", "remote", "drone", "rocket", "mortar")

SOURCE, KERNEL = ("conflict_events",), "Gaussian kernel widened by location_error_m"
FEATURES = (
    FeatureInfo(
        name="conflict_event_distance_m",
        unit="m",
        family=FAMILY,
        trend=-1,
        text="distance to a conflict event",
        sources=SOURCE,
        formula="exact, at most 50 km",
    ),
    *(
        FeatureInfo(
            name=f"conflict_event_density_{km}km_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=1,
            text=f"conflict events around {km} km",
            sources=SOURCE,
            formula=KERNEL,
        )
        for km in DENSITY_KM
    ),
    *(
        FeatureInfo(
            name=f"conflict_event_recent_density_{DETAIL_KM}km_{years}y_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=1,
            text=f"conflict events around {DETAIL_KM} km, weight halved every {years} years",
            sources=SOURCE,
            formula=f"{KERNEL}, times 0.5^(age / {years} years)",
        )
        for years in HALF_LIVES_YEARS
    ),
    FeatureInfo(
        name=f"conflict_fatality_density_{DETAIL_KM}km_per_km2",
        unit="log fatalities/km2",
        family=FAMILY,
        trend=1,
        text=f"deadly conflict events around {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"{KERNEL}, times ln(1 + fatalities)",
    ),
    FeatureInfo(
        name=f"conflict_shelling_density_{DETAIL_KM}km_per_km2",
        unit="1/km2",
        family=FAMILY,
        trend=1,
        text=f"shelling and air strikes around {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"{KERNEL}, event_type speaks of fire from afar",
    ),
    FeatureInfo(
        name=f"conflict_event_count_{DETAIL_KM}km",
        unit="1",
        family=FAMILY,
        trend=1,
        text=f"number of conflict events within {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"count within {DETAIL_KM} km",
    ),
    FeatureInfo(
        name=f"conflict_event_years_since_{DETAIL_KM}km",
        unit="years",
        family=FAMILY,
        trend=0,
        text=f"years since a conflict event within {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"least age within {DETAIL_KM} km",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of the conflict events known at `as_of`.

    Fatalities weigh by ln(1 + n): one massacre in a town is weaker evidence of mines than many small clashes.
    """
    if "conflict_events" not in snapshot.sources.vectors:
        return {}
    here = events_on(tile, snapshot, "conflict_events")
    columns: Columns = {
        "conflict_event_distance_m": here.distance_m(),
        f"conflict_event_count_{DETAIL_KM}km": here.count(DETAIL_KM),
    }
    for km in DENSITY_KM:
        columns |= here.densities(snapshot.cached(_weights, km), km)
    if here.events.has_ages:
        columns[f"conflict_event_years_since_{DETAIL_KM}km"] = here.years_since(DETAIL_KM)
    return columns


def _weights(snapshot: Snapshot, km: int) -> dict[str, Floats]:
    """Weights (n,) of the densities with this bandwidth, by column."""
    events = snapshot.cached(events_of, "conflict_events")
    weights = {f"conflict_event_density_{km}km_per_km2": np.ones(events.count)}
    if km != DETAIL_KM:
        return weights
    if events.has_ages:
        for years in HALF_LIVES_YEARS:
            weights[f"conflict_event_recent_density_{km}km_{years}y_per_km2"] = decay(events.age_years, years)
    if has_any(events.table, "fatalities"):
        deaths = numbers(events.table, "fatalities", 0.0).clip(0.0)
        weights[f"conflict_fatality_density_{km}km_per_km2"] = np.log1p(deaths)
    if has_words(events.table, "event_type"):
        remote = [any(part in text for part in REMOTE) for text in words(events.table, "event_type")]
        weights[f"conflict_shelling_density_{km}km_per_km2"] = np.array(remote, dtype=np.float64)
    return weights
