"""SHAP values of LightGBM's trees by a compiled kernel, in a fraction of the time of LightGBM's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numba
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, Floats32, Integers
from models.trees import ZERO, Tree

# Different features on the way to a leaf; its table has 2^n rows.
MOST_ON_WAY = 8
ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class ContributionTable:
    """What every leaf of some trees gives to the features on the way to it, for each way of meeting their conditions.

    Splits stand tree by tree, from `split_start[t]`, and so do leaves, from `leaf_start[t]`. A row meets the conditions
    of feature k on the way to a leaf, k from `way_start[leaf]`, where its splits in `asked[k]`, bits of the tree's
    splits, went right in `wanted[k]` and left in the others. The features that it meets, as bits, are the row of the
    leaf's table, which begins at `table_start[leaf]` of `given` and has a column for each feature.
    """

    feature: Integers
    threshold: Floats32
    unknown_right: NDArray[np.bool_]
    split_start: Integers
    leaf_start: Integers
    way_start: Integers
    way_feature: Integers
    asked: NDArray[np.uint32]
    wanted: NDArray[np.uint32]
    table_start: Integers
    given: Floats

    def contributions(self, values: Floats32) -> Floats:
        """SHAP values on the raw score, (n_rows, n_features), of rows of `values`; the base value is left out."""
        found = np.zeros(values.shape)
        _add_contributions(
            np.ascontiguousarray(values), self.feature, self.threshold, self.unknown_right, self.split_start,
            self.leaf_start, self.way_start, self.way_feature, self.asked, self.wanted, self.table_start, self.given,
            found,
        )  # fmt: skip
        return found


def contribution_table(trees: Sequence[Tree]) -> ContributionTable | None:
    """The table of some trees; None where more than MOST_ON_WAY features stand on the way to a leaf."""
    ways = [_ways(tree) for tree in trees]
    every = [way for of_tree in ways for way in of_tree]
    if any(len(way.feature) > MOST_ON_WAY for way in every):
        return None
    sizes = np.array([len(way.feature) for way in every], dtype=np.int64)
    shares = np.array([share for way in every for share in way.share], dtype=np.float64)
    way_start = np.append(0, np.cumsum(sizes))
    table_start = np.append(0, np.cumsum(sizes << sizes))
    given = np.zeros(table_start[-1])
    orders = np.array(
        [[factorial(k) * factorial(m - 1 - k) / factorial(m) if k < m else 0.0 for k in range(MOST_ON_WAY)]
         for m in range(MOST_ON_WAY + 1)]
    )  # fmt: skip
    _fill_given(way_start, shares, np.array([way.value for way in every]), orders, table_start, given)
    return ContributionTable(
        feature=np.array([one for tree in trees for one in tree.feature], dtype=np.int64),
        threshold=np.array([one for tree in trees for one in tree.threshold], dtype=np.float32),
        unknown_right=np.array([one for tree in trees for one in tree.unknown_right], dtype=np.bool_),
        split_start=np.cumsum([0, *(len(tree.feature) for tree in trees)], dtype=np.int64),
        leaf_start=np.cumsum([0, *(len(of_tree) for of_tree in ways)], dtype=np.int64),
        way_start=way_start,
        way_feature=np.array([one for way in every for one in way.feature], dtype=np.int64),
        asked=np.array([one for way in every for one in way.asked], dtype=np.uint32),
        wanted=np.array([one for way in every for one in way.wanted], dtype=np.uint32),
        table_start=table_start,
        given=given,
    )


@dataclass(frozen=True, kw_only=True)
class _Way:
    """The features on the way to a leaf, the splits that ask for each, and the share of rows that go on there."""

    value: float
    feature: tuple[int, ...]
    asked: tuple[int, ...]
    wanted: tuple[int, ...]
    share: tuple[float, ...]


def _ways(tree: Tree) -> list[_Way]:
    """The way to every leaf of a tree; none if it has no split, because a constant gives nothing to a feature."""
    ways: list[_Way] = []

    def follow(child: int, met: dict[int, tuple[int, int, float]]) -> None:
        if child < 0:
            bits, rights, parts = zip(*met.values(), strict=True)
            value = float(tree.leaf_value[~child])
            ways.append(_Way(value=value, feature=tuple(met), asked=bits, wanted=rights, share=parts))
            return
        name, bit = tree.feature[child], 1 << child
        asked, wanted, share = met.get(name, (0, 0, 1.0))
        for below, right in ((tree.left[child], 0), (tree.right[child], bit)):
            rows = tree.leaf_rows[~below] if below < 0 else tree.split_rows[below]
            part = share * rows / tree.split_rows[child]
            follow(below, met | {name: (asked | bit, wanted | right, part)})

    if tree.feature:
        follow(0, {})
    return ways


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_given(
    way_start: Integers, share: Floats, value: Floats, order: Floats, table_start: Integers, given: Floats
) -> None:
    """Shapley values of each leaf's game: a feature that is left out lets the share of training rows pass.

    Lundberg et al. (2020), with the sum over sets of features by size as the coefficients of a product.
    """
    for leaf in range(len(value)):
        first, m = way_start[leaf], way_start[leaf + 1] - way_start[leaf]
        for met in range(1 << m):
            for one in range(m):
                # Sums over sets of the other features, by the size of the set.
                sums = np.zeros(MOST_ON_WAY)
                sums[0] = 1.0
                for number, other in enumerate([k for k in range(m) if k != one]):
                    for size in range(number + 1, -1, -1):
                        kept = sums[size - 1] if size and met >> other & 1 else 0.0
                        sums[size] = sums[size] * share[first + other] + kept
                weight = 0.0
                for size in range(m):
                    weight += order[m, size] * sums[size]
                passes = float(met >> one & 1)
                given[table_start[leaf] + met * m + one] = value[leaf] * weight * (passes - share[first + one])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_contributions(
    values: Floats32,
    feature: Integers,
    threshold: Floats32,
    unknown_right: NDArray[np.bool_],
    split_start: Integers,
    leaf_start: Integers,
    way_start: Integers,
    way_feature: Integers,
    asked: NDArray[np.uint32],
    wanted: NDArray[np.uint32],
    table_start: Integers,
    given: Floats,
    found: Floats,
) -> None:
    """Add to each row what the leaves of every tree give to its features."""
    n_rows = len(values)
    right, met = np.empty(ROWS_AT_ONCE, dtype=np.uint32), np.empty(ROWS_AT_ONCE, dtype=np.int64)
    for first in range(0, n_rows, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, n_rows - first)
        for tree in range(len(split_start) - 1):
            right[:] = 0
            for split in range(split_start[tree], split_start[tree + 1]):
                bit = np.uint32(1) << np.uint32(split - split_start[tree])
                for row in range(rows):
                    one = values[first + row, feature[split]]
                    one = np.float32(0) if abs(one) <= ZERO else one
                    goes = unknown_right[split] if np.isnan(one) else one > threshold[split]
                    right[row] |= bit if goes else np.uint32(0)
            for leaf in range(leaf_start[tree], leaf_start[tree + 1]):
                start, end = way_start[leaf], way_start[leaf + 1]
                met[:] = 0
                for k in range(start, end):
                    for row in range(rows):
                        met[row] |= (1 << (k - start)) if right[row] & asked[k] == wanted[k] else 0
                for row in range(rows):
                    table = table_start[leaf] + met[row] * (end - start)
                    for k in range(start, end):
                        found[first + row, way_feature[k]] += given[table + k - start]
