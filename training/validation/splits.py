"""The folds of each protocol: which labelled cells a model learns from, and on which it is judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.base import Flags, Floats, Integers
from training.evidence import NO_REGION
from training.settings import ValidationSettings
from training.validation.knndm import MatchedFolds, match_folds
from training.validation.variogram import autocorrelation_range_m

# With a wider buffer so few found cells would be left to learn from that the judged model would not resemble the final
# one.
LEAST_LEFT = 0.5
# Random folds only show the optimism gap: more of them would cost time for nothing.
MOST_RANDOM_FOLDS = 5
QUANTILES = tuple(np.linspace(0.0, 1.0, 21).tolist())


@dataclass(frozen=True, eq=False, kw_only=True)
class Fold:
    """Rows to learn from and rows to be judged on, both indices into the cells of the grid.

    `facts` explain the fold: numbers of cells, base rates, distances in metres between the two sides, and facts of the
    protocol; plain numbers and lists, ready for JSON.
    """

    protocol: str
    name: str
    train: Integers
    test: Integers
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Labels:
    """The arrays from which folds are made, over the cells of the grid in `cell_ids()` order.

    `regions` names the region of each cell, empty where it lies in none; `centres_m` has shape (n_cells, 2).
    """

    labelled: Flags
    positive: Flags
    regions: NDArray[np.object_]
    centres_m: Floats
    cell_size_m: float


def leave_region_out(labels: Labels, settings: ValidationSettings, seed: int) -> Iterator[Fold]:
    """Folds that hold whole regions out; training cells within the buffer of a held-out cell are left out as well.

    Regions are dealt to `folds` groups by the labelled land that they hold, never by finds, so that a changed label
    moves no cell between folds; each named box is a fold. A buffer narrower than a cell would leave the neighbouring
    cells in: it is at least a cell wide unless it is 0. `auto` estimates the range of the labels' autocorrelation from
    the training side alone, and halves it until half of the found cells are left to learn from. A fold without found
    and searched cells on both sides judges nothing and is left out.
    """
    for name, members in deal(labels, settings, seed).items():
        held_out = np.isin(labels.regions, members)
        test = np.flatnonzero(held_out & labels.labelled)
        candidates = np.flatnonzero(~held_out & labels.labelled & (labels.regions != NO_REGION))
        if not (can_judge(labels, candidates) and can_judge(labels, test)):
            continue
        apart_m, _ = cKDTree(labels.centres_m[held_out]).query(labels.centres_m[candidates])
        buffer_m, facts = _buffer(labels, settings, candidates, apart_m, seed)
        train = candidates[apart_m > buffer_m * (1 + 1e-9)] if buffer_m else candidates
        if can_judge(labels, train):
            facts |= {"regions": sorted(members), "buffer_m": buffer_m}
            yield Fold(
                protocol="leave_region_out",
                name=name,
                train=train,
                test=test,
                facts=fold_facts(labels, train, test) | facts,
            )


def knndm(labels: Labels, settings: ValidationSettings, seed: int) -> Iterator[Fold]:
    """Folds of blocks whose distances to their training cells match those of the land to predict.

    k-fold nearest neighbour distance matching after Linnenbrink, Milà, Ludwig and Meyer (2024). The land to predict is
    every cell of the area without a label; the facts of each fold hold the Wasserstein distance and the quantiles of
    both distributions of distances.
    """
    rows = np.flatnonzero(labels.labelled)
    ahead = labels.centres_m[~labels.labelled]
    if len(rows) < 2 * settings.folds:
        return
    if not len(ahead):
        # If no cell is unlabelled, the land to predict is like the labelled cells themselves.
        ahead = labels.centres_m[rows]
    matched = match_folds(labels.centres_m[rows], ahead, settings.folds, labels.cell_size_m, seed)
    for number in range(settings.folds):
        train, test = rows[matched.fold != number], rows[matched.fold == number]
        if can_judge(labels, train) and can_judge(labels, test):
            yield Fold(
                protocol="knndm",
                name=f"knndm {number + 1}",
                train=train,
                test=test,
                facts=fold_facts(labels, train, test) | _facts(matched),
            )


def random_folds(labels: Labels, settings: ValidationSettings, seed: int) -> Iterator[Fold]:
    """Random k-fold over labelled cells: too optimistic, reported only to show by how much (the optimism gap)."""
    folds = min(settings.folds, MOST_RANDOM_FOLDS)
    rows = np.flatnonzero(labels.labelled)
    part = np.random.default_rng(seed).permutation(len(rows)) % folds
    for number in range(folds):
        train, test = rows[part != number], rows[part == number]
        if can_judge(labels, train) and can_judge(labels, test):
            yield Fold(
                protocol="random",
                name=f"random {number + 1}",
                train=train,
                test=test,
                facts=fold_facts(labels, train, test),
            )


# The protocols that split the labels of one date; as_of compares two dates, see `earlier_trials`.
PROTOCOLS: dict[str, Callable[[Labels, ValidationSettings, int], Iterator[Fold]]] = {
    "leave_region_out": leave_region_out,
    "knndm": knndm,
    "random": random_folds,
}


def can_judge(labels: Labels, rows: Integers) -> bool:
    """Whether the rows hold both found and searched cells, without which nothing can be learned or judged."""
    return len(rows) > 0 and 0 < int(labels.positive[rows].sum()) < len(rows)


def fold_facts(labels: Labels, train: Integers, test: Integers) -> dict[str, Any]:
    """Facts of a fold: sizes, base rates and the distances from each judged cell to the nearest training cell."""
    apart_m, _ = cKDTree(labels.centres_m[train]).query(labels.centres_m[test])
    return {
        "train_cells": len(train),
        "train_base_rate": float(labels.positive[train].mean()),
        "test_cells": len(test),
        "test_base_rate": float(labels.positive[test].mean()),
        "distance_m": {
            "least": float(apart_m.min()),
            "median": float(np.median(apart_m)),
            "greatest": float(apart_m.max()),
        },
    }


def deal(labels: Labels, settings: ValidationSettings, seed: int) -> dict[str, list[str]]:
    """Groups of regions by fold name: each region goes to the group with the least labelled land so far."""
    known = labels.regions[labels.labelled & (labels.regions != NO_REGION)].astype(str)
    names, cells = np.unique(known, return_counts=True)
    if isinstance(settings.regions, dict) or len(names) <= settings.folds:
        return {str(name): [str(name)] for name in names}
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(-cells[shuffled], kind="stable")]
    return _in_groups(names, cells, order, settings.folds)


def _in_groups(
    names: NDArray[np.str_], cells: Integers, order: Sequence[int] | Integers, folds: int
) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {f"regions {number + 1}": [] for number in range(folds)}
    load = dict.fromkeys(groups, 0)
    for place in order:
        target = min(load, key=lambda group: load[group])
        groups[target].append(str(names[place]))
        load[target] += int(cells[place])
    return groups


def _buffer(
    labels: Labels,
    settings: ValidationSettings,
    candidates: Integers,
    apart_m: Floats,
    seed: int,
) -> tuple[float, dict[str, Any]]:
    """Width of the buffer in metres, and how it was determined."""
    if settings.buffer_m != "auto":
        return max(settings.buffer_m, labels.cell_size_m) if settings.buffer_m else 0.0, {}
    found = labels.positive[candidates]
    range_m = autocorrelation_range_m(labels.centres_m[candidates], found, labels.cell_size_m, seed)
    buffer_m = max(range_m, labels.cell_size_m)
    while buffer_m > labels.cell_size_m and found[apart_m > buffer_m].sum() < LEAST_LEFT * found.sum():
        buffer_m = max(buffer_m / 2, labels.cell_size_m)
    return float(buffer_m), {"autocorrelation_range_m": range_m}


def _facts(matched: MatchedFolds) -> dict[str, Any]:
    """Facts of nearest neighbour distance matching, with the distances as quantiles at QUANTILES."""
    return {
        "wasserstein_m": matched.wasserstein_m,
        "block_m": matched.block_m,
        "dealing": matched.dealing,
        "quantiles": list(QUANTILES),
        "to_predict_m": np.quantile(matched.to_predict_m, QUANTILES).tolist(),
        "between_folds_m": np.quantile(matched.between_folds_m, QUANTILES).tolist(),
    }
