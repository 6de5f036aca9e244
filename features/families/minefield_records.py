"""Handed-over minefield records: prior knowledge with displacement and trust, never a label."""

import geopandas as gpd
import numpy as np
import shapely

from features.as_of import Snapshot
from features.base import Columns, FeatureInfo, Floats, Grid, extent_m, numbers, places_m
from features.geometry import nearest, point_densities

# ANAMA's figure for the accuracy of the records handed over for Aghdam, Fuzuli, Jabrayil and Zangilan.
DEFAULT_RECORD_TRUST = 0.25

FAMILY = "minefield_records"

DENSITY_KM = (1, 3)

SOURCES = ("minefield_records", "districts")

FEATURES = (
    FeatureInfo(
        name="minefield_record_distance_m",
        unit="m",
        family=FAMILY,
        trend=-1,
        text="distance to a recorded minefield",
        sources=("minefield_records",),
        formula="exact, 0 inside",
    ),
    *(
        FeatureInfo(
            name=f"minefield_record_density_{km}km_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=1,
            text=f"recorded minefields around {km} km, weighed by the trust in them",
            sources=SOURCES,
            formula="Gaussian kernel widened by location_error_m and extent, times record_trust",
        )
        for km in DENSITY_KM
    ),
    FeatureInfo(
        name="minefield_record_trust",
        unit="share",
        family=FAMILY,
        trend=0,
        text="trust in the nearest recorded minefield",
        sources=SOURCES,
        formula="record_trust of the record, else of its district, else 0.25 (ANAMA)",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of the records known at `as_of`; distance is 0 inside a recorded polygon, trust NaN beyond 50 km."""
    if "minefield_records" not in snapshot.sources.vectors:
        return {}
    close = nearest(tile, snapshot.layer("minefield_records"))
    places, trusted, spread_m = snapshot.cached(_weighed)
    columns: Columns = {
        "minefield_record_distance_m": close.distance_m,
        "minefield_record_trust": np.append(trusted, np.nan)[close.owner],
    }
    for km in DENSITY_KM:
        density = point_densities(tile, places, trusted[:, None], km * 1000.0, spread_m)[0]
        columns[f"minefield_record_density_{km}km_per_km2"] = density
    return columns


def _weighed(snapshot: Snapshot) -> tuple[Floats, Floats, Floats]:
    """Places of the records, the trust in each, and the uncertainty of its place."""
    table = snapshot.table("minefield_records")
    places = places_m(table)
    spread_m = np.hypot(numbers(table, "location_error_m", 0.0), extent_m(table))
    return places, trust(table, places, snapshot.sources.vectors.get("districts")), spread_m


def trust(table: gpd.GeoDataFrame, places: Floats, districts: gpd.GeoDataFrame | None) -> Floats:
    """Trust 0..1 in each record: its own, else its district's, else ANAMA's figure for records of low accuracy."""
    own = numbers(table, "record_trust", np.nan)
    district = np.full(len(table), np.nan)
    if districts is not None:
        shapes = np.asarray(districts.geometry.array)
        record, holder = shapely.STRtree(shapes).query(shapely.points(places), predicate="intersects")
        # Assigned in reverse, so that on a shared border the first district in the table counts.
        district[record[::-1]] = numbers(districts, "record_trust", np.nan)[holder[::-1]]
    trusted = np.where(np.isnan(own), district, own)
    return np.where(np.isnan(trusted), DEFAULT_RECORD_TRUST, trusted)
