"""A small made-up country with every source, for the tests of the feature families."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString, box

from features.as_of.snapshot import Snapshot
from features.base.feature_info import FeatureContext
from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.families import front_lines
from features.families.registry import FAMILIES
from features.table.build import feature_infos

CRS = projected_crs("EPSG:32638")
AS_OF = date(2022, 6, 30)
LABEL_SOURCES = ("incidents", "finds", "hazard_areas", "land_release", "survey")
CONTEXT = FeatureContext(AS_OF, frozenset(LABEL_SOURCES), 5000.0)
CELLS = 48


@dataclass(frozen=True)
class Surface:
    """A raster that is a formula of the cell centre, with one hole."""

    name: str

    def read(self, grid, resampling="auto"):
        east, north = np.meshgrid(grid.eastings_m, grid.northings_m)
        if resampling == "nearest":
            return np.floor(east / 3e3) % 3
        height = 900 + 300 * np.sin(east / 2900) * np.cos(north / 1700) + east % 977 / 10
        return np.where((abs(east - 505_250) < 1) & (abs(north - 4_005_250) < 1), np.nan, height)


@dataclass(frozen=True)
class StandIn:
    """The parts of Sources that builders read."""

    grid: Grid
    vectors: dict
    rasters: dict
    covariates: tuple = ()


def country_grid(cells=CELLS):
    """An area with a ragged border, its lower left corner at (500 km, 4,000 km)."""
    rows, columns = np.mgrid[:CELLS, :CELLS]
    mask = ((rows - 24) ** 2 + (columns - 20) ** 2 < 600) | (columns < 9)
    return Grid(crs=CRS, cell_size_m=500.0, column_min=1000, row_min=8000, mask=mask).window(
        CELLS - cells, CELLS, 0, cells
    )


def points(rng, count, **columns):
    places = rng.uniform((490e3, 3990e3), (534e3, 4034e3), (count, 2))
    return gpd.GeoDataFrame(columns, geometry=shapely.points(places), crs=CRS)


def lines(rng, count, **columns):
    paths = [
        rng.uniform((495e3, 3995e3), (529e3, 4029e3)) + rng.normal(0, 1500, (9, 2)).cumsum(0) for _ in range(count)
    ]
    return gpd.GeoDataFrame(columns, geometry=[LineString(path) for path in paths], crs=CRS)


def polygons(rng, count, **columns):
    return gpd.GeoDataFrame(columns, geometry=points(rng, count).buffer(rng.uniform(300, 2500, count)), crs=CRS)


def days(rng, count, undated=0.0):
    dates = pd.Series(pd.Timestamp("1992-01-01") + pd.to_timedelta(rng.integers(0, 11_000, count), unit="D"))
    return dates.astype("datetime64[ns]").mask(rng.random(count) < undated)


def country(seed=0, grid=None):
    rng = np.random.default_rng(seed)
    kinds = np.array([*front_lines.KINDS, "line_of_contact"])
    vectors = {
        "front_lines": lines(
            rng, 5, kind=kinds, held_from=days(rng, 5), held_to=days(rng, 5, 0.5),
            front_side=["left", "right", None, "left", None],
        ),
        "roads": lines(
            rng, 12, road_class=rng.choice(["primary", "residential", "track", "odd"], 12), bridge=rng.random(12) < 0.3
        ),
        "incidents": points(
            rng, 60, date=days(rng, 60, 0.4), killed=rng.integers(0, 3, 60), injured=rng.integers(0, 4, 60),
            location_error_m=rng.choice([np.nan, 500.0], 60), device_category=rng.choice(["AP mine", "UXO", None], 60),
        ),
        "finds": points(
            rng, 50, date=days(rng, 50, 0.4), eo_category=rng.choice(["APM", "mortar"], 50),
            eo_quantity=rng.integers(1, 9, 50),
        ),
        "conflict_events": points(
            rng, 80, date=days(rng, 80), fatalities=rng.integers(0, 90, 80),
            event_type=rng.choice(["Shelling", "Battle"], 80),
        ),
        "hazard_areas": polygons(rng, 25, hazard_type=rng.choice(["SHA", "CHA"], 25), record_date=days(rng, 25, 0.3)),
        "land_release": polygons(
            rng, 25, release_type=rng.choice(["cleared", "cancelled"], 25), end_date=days(rng, 25, 0.3),
            ap_mines=rng.choice([0, 3], 25),
        ),
        "survey": points(rng, 40, outcome=rng.choice(["found", "searched", "unknown"], 40), date=days(rng, 40, 0.3)),
        "settlements": points(
            rng, 40, population=rng.choice([0, 50, 1500, 9000], 40), planned_population=rng.choice([0, 300], 40)
        ),
        "land_use": polygons(rng, 25, land_use=rng.choice(["Farmland", "orchard", "forest"], 25)),
        "rivers": lines(rng, 4), "power_lines": lines(rng, 2), "buildings": polygons(rng, 30),
        "minefield_records": polygons(rng, 15, record_trust=rng.choice([np.nan, 0.7], 15), record_date=days(rng, 15)),
        "districts": gpd.GeoDataFrame({"record_trust": [0.1]}, geometry=[box(490e3, 3990e3, 510e3, 4034e3)], crs=CRS),
        "control_areas": gpd.GeoDataFrame(
            {"holder": ["Đakovo Front", "The South", None]},
            geometry=[box(480e3, 4010e3, 534e3, 4040e3), box(480e3, 3980e3, 534e3, 4010e3), box(0, 0, 9, 9)], crs=CRS,
        ),
        "control_points": points(rng, 60, holder=rng.choice(["North", "South"], 60), date=days(rng, 60, 0.3)),
    }  # fmt: skip
    star = [LineString([(508_000, 4_012_000), (506_000 + 900 * n, 4_014_000)]) for n in range(3)]
    branches = gpd.GeoDataFrame({"road_class": "track", "bridge": False}, geometry=star, index=range(3), crs=CRS)
    vectors["roads"] = pd.concat([vectors["roads"], branches], ignore_index=True)
    tables = (Surface("wetness"), points(rng, 300, rain=rng.random(300), name=["a"] * 300))
    return StandIn(grid or country_grid(), vectors, {"dem": Surface("dem")}, tables)


def built(sources, tile=None, context=CONTEXT, families=tuple(FAMILIES)):
    """Every column of some families, the cells of the tile in order."""
    tile = tile or sources.grid
    columns = {}
    snapshot = Snapshot(sources, context)
    for name in families:
        columns |= FAMILIES[name].build(tile, snapshot)
    return {name: array[tile.mask].astype(np.float32) for name, array in columns.items()}


@cache
def built_once(seed):
    """`built` of all families on the country of a seed; not to be changed."""
    return built(country(seed))


@cache
def readers_of(source):
    """The families that read a source; that they name all that they read is the contract of families."""
    infos = feature_infos(Snapshot(country(), FeatureContext(AS_OF)), FAMILIES)
    named = {info.family for info in infos.values() if source in info.sources}
    return tuple(name for name in FAMILIES if name in named)


def with_vector(sources, name, table):
    return replace(sources, vectors=sources.vectors | {name: table})
