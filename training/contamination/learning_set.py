"""The learning set of a fold: its labelled cells without the judged ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.base import Flags, Floats, Floats32, Integers
from features.table import FeatureTable
from training.contamination.dataset import CellDataset
from training.evidence import FOUND, KIND_NAMES, KINDS, NO_REGION, Evidence, block_names
from training.settings import ValidationSettings
from training.validation import Labels, leave_region_out

# With fewer found or searched cells a region cannot be compared with others.
FEWEST_OF_EACH = 10
# With fewer comparable regions square blocks take their place: a single region has nothing to be compared with.
FEWEST_REGIONS = 3
# Areas in which survey found something: they cover parts of cells.
AREA_KINDS = [
    KIND_NAMES.index(name)
    for name, kind in KINDS.items()
    if kind.state == FOUND and kind.source in ("hazard_areas", "survey")
]


@dataclass(frozen=True, eq=False, kw_only=True)
class LearningSet:
    """Labelled cells to learn from, arrays (n,) and `values` (n, n_features) by `names`; NaN where unknown.

    `target` is 1 where something was found, 0 where a search found nothing, and between in a cleared polygon whose
    counted devices were not located; `bag` numbers that polygon, NO_BAG elsewhere. `weight` is the weight of the
    evidence times that of survey bias, `share` the searched part of the cell. `regions` names the region of each cell
    (blocks where there are too few), `constraints` gives the monotone direction by name.
    """

    names: tuple[str, ...]
    values: Floats32
    found: Flags
    target: Floats
    bag: Integers
    weight: Floats
    share: Floats
    regions: NDArray[np.object_]
    centres_m: Floats
    cell_size_m: float
    constraints: Mapping[str, int]

    def rows(self, rows: Integers) -> "LearningSet":
        """Some of the cells, in the order of `rows`."""
        names = ("values", "found", "target", "bag", "weight", "share", "regions", "centres_m")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def with_features(self, names: Iterable[str]) -> "LearningSet":
        """The same cells with only some of the features."""
        kept = tuple(names)
        if kept == self.names:
            return self
        values = np.ascontiguousarray(FeatureTable(self.names, self.values).aligned(kept))
        constraints = {name: sign for name, sign in self.constraints.items() if name in kept}
        return replace(self, names=kept, values=values, constraints=constraints)

    def thinned(self, most: int, seed: int) -> "LearningSet":
        """At most `most` cells: all found ones and a draw of the searched, weighted to represent all of them."""
        searched = np.flatnonzero(~self.found)
        room = max(most - int(self.found.sum()), most // 2)
        if len(searched) <= room:
            return self
        drawn = np.random.default_rng(seed).choice(searched, room, replace=False)
        rows = np.sort(np.concatenate([np.flatnonzero(self.found), drawn]))
        stands_for = np.where(self.found[rows], 1.0, len(searched) / room)
        some = self.rows(rows)
        return replace(some, weight=some.weight * stands_for, share=some.share * stands_for)

    def folds(self, number: int, buffer_m: float | str, seed: int) -> list[tuple[Integers, Integers]]:
        """Rows to learn from and to judge on, for folds that hold out regions of this learning set."""
        labels = Labels(
            labelled=np.ones(len(self.found), bool),
            positive=self.found,
            regions=self.regions,
            centres_m=self.centres_m,
            cell_size_m=self.cell_size_m,
        )
        settings = ValidationSettings.model_validate({"folds": number, "buffer_m": buffer_m})
        return [(fold.train, fold.test) for fold in leave_region_out(labels, settings, seed)]


def learning_set_of(dataset: CellDataset, rows: Integers, block_m: float) -> LearningSet:
    """The learning set of `rows` (indices of labelled cells); its regions are blocks of `block_m` if there are few."""
    evidence, centres_m = dataset.evidence, dataset.grid.centres_m()[rows]
    found = evidence.state[rows] == FOUND
    return LearningSet(
        names=dataset.learned.names,
        values=dataset.learned.values[rows],
        found=found,
        target=evidence.target[rows],
        bag=evidence.bag[rows].astype(np.int64),
        weight=learning_weight(evidence)[rows] * dataset.bias.weight[rows],
        share=evidence.share[rows],
        regions=learning_regions(dataset.regions[rows], found, centres_m, block_m),
        centres_m=centres_m,
        cell_size_m=dataset.grid.cell_size_m,
        constraints=dataset.constraints,
    )


def learning_weight(evidence: Evidence) -> Floats:
    """Weight of each cell to a learner, (n_cells,): an area on record counts in full for every cell that it touches.

    The covered share of the cell determines how likely a survey of the whole cell would find something, which
    calibration learns; as an example of where hazards lie the cell is as good as any.
    """
    on_record = (evidence.state == FOUND) & np.isin(evidence.kind, AREA_KINDS)
    return np.divide(evidence.weight, evidence.share, out=evidence.weight.copy(), where=on_record)


def learning_regions(
    regions: NDArray[np.object_], found: Flags, centres_m: Floats, block_m: float
) -> NDArray[np.object_]:
    """The given regions, or square blocks if fewer than FEWEST_REGIONS of them have enough labels."""
    return regions if len(comparable_regions(regions, found)) >= FEWEST_REGIONS else block_names(centres_m, block_m)


def comparable_regions(regions: NDArray[np.object_], found: Flags) -> tuple[str, ...]:
    """Regions with at least FEWEST_OF_EACH found and as many searched cells, by name."""
    names, place = np.unique(regions.astype(str), return_inverse=True)
    hits, cells = np.bincount(place, found), np.bincount(place)
    telling = (hits >= FEWEST_OF_EACH) & (cells - hits >= FEWEST_OF_EACH) & (names != NO_REGION)
    return tuple(str(name) for name in names[telling])
