"""The ground that a plan works on: land use, bases, districts, masks and the authority's layers of each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, Grid, by_parts, known_at, new_array, numbers, words
from features.geometry import distance_m, first_inside, layer_of
from features.sources import Sources, SourceSpec, open_area
from mlrisk.planning.authority import FARMED, with_need
from mlrisk.planning.effort import with_effort
from mlrisk.planning.region_growing import line_barriers, no_barriers, region_barriers
from mlrisk.risk_map import coded, with_columns
from mlrisk.settings import Config, MaskSettings, Months, TaskSettings
from training.evidence import district_numbers

RETURN_REACH_M = 2_000.0

WATER_REACH_M = 500.0


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanningGround:
    """`district` and `mask` (n_cells,) name the district and the reason why the cell may be in no task, if any.

    `columns` determine the cost of a survey; `indicators` (0 to 1) are those of the authority's criteria; `barriers`
    (n_rows, n_columns) mark where tasks may not join a cell to its neighbour in the east and in the south.
    """

    district: pd.Categorical
    mask: pd.Categorical
    columns: Mapping[str, Floats | pd.Categorical]
    indicators: Mapping[str, Floats]
    barriers: tuple[Flags, Flags]


def planning_ground(config: Config, grid: Grid, sources: Sources) -> PlanningGround:
    """Read the ground from the config and the sources, with the records of as_of and earlier alone."""
    vectors = {name: known_at(table, config.as_of) for name, table in sources.vectors.items()}
    district = coded(np.zeros(grid.n_cells, dtype=np.int8), [""])
    if "districts" in vectors:
        district = coded(*district_numbers(grid, vectors["districts"]))
    columns: dict[str, Floats | pd.Categorical] = {}
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
    land = with_columns(risk, {**ground.columns, "mask": ground.mask, "district": ground.district})
    settings = config.ranking
    land = with_effort(land, settings.assets, settings.plan, config.grid.cell_size_m**2)
    return with_need(land, ground.indicators, settings.authority)


def _masks(grid: Grid, masks: Sequence[MaskSettings], season: Months, base: Path) -> pd.Categorical:
    """The reason why a cell may be in no task, (n_cells,), from the first mask on it; empty where it may."""
    number = np.zeros(grid.n_cells, dtype=np.int16)
    for place, mask in enumerate(masks, start=1):
        if not (mask.months and season and set(season) - set(mask.months)):
            number[_near(grid, mask.area, 0.0, base) & (number == 0)] = place
    return coded(number, ["", *(mask.reason for mask in masks)])


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
    layer, distance = layer_of(shapes), new_array(grid.n_cells, np.float64)
    for band, cells in grid.bands():
        distance[cells] = distance_m(band, layer)[band.mask]
    return distance


def _land_use(grid: Grid, sources: Sources, vectors: Mapping[str, gpd.GeoDataFrame]) -> pd.Categorical | None:
    """Land use at each cell centre, (n_cells,), empty where unknown; None without the source."""
    numbers = new_array(grid.n_cells, np.int32)
    if "land_use" in vectors:
        table = vectors["land_use"]
        layer, uses = layer_of(np.asarray(table.geometry.array)), words(table, "land_use").tolist()
        for band, cells in grid.bands():
            first = first_inside(band, layer)[band.mask]
            numbers[cells] = np.where(first >= 0, first, len(uses))
        return coded(numbers, [*uses, ""])
    if "land_use" in sources.rasters:
        texts = [""]
        for band, cells in grid.bands():
            codes, kinds = pd.factorize(sources.rasters["land_use"].read(band, "nearest")[band.mask])
            here = [f"{kind:g}" if np.isfinite(kind) else "" for kind in kinds]
            texts += [text for text in here if text not in texts]
            # Cells without a class have the code -1, the last place.
            numbers[cells] = np.array([*(texts.index(text) for text in here), 0])[codes]
        return coded(numbers, texts)
    return None


def _indicators(
    config: Config, grid: Grid, vectors: Mapping[str, gpd.GeoDataFrame], use: pd.Categorical | None
) -> dict[str, Floats]:
    """Indicators of the authority's criteria from the sources and the configured layers; 1 where a criterion holds."""
    indicators: dict[str, Floats] = {}
    if use is not None:
        indicators["farmland"] = _indicator(use.isin(FARMED))
    settlements = vectors.get("settlements")
    if settlements is not None and "planned_population" in settlements:
        returning = settlements[numbers(settlements, "planned_population", 0.0) > 0]
        if len(returning):
            indicators["return"] = _indicator(_distance(grid, np.asarray(returning.geometry.array)) <= RETURN_REACH_M)
    if len(vectors.get("rivers", ())):
        indicators["water"] = _indicator(_distance(grid, np.asarray(vectors["rivers"].geometry.array)) <= WATER_REACH_M)
    for name, layer in config.ranking.authority.layers.items():
        indicators[name] = _indicator(_near(grid, layer.area, layer.reach_m, config.data_folder))
    return indicators


def _indicator(holds: Flags) -> Floats:
    return by_parts(len(holds), lambda rows: holds[rows].astype(np.float64))


def _barriers(
    grid: Grid, settings: TaskSettings, district: pd.Categorical, vectors: Mapping[str, gpd.GeoDataFrame]
) -> tuple[Flags, Flags]:
    barriers = [no_barriers(grid.shape)]
    if not settings.across_districts:
        regions = np.full(grid.shape, -1, dtype=district.codes.dtype)
        regions[grid.mask] = district.codes
        barriers.append(region_barriers(regions))
    if not settings.across_rivers and len(vectors.get("rivers", ())):
        barriers.append(line_barriers(grid, np.asarray(vectors["rivers"].geometry.array)))
    east, south = zip(*barriers, strict=True)
    return np.logical_or.reduce(east), np.logical_or.reduce(south)
