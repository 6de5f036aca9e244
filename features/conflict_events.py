"""Conflict events: how near, how dense, how deadly the fighting was."""

import numpy as np
from numpy.typing import NDArray

from features.densities import event_densities, widened_m
from features.distances import event_distance_m
from features.grid import Grid
from features.incidents import ownership
from features.info import FeatureInfo
from features.known import Known
from features.records import known_at, numbers, places_m

FAMILY = "conflict_events"
DENSITY_KM = (2, 5, 10)
FATALITY_KM = 5

FEATURES = (
    FeatureInfo("conflict_event_distance_m", "m", FAMILY, -1, "distance to a conflict event"),
    *(
        FeatureInfo(f"conflict_event_density_{km}km_per_km2", "1/km2", FAMILY, 1, f"conflict events around {km} km")
        for km in DENSITY_KM
    ),
    FeatureInfo(
        f"conflict_fatality_density_{FATALITY_KM}km_per_km2",
        "log fatalities/km2",
        FAMILY,
        1,
        f"deadly conflict events around {FATALITY_KM} km",
    ),
)


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Features of the conflict events known at `as_of`.

    Fatalities weigh by ln(1 + n): one massacre in a town says less of mines than many small clashes.
    """
    sources, context = known.sources, known.context
    if "conflict_events" not in sources.vectors:
        return {}
    table = known_at(sources.vectors["conflict_events"], context.as_of)
    places, error_m = places_m(table), numbers(table, "location_error_m", 0.0)
    own = ownership(tile, "conflict_events", table, places, context)
    fatalities = numbers(table, "fatalities", np.nan)
    columns = {"conflict_event_distance_m": event_distance_m(tile, places, own)}
    for km in DENSITY_KM:
        weights = {f"conflict_event_density_{km}km_per_km2": np.ones(len(table))}
        if km == FATALITY_KM and np.isfinite(fatalities).any():
            weights[f"conflict_fatality_density_{km}km_per_km2"] = np.log1p(np.nan_to_num(fatalities).clip(0.0))
        sums = event_densities(tile, places, np.column_stack([*weights.values()]), widened_m(km * 1000.0, error_m), own)
        columns |= dict(zip(weights, sums, strict=True))
    return {name: array.astype(np.float32) for name, array in columns.items()}
