"""A small land with a register of accidents in memory: for tests of casualty risk and of its contests."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from shapely.geometry import box

from features.base.grid import Grid
from features.sources.opening import Sources
from mlrisk.settings.config import Config
from training.casualty.accidents import read_accidents
from training.casualty.exposure import people_today
from training.casualty.history import History
from training.casualty.units import make_units
from training.evidence.inputs import Inputs

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 500_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 6_000, NORTH + 4_000), UTM, 250)


def config(as_of: str, **casualty) -> Config:
    casualty.setdefault("contamination_every_years", 0)
    return Config.model_validate(
        {
            "name": "somewhere",
            "as_of": as_of,
            "grid": {"crs": "EPSG:32638", "cell_size_m": 250, "area": "area.gpkg"},
            "sources": {},
            "features": ["front_lines", "incidents"],
            "casualty": casualty,
        }
    )


def sources(dates: list[str | None], **columns) -> Sources:
    rng = np.random.default_rng(0)
    places = rng.uniform((EAST, NORTH), (EAST + 6_000, NORTH + 4_000), (len(dates), 2))
    incidents = gpd.GeoDataFrame(
        {"date": pd.to_datetime(pd.Series(dates)), **columns}, geometry=gpd.points_from_xy(*places.T), crs=UTM
    )
    line = gpd.GeoDataFrame(
        geometry=gpd.GeoSeries.from_wkt([f"LINESTRING({EAST} {NORTH}, {EAST + 6000} {NORTH})"]), crs=UTM
    )
    return Sources(
        grid=GRID, vectors={"incidents": incidents, "front_lines": line}, rasters={}, covariates=(), reports=()
    )


def history(settings: Config, given: Sources) -> History:
    accidents = read_accidents(given, settings.casualty)
    people = people_today(GRID, given, settings.casualty)
    units = make_units(GRID, settings.casualty.unit_m)
    return History(
        config=settings,
        inputs=Inputs(GRID, given, ()),
        units=units,
        people=people,
        accidents=accidents,
        score=lambda _: np.full(GRID.n_cells, np.nan),
    )
