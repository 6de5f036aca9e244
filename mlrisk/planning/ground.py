"""The ground of each cell as a planner must know it: land use, bases, districts, masks and the authority's layers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, known_at, numbers, words
from features.geometry import distance_m, first_inside, layer_of
from features.sources import Sources, SourceSpec, open_area
from mlrisk.planning.authority import FARMED, with_need
from mlrisk.planning.effort import with_effort
from mlrisk.planning.region_growing import line_barriers, no_barriers, region_barriers
from mlrisk.settings import Config, MaskSettings, Months, TaskSettings
from training.evidence import district_names

RETURN_REACH_M = 2_000.0

WATER_REACH_M = 500.0


@dataclass(frozen=True, eq=False)
class Ground:
    """`district` and `mask` (n_cells,) name the district and why the cell may be in no task, empty for neither.

    `columns` are what teams ask of the ground; `indicators` (0 to 1) speak for the authority's criteria; `barriers`
    (n_rows, n_columns) shut the way to the neighbour in the east and in the south.
    """

    district: NDArray[np.object_]
    mask: NDArray[np.object_]
    columns: Mapping[str, Floats | NDArray[np.object_]]
    indicators: Mapping[str, Floats]
    barriers: tuple[Flags, Flags]


def ground_of(config: Config, grid: Grid, sources: Sources) -> Ground:
    """Read what the config and the sources say of the ground, as known at as_of."""
    vectors = {name: known_at(table, config.as_of) for name, table in sources.vectors.items()}
    district = np.full(grid.n_cells, "", dtype=object)
    if "districts" in vectors:
        district = district_names(grid, vectors["districts"])
    columns: dict[str, Floats | NDArray[np.object_]] = {}
    use = _land_use(grid, sources, vectors)
    if use is not None:
        columns["land_use"] = use
    if len(vectors.get("settlements", ())):
        columns["base_m"] = _distance(grid, np.asarray(vectors["settlements"].geometry.array))
    plan = config.ranking.plan
    return Ground(
        district,
        _masks(grid, config.ranking.masks, plan.months, config.data_folder),
        columns,
        _indicators(config, grid, vectors, use),
        _barriers(grid, config.ranking.tasks, district, vectors),
    )


def with_ground(risk: pd.DataFrame, ground: Ground, config: Config) -> pd.DataFrame:
    """The risk map with what policies and plan ask of each cell: ground, effort, mask, district and need."""
    land = risk.assign(**ground.columns, mask=ground.mask, district=ground.district)
    settings = config.ranking
    land = with_effort(land, settings.assets, settings.plan, config.grid.cell_size_m**2)
    return with_need(land, ground.indicators, settings.authority)


def _masks(grid: Grid, masks: Iterable[MaskSettings], season: Months, base: Path) -> NDArray[np.object_]:
    """Why a cell may be in no task; the first mask that holds it gives the reason."""
    reason = np.full(grid.n_cells, "", dtype=object)
    for mask in masks:
        if mask.months and season and set(season) - set(mask.months):
            continue
        inside = _near(grid, mask.area, 0.0, base)
        reason[inside & (reason == "")] = mask.reason
    return reason


def _near(grid: Grid, spec: SourceSpec, reach_m: float, base: Path) -> Flags:
    area, _ = open_area(spec, grid.crs, base)
    if reach_m == 0 and area.geom_type.endswith("Polygon"):
        # A mask holds for every cell that it touches: half a shut cell cannot be given to a team as a whole.
        part = Grid.from_area(shapely.box(*grid.bounds), grid.crs, grid.cell_size_m)
        touched = _touched(part, area)
        return np.asarray(touched[grid.mask])
    return np.asarray(_distance(grid, np.array([area], dtype=object)) <= max(reach_m, grid.cell_size_m / 2))


def _touched(grid: Grid, area: shapely.Geometry) -> Flags:
    from rasterio.features import rasterize

    return np.asarray(rasterize([(area, 1)], grid.shape, transform=grid.transform, all_touched=True, dtype="uint8") > 0)


def _distance(grid: Grid, shapes: NDArray[np.object_]) -> Floats:
    return np.asarray(distance_m(grid, layer_of(shapes))[grid.mask], dtype=np.float64)


def _land_use(grid: Grid, sources: Sources, vectors: Mapping[str, gpd.GeoDataFrame]) -> NDArray[np.object_] | None:
    """Class at each cell centre, empty where there is none; None without the source."""
    if "land_use" in vectors:
        table = vectors["land_use"]
        first = first_inside(grid, layer_of(np.asarray(table.geometry.array)))[grid.mask]
        return np.where(first >= 0, words(table, "land_use")[np.maximum(first, 0)], "").astype(object)
    if "land_use" in sources.rasters:
        codes = sources.rasters["land_use"].read(grid, "nearest")[grid.mask]
        return np.array([f"{code:g}" if np.isfinite(code) else "" for code in codes], dtype=object)
    return None


def _indicators(
    config: Config, grid: Grid, vectors: Mapping[str, gpd.GeoDataFrame], use: NDArray[np.object_] | None
) -> dict[str, Floats]:
    """What the sources and the configured layers say for the authority's criteria; 1 where a criterion holds."""
    found: dict[str, Floats] = {}
    if use is not None:
        found["farmland"] = np.isin(use, FARMED).astype(np.float64)
    settlements = vectors.get("settlements")
    if settlements is not None and "planned_population" in settlements:
        back = settlements[numbers(settlements, "planned_population", 0.0) > 0]
        if len(back):
            found["return"] = (_distance(grid, np.asarray(back.geometry.array)) <= RETURN_REACH_M).astype(np.float64)
    if len(vectors.get("rivers", ())):
        near = _distance(grid, np.asarray(vectors["rivers"].geometry.array)) <= WATER_REACH_M
        found["water"] = near.astype(np.float64)
    for name, layer in config.ranking.authority.layers.items():
        found[name] = _near(grid, layer.area, layer.reach_m, config.data_folder).astype(np.float64)
    return found


def _barriers(
    grid: Grid, settings: TaskSettings, district: NDArray[np.object_], vectors: Mapping[str, gpd.GeoDataFrame]
) -> tuple[Flags, Flags]:
    made = [no_barriers(grid.shape)]
    if not settings.across_districts:
        regions = np.full(grid.shape, -1, dtype=np.int64)
        regions[grid.mask] = np.unique(district.astype(str), return_inverse=True)[1]
        made.append(region_barriers(regions))
    if not settings.across_rivers and len(vectors.get("rivers", ())):
        made.append(line_barriers(grid, np.asarray(vectors["rivers"].geometry.array)))
    both: Callable[[int], Flags] = lambda side: np.logical_or.reduce([pair[side] for pair in made])  # noqa: E731
    return both(0), both(1)
