"""Checks of the text of a LightGBM booster from elsewhere: LightGBM itself aborts or hangs on a malformed one."""

import math
import re
from collections.abc import Mapping, Sequence

MOST_TREES, MOST_LEAVES = 20_000, 4_096
# Log-odds and log-rates beyond this are meaningless, and their exponential overflows.
MOST_SCORE = 500.0
# TreeSHAP recurses once a level.
DEEPEST = 256
NUMBER = r"-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
NUMBERS = re.compile(rf"{NUMBER}(?: {NUMBER})*")
# A split may stand at infinity: known values on one side, unknown ones on the other.
THRESHOLDS = re.compile(rf"(?:{NUMBER}|-?inf)(?: (?:{NUMBER}|-?inf))*")
WHOLE = re.compile(r"-?[0-9]{1,10}(?: -?[0-9]{1,10})*")
HEAD = (
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
    "monotone_constraints", "feature_infos", "tree_sizes",
)  # fmt: skip
OBJECTIVES = ("cross_entropy", "poisson", "tweedie", "regression", "binary")
# Whole numbers and decimals of a tree: one entry for a split, or one for a leaf.
SPLITS_WHOLE = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
SPLITS = ("split_gain", "internal_value", "internal_weight")
LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
SINGLE = ("num_leaves", "num_cat", "is_linear", "shrinkage")
TREE_KEYS = {"threshold", *SPLITS_WHOLE, *SPLITS, *LEAVES, *SINGLE}
# A numerical split: bit 1 sends unknown values left, bits 2 and 3 say which values are unknown. Bit 0, a categorical
# split, has tables of its own in the text, and no model here uses one.
DECISIONS = {0, 2, 4, 6, 8, 10}


def check_trees(text: str, features: Sequence[str]) -> None:
    """Raise ValueError, with the reason, if LightGBM could not read the trees or would never reach a leaf.

    The trees have to ask for `features` in this order, every split and leaf has to be reached exactly once from the
    root, and every number has to be finite.
    """
    start, end = text.find("\nTree="), text.find("end of trees\n")
    if not text.startswith("tree\n") or not 0 < start < end:
        raise ValueError("it is no text of a LightGBM booster")
    sizes = _check_head(text[:start], features)
    body = text[start + 1 : end]
    blocks = [f"Tree={part}" for part in body.split("Tree=")[1:]]
    if not 0 < len(blocks) <= MOST_TREES:
        raise ValueError(f"it has {len(blocks)} trees, 1 to {MOST_TREES} are read")
    # LightGBM jumps to each tree by these sizes.
    if sizes is not None and sizes != [len(block.encode()) for block in blocks]:
        raise ValueError("tree_sizes are not the sizes of its trees")
    most = 0.0
    for number, block in enumerate(blocks):
        try:
            most += _check_tree(_keys(block, f"Tree={number}"), len(features))
        except ValueError as error:
            raise ValueError(f"tree {number}: {error}") from error
    if most > MOST_SCORE:
        raise ValueError(f"leaf_value adds up to {most:.3g}, log-odds and log-rates lie within {MOST_SCORE:.0f}")
    _check_tail(text[end:])


def _keys(block: str, first: str) -> dict[str, str]:
    lines = [line for line in block.split("\n") if line]
    if lines[:1] != [first]:
        raise ValueError(f"it begins with {lines[:1]!r:.60}, not with {first!r}")
    keys: dict[str, str] = {}
    for line in lines[1:]:
        key, mark, value = line.partition("=")
        if not mark or key in keys:
            raise ValueError(f"the line {line!r:.60} is no key, or stands twice")
        keys[key] = value.strip(" ")
    return keys


def _check_head(text: str, features: Sequence[str]) -> list[int] | None:
    """The sizes of the trees as the head states them, None where it states none."""
    keys = _keys(text, "tree")
    if unknown := [key for key in keys if key not in HEAD]:
        raise ValueError(f"its head has {unknown[0]!r:.60}, which no booster of ours has")
    wanted = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1", "label_index": "0"}
    wanted["max_feature_idx"] = str(len(features) - 1)
    for key, value in wanted.items():
        if keys.get(key) != value:
            raise ValueError(f"{key} is {keys.get(key)!r:.60}, it has to be {value!r}")
    if keys.get("objective", "").split(" ")[0] not in OBJECTIVES:
        raise ValueError(f"objective is {keys.get('objective')!r:.60}, read are {', '.join(OBJECTIVES)}")
    if keys.get("feature_names", "").split(" ") != [name.replace(" ", "_") for name in features]:
        raise ValueError("feature_names are not the features of features.json, in order")
    for key in ("monotone_constraints", "feature_infos"):
        if key in keys and len(keys[key].split(" ")) != len(features):
            raise ValueError(f"{key} has another number of entries than there are features")
    if "monotone_constraints" in keys and set(keys["monotone_constraints"].split(" ")) - {"-1", "0", "1"}:
        raise ValueError("monotone_constraints are -1, 0 or 1")
    return _whole(keys, "tree_sizes") if "tree_sizes" in keys else None


def _check_tree(keys: Mapping[str, str], n_features: int) -> float:
    """The largest amount by which the tree can move a score."""
    if unknown := [key for key in keys if key not in TREE_KEYS]:
        raise ValueError(f"it has {unknown[0]!r:.60}, which no tree of ours has")
    (leaves,) = _whole(keys, "num_leaves", 1)
    if not 1 <= leaves <= MOST_LEAVES:
        raise ValueError(f"num_leaves is {leaves}, 1 to {MOST_LEAVES} are read")
    if keys.get("num_cat") != "0" or keys.get("is_linear", "0") != "0":
        raise ValueError("splits by category and linear leaves are not read")
    _finite(keys, "shrinkage", 1)
    # A tree without a split has one leaf and may leave out everything else.
    for key in LEAVES:
        if leaves > 1 or keys.get(key) or key == "leaf_value":
            _finite(keys, key, leaves)
    if leaves > 1:
        _check_splits(keys, leaves, n_features)
    return max(map(abs, _finite(keys, "leaf_value", leaves)))


def _check_splits(keys: Mapping[str, str], leaves: int, n_features: int) -> None:
    for key in SPLITS:
        _finite(keys, key, leaves - 1)
    if not THRESHOLDS.fullmatch(keys.get("threshold", "")):
        raise ValueError(f"threshold is {keys.get('threshold')!r:.60}, not numbers")
    _counted(keys["threshold"], "threshold", leaves - 1)
    whole = {key: _whole(keys, key, leaves - 1) for key in SPLITS_WHOLE}
    if not all(0 <= feature < n_features for feature in whole["split_feature"]):
        raise ValueError(f"split_feature names a feature outside the {n_features} of the schema")
    if set(whole["decision_type"]) - DECISIONS:
        raise ValueError("decision_type is none of a split by a number")
    if min(whole["internal_count"]) < 1 or min(_finite(keys, "leaf_count", leaves)) < 0:
        raise ValueError("a count of rows is negative, or a split has none")
    _check_shape(whole["left_child"], whole["right_child"], leaves)


def _check_shape(left: Sequence[int], right: Sequence[int], leaves: int) -> None:
    """Every split and every leaf must have exactly one parent, and all of them must be reached from the root."""
    seen_splits: set[int] = {0}
    seen_leaves: set[int] = set()
    level = [0]
    for _ in range(DEEPEST):
        below: list[int] = []
        for split in level:
            for child in (left[split], right[split]):
                place, seen = (child, seen_splits) if child >= 0 else (~child, seen_leaves)
                if place >= (leaves - 1 if child >= 0 else leaves):
                    raise ValueError(f"child {child} of split {split} is out of range")
                if place in seen:
                    raise ValueError(f"child {child} of split {split} hangs on two places: the tree has a circle")
                seen.add(place)
                below += [child] if child >= 0 else []
        if not below:
            break
        level = below
    else:
        raise ValueError(f"it is deeper than {DEEPEST} splits")
    if len(seen_splits) != leaves - 1 or len(seen_leaves) != leaves:
        raise ValueError("some of its splits or leaves are not reached from the root")


def _check_tail(text: str) -> None:
    """The lines after the trees must be importances and parameters, which do not affect scores."""
    for line in text.split("\n"):
        if len(line) > 100_000 or not line.isprintable():
            raise ValueError("a line after its trees is no plain text")


def _whole(keys: Mapping[str, str], key: str, count: int | None = None) -> list[int]:
    text = keys.get(key, "")
    if not WHOLE.fullmatch(text):
        raise ValueError(f"{key} is {text!r:.60}, not whole numbers")
    return [int(value) for value in _counted(text, key, count)]


def _finite(keys: Mapping[str, str], key: str, count: int) -> list[float]:
    text = keys.get(key, "")
    if not NUMBERS.fullmatch(text):
        raise ValueError(f"{key} is {text!r:.60}, not finite numbers")
    values = [float(value) for value in _counted(text, key, count)]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{key} has a number that is not finite")
    return values


def _counted(text: str, key: str, count: int | None) -> list[str]:
    values = text.split(" ")
    if count is not None and len(values) != count:
        raise ValueError(f"{key} has {len(values)} entries, it has to have {count}")
    return values
