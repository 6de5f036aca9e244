"""Rules of the field in place of a model: published facts on where ordnance lies, weighed and added."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from features.base import Flags, Floats, Floats32
from models.contamination import Scores


@dataclass(frozen=True)
class Rule:
    """One feature, its weight, and the value at which its share has changed by 1 - 1/e (about two thirds).

    The smaller a distance is, the larger its share; of everything else (a density, a share) a larger value has the
    larger share.
    """

    feature: str
    weight: float
    reach: float

    @property
    def falls(self) -> bool:
        """Whether a smaller value of the feature makes survey of the cell more urgent."""
        return self.feature.endswith("_distance_m")

    def share(self, values: Floats) -> Floats:
        """Support for survey that the values (n,) give, from 0 to 1, monotone; NaN where the value is unknown.

        >>> Rule("road_distance_m", 1.0, 500.0).share(np.array([0.0, 500.0])).round(3).tolist()
        [1.0, 0.368]
        """
        fallen = np.exp(-np.maximum(values, 0.0) / self.reach)
        return np.asarray(fallen if self.falls else 1 - fallen)

    @property
    def turn(self) -> float:
        """The share at the reach: a smaller share counts against a cell, a larger one for it."""
        return float(np.exp(-1) if self.falls else 1 - np.exp(-1))


@dataclass(frozen=True)
class FieldRules:
    """Rules whose weights add up to one; a feature that is unknown at a cell adds nothing."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, wanted: Sequence[Rule], names: Sequence[str]) -> "FieldRules":
        """The rules that features of these names allow, their weights brought to one."""
        given = [rule for rule in wanted if rule.feature in names and rule.weight > 0]
        total = sum(rule.weight for rule in given)
        return cls(tuple(Rule(rule.feature, rule.weight / total, rule.reach) for rule in given))

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the rules read, in their order."""
        return tuple(rule.feature for rule in self.rules)

    def raw(self, values: Floats32, threads: int = 1) -> Floats:  # noqa: ARG002 as a ranker's
        """The weighted sum of the shares of each row of `values` (n, n_rules), 0 to 1."""
        return np.asarray(np.nan_to_num(self._shares(values)).sum(axis=1))

    def contributions(self, values: Floats32, threads: int = 1) -> Floats:  # noqa: ARG002 as a ranker's
        """What each rule adds beyond its share at the reach, (n, n_rules): negative where an object lies beyond it."""
        turns = np.array([rule.weight * rule.turn for rule in self.rules])
        return np.asarray(np.nan_to_num(self._shares(values) - turns))

    def known(self, values: Floats32) -> Flags:
        """Rows (n,) in which the feature of at least one rule is known."""
        return np.asarray(np.isfinite(values).any(axis=1))

    def _shares(self, values: Floats32) -> Floats:
        columns = values.astype(np.float64)
        shares = [rule.weight * rule.share(columns[:, place]) for place, rule in enumerate(self.rules)]
        return np.column_stack(shares) if shares else np.zeros((len(values), 0))

    @property
    def digest(self) -> str:
        """The sha256 of the rules."""
        return hashlib.sha256(json.dumps([asdict(rule) for rule in self.rules]).encode()).hexdigest()


@dataclass(frozen=True)
class RulesLevel:
    """The meaning of the figures on a map by rules."""

    kind: str = "rules"
    sentence: str = (
        "there is no probability on this map: its order is that of rules of the field, whose weights stand in the "
        "config, and nothing was learned here"
    )


@dataclass(frozen=True)
class PriorModel:
    """The rules in the place of a contamination model: they give an order and no probability."""

    ranker: FieldRules
    members: tuple[FieldRules, ...] = ()
    level: RulesLevel = RulesLevel()

    def scores(
        self,
        values: Floats32,
        threads: int = 1,
        centres_m: Floats | None = None,  # noqa: ARG002
        in_area: Flags | None = None,  # noqa: ARG002
    ) -> Scores:
        """The order of the rows; every probability is NaN. A row in which all features are unknown is out of domain."""
        none = np.full(len(values), np.nan)
        return Scores(
            score=self.ranker.raw(values, threads), probability=none, low=none, high=none,
            in_domain=self.ranker.known(values), venn_abers_low=none, venn_abers_high=none, spread=none,
            missed_share_below=none, members=np.empty((0, len(values)), dtype=np.float32),
        )  # fmt: skip
