"""A contamination model of a country from Python: its scores and the contributions of features."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.base import ConfigError, Flags, Floats, Floats32, Integers
from features.table import FeatureTable
from models.contamination import ContaminationModel

if TYPE_CHECKING:
    import shap


@dataclass(frozen=True, eq=False, kw_only=True)
class CountryModel:
    """A contamination model with the cells (n,), their centres (n, 2) and features that it scores.

    `in_area` (n,) are cells in open areas on record, whose probabilities have a level of their own.
    """

    model: ContaminationModel
    cell_id: Integers
    centres_m: Floats
    table: FeatureTable
    in_area: Flags
    threads: int = 1

    def predict(self, cells: Iterable[int] | None = None) -> pd.DataFrame:
        """Contamination of cells (all without `cells`), indexed by cell_id.

        `contamination` with `low` and `high` is the probability of the map, `score` the log-odds that rank, `in_domain`
        false where the model has no basis to rank.
        """
        rows = self._rows(cells)
        scores = self.model.scores(self._values(rows), self.threads, self.centres_m[rows], self.in_area[rows])
        columns = {
            "contamination": scores.probability, "low": scores.low, "high": scores.high, "score": scores.score,
            "in_domain": scores.in_domain,
        }  # fmt: skip
        return pd.DataFrame(columns, index=pd.Index(self.cell_id[rows], name="cell_id"))

    def explain(self, cells: Iterable[int] | None = None) -> "shap.Explanation":
        """SHAP values on the log-odds of cells (all without `cells`), for the plots of shap.

        With `base_values` they add up to the score of the features, which excludes survey results nearby. Associations,
        not causes.
        """
        with warnings.catch_warnings():
            # Of its own plots, on the matplotlib that is installed.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            import shap

        values = self._values(self._rows(cells))
        added = self.model.ranker.contributions(values, self.threads)
        base = self.model.ranker.raw(values, self.threads) - added.sum(axis=1)
        return shap.Explanation(
            values=added, base_values=base, data=values, feature_names=list(self.model.ranker.features)
        )

    def _values(self, rows: Integers) -> Floats32:
        return np.ascontiguousarray(self.table.aligned(self.model.ranker.features)[rows])

    def _rows(self, cells: Iterable[int] | None) -> Integers:
        if cells is None:
            return np.arange(len(self.cell_id))
        wanted = np.array(list(cells), dtype=np.int64)
        order = np.argsort(self.cell_id)
        place = order[np.searchsorted(self.cell_id, wanted, sorter=order).clip(max=len(order) - 1)]
        absent = wanted[self.cell_id[place] != wanted]
        if len(absent):
            raise ConfigError(f"cells ({', '.join(map(str, absent[:5]))}) are not in the area: see features().index")
        return np.asarray(place)
