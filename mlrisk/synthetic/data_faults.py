"""A few faults as in real files; every fault is an extra record, so that no true record is lost."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely


def spoil_points(rng: np.random.Generator, table: pd.DataFrame, longitude: str, latitude: str) -> pd.DataFrame:
    """Add two duplicates, a row without longitude and one with longitude and latitude swapped."""
    if len(table) < 6:
        return table
    extra = table.iloc[rng.choice(len(table), 4, replace=False)].copy()
    extra.iloc[2, extra.columns.get_loc(longitude)] = np.nan
    swapped = extra.iloc[3][[latitude, longitude]].to_numpy()
    extra.iloc[3, [extra.columns.get_loc(longitude), extra.columns.get_loc(latitude)]] = swapped
    return pd.concat([table, extra], ignore_index=True)


def spoil_polygons(rng: np.random.Generator, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add two duplicates, two records whose outline crosses itself and two without geometry."""
    if len(table) < 6:
        return table
    extra = table.iloc[rng.choice(len(table), 6, replace=False)].copy()
    shapes = extra.geometry.to_numpy().copy()
    shapes[2:4] = [_crossed(shape) for shape in shapes[2:4]]
    shapes[4:] = None
    extra = extra.set_geometry(gpd.GeoSeries(shapes, index=extra.index, crs=table.crs))
    return gpd.GeoDataFrame(pd.concat([table, extra], ignore_index=True), crs=table.crs)


def without_day(rng: np.random.Generator, table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Keep only the year of a few old records: `date` empty, `year` given."""
    table = table.assign(year=pd.to_datetime(table["date"]).dt.year)
    old = rng.choice(max(1, len(table) // 3), size=min(count, max(1, len(table) // 3)), replace=False)
    table.loc[old, "date"] = pd.NaT
    return table


def _crossed(shape: shapely.Geometry) -> shapely.Polygon:
    """The outline with two neighbouring corners in the wrong order, as typed from paper."""
    largest = max(shapely.get_parts(shape), key=shapely.area)
    corners = shapely.get_coordinates(largest.exterior)
    corners[[1, 2]] = corners[[2, 1]]
    return shapely.Polygon(corners)
