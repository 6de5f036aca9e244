"""Handed-over minefield records: a prior with displacement and trust, never a label."""

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from features.densities import point_densities, widened_m
from features.distances import distance_m
from features.grid import Grid
from features.info import DEFAULT_RECORD_TRUST, FeatureInfo
from features.known import Known
from features.records import known_at, numbers, places_m

FAMILY = "minefield_records"
DENSITY_KM = (1, 3)

FEATURES = (
    FeatureInfo("minefield_record_distance_m", "m", FAMILY, -1, "distance to a recorded minefield"),
    *(
        FeatureInfo(
            f"minefield_record_density_{km}km_per_km2",
            "1/km2",
            FAMILY,
            1,
            f"recorded minefields around {km} km, weighed by the trust in them",
        )
        for km in DENSITY_KM
    ),
)


def build(tile: Grid, known: Known) -> dict[str, NDArray[np.float32]]:
    """Features of the records known at `as_of`; distance is 0 inside a recorded polygon."""
    sources, context = known.sources, known.context
    if "minefield_records" not in sources.vectors:
        return {}
    table = known_at(sources.vectors["minefield_records"], context.as_of)
    places = places_m(table)
    districts = sources.vectors.get("districts")
    weights = trust(table, places, districts)[:, None]
    spread_m = np.hypot(numbers(table, "location_error_m", 0.0), extent_m(table))
    columns = {"minefield_record_distance_m": distance_m(tile, np.asarray(table.geometry.array))}
    for km in DENSITY_KM:
        sums = point_densities(tile, places, weights, widened_m(km * 1000.0, spread_m))
        columns[f"minefield_record_density_{km}km_per_km2"] = sums[0]
    return {name: array.astype(np.float32) for name, array in columns.items()}


def trust(
    table: gpd.GeoDataFrame, places: NDArray[np.float64], districts: gpd.GeoDataFrame | None
) -> NDArray[np.float64]:
    """Trust 0..1 in each record: its own, else its district's, else ANAMA's figure for records of low accuracy."""
    own = numbers(table, "record_trust", np.nan)
    district = np.full(len(table), np.nan)
    if districts is not None:
        shapes = np.asarray(districts.geometry.array)
        record, holder = shapely.STRtree(shapes).query(shapely.points(places), predicate="intersects")
        # Written backwards, so that on a shared border the first district in the table counts.
        district[record[::-1]] = numbers(districts, "record_trust", np.nan)[holder[::-1]]
    trusted = np.where(np.isnan(own), district, own)
    return np.where(np.isnan(trusted), DEFAULT_RECORD_TRUST, trusted)


def extent_m(table: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Standard deviation, along each axis, of a place drawn from a disc with the record's area; 0 for a point."""
    return np.asarray(np.sqrt(shapely.area(np.asarray(table.geometry.array)) / (4 * np.pi)))
