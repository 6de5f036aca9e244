"""Covariates: named columns of rasters and point tables, taken as they are."""

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from features.as_of import Snapshot
from features.base import Columns, FeatureInfo, Floats, Floats32, Grid, InputError, known_at, places_m

FAMILY = "covariates"
NOT_COVARIATES = ("geometry", "longitude", "latitude", "easting_m", "northing_m", "cell_id")
# Spacing of a table's points is rounded up to this, so that a few points more or less do not move it.
SPACING_STEP_M = 50.0

FEATURES: tuple[FeatureInfo, ...] = ()


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Every raster warped to the tile, and every numeric column of a point table at the nearest point.

    NaN where a raster has no value, and where no point is within one cell or one spacing of the points, whichever is
    greater. Raises InputError when two covariates have the same name.
    """
    sources, context = snapshot.sources, snapshot.context
    columns: dict[str, Floats32] = {}
    for covariate in sources.covariates:
        if isinstance(covariate, gpd.GeoDataFrame):
            found = _at_nearest_point(tile, known_at(covariate, context.as_of))
        else:
            found = {covariate.name: covariate.read(tile).astype(np.float32)}
        twice = sorted(set(found) & set(columns))
        if twice:
            raise InputError(f"sources.covariates has {', '.join(twice)} more than once: rename the columns or files")
        columns |= found
    return columns


def described(snapshot: Snapshot) -> tuple[FeatureInfo, ...]:
    """Descriptions of the columns that depend on the data."""
    sources = snapshot.sources
    names: list[str] = []
    for covariate in sources.covariates:
        names += numeric_columns(covariate) if isinstance(covariate, gpd.GeoDataFrame) else [covariate.name]
    return tuple(
        FeatureInfo(
            name=name,
            unit="as given",
            family=FAMILY,
            trend=0,
            text=name.replace("_", " "),
            sources=("covariates",),
            formula="as given",
        )
        for name in names
    )


def numeric_columns(table: gpd.GeoDataFrame) -> list[str]:
    """The columns of a point table that are covariates."""
    return [
        str(name)
        for name in table.columns
        if name not in NOT_COVARIATES and pd.api.types.is_numeric_dtype(table[name].dtype)
    ]


def spacing_m(places: Floats) -> float:
    """Median distance from a point to the next, rounded up; 0 for fewer than two places."""
    places = np.unique(places, axis=0)
    if len(places) < 2:
        return 0.0
    apart = np.median(cKDTree(places).query(places, k=[2])[0])
    return float(np.ceil(apart / SPACING_STEP_M) * SPACING_STEP_M)


def _at_nearest_point(tile: Grid, table: gpd.GeoDataFrame) -> dict[str, Floats32]:
    names = numeric_columns(table)
    columns: Columns = {name: np.full(tile.shape, np.nan, dtype=np.float32) for name in names}
    if not len(table):
        return columns
    places = places_m(table)
    distance, index = cKDTree(places).query(tile.centres_m())
    near = distance <= max(tile.cell_size_m, spacing_m(places))
    for name, array in columns.items():
        values = table[name].to_numpy(dtype=np.float32, na_value=np.nan)
        array[tile.mask] = np.where(near, values[index], np.nan)
    return columns
