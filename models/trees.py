"""The trees of a LightGBM booster as numbers, read from its text, for the kernels of scores and contributions."""

from dataclasses import dataclass

import numpy as np

from features.base import Floats

# Splits and leaves of a tree that one 32-bit word can hold; larger trees are left to LightGBM.
MOST_LEAVES = 32
# LightGBM takes values up to this size, a float32, for zero.
ZERO = np.float32(1e-35)
# Bits of `decision_type`: a split by category; unknown values go left; what counts as unknown.
CATEGORY, UNKNOWN_LEFT, MISSING = 1, 2, 12
NOTHING_MISSING, NAN_MISSING = 0, 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Tree:
    """One tree: its splits, in LightGBM's order with the root first, and its leaves.

    A row goes left at a split where its value of `feature` is at most `threshold`; where the value is unknown it goes
    right if `unknown_right`. `left` and `right` are the next split, or `~leaf`. The numbers of training rows are
    `split_rows` and `leaf_rows`.
    """

    feature: list[int]
    threshold: list[np.float32]
    unknown_right: list[bool]
    left: list[int]
    right: list[int]
    split_rows: list[int]
    leaf_rows: list[int]
    leaf_value: Floats


def trees_of(text: str, n_features: int) -> list[Tree] | None:
    """The trees of a booster's text; None where it holds something that the kernels do not know.

    That is a split by category, zero as a missing value, leaves with a regression, a mean of trees, several scores a
    row, more than MOST_LEAVES leaves, or a split by a feature beyond the first `n_features`.
    """
    start, end = text.index("\nTree="), text.index("end of trees")
    head = text[:start].splitlines()
    if "num_tree_per_iteration=1" not in head or "average_output" in head:
        return None
    trees = [_tree(part, n_features) for part in text[start:end].split("\nTree=")[1:]]
    known = [tree for tree in trees if tree is not None]
    return known if len(known) == len(trees) else None


def _tree(block: str, n_features: int) -> Tree | None:
    keys = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)

    def whole(key: str) -> list[int]:
        return [int(word) for word in keys.get(key, "").split()]

    leaves = int(keys["num_leaves"])
    if leaves > MOST_LEAVES or keys.get("num_cat") != "0" or keys.get("is_linear", "0") != "0":
        return None
    decision, feature = whole("decision_type"), whole("split_feature")
    # The kernels read memory without a check of its bounds.
    if any(one & CATEGORY or one & MISSING not in (NOTHING_MISSING, NAN_MISSING) for one in decision) or not all(
        0 <= one < n_features for one in feature
    ):
        return None
    threshold = [float(word) for word in keys.get("threshold", "").split()]
    return Tree(
        feature=feature,
        threshold=[_rounded_down(limit) for limit in threshold],
        # Where training knew every value, an unknown one counts as zero.
        unknown_right=[
            not one & UNKNOWN_LEFT if one & MISSING else limit < 0
            for one, limit in zip(decision, threshold, strict=True)
        ],
        left=whole("left_child"),
        right=whole("right_child"),
        split_rows=whole("internal_count"),
        leaf_rows=whole("leaf_count"),
        leaf_value=np.array([float(word) for word in keys["leaf_value"].split()]),
    )


def _rounded_down(threshold: float) -> np.float32:
    """The greatest float32 up to the threshold: every float32 lies on the same side of both."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near
