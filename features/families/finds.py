"""Finds of explosive ordnance: distance, density, recency, quantity and kind, each cell's own records left out."""

import numpy as np

from features.as_of import Snapshot, are_mines, are_uxo, events_of, events_on, has_any, has_words
from features.base import Columns, FeatureInfo, Floats, Grid, decay, numbers

FAMILY = "finds"
DENSITY_KM = (2, 5)
DETAIL_KM = 2
HALF_LIFE_YEARS = 3
NEAR_KM = 5

SOURCE, KERNEL = ("finds",), "Gaussian kernel"
FEATURES = (
    FeatureInfo(
        name="find_distance_m",
        unit="m",
        family=FAMILY,
        trend=-1,
        text="distance to another find",
        sources=SOURCE,
        formula="exact, at most 50 km",
    ),
    *(
        FeatureInfo(
            name=f"find_density_{km}km_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=1,
            text=f"other finds around {km} km",
            sources=SOURCE,
            formula=KERNEL,
        )
        for km in DENSITY_KM
    ),
    FeatureInfo(
        name=f"find_recent_density_{DETAIL_KM}km_{HALF_LIFE_YEARS}y_per_km2",
        unit="1/km2",
        family=FAMILY,
        trend=1,
        text=f"other finds around {DETAIL_KM} km, weight halved every {HALF_LIFE_YEARS} years",
        sources=SOURCE,
        formula=f"{KERNEL}, times 0.5^(age / {HALF_LIFE_YEARS} years)",
    ),
    FeatureInfo(
        name=f"find_quantity_density_{DETAIL_KM}km_per_km2",
        unit="log items/km2",
        family=FAMILY,
        trend=1,
        text=f"items of other finds around {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"{KERNEL}, times ln(1 + eo_quantity)",
    ),
    FeatureInfo(
        name=f"find_mine_density_{DETAIL_KM}km_per_km2",
        unit="1/km2",
        family=FAMILY,
        trend=1,
        text=f"other finds of mines around {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"{KERNEL}, eo_category speaks of mines",
    ),
    FeatureInfo(
        name=f"find_uxo_density_{DETAIL_KM}km_per_km2",
        unit="1/km2",
        family=FAMILY,
        trend=1,
        text=f"other finds of unexploded ordnance around {DETAIL_KM} km",
        sources=SOURCE,
        formula=f"{KERNEL}, eo_category speaks of unexploded ordnance",
    ),
    FeatureInfo(
        name=f"find_count_{NEAR_KM}km",
        unit="1",
        family=FAMILY,
        trend=1,
        text=f"number of other finds within {NEAR_KM} km",
        sources=SOURCE,
        formula=f"count within {NEAR_KM} km",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of the finds known at `as_of`; dates, quantities and kinds have columns where the records give them."""
    if "finds" not in snapshot.sources.vectors:
        return {}
    here = events_on(tile, snapshot, "finds")
    columns: Columns = {"find_distance_m": here.distance_m(), f"find_count_{NEAR_KM}km": here.count(NEAR_KM)}
    for km in DENSITY_KM:
        columns |= here.densities(snapshot.cached(_weights, km), km)
    return columns


def _weights(snapshot: Snapshot, km: int) -> dict[str, Floats]:
    """Weights (n,) of the densities with this bandwidth, by column."""
    events = snapshot.cached(events_of, "finds")
    weights = {f"find_density_{km}km_per_km2": np.ones(events.count)}
    if km != DETAIL_KM:
        return weights
    if events.has_ages:
        recent = decay(events.age_years, HALF_LIFE_YEARS)
        weights[f"find_recent_density_{km}km_{HALF_LIFE_YEARS}y_per_km2"] = recent
    if has_any(events.table, "eo_quantity"):
        quantity = numbers(events.table, "eo_quantity", 1.0).clip(0.0)
        weights[f"find_quantity_density_{km}km_per_km2"] = np.log1p(quantity)
    if has_words(events.table, "eo_category"):
        weights[f"find_mine_density_{km}km_per_km2"] = are_mines(events.table, "eo_category").astype(np.float64)
        weights[f"find_uxo_density_{km}km_per_km2"] = are_uxo(events.table, "eo_category").astype(np.float64)
    return weights
