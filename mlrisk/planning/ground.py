"""The ground that a plan works on: land use, bases, districts, masks and the authority's layers of each cell."""

from collections.abc import Iterable, Mapping
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
from mlrisk.risk_map import coded
from mlrisk.settings import Config, MaskSettings, Months, TaskSettings
from training.evidence import district_names

RETURN_REACH_M = 2_000.0

WATER_REACH_M = 500.0


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanningGround:
    """`district` and `mask` (n_cells,) name the district and the reason why the cell may be in no task, if any.

    `columns` determine the cost of a survey; `indicators` (0 to 1) are those of the authority's criteria; `barriers`
    (n_rows, n_columns) mark where tasks may not join a cell to its neighbour in the east and in the south.
    """

    district: NDArray[np.object_]
    mask: NDArray[np.object_]
    columns: Mapping[str, Floats | NDArray[np.object_]]
    indicators: Mapping[str, Floats]
    barriers: tuple[Flags, Flags]


def planning_ground(config: Config, grid: Grid, sources: Sources) -> PlanningGround:
    """Read the ground from the config and the sources, with the records of as_of and earlier alone."""
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
    return PlanningGround(
        district=district,
        mask=_masks(grid, config.ranking.masks, plan.months, config.data_folder),
        columns=columns,
        indicators=_indicators(config, grid, vectors, use),
        barriers=_barriers(grid, config.ranking.tasks, district, vectors),
    )


def with_ground(risk: pd.DataFrame, ground: PlanningGround, config: Config) -> pd.DataFrame:
    """The risk map with the columns that policies and the plan need: ground, effort, mask, district and need."""
    texts = {"mask": coded(ground.mask), "district": coded(ground.district)}
    # Text of few kinds, such as land use, takes a small number for each cell.
    columns = {name: coded(column) if column.dtype == object else column for name, column in ground.columns.items()}
    land = risk.assign(**columns, **texts)
    settings = config.ranking
    land = with_effort(land, settings.assets, settings.plan, config.grid.cell_size_m**2)
    return with_need(land, ground.indicators, settings.authority)


def _masks(grid: Grid, masks: Iterable[MaskSettings], season: Months, base: Path) -> NDArray[np.object_]:
    """The reason why a cell may be in no task, (n_cells,), from the first mask on it; empty where it may."""
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
        # A mask excludes every cell that it touches: a team cannot be given half a cell.
        return _touched(grid, area)
    return np.asarray(_distance(grid, np.array([area], dtype=object)) <= max(reach_m, grid.cell_size_m / 2))


def _touched(grid: Grid, area: shapely.Geometry) -> Flags:
    """Whether the area touches each cell, (n_cells,)."""
    from rasterio.features import rasterize

    touched = rasterize([(area, 1)], grid.shape, transform=grid.transform, all_touched=True, dtype="uint8")
    return np.asarray(touched[grid.mask] > 0)


def _distance(grid: Grid, shapes: NDArray[np.object_]) -> Floats:
    return np.asarray(distance_m(grid, layer_of(shapes))[grid.mask], dtype=np.float64)


def _land_use(grid: Grid, sources: Sources, vectors: Mapping[str, gpd.GeoDataFrame]) -> NDArray[np.object_] | None:
    """Land use at each cell centre, (n_cells,), empty where unknown; None without the source."""
    if "land_use" in vectors:
        table = vectors["land_use"]
        first = first_inside(grid, layer_of(np.asarray(table.geometry.array)))[grid.mask]
        return np.where(first >= 0, words(table, "land_use")[np.maximum(first, 0)], "").astype(object)
    if "land_use" in sources.rasters:
        codes, kinds = pd.factorize(sources.rasters["land_use"].read(grid, "nearest")[grid.mask])
        # Cells without a class have the code -1, the last of the texts.
        texts = [f"{kind:g}" if np.isfinite(kind) else "" for kind in kinds]
        return np.asarray(np.array([*texts, ""], dtype=object)[codes])
    return None


def _indicators(
    config: Config, grid: Grid, vectors: Mapping[str, gpd.GeoDataFrame], use: NDArray[np.object_] | None
) -> dict[str, Floats]:
    """Indicators of the authority's criteria from the sources and the configured layers; 1 where a criterion holds."""
    indicators: dict[str, Floats] = {}
    if use is not None:
        indicators["farmland"] = np.isin(use, FARMED).astype(np.float64)
    settlements = vectors.get("settlements")
    if settlements is not None and "planned_population" in settlements:
        returning = settlements[numbers(settlements, "planned_population", 0.0) > 0]
        if len(returning):
            indicators["return"] = (_distance(grid, np.asarray(returning.geometry.array)) <= RETURN_REACH_M).astype(
                np.float64
            )
    if len(vectors.get("rivers", ())):
        near = _distance(grid, np.asarray(vectors["rivers"].geometry.array)) <= WATER_REACH_M
        indicators["water"] = near.astype(np.float64)
    for name, layer in config.ranking.authority.layers.items():
        indicators[name] = _near(grid, layer.area, layer.reach_m, config.data_folder).astype(np.float64)
    return indicators


def _barriers(
    grid: Grid, settings: TaskSettings, district: NDArray[np.object_], vectors: Mapping[str, gpd.GeoDataFrame]
) -> tuple[Flags, Flags]:
    barriers = [no_barriers(grid.shape)]
    if not settings.across_districts:
        regions = np.full(grid.shape, -1, dtype=np.int64)
        regions[grid.mask] = pd.factorize(district)[0]
        barriers.append(region_barriers(regions))
    if not settings.across_rivers and len(vectors.get("rivers", ())):
        barriers.append(line_barriers(grid, np.asarray(vectors["rivers"].geometry.array)))
    east, south = zip(*barriers, strict=True)
    return np.logical_or.reduce(east), np.logical_or.reduce(south)
