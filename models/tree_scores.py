"""Raw scores of LightGBM's trees by a compiled kernel: the same bits as LightGBM's own, many times sooner."""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, Floats32, Integers
from models.trees import MOST_LEAVES, ZERO, Tree

# Number of rows that are scored together: their features stay in the cache of the processor.
ROWS_AT_ONCE = 256
ALL = 0xFFFFFFFF
# Multiplied by a lone bit, this number has a different five highest bits for each of the 32 (Leiserson et al. 1998).
DE_BRUIJN = 0x077CB531


@dataclass(frozen=True, eq=False, kw_only=True)
class TreeTable:
    """The trees of a booster as arrays, after Lucchese et al. (2015), QuickScorer, SIGIR.

    Splits stand tree by tree, those of tree t from `start[t]` to before `start[t + 1]`. A row that goes right at a
    split cannot reach the leaves to its left: `kept` has the bits of the others. The lowest bit that is left after all
    splits of a tree is the row's leaf, whose value is in `value` (trees, 32) at the place of that bit in DE_BRUIJN.
    """

    feature: Integers
    threshold: Floats32
    unknown_right: NDArray[np.bool_]
    kept: NDArray[np.uint32]
    start: Integers
    value: Floats

    def raw(self, values: Floats32) -> Floats:
        """Sum of the leaf values of each row of `values`, (n_rows, n_features), tree after tree as LightGBM adds."""
        scores = np.zeros(len(values))
        _add_leaves(
            np.ascontiguousarray(values), self.feature, self.threshold, self.unknown_right, self.kept, self.start,
            self.value, scores,
        )  # fmt: skip
        return scores


def score_table(trees: Sequence[Tree]) -> TreeTable:
    """The table of some trees, as `trees_of` reads them."""
    kept: list[int] = []
    value = np.zeros((len(trees), MOST_LEAVES))
    for tree, place in zip(trees, value, strict=True):
        # A tree without a split has one leaf.
        bit, lefts = _order(tree.left, tree.right) if tree.left else ({0: 0}, {})
        place[[_place(bit[leaf]) for leaf in range(len(bit))]] = tree.leaf_value
        kept += [ALL & ~lefts[split] for split in range(len(lefts))]
    return TreeTable(
        feature=np.array([one for tree in trees for one in tree.feature], dtype=np.int64),
        threshold=np.array([one for tree in trees for one in tree.threshold], dtype=np.float32),
        unknown_right=np.array([one for tree in trees for one in tree.unknown_right], dtype=np.bool_),
        kept=np.array(kept, dtype=np.uint32),
        start=np.cumsum([0, *(len(tree.feature) for tree in trees)], dtype=np.int64),
        value=value,
    )


def _order(left: list[int], right: list[int]) -> tuple[dict[int, int], dict[int, int]]:
    """The bit of each leaf, from left to right, and for each split the bits of the leaves to its left.

    A child below 0 is the leaf `~child`.

    >>> _order([1, -1], [-2, -3])
    ({0: 0, 2: 1, 1: 2}, {1: 1, 0: 3})
    """
    bit: dict[int, int] = {}
    lefts: dict[int, int] = {}

    def reach(child: int) -> int:
        if child < 0:
            bit[~child] = len(bit)
            return 1 << bit[~child]
        lefts[child] = reach(left[child])
        return lefts[child] | reach(right[child])

    reach(0)
    return bit, lefts


def _place(bit: int) -> int:
    return ((DE_BRUIJN << bit) & ALL) >> 27


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_leaves(
    values: Floats32,
    feature: Integers,
    threshold: Floats32,
    unknown_right: NDArray[np.bool_],
    kept: NDArray[np.uint32],
    start: Integers,
    value: Floats,
    scores: Floats,
) -> None:
    """Add to each score the leaf values of its row; loops over rows are short and free of branches, for SIMD."""
    n_rows, n_features = values.shape
    column = np.zeros((n_features, ROWS_AT_ONCE), dtype=np.float32)
    left = np.empty(ROWS_AT_ONCE, dtype=np.uint32)
    every = np.uint32(ALL)
    for first in range(0, n_rows, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, n_rows - first)
        for row in range(rows):
            for number in range(n_features):
                one = values[first + row, number]
                column[number, row] = np.float32(0) if abs(one) <= ZERO else one
        for tree in range(len(start) - 1):
            left[:] = every
            for split in range(start[tree], start[tree + 1]):
                one_column, limit, mask = column[feature[split]], threshold[split], kept[split]
                # No comparison holds for NaN.
                if unknown_right[split]:
                    for row in range(ROWS_AT_ONCE):
                        left[row] &= every if one_column[row] <= limit else mask
                else:
                    for row in range(ROWS_AT_ONCE):
                        left[row] &= mask if one_column[row] > limit else every
            of_tree = value[tree]
            for row in range(rows):
                lowest = left[row] & (~left[row] + np.uint32(1))
                scores[first + row] += of_tree[np.uint32(lowest * np.uint32(DE_BRUIJN)) >> np.uint32(27)]
