"""What survey found next door: features of neighbours' outcomes, rebuilt for each fold from what it learns from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely

from features.as_of import Snapshot
from features.base import FeatureContext, FeatureInfo, Floats32, Grid, Integers, clipped_name
from features.families import FAMILIES
from features.table import FeatureTable, grid_feature_table
from training.evidence import OUTCOME_SOURCES
from training.settings import ComputeSettings


def features_of_outcomes(infos: Mapping[str, FeatureInfo], context: FeatureContext) -> tuple[str, ...]:
    """Features made of survey outcomes that make labels too."""
    telling = OUTCOME_SOURCES & context.own_event_sources
    return tuple(name for name, info in infos.items() if telling.intersection(info.sources))


def raw_distances(infos: Iterable[str]) -> tuple[str, ...]:
    """Distances that have a clipped form: the model sees that one, the rules of thumb the raw one."""
    names = set(infos)
    return tuple(name for name in infos if clipped_name(name) in names)


def held_back(
    learned: FeatureTable,
    infos: Mapping[str, FeatureInfo],
    snapshot: Snapshot,
    grid: Grid,
    hidden: Integers,
    compute: ComputeSettings,
) -> FeatureTable:
    """The features of a fold that must not know the outcomes of the `hidden` cells (rows of `grid.cell_ids()`).

    Every record of an outcome source that makes labels is left out where it reaches into a hidden cell, and the
    features of such sources are built again from the others; the rest stays. A column that loses its last record
    is NaN: unknown. What a cell's own block says stays out of its own features as ever.
    """
    names = [name for name in features_of_outcomes(infos, snapshot.context) if name in learned.names]
    if not names:
        return learned
    families = tuple(family for family in FAMILIES if any(infos[name].family == family for name in names))
    vectors = dict(snapshot.sources.vectors)
    centres = grid.centres_m()[hidden]
    half = grid.cell_size_m / 2
    tree = shapely.STRtree(shapely.box(*(centres - half).T, *(centres + half).T))
    for source in OUTCOME_SOURCES & snapshot.context.own_event_sources & set(vectors):
        vectors[source] = _away_from(vectors[source], tree)
        if vectors[source].empty:
            del vectors[source]
    rebuilt: dict[str, Floats32] = {}
    if any(source in vectors for name in names for source in infos[name].sources):
        others = Snapshot(replace(snapshot.sources, vectors=vectors), snapshot.context)
        table = grid_feature_table(grid, others, families, compute.tile_cells, compute.schedule)
        rebuilt = dict(zip(table.names, table.values.T, strict=True))
    values = np.array(learned.values.T)
    for place, name in enumerate(learned.names):
        if name in names:
            values[place] = rebuilt.get(name, np.float32(np.nan))
    return FeatureTable(learned.names, values.T)


def _away_from(table: gpd.GeoDataFrame, tree: shapely.STRtree) -> gpd.GeoDataFrame:
    reached = tree.query(np.asarray(table.geometry.array), predicate="intersects")[0]
    return table.drop(index=table.index[np.unique(reached)]).reset_index(drop=True)
