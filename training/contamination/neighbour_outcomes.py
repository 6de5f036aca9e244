"""Features of survey outcomes in neighbouring cells, rebuilt for each fold without its held-out outcomes."""

from collections.abc import Collection, Iterable, Mapping
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

# Results of survey and clearance: a region has none of them on the day on which it is first mapped.
SURVEY_SOURCES = OUTCOME_SOURCES | {"finds"}


def hidden_sources(context: FeatureContext, known_in_new_region: Collection[str]) -> frozenset[str]:
    """Sources whose records must be hidden in a held-out region: results of survey, and all that make labels.

    Sources that a new region has on the day of its first map are exempt.
    """
    return (SURVEY_SOURCES | context.own_event_sources) - frozenset(known_in_new_region)


def features_of_outcomes(infos: Mapping[str, FeatureInfo], context: FeatureContext) -> tuple[str, ...]:
    """Features from survey outcomes that also make labels."""
    telling = OUTCOME_SOURCES & context.own_event_sources
    return tuple(name for name, info in infos.items() if telling.intersection(info.sources))


def raw_distances(infos: Iterable[str]) -> tuple[str, ...]:
    """Distances that have a clipped form: the model reads the clipped one, the baselines the raw one."""
    names = set(infos)
    return tuple(name for name in infos if clipped_name(name) in names)


def features_made_of(infos: Mapping[str, FeatureInfo], sources: Collection[str]) -> tuple[str, ...]:
    """Features that use at least one of the sources."""
    wanted = frozenset(sources)
    return tuple(name for name, info in infos.items() if wanted.intersection(info.sources))


def features_without_hidden(
    table: FeatureTable,
    infos: Mapping[str, FeatureInfo],
    snapshot: Snapshot,
    grid: Grid,
    hidden: Integers,
    compute: ComputeSettings,
    sources: Collection[str] | None = None,
) -> FeatureTable:
    """The features of a fold without the records of the `hidden` cells (rows of `grid.cell_ids()`).

    Every record of the `sources` (those of outcomes that make labels, if none are given) is left out where it reaches
    into a hidden cell, and the features of these sources are built again from the others; the rest stays. A column
    that loses its last record is NaN: unknown. Records of a cell's own block stay out of its features, as always.
    """
    outcome_sources = OUTCOME_SOURCES & snapshot.context.own_event_sources if sources is None else frozenset(sources)
    there = outcome_sources & set(snapshot.sources.vectors)
    names = [name for name in features_made_of(infos, there) if name in table.names]
    if not names or not len(hidden):
        return table
    families = tuple(family for family in FAMILIES if any(infos[name].family == family for name in names))
    vectors = dict(snapshot.sources.vectors)
    tree = _cells_tree(grid, hidden)
    for source in there:
        vectors[source] = _away_from(vectors[source], tree)
        if vectors[source].empty:
            del vectors[source]
    rebuilt: dict[str, Floats32] = {}
    if any(source in vectors for name in names for source in infos[name].sources):
        others = Snapshot(replace(snapshot.sources, vectors=vectors), snapshot.context)
        again = grid_feature_table(grid, others, families, compute.tile_cells, compute.schedule)
        rebuilt = dict(zip(again.names, again.values.T, strict=True))
    values = np.array(table.values.T)
    for name in names:
        values[table.names.index(name)] = rebuilt.get(name, np.float32(np.nan))
    return FeatureTable(table.names, values.T)


def _cells_tree(grid: Grid, cells: Integers) -> shapely.STRtree:
    centres, half = grid.centres_m()[cells], grid.cell_size_m / 2
    return shapely.STRtree(shapely.box(*(centres - half).T, *(centres + half).T))


def _away_from(table: gpd.GeoDataFrame, tree: shapely.STRtree) -> gpd.GeoDataFrame:
    reached = tree.query(np.asarray(table.geometry.array), predicate="intersects")[0]
    return table.drop(index=table.index[np.unique(reached)]).reset_index(drop=True)
