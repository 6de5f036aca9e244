"""The data set of all cells at one date: evidence, features, regions and constraints."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from features.as_of import Snapshot
from features.base import ConfigError, FeatureContext, FeatureInfo, Flags, Floats, Grid, Integers
from features.table import FeatureTable, feature_infos, grid_feature_table
from models.contamination_fit import constraint_signs
from training.contamination.neighbour_outcomes import (
    features_of_outcomes,
    features_without_hidden,
    hidden_sources,
    raw_distances,
)
from training.contamination.survey_bias import SurveyBias, propensity, survey_bias
from training.evidence import FOUND, OUTCOME_SOURCES, SEARCHED, Evidence, Inputs, cell_regions, contamination_context
from training.settings import TrainConfig
from training.validation import FEATURE_BASELINES, Labels

# Registers that grow: the number of their records rises although the land stays the same.
GROWING = OUTCOME_SOURCES | {"incidents", "conflict_events", "finds", "minefield_records"}
# With fewer found or searched cells, no held-out region can be judged and a map has no meaning.
FEWEST_FOUND = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class CellDataset:
    """The data on all cells at a date, arrays in `grid.cell_ids()` order.

    `table` holds every feature, for the baselines; `learned` those that the model may see. `regions` names the region
    of each cell, `block` numbers the square of land that is resampled as a whole, and `constraints` gives the monotone
    direction of features. `bias` holds the weights of labelled cells and the chance of unknown cells to be drawn.
    """

    as_of: date
    grid: Grid
    evidence: Evidence
    table: FeatureTable
    learned: FeatureTable
    infos: Mapping[str, FeatureInfo]
    snapshot: Snapshot
    regions: NDArray[np.object_]
    block: Integers
    constraints: Mapping[str, int]
    bias: SurveyBias

    @property
    def labels(self) -> Labels:
        """The arrays from which folds are made."""
        return Labels(
            labelled=self.evidence.labelled,
            positive=self.evidence.state == FOUND,
            regions=self.regions,
            centres_m=self.grid.centres_m(),
            cell_size_m=self.grid.cell_size_m,
        )


def dataset_at(config: TrainConfig, inputs: Inputs, evidence: Evidence) -> CellDataset:
    """The evidence with features as of its date; raises ConfigError for a setting that names an unknown feature."""
    grid, compute = inputs.grid, config.compute
    context = replace(contamination_context(config), as_of=evidence.as_of)
    snapshot = Snapshot(inputs.sources, context)
    table = grid_feature_table(grid, snapshot, config.features, compute.tile_cells, compute.schedule)
    infos = feature_infos(snapshot, config.features)
    seen = _learned(config, table, infos, context)
    block = cell_blocks(grid, config.contamination.block_m)
    return CellDataset(
        as_of=evidence.as_of,
        grid=grid,
        evidence=evidence,
        table=table,
        learned=seen,
        infos=infos,
        snapshot=snapshot,
        regions=cell_regions(grid, inputs.sources, config.validation),
        block=block,
        constraints=_constraints(config, infos, seen),
        bias=_survey_bias(config, seen, infos, evidence, block),
    )


def rebuild_dataset(config: TrainConfig, dataset: CellDataset) -> CellDataset:
    """The same evidence and features under other settings of contamination."""
    seen = _learned(config, dataset.table, dataset.infos, dataset.snapshot.context)
    return replace(
        dataset,
        learned=seen,
        constraints=_constraints(config, dataset.infos, seen),
        bias=_survey_bias(config, seen, dataset.infos, dataset.evidence, dataset.block),
    )


def fold_dataset(
    config: TrainConfig,
    dataset: CellDataset,
    train: Integers,
    region: Integers | None = None,
    sources: Collection[str] | None = None,
) -> CellDataset:
    """The dataset of a fold that learns from `train` (rows of the grid's cells), without features of held-out records.

    All labelled cells outside `train` and the cells of the `region` are held out. Records of `sources` on them are left
    out, for the baselines too; without `sources` these are the records that a new region would not have yet, see
    `validation.known_in_new_region`.
    """
    hidden = dataset.evidence.labelled.copy()
    hidden[train] = False
    if region is not None:
        hidden[region] = True
    if sources is None:
        sources = hidden_sources(dataset.snapshot.context, config.validation.known_in_new_region)
    # A feature that neither the model nor a baseline reads is not rebuilt: it is unknown in the fold.
    read = (
        *dataset.learned.names,
        *(one.feature for one in FEATURE_BASELINES.values() if one.on_held_out),
        *config.prior,
    )
    names = tuple(name for name in dataset.table.names if name in set(read))
    table = FeatureTable(names, dataset.table.aligned(names))
    seen = features_without_hidden(
        table, dataset.infos, dataset.snapshot, dataset.grid, np.flatnonzero(hidden), config.compute, sources
    )
    if seen is table:
        return dataset
    return replace(
        dataset, table=seen, learned=FeatureTable(dataset.learned.names, seen.aligned(dataset.learned.names))
    )


def accumulating_features(names: Sequence[str], infos: Mapping[str, FeatureInfo]) -> Flags:
    """Features that change as time passes and records accumulate, although the land stays the same."""
    return np.array([infos[name].unit == "years" or bool(GROWING.intersection(infos[name].sources)) for name in names])


def cell_blocks(grid: Grid, block_m: float) -> Integers:
    """Number of the square block, aligned to the CRS origin, in which each cell lies."""
    blocks = np.floor(grid.centres_m() / block_m).astype(np.int64)
    return np.unique(blocks, axis=0, return_inverse=True)[1].reshape(-1)


def _learned(
    config: TrainConfig, table: FeatureTable, infos: Mapping[str, FeatureInfo], context: FeatureContext
) -> FeatureTable:
    """The columns that the model may see: all but those excluded by name or family and those from survey outcomes.

    `contamination.outcomes` admits the latter. If a distance has a clipped form, the model sees that form alone.
    """
    seen = table.without("contamination.leave_out", config.contamination.leave_out, infos)
    gone = set(raw_distances(seen.names))
    if config.contamination.outcomes == "hidden":
        gone |= set(features_of_outcomes(infos, context))
    return seen.without("features of outcomes", [name for name in seen.names if name in gone], infos)


def _survey_bias(
    config: TrainConfig,
    learned: FeatureTable,
    infos: Mapping[str, FeatureInfo],
    evidence: Evidence,
    block: Integers,
) -> SurveyBias:
    # Finds are results of survey: a propensity from them would explain the survey by its outcome.
    names = [name for name in learned.names if "finds" not in infos[name].sources]

    def chance() -> Floats:
        return propensity(
            np.ascontiguousarray(learned.aligned(names)), evidence.labelled, block, names, seed=config.seed,
            threads=config.compute.threads, inclusion_prob=evidence.inclusion_prob,
        )  # fmt: skip

    searched = evidence.labelled & (evidence.state == SEARCHED)
    return survey_bias(config.contamination.survey_bias, evidence.labelled, searched, FEWEST_FOUND, chance)


def _constraints(config: TrainConfig, infos: Mapping[str, FeatureInfo], table: FeatureTable) -> dict[str, int]:
    wanted = config.contamination.constraints
    if wanted == "none":
        return {}
    if isinstance(wanted, dict):
        unknown = sorted(set(wanted) - set(table.names))
        if unknown:
            raise ConfigError(
                f"contamination.constraints ({', '.join(unknown)}) names no feature: there are {', '.join(table.names)}"
            )
        return {name: int(sign) for name, sign in wanted.items() if sign}
    trends = {name: info.trend for name, info in infos.items()}
    return constraint_signs(table.names, trends)
