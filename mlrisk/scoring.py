"""Scoring one tile: a pure function of the tile, the sources and the models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.grid import Grid
from features.info import FeatureInfo
from features.known import Known
from features.table import feature_table
from mlrisk.reasons import reasons_in_words
from models.contamination import ContaminationModel

REASONS = ("reason_1", "reason_2", "reason_3")


@dataclass(frozen=True, eq=False)
class Scorer:
    """What a tile needs to be scored; the same tile gives the same rows wherever its borders lie."""

    known: Known
    families: Sequence[str]
    model: ContaminationModel
    threads: int

    def rows(self, tile: Grid) -> pd.DataFrame:
        """Contamination columns of the cells inside the tile, in `tile.cell_ids()` order."""
        table = feature_table(tile, self.known, self.families)
        scores = self.model.scores(table.aligned(self.model.booster.features), self.threads)
        return pd.DataFrame(
            {
                "cell_id": tile.cell_ids(),
                "contamination": scores.probability,
                "contamination_low": scores.low,
                "contamination_high": scores.high,
                "contamination_score": scores.score,
                "in_domain": scores.in_domain,
            }
        )

    def reasons(self, tile: Grid, cell_ids: "pd.Index[int]", infos: Mapping[str, FeatureInfo]) -> pd.DataFrame:
        """Three reasons for those of the wanted cells that lie in the tile, indexed by cell_id."""
        ids = tile.cell_ids()
        wanted = np.isin(ids, cell_ids)
        if not wanted.any():
            return pd.DataFrame(columns=list(REASONS), dtype="str")
        names = self.model.booster.features
        values = feature_table(tile, self.known, self.families).aligned(names)[wanted]
        texts = reasons_in_words(names, values, self.model.booster.contributions(values, self.threads), infos)
        return pd.DataFrame(texts, columns=list(REASONS), index=ids[wanted])
