"""Folds of a country from Python: as a splitter of scikit-learn, and with the tables that a model gets in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.base import Flags, Integers
from training.contamination import Trial
from training.evidence import FOUND
from training.validation import Fold


@dataclass(frozen=True, eq=False, kw_only=True)
class FoldTables:
    """A fold with its tables, rows by cell_id: what a model learns from, and what it is judged on.

    `train` and `test` are features as the model gets them in this fold: as of the earlier date where the protocol is
    `as_of`, and without the records of land that is held out. `found` and `weight` belong to `train`, `outcome` to
    `test`. NaN where a feature is unknown; no column is unknown in all of `train`.
    """

    fold: Fold
    train: pd.DataFrame
    found: pd.Series
    weight: pd.Series
    test: pd.DataFrame
    outcome: pd.Series

    @classmethod
    def of(cls, trial: Trial) -> "FoldTables":
        """The tables of a trial."""
        rows, judged, learned = trial.fold.train, trial.fold.test, trial.dataset.learned
        lesson = trial.lesson(0, 1)
        ids = trial.dataset.grid.cell_ids()
        known: Flags = np.asarray(np.isfinite(learned.values[rows]).any(axis=0))
        names = [name for name, kept in zip(learned.names, known, strict=True) if kept]
        values = learned.aligned(names)
        here, there = (pd.Index(ids[part], name="cell_id") for part in (rows, judged))
        return cls(
            fold=trial.fold,
            train=pd.DataFrame(values[rows], columns=names, index=here),
            found=pd.Series(np.asarray(lesson.found, dtype=bool), index=here, name="found"),
            weight=pd.Series(lesson.weight, index=here, name="weight"),
            test=pd.DataFrame(values[judged], columns=names, index=there),
            outcome=pd.Series(trial.outcome.state[judged] == FOUND, index=there, name="outcome"),
        )


@dataclass(frozen=True, eq=False)
class Folds:
    """The folds of a protocol as a splitter of scikit-learn: `cross_val_score(model, X, y, cv=folds)`.

    `tables` has the features of each fold, which are not those of today: records of held-out land are left out, and
    those that came after the earlier date of `as_of`.
    """

    trials: tuple[Trial, ...]

    def __iter__(self) -> Iterator[Fold]:
        return (trial.fold for trial in self.trials)

    def __len__(self) -> int:
        return len(self.trials)

    def tables(self) -> Iterator[FoldTables]:
        """What a model learns from and is judged on, fold after fold."""
        return (FoldTables.of(trial) for trial in self.trials)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[Integers, Integers]]:  # noqa: ARG002
        """Rows to learn from and to be judged on, fold after fold."""
        return ((fold.train, fold.test) for fold in self)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Number of folds."""
        return len(self)
