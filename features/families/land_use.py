"""Land use at the cell, and distance to water, power lines, buildings and farmed land."""

import numpy as np

from features.as_of import Snapshot
from features.base import (
    Columns,
    FeatureInfo,
    Floats,
    Grid,
    InputError,
    area_km2,
    column_names,
    extent_m,
    places_m,
    words,
)
from features.geometry import Layer, distance_m, first_inside, line_density, part_of, point_densities, points_density
from features.sources.opening import RasterSource

FAMILY = "land_use"
NEARBY = {"rivers": "river", "power_lines": "power_line", "buildings": "building"}
FARMED = {
    "farmland": frozenset({"farmland", "farm", "arable", "cropland", "farmyard"}),
    "orchard": frozenset({"orchard", "vineyard", "plantation", "olive_grove"}),
}
# More values than this in a raster are measurements or identifiers, not classes.
MOST_CLASSES = 64
# Cells to a side of the coarse grid on which the classes of a raster are looked up.
LOOKUP_SIDE = 512

FARM_KM = 1
BUILDING_KM = (1,)
RIVER_KM = 2

FEATURES = (
    FeatureInfo(
        name="river_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a river",
        sources=("rivers",),
        formula="exact, at most 50 km",
    ),
    FeatureInfo(
        name=f"river_density_{RIVER_KM}km_km_per_km2",
        unit="km/km2",
        family=FAMILY,
        trend=0,
        text=f"length of rivers around {RIVER_KM} km",
        sources=("rivers",),
        formula="Gaussian kernel, Gauss-Legendre along the river",
    ),
    FeatureInfo(
        name="power_line_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a power line",
        sources=("power_lines",),
        formula="exact",
    ),
    FeatureInfo(
        name="building_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to a building",
        sources=("buildings",),
        formula="exact, 0 inside",
    ),
    *(
        FeatureInfo(
            name=f"building_density_{km}km_per_km2",
            unit="1/km2",
            family=FAMILY,
            trend=0,
            text=f"buildings around {km} km",
            sources=("buildings",),
            formula="Gaussian kernel",
        )
        for km in BUILDING_KM
    ),
    FeatureInfo(
        name="farmland_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to farmland",
        sources=("land_use",),
        formula="exact, 0 inside",
    ),
    FeatureInfo(
        name="orchard_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to an orchard or vineyard",
        sources=("land_use",),
        formula="exact, 0 inside",
    ),
    FeatureInfo(
        name=f"farmland_share_{FARM_KM}km",
        unit="share",
        family=FAMILY,
        trend=0,
        text=f"share of the land around {FARM_KM} km that is farmed",
        sources=("land_use",),
        formula="Gaussian kernel of the areas of farmland, orchards and vineyards, widened by their extent",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Distances to objects around the cell, and 1 or 0 for every class of land use at its centre."""
    vectors = snapshot.sources.vectors
    columns: Columns = {}
    for source, name in NEARBY.items():
        if source in vectors:
            columns[f"{name}_distance_m"] = distance_m(tile, snapshot.layer(source))
    if "rivers" in vectors:
        columns[f"river_density_{RIVER_KM}km_km_per_km2"] = line_density(
            tile, snapshot.layer("rivers"), RIVER_KM * 1000.0
        )
    if "buildings" in vectors:
        places = snapshot.cached(_building_places)
        for km in BUILDING_KM:
            density = points_density(tile, places, np.ones(len(places)), km * 1000.0)
            columns[f"building_density_{km}km_per_km2"] = density
    if "land_use" in vectors:
        columns |= _polygons(tile, snapshot)
    elif "land_use" in snapshot.sources.rasters:
        columns |= _raster(tile, snapshot)
    return columns


def described(snapshot: Snapshot) -> tuple[FeatureInfo, ...]:
    """Descriptions of the columns that depend on the data: one for each class of land use."""
    texts: dict[str, tuple[str, str]] = {}
    if "land_use" in snapshot.sources.vectors:
        classes = {column: name for column, (name, _) in snapshot.cached(_classes).items()}
        texts = {column: (name, f"land_use is {name} at the cell centre") for column, name in classes.items()}
    elif "land_use" in snapshot.sources.rasters:
        codes = snapshot.cached(_codes)
        texts = {_column(code): (f"{code}", f"class {code} of the raster at the cell centre") for code in codes}
    return tuple(
        FeatureInfo(
            name=column,
            unit="0 or 1",
            family=FAMILY,
            trend=0,
            text=f"land use is {name}",
            sources=("land_use",),
            formula=how,
        )
        for column, (name, how) in texts.items()
    )


def raster_classes(raster: RasterSource, grid: Grid) -> tuple[int, ...]:
    """The class values found on a coarse grid over the whole area, so that every tile has the same columns.

    Raises InputError when there are too many for classes.
    """
    rows, columns = grid.shape
    factor = max(1, -(-max(rows, columns) // LOOKUP_SIDE))
    shape = -(-rows // factor) + 1, -(-columns // factor) + 1
    coarse = Grid(
        crs=grid.crs,
        cell_size_m=grid.cell_size_m * factor,
        column_min=grid.column_min // factor,
        row_min=grid.row_min // factor,
        mask=np.ones(shape, bool),
    )
    values = raster.read(coarse, "nearest")
    codes = np.unique(values[np.isfinite(values)])
    if len(codes) > MOST_CLASSES or np.any(codes != np.rint(codes)):
        raise InputError(
            f"sources.land_use ({raster.name}) has {len(codes)} different values: a raster of land use holds at most "
            f"{MOST_CLASSES} whole-numbered classes; list measurements under sources.covariates"
        )
    return tuple(int(code) for code in codes)


def _building_places(snapshot: Snapshot) -> Floats:
    return places_m(snapshot.table("buildings"))


def _classes(snapshot: Snapshot) -> dict[str, tuple[str, Layer]]:
    """Every class of land use and its polygons by the name of its column."""
    table = snapshot.table("land_use")
    layer, classes = snapshot.layer("land_use"), words(table, "land_use")
    names = column_names(str(name) for name in np.unique(classes) if name)
    return {f"land_use_{plain}": (name, part_of(layer, classes == name)) for name, plain in names.items()}


def _farmed(snapshot: Snapshot) -> dict[str, tuple[Layer, Floats, Floats, Floats]]:
    """Layer, places, areas and spreads of farmland and of orchards, where there are any."""
    table = snapshot.table("land_use")
    classes = words(table, "land_use")
    farmed: dict[str, tuple[Layer, Floats, Floats, Floats]] = {}
    for name, members in FARMED.items():
        chosen = np.isin(classes, list(members))
        if chosen.any():
            part = table[chosen]
            layer = part_of(snapshot.layer("land_use"), chosen)
            farmed[name] = layer, places_m(part), area_km2(part), extent_m(part)
    return farmed


def _codes(snapshot: Snapshot) -> tuple[int, ...]:
    return raster_classes(snapshot.sources.rasters["land_use"], snapshot.sources.grid)


def _polygons(tile: Grid, snapshot: Snapshot) -> Columns:
    columns: Columns = {
        name: (first_inside(tile, layer) >= 0).astype(np.float64)
        for name, (_, layer) in snapshot.cached(_classes).items()
    }
    share = np.zeros(tile.shape)
    for name, (layer, places, areas, spread_m) in snapshot.cached(_farmed).items():
        columns[f"{name}_distance_m"] = distance_m(tile, layer)
        share += point_densities(tile, places, areas[:, None], FARM_KM * 1000.0, spread_m)[0]
        columns[f"farmland_share_{FARM_KM}km"] = share
    return columns


def _raster(tile: Grid, snapshot: Snapshot) -> dict[str, Floats]:
    """Indicators of the class at the cell centre, NaN where the raster has none."""
    values = snapshot.sources.rasters["land_use"].read(tile, "nearest")
    hole = np.where(np.isfinite(values), 0.0, np.nan)
    return {_column(code): (values == code) + hole for code in snapshot.cached(_codes)}


def _column(code: int) -> str:
    return f"land_use_{code}"
