"""Raw scores of LightGBM's trees by a compiled kernel: the same bits as LightGBM's own, many times sooner."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, Floats32, Integers

# Leaves of a tree that one 32-bit word can hold; larger trees are left to LightGBM.
MOST_LEAVES = 32
# Number of rows that are scored together: their features stay in the cache of the processor.
ROWS_AT_ONCE = 256
ALL = 0xFFFFFFFF
# Multiplied by a lone bit, this number has a different five highest bits for each of the 32 (Leiserson et al. 1998).
DE_BRUIJN = 0x077CB531
# LightGBM takes values up to this size, a float32, for zero.
ZERO = np.float32(1e-35)
# Bits of `decision_type`: a split by category; unknown values go left; what counts as unknown.
CATEGORY, UNKNOWN_LEFT, MISSING = 1, 2, 12
NOTHING_MISSING, NAN_MISSING = 0, 8


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


def tree_table(text: str, n_features: int) -> TreeTable | None:
    """The trees of a booster's text; None where it holds something that the kernel does not know.

    That is a split by category, zero as a missing value, leaves with a regression, a mean of trees, several scores a
    row, more than MOST_LEAVES leaves, or a split by a feature beyond the first `n_features`.
    """
    start, end = text.index("\nTree="), text.index("end of trees")
    head = text[:start].splitlines()
    if "num_tree_per_iteration=1" not in head or "average_output" in head:
        return None
    trees = [_tree(part) for part in text[start:end].split("\nTree=")[1:]]
    known = [tree for tree in trees if tree is not None]
    if len(known) < len(trees):
        return None
    splits = [split for tree in known for split in tree[0]]
    feature, threshold, unknown_right, kept = zip(*splits, strict=True) if splits else ((), (), (), ())
    # The kernel reads memory without a check of its bounds.
    if not all(0 <= one < n_features for one in feature):
        return None
    return TreeTable(
        feature=np.array(feature, dtype=np.int64),
        threshold=np.array(threshold, dtype=np.float32),
        unknown_right=np.array(unknown_right, dtype=np.bool_),
        kept=np.array(kept, dtype=np.uint32),
        start=np.cumsum([0, *(len(tree[0]) for tree in known)], dtype=np.int64),
        value=np.array([tree[1] for tree in known], dtype=np.float64),
    )


Split = tuple[int, np.float32, bool, int]


def _tree(block: str) -> tuple[list[Split], Floats] | None:
    """The splits of a tree and its 32 leaf values; None where it holds something unknown."""
    keys = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    leaves = int(keys["num_leaves"])
    if leaves > MOST_LEAVES or keys.get("num_cat") != "0" or keys.get("is_linear", "0") != "0":
        return None
    value = np.zeros(MOST_LEAVES)
    of_leaf = [float(word) for word in keys["leaf_value"].split()]
    if leaves == 1:
        value[_place(0)] = of_leaf[0]
        return [], value
    feature, left, right, decision = (
        [int(word) for word in keys[key].split()]
        for key in ("split_feature", "left_child", "right_child", "decision_type")
    )
    if any(one & CATEGORY or one & MISSING not in (NOTHING_MISSING, NAN_MISSING) for one in decision):
        return None
    first, below = _order(left, right)
    for leaf, bit in first.items():
        value[_place(bit)] = of_leaf[leaf]
    threshold = [float(word) for word in keys["threshold"].split()]
    return [
        (
            feature[split],
            _rounded_down(threshold[split]),
            # Where training knew every value, an unknown one counts as zero.
            not decision[split] & UNKNOWN_LEFT if decision[split] & MISSING else threshold[split] < 0,
            ALL & ~below[split],
        )
        for split in range(leaves - 1)
    ], value


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


def _rounded_down(threshold: float) -> np.float32:
    """The greatest float32 up to the threshold: every float32 lies on the same side of both."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near


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
