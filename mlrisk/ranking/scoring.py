"""Scores and reasons of all cells, tile by tile; those of a tile depend only on its land, the sources and models."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.as_of import Snapshot
from features.base import (
    MEMORY_SHARE,
    FeatureInfo,
    Floats32,
    Grid,
    InputError,
    Integers,
    free_bytes,
    leave_memory,
    new_array,
)
from features.table import (
    LOCAL,
    FeatureTable,
    feature_infos,
    grid_feature_table,
    lent_feature_table,
    over_tiles,
    places_of,
    starts_of_rows,
)
from mlrisk.risk_map import (
    Cases,
    coded_in_rows,
    families_of,
    frame_of,
    ground_columns,
    reasons_in_words,
    rule_columns,
    with_columns,
)
from mlrisk.risk_map.language import language
from mlrisk.settings import Config
from models.attribution import STEADY_MEMBERS, steady
from models.contamination import ContaminationModel
from models.field_rules import PriorModel
from training.evidence import Evidence, Inputs, contamination_context, in_open_area
from training.settings import ComputeSettings

REASONS = ("reason_1", "reason_2", "reason_3")
# Number of rows whose contributions, and those of every member, are in memory at a time.
EXPLAINED_AT_ONCE = 50_000
# Memory for a ranked cell, its plan and its files besides what lies on disk, as measured (benchmarks/README.md).
BYTES_PER_CELL = 60
# Up to this size the features of all cells are kept for the reasons; above it tiles with reasons are computed twice.
MOST_KEPT_BYTES = 1 << 28

LOGGER = logging.getLogger(__name__)

TileValues = tuple[Grid, Floats32]


@dataclass(frozen=True, eq=False)
class TileScores:
    """Scores of the cells inside a tile, rows in `tile.cell_ids()` order.

    `members` (M, n_cells) is the contamination by each bootstrap member, `values` are the features to keep.
    """

    rows: pd.DataFrame
    members: Floats32
    values: Floats32 | None


@dataclass(frozen=True, eq=False)
class CellScores:
    """Scores of all cells, rows in `grid.cell_ids()` order.

    `members` (M, n_cells) is the contamination by each bootstrap member, which the plan needs and no file holds; `kept`
    are the features that the scorer keeps.
    """

    rows: pd.DataFrame
    members: Floats32
    kept: list[TileValues]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scorer:
    """The models, sources and settings that score a tile; a cell gets the same row wherever tile borders lie.

    `threads` work within a tile. With `keep` the features of every tile are kept for the reasons; without it they are
    computed again for the tiles that need them. `table` has the features of all cells of a grid if a caller has
    computed them. `in_areas` are the ids of cells in open areas
    on record.
    """

    snapshot: Snapshot
    families: Sequence[str]
    model: ContaminationModel | PriorModel
    threads: int
    keep: bool
    table: tuple[Grid, FeatureTable] | None = None
    in_areas: Integers | None = None

    def values(self, tile: Grid) -> Floats32:
        """Features of the cells inside the tile in the order of the model, shape (n_cells, n_features)."""
        with self._features(tile) as table:
            return self._asked(table)

    def _features(self, tile: Grid) -> AbstractContextManager[FeatureTable]:
        """The table of the tile, lent for the duration of a block."""
        if self.table is None:
            return lent_feature_table(tile, self.snapshot, self.families)
        grid, table = self.table
        return nullcontext(FeatureTable(table.names, table.values[places_of(grid, tile, starts_of_rows(grid))]))

    def _asked(self, table: FeatureTable) -> Floats32:
        # A copy, because the table is lent; in row order, or every member of the model would transpose it again.
        # A model of another country ranks by the features that both have; the others are unknown here.
        asked = table.reindexed if self.model.level.kind == "transfer" else table.aligned
        return np.array(asked(self.model.ranker.features), order="C")

    def scored(self, tile: Grid) -> TileScores:
        """Scores of the cells inside the tile, with the columns of baselines and plan, and the features to keep."""
        with self._features(tile) as table:
            return self._scored(tile, table)

    def _scored(self, tile: Grid, table: FeatureTable) -> TileScores:
        values = self._asked(table)
        in_area = None if self.in_areas is None else np.isin(tile.cell_ids(), self.in_areas)
        scores = self.model.scores(values, self.threads, tile.centres_m(), in_area)
        rows = pd.DataFrame(
            {
                "cell_id": tile.cell_ids(),
                "contamination": scores.probability,
                "contamination_low": scores.low,
                "contamination_high": scores.high,
                "contamination_score": scores.score,
                "in_domain": scores.in_domain,
                **rule_columns(table.names, table.values),
                **ground_columns(table.names, table.values),
                "venn_abers_low": scores.venn_abers_low,
                "venn_abers_high": scores.venn_abers_high,
                "spread": scores.spread,
                "missed_share_below": scores.missed_share_below,
            },
            copy=False,
        )
        return TileScores(rows, scores.members, values if self.keep else None)


def scorer_of(
    config: Config,
    inputs: Inputs,
    model: ContaminationModel | PriorModel,
    evidence: Evidence,
    table: FeatureTable | None = None,
) -> Scorer:
    """The scorer of a run; `table` holds the features of all cells if a caller has them.

    Without one, families that `compute.cache` keeps are read from there where the table of the whole grid is small.
    """
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    if table is None:
        table = _kept_table(config, inputs.grid, snapshot)
    several = len(list(inputs.grid.tiles(config.compute.tile_cells))) > 1
    keep = inputs.grid.n_cells * len(model.ranker.features) * 4 <= MOST_KEPT_BYTES
    # Several tiles are scored in parallel, one on each thread; a single tile uses all threads. A table is not sent to
    # workers, because they compute a tile in less time.
    whole = None if table is None or config.compute.scheduler != LOCAL else (inputs.grid, table)
    return Scorer(
        snapshot=snapshot,
        families=config.features,
        model=model,
        threads=1 if several else config.compute.threads,
        keep=keep,
        table=whole,
        in_areas=inputs.grid.cell_ids()[in_open_area(evidence.status)],
    )


def _kept_table(config: Config, grid: Grid, snapshot: Snapshot) -> FeatureTable | None:
    """The table of the whole grid by way of the cache of families; None where there is none, or it would be large."""
    compute = config.compute
    features = len(feature_infos(snapshot, config.features))
    if compute.scheduler != LOCAL or compute.memory is None or grid.n_cells * features * 4 > MOST_KEPT_BYTES:
        return None
    return grid_feature_table(grid, snapshot, config.features, compute.tile_cells, compute.schedule)


def cell_scores(scorer: Scorer, grid: Grid, compute: ComputeSettings) -> CellScores:
    """Scores of all cells, tile by tile; each value is written to its place, so that memory holds no second copy.

    Raises InputError, before the first tile, for more cells than the free memory of the machine can rank.
    """
    _check_memory(grid.n_cells, free_bytes())
    columns: dict[str, NDArray[Any]] = {}
    members = np.empty((0, grid.n_cells), dtype=np.float32)
    kept: list[TileValues] = []
    row_starts = starts_of_rows(grid)
    tiles = list(grid.tiles(compute.tile_cells))
    LOGGER.info("scoring %d cells in %d tiles", grid.n_cells, len(tiles))
    for tile, scored in over_tiles(scorer.scored, tiles, compute.schedule):
        if not columns:
            columns = {name: new_array(grid.n_cells, scored.rows[name].dtype) for name in scored.rows}
            members = new_array((len(scored.members), grid.n_cells), scored.members.dtype)
        places = places_of(grid, tile, row_starts)
        for name, column in columns.items():
            column[places] = scored.rows[name].to_numpy()
        members[:, places] = scored.members
        leave_memory()
        kept += [] if scored.values is None else [(tile, scored.values)]
    return CellScores(frame_of(columns), members, kept)


def _check_memory(cells: int, memory_bytes: float) -> None:
    need = cells * BYTES_PER_CELL
    if need > MEMORY_SHARE * memory_bytes:
        raise InputError(
            f"ranking {cells:,} cells takes about {need / 1e9:.1f} GB: {memory_bytes / 1e9:.1f} GB are free; use "
            "larger cells, rank a part of the area at a time, or end other programs"
        )


def with_reasons(
    scorer: Scorer, grid: Grid, config: Config, risk: pd.DataFrame, kept: list[TileValues]
) -> pd.DataFrame:
    """Reasons in words for the first `explained_cells` of the ranking, empty text for the others.

    In the first language of `output.languages`; the others follow in columns such as `reason_1_az`. `contributions` is
    JSON: the contribution of each family with a steady effect to the log-odds, the largest first.
    """
    rows = np.flatnonzero(risk["rank"].le(config.ranking.explained_cells).fillna(value=False))
    wanted = risk["cell_id"].to_numpy()[rows]
    ids, values = _values_of(scorer, grid, config.compute, wanted, kept)
    # The row of each id: tiles have another order than the map.
    rows = rows[np.argsort(wanted)][np.argsort(np.argsort(ids))]
    infos = feature_infos(scorer.snapshot, config.features)
    codes = config.output.languages
    columns = {code: [name if code == codes[0] else f"{name}_{code}" for name in REASONS] for code in codes}
    names = [*(name for code in codes for name in columns[code]), "contributions"]
    found: dict[str, list[str]] = {name: [] for name in names}
    LOGGER.info("explaining %d cells", len(ids))
    for start in range(0, len(ids), EXPLAINED_AT_ONCE):
        cases = explained(scorer.model, values[start : start + EXPLAINED_AT_ONCE], infos, config.compute.threads)
        for code in codes:
            texts = reasons_in_words(cases, language(code), config.as_of)
            for name, column in zip(columns[code], texts.T, strict=True):
                found[name] += column.tolist()
        found["contributions"] += contributions_text(cases)
    return with_columns(risk, {name: coded_in_rows(texts, rows, len(risk)) for name, texts in found.items()})


def contributions_text(cases: Cases) -> list[str]:
    """JSON of each row: the contribution of each family with a steady effect to the log-odds."""
    names, sums = cases.families.names, cases.sums
    return [
        json.dumps({names[family]: round(float(sums[row, family]), 3) for family in cases.moved(row)})
        for row in range(len(sums))
    ]


def explained(
    model: ContaminationModel | PriorModel, values: Floats32, infos: Mapping[str, FeatureInfo], threads: int
) -> Cases:
    """Contributions to the score of each row of features, and whether they hold over the models of resampled land."""
    families = families_of(model.ranker.features, infos)
    contributions = model.ranker.contributions(values, threads)
    sums = families.sums(contributions)
    members = [families.sums(member.contributions(values, threads)) for member in model.members[:STEADY_MEMBERS]]
    return Cases(
        names=model.ranker.features,
        infos=infos,
        families=families,
        values=values,
        contributions=contributions,
        sums=sums,
        steady=steady(sums, members),
    )


def _values_of(
    scorer: Scorer, grid: Grid, compute: ComputeSettings, wanted: Integers, kept: list[TileValues]
) -> tuple[Integers, Floats32]:
    """Ids and features of the wanted cells, from those kept or computed again."""
    tiles = [tile for tile in grid.tiles(compute.tile_cells) if np.isin(tile.cell_ids(), wanted).any()]
    ids = [np.empty(0, dtype=np.int64)]
    rows = [np.empty((0, len(scorer.model.ranker.features)), dtype=np.float32)]
    for tile, values in kept or over_tiles(scorer.values, tiles, compute.schedule):
        here = np.isin(tile.cell_ids(), wanted)
        ids.append(tile.cell_ids()[here])
        rows.append(values[here])
    return np.concatenate(ids), np.concatenate(rows)
