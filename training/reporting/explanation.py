"""Contributions to the scores of all land to be ranked: by family, by feature, in pairs and by region."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import FeatureInfo, Floats, Floats32
from models.attribution import Families, Interaction, leading_interactions
from models.ranker import Ranker
from training.contamination import CellDataset

# Values of pairs cost some hundred times those of features.
PAIRED_ROWS = 300
# The mean over fewer cells does not describe a region.
FEWEST_OF_REGION = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """Contributions to the log-odds of cells drawn from all land, `values` and `contributions` (n_rows, n_features).

    `regions` names the region of each row, empty outside all; `texts` and `units` say what the features are, by name.
    `pairs` are the features that interact in the trees, the strongest first; their effect is a mean size over some of
    the rows.
    """

    names: tuple[str, ...]
    families: Families
    texts: Mapping[str, str]
    units: Mapping[str, str]
    values: Floats32
    contributions: Floats
    regions: NDArray[np.object_]
    pairs: tuple[Interaction, ...]

    def by_family(self) -> pd.DataFrame:
        """Mean size and mean of the summed contributions of each family, the greatest size first."""
        sums = self.families.sums(self.contributions)
        return _ordered(pd.DataFrame({"family": self.families.names, **_means(sums)}))

    def by_feature(self) -> pd.DataFrame:
        """The same for each feature, with its family and the Spearman correlation of value and contribution.

        The correlation is NaN where one of the two never changes.
        """
        places = self.families.place
        return _ordered(
            pd.DataFrame(
                {
                    "feature": self.names,
                    "text": [self.texts.get(name, name) for name in self.names],
                    "family": [self.families.names[place] for place in places],
                    **_means(self.contributions),
                    "direction": [_spearman(*both) for both in zip(self.values.T, self.contributions.T, strict=True)],
                }
            )
        )

    def by_region(self) -> pd.DataFrame:
        """One row for each region of enough cells: `region`, `cells`, and the mean sum of each family, by name."""
        sums = self.families.sums(self.contributions)
        order = self.by_family()["family"].tolist()
        frame = pd.DataFrame(sums, columns=list(self.families.names))[order]
        inside = self.regions != ""
        grouped = frame[inside].groupby(self.regions[inside].astype(str))
        means = grouped.mean()
        means.insert(0, "cells", grouped.size())
        return means[means["cells"] >= FEWEST_OF_REGION].rename_axis("region").reset_index()

    def pairs_table(self) -> pd.DataFrame:
        """The pairs as rows `first`, `second`, `effect`."""
        return pd.DataFrame(
            [
                (self.texts.get(pair.first, pair.first), self.texts.get(pair.second, pair.second), pair.effect)
                for pair in self.pairs
            ],
            columns=["first", "second", "effect"],
        )


def explanation(dataset: CellDataset, ranker: Ranker, most_cells: int, seed: int, threads: int) -> Explanation:
    """Explain the scores of `most_cells` cells, drawn from all land of the dataset, surveyed or not."""
    names = ranker.features
    drawn = np.sort(np.random.default_rng(seed).permutation(dataset.grid.n_cells)[:most_cells])
    values = np.ascontiguousarray(dataset.learned.aligned(names)[drawn])
    infos: Mapping[str, FeatureInfo] = {name: dataset.infos[name] for name in names if name in dataset.infos}
    return Explanation(
        names=names,
        families=Families.of(names, {name: info.family for name, info in infos.items()}),
        texts={name: info.text for name, info in infos.items()},
        units={name: info.unit for name, info in infos.items()},
        values=values,
        contributions=ranker.contributions(values, threads),
        regions=dataset.regions[drawn],
        pairs=_pairs(ranker, values),
    )


def _pairs(ranker: Ranker, values: Floats32) -> tuple[Interaction, ...]:
    """Interacting pairs of the trees, on their part of the log-odds; the regression has none."""
    if ranker.trees is None:
        return ()
    some = values[np.linspace(0, len(values) - 1, min(len(values), PAIRED_ROWS)).astype(np.int64)]
    share = 1 - ranker.linear_share
    return tuple(replace(pair, effect=share * pair.effect) for pair in leading_interactions(ranker.trees, some))


def _means(values: Floats) -> dict[str, Floats]:
    return {"mean_size": np.abs(values).mean(axis=0), "mean": values.mean(axis=0)}


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("mean_size", ascending=False, kind="stable", ignore_index=True)


def _spearman(values: Floats32, contributions: Floats) -> float:
    known = np.isfinite(values)
    x, y = values[known], contributions[known]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(pd.Series(x).rank().corr(pd.Series(y).rank()))
