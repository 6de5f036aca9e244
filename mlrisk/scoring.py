"""Scoring one tile: a pure function of the tile, the sources and the models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known
from features.table import feature_table
from mlrisk.reasons import reasons_in_words
from models.contamination import ContaminationModel

REASONS = ("reason_1", "reason_2", "reason_3")


@dataclass(frozen=True, eq=False)
class Scorer:
    """What a tile needs to be scored; the same tile gives the same rows wherever its borders lie.

    `threads` work within a tile. `keep` holds on to the features of every tile for the reasons; without it they are
    computed once more for the tiles that need them.
    """

    known: Known
    families: Sequence[str]
    model: ContaminationModel
    threads: int
    keep: bool

    def values(self, tile: Grid) -> NDArray[np.float32]:
        """Features of the cells inside the tile as the model asks for them, shape (n_cells, n_features).

        Row by row in memory: every member of the model would else turn the table round for itself.
        """
        table = feature_table(tile, self.known, self.families)
        return np.ascontiguousarray(table.aligned(self.model.booster.features))

    def scored(self, tile: Grid) -> tuple[pd.DataFrame, NDArray[np.float32] | None]:
        """Contamination columns of the cells inside the tile, in `tile.cell_ids()` order, and their kept features."""
        values = self.values(tile)
        scores = self.model.scores(values, self.threads)
        rows = pd.DataFrame(
            {
                "cell_id": tile.cell_ids(),
                "contamination": scores.probability,
                "contamination_low": scores.low,
                "contamination_high": scores.high,
                "contamination_score": scores.score,
                "in_domain": scores.in_domain,
            }
        )
        return rows, values if self.keep else None


def reasons(
    model: ContaminationModel,
    cell_ids: NDArray[np.int64],
    values: NDArray[np.float32],
    infos: Mapping[str, FeatureInfo],
    threads: int,
) -> pd.DataFrame:
    """Three reasons for each row of features, indexed by cell_id."""
    contributions = model.booster.contributions(values, threads)
    texts = reasons_in_words(model.booster.features, values, contributions, infos)
    return pd.DataFrame(texts, columns=list(REASONS), index=cell_ids, dtype="str")
