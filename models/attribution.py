"""Contributions of features to scores, by engines that give the same values."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Floats32, Integers
from models.boosting import BLOCK_ROWS, Boosted

Engine = Callable[[Boosted, Floats32, int], Floats]

# From this many rows on woodelf is quicker; below, its preparation of each tree costs more than it saves.
FEWEST_FOR_WOODELF = 5_000
CHECKED_ROWS = 200
# Differences of the log-odds between the engines up to this size are taken for rounding.
TOLERANCE = 1e-4
# Number of members on which the sign of a reason is checked: each costs as much as the reasons themselves.
STEADY_MEMBERS = 5
# A family whose sum has another sign in more than this share of the members is no reason.
MOST_FLIPS = 0.1


def lightgbm_engine(boosted: Boosted, values: Floats32, threads: int) -> Floats:
    """LightGBM's own TreeSHAP (Lundberg et al. 2020), which shap.TreeExplainer calls too."""
    return boosted.contributions(values, threads)


def woodelf_engine(boosted: Boosted, values: Floats32, threads: int) -> Floats:  # noqa: ARG001
    """The same values from all rows at once (Nadel and Wettenstein 2026), on one thread."""
    # Treelite and scipy, which it needs, take seconds to load: only a run that explains many rows pays for it.
    from woodelf import WoodelfExplainer

    names = [f"f{number}" for number in range(len(boosted.features))]
    explainer = WoodelfExplainer(boosted.booster)
    # LightGBM compares in double precision, and a column of float32 would round the thresholds.
    blocks = (values[start : start + BLOCK_ROWS].astype(np.float64) for start in range(0, len(values), BLOCK_ROWS))
    frames = (pd.DataFrame(block, columns=names) for block in blocks)
    # It prints nothing when it is not verbose: sys.stdout belongs to all threads and is left alone.
    return np.concatenate([np.asarray(explainer.shap_values(frame, verbose=False)) for frame in frames])


def kernel_engine(boosted: Boosted, values: Floats32, threads: int) -> Floats:
    """The same values from tables of every leaf, on one thread; LightGBM's own where it does not know the trees."""
    table = boosted.contribution_table if boosted.takes(values) else None
    return lightgbm_engine(boosted, values, threads) if table is None else table.contributions(values)


# A new engine is one function and one line.
ENGINES: dict[str, Engine] = {"kernel": kernel_engine, "lightgbm": lightgbm_engine, "woodelf": woodelf_engine}


def tree_contributions(boosted: Boosted, values: Floats32, threads: int = 2, engine: str | None = None) -> Floats:
    """SHAP values on the raw score, (n_rows, n_features), base value left out, by the engine that suits the size.

    The kernel serves all trees that it knows. woodelf is compared with LightGBM on CHECKED_ROWS of the rows; where it
    fails or differs by more than TOLERANCE the values are LightGBM's, and a RuntimeWarning says so. Raises KeyError for
    an unknown engine.
    """
    chosen = engine or _suited(boosted, values)
    if chosen == "kernel" or not len(values):
        return kernel_engine(boosted, values, threads)
    if chosen == "lightgbm":
        return lightgbm_engine(boosted, values, threads)
    checked = np.linspace(0, len(values) - 1, min(len(values), CHECKED_ROWS)).astype(np.int64)
    try:
        found = ENGINES[chosen](boosted, values, threads)
        apart = float(np.abs(found[checked] - lightgbm_engine(boosted, values[checked], threads)).max())
    except (ArithmeticError, AttributeError, ImportError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if chosen not in ENGINES:
            raise
        problem = f"failed ({type(error).__name__}: {error})"
    else:
        if apart <= TOLERANCE:
            return found
        problem = f"differs by {apart:.2g} on the log-odds"
    warnings.warn(f"contributions by {chosen}: it {problem}; LightGBM's own are used", RuntimeWarning, stacklevel=2)
    return lightgbm_engine(boosted, values, threads)


def _suited(boosted: Boosted, values: Floats32) -> str:
    if boosted.takes(values) and boosted.contribution_table is not None:
        return "kernel"
    return "woodelf" if len(values) >= FEWEST_FOR_WOODELF else "lightgbm"


@dataclass(frozen=True, eq=False)
class Families:
    """Which family each feature belongs to: `names` sorted, `place` (n_features) an index into them."""

    names: tuple[str, ...]
    place: Integers

    @classmethod
    def of(cls, features: Sequence[str], family: Mapping[str, str]) -> "Families":
        """Families of the features by name; a feature without one is its own."""
        own = [family.get(name, name) for name in features]
        names = tuple(sorted(set(own)))
        return cls(names, np.array([names.index(name) for name in own], dtype=np.int64))

    def sums(self, contributions: Floats) -> Floats:
        """Contributions summed by family, (n_rows, n_families), as features of one family stand in for each other."""
        sums = np.zeros((len(contributions), len(self.names)))
        for feature, family in enumerate(self.place):
            sums[:, family] += contributions[:, feature]
        return sums


def steady(sums: Floats, members: Sequence[Floats]) -> Flags:
    """Whether the sign of each sum, (n_rows, n_families), holds over the models of resampled land.

    True where at most the share MOST_FLIPS of the `members` (their own sums, of the same shape) have another sign, and
    everywhere if there are no members. A sum whose sign another draw of land would turn is no reason.
    """
    if not members:
        return np.ones(sums.shape, dtype=bool)
    flips = np.sum([np.sign(member) != np.sign(sums) for member in members], axis=0)
    return np.asarray(flips <= MOST_FLIPS * len(members))


@dataclass(frozen=True)
class Interaction:
    """Two features whose joint effect on the score of a row is not the sum of their own, and its size (log-odds)."""

    first: str
    second: str
    effect: float


def strongest_interaction(boosted: Boosted, row: Floats32) -> Interaction | None:
    """The strongest pair of one row, shape (n_features,), where it outweighs the lesser of its two main effects.

    SHAP interaction values (Lundberg et al. 2020): the pair's effect is both halves of the symmetric matrix, a main
    effect its diagonal. None if no pair does.
    """
    effects = _interaction_values(boosted, row[None])
    pairs = {pair: float(values[0]) for pair, values in effects.items() if pair[0] != pair[1]}
    if not pairs:
        return None
    first, second = max(pairs, key=lambda pair: abs(pairs[pair]))
    together, none = pairs[first, second], np.zeros(1)
    if abs(together) <= min(abs(float(effects.get((number, number), none)[0])) for number in (first, second)):
        return None
    return Interaction(boosted.features[first], boosted.features[second], together)


def leading_interactions(boosted: Boosted, values: Floats32, most: int = 10) -> tuple[Interaction, ...]:
    """The pairs with the greatest mean absolute effect over the rows, greatest first; `effect` is that mean."""
    effects = _interaction_values(boosted, values)
    sizes = {pair: float(np.abs(found).mean()) for pair, found in effects.items() if pair[0] != pair[1]}
    leading = sorted(sizes, key=lambda pair: -sizes[pair])[:most]
    names = boosted.features
    return tuple(Interaction(names[i], names[j], sizes[i, j]) for i, j in leading if sizes[i, j] > 0)


def _interaction_values(boosted: Boosted, values: Floats32) -> dict[tuple[int, int], Floats]:
    """SHAP interaction values (n_rows,) by pair of feature indices (first <= second, in order), both halves summed."""
    from woodelf import WoodelfExplainer

    frame = pd.DataFrame(values.astype(np.float64), columns=list(range(values.shape[1])))
    found = WoodelfExplainer(boosted.booster).shap_interaction_values(frame, as_df=True, verbose=False)
    effects: dict[tuple[int, int], Floats] = {}
    # By name: the columns of pairs do not come in the order of a matrix.
    for (i, j), column in zip(found.columns, found.to_numpy().T, strict=True):
        pair = (min(i, j), max(i, j))
        effects[pair] = effects.get(pair, 0.0) + column
    return dict(sorted(effects.items()))
