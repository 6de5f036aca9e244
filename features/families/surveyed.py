"""Searched land around a cell: distance, amount, and the share with finds, without the cell's own part."""

import numpy as np
import shapely

from features.as_of import Snapshot, own_points, own_polygons
from features.base import (
    CLIP_M,
    Columns,
    FeatureInfo,
    Floats,
    Grid,
    area_km2,
    clipped,
    extent_m,
    numbers,
    places_m,
    words,
)
from features.geometry import distance_m, event_densities, point_densities

FAMILY = "surveyed"
DENSITY_KM = (2, 5)
SHARE_KM = (5, 10)
DEVICES = ("ap_mines", "at_mines", "uxo")
DEVICES_KM = 5
# Less searched land around than this (in jobs or km2 per km2) counts as none: its share of finds would be noise.
LEAST_SEARCHED = 1e-4

RELEASE, BOTH = ("land_release",), ("land_release", "survey")
FEATURES = (
    FeatureInfo(
        name="land_release_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to other released land",
        sources=RELEASE,
        formula="exact, 0 inside",
    ),
    FeatureInfo(
        name="land_release_distance_clipped_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to other released land",
        sources=RELEASE,
        formula=f"exact, 0 inside, at most {CLIP_M:.0f} m",
    ),
    *(
        FeatureInfo(
            name=f"land_release_density_{km}km_share",
            unit="share",
            family=FAMILY,
            trend=0,
            text=f"share of the land around {km} km that was released",
            sources=RELEASE,
            formula="Gaussian kernel of the areas, widened by their extent",
        )
        for km in DENSITY_KM
    ),
    FeatureInfo(
        name=f"devices_per_released_km2_{DEVICES_KM}km",
        unit="log devices/km2",
        family=FAMILY,
        trend=1,
        text=f"devices found per released area around {DEVICES_KM} km",
        sources=RELEASE,
        formula="ln(1 + ratio of two Gaussian kernels): ap_mines + at_mines + uxo over area",
    ),
    *(
        FeatureInfo(
            name=f"found_share_{km}km",
            unit="share",
            family=FAMILY,
            trend=1,
            text=f"share of surveyed neighbours around {km} km where ordnance was found",
            sources=BOTH,
            formula="ratio of two Gaussian kernels: jobs with a find over all jobs, own ones left out",
        )
        for km in SHARE_KM
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of released and surveyed land known at `as_of`.

    A job is a released polygon or a surveyed place; it has a find if devices were counted or the outcome says so. If
    these sources make labels, a cell leaves out every polygon that reaches into its own block, and its own survey. NaN
    where no land around was searched.
    """
    columns: Columns = {}
    vectors = snapshot.sources.vectors
    if "land_release" in vectors:
        columns |= _released(tile, snapshot)
    if "land_release" in vectors or "survey" in vectors:
        for km in SHARE_KM:
            jobs = np.sum([_jobs(tile, snapshot, source, km) for source in BOTH if source in vectors], axis=0)
            found, all_jobs = jobs
            columns[f"found_share_{km}km"] = _ratio(found, all_jobs)
    return columns


def _released(tile: Grid, snapshot: Snapshot) -> Columns:
    own = own_polygons(tile, snapshot, "land_release")
    columns: Columns = {"land_release_distance_m": distance_m(tile, snapshot.layer("land_release"), own)}
    columns |= clipped(columns)
    places, weights, spread_m = snapshot.cached(_release_weights)
    for km in DENSITY_KM:
        sums = point_densities(tile, places, weights, km * 1000.0, spread_m, own)
        columns[f"land_release_density_{km}km_share"] = sums[0]
        if km == DEVICES_KM and weights.shape[1] > 1:
            columns[f"devices_per_released_km2_{km}km"] = np.log1p(_ratio(sums[1], sums[0]))
    return columns


def _release_weights(snapshot: Snapshot) -> tuple[Floats, Floats, Floats]:
    """Places, weights (area in km2, and devices where any are counted) and spread of the released polygons."""
    table = snapshot.table("land_release")
    weights = [area_km2(table)]
    if any(name in table for name in DEVICES):
        weights.append(_devices(snapshot))
    return places_m(table), np.column_stack(weights), extent_m(table)


def _devices(snapshot: Snapshot) -> Floats:
    table = snapshot.table("land_release")
    return np.asarray(np.sum([numbers(table, name, 0.0).clip(0.0) for name in DEVICES], axis=0))


def _jobs(tile: Grid, snapshot: Snapshot, source: str, km: int) -> Floats:
    """(2, *tile.shape) jobs with a find and all jobs per km2."""
    places, found, spread_m, areal = snapshot.cached(_job_places, source)
    weights = np.column_stack([found, np.ones(len(found))])
    if areal:
        return point_densities(tile, places, weights, km * 1000.0, spread_m, own_polygons(tile, snapshot, source))
    return event_densities(tile, places, weights, km * 1000.0, spread_m, own_points(tile, snapshot, source))


def _job_places(snapshot: Snapshot, source: str) -> tuple[Floats, Floats, Floats, bool]:
    """Places of the jobs, 1 where ordnance was found, their spread, and whether any is a polygon."""
    table = snapshot.table(source)
    areal = bool((shapely.get_dimensions(np.asarray(table.geometry.array)) == 2).any())
    if source == "land_release":
        return places_m(table), (_devices(snapshot) > 0).astype(np.float64), extent_m(table), True
    outcome = words(table, "outcome")
    known_rows = np.isin(outcome, ("found", "searched"))
    # Rows without an outcome are moved out of reach but keep their row number, because owners refer to row numbers.
    places = np.where(known_rows[:, None], places_m(table), np.inf)
    return places, (outcome == "found").astype(np.float64), extent_m(table), areal


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > LEAST_SEARCHED))
