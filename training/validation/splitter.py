"""The folds of a protocol in scikit-learn's splitter protocol, so that any estimator can be judged on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from features.base import Floats, Integers
from training.evidence import NO_REGION
from training.settings import ValidationSettings
from training.validation.splits import PROTOCOLS, Labels


@dataclass(frozen=True, eq=False, kw_only=True)
class CellFolds:
    """A splitter for `cv=` of scikit-learn: `cross_val_score(model, X, y, groups=regions, cv=CellFolds(...))`.

    `protocol` is a name in PROTOCOLS, `centres_m` (n, 2) the coordinates of each row of X, `ahead_m` (m, 2) those of
    the land to predict, which knndm needs (without it, land like the rows themselves). Rows and folds are those of
    `mlrisk train` with the same settings and seed.
    """

    protocol: str
    centres_m: Floats
    cell_size_m: float
    ahead_m: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    settings: ValidationSettings = field(default_factory=ValidationSettings)
    seed: int = 0

    def split(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Iterator[tuple[Integers, Integers]]:
        """Rows to learn from and to be judged on, fold after fold.

        `y` is true where ordnance was found, `groups` names the region of each row; without regions,
        leave_region_out has nothing to hold out. Raises ValueError where X, y, groups and `centres_m` differ in length.
        """
        found = np.asarray(y).astype(bool)
        size, ahead = len(self.centres_m), len(self.ahead_m)
        regions = np.full(size, NO_REGION, dtype=object) if groups is None else np.asarray(groups, dtype=object)
        lengths = {"X": np.shape(X)[0], "y": len(found), "groups": len(regions), "centres_m": size}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"rows differ in number: {', '.join(f'{name} {rows}' for name, rows in lengths.items())}")
        labels = Labels(
            labelled=np.arange(size + ahead) < size,
            positive=np.concatenate([found, np.zeros(ahead, dtype=bool)]),
            regions=np.concatenate([regions, np.full(ahead, NO_REGION, dtype=object)]),
            centres_m=np.concatenate([self.centres_m, self.ahead_m]),
            cell_size_m=self.cell_size_m,
        )
        for fold in PROTOCOLS[self.protocol](labels, self.settings, self.seed):
            yield fold.train, fold.test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds that judge these rows: one that lacks found or searched cells on a side is left out."""
        return sum(1 for _ in self.split(X, y, groups))
