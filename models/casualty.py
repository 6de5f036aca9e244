"""The casualty model: accidents and casualties expected in units, a mixture of boosted trees and spatial patterns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from scipy.optimize import minimize

from features.base import Floats, Floats32, Integers
from models.boosting import Boosted, BoostingParams, fit
from models.rates import RateSpread, rate_range, total_range, with_spread

# Prior spread of the yearly change on the log scale: awareness work and clearance move incident rates by 5-15 % a
# year (domain facts), so a trend beyond 30 % a year needs many events to be believed.
TREND_SPREAD = 0.15
# Measured on Colombia up to 2004 and on synthetic countries 101 to 106: a short memory follows a change soonest.
MEMORY_YEARS, DAMPING = 1.5, 0.85
TREES, HURDLE = "trees", "hurdle"
# Two-sided 90 % of a normal distribution.
NORMAL_90 = 1.645
# The greatest contamination score of a unit's cells: about the chance that the unit holds any ordnance at all.
GREATEST = "contamination_greatest"


@dataclass(frozen=True)
class Hurdle:
    """Chance that anything happens in a unit and year, and the accidents where something does."""

    booster: Boosted
    mean_where_any: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One fit: the trees, the hurdle if there is one, and the weight of each pattern.

    `weights` are the shares of all accidents that follow each pattern. `scales` are 1 / (sum of the pattern over the
    training units), so that weight x scale x pattern, summed over them and all patterns, is 1: times
    `accidents_per_year` it is their total.
    """

    trees: Boosted
    hurdle: Hurdle | None
    weights: Mapping[str, float]
    scales: Mapping[str, float]
    accidents_per_year: float

    def expected(self, values: Floats32, exposure: Floats, patterns: Mapping[str, Floats], threads: int) -> Floats:
        """Accidents expected in the year after as_of in each unit, (n_units,), never negative."""
        total = np.zeros(len(exposure))
        for name, weight in self.weights.items():
            if weight:
                pattern = self.pattern(name, values, exposure, patterns, threads)
                total += weight * self.scales[name] * pattern
        return total * self.accidents_per_year

    def pattern(
        self, name: str, values: Floats32, exposure: Floats, patterns: Mapping[str, Floats], threads: int
    ) -> Floats:
        """The pattern of this name in each unit; those of the trees and of the hurdle are computed here."""
        if name == TREES:
            return np.asarray(np.exp(self.trees.raw(values, threads)) * exposure)
        if name == HURDLE and self.hurdle is not None:
            chance = 1 / (1 + np.exp(-self.hurdle.booster.raw(values, threads)))
            return np.asarray(chance * self.hurdle.mean_where_any)
        return patterns[name]


@dataclass(frozen=True, eq=False, kw_only=True)
class CasualtyModel:
    """Expected casualties: the fit on all records, its bootstrap members, and the figures from which intervals follow.

    `per_accident` casualties to an accident; `yearly_change` of the totals on the log scale; `dispersion` Pearson's
    chi2 over its degrees of freedom on held-out years. `is_index` says that there were too few accidents to trust
    counts: then the pattern is contamination x exposure, and the total is the recorded mean. `dated` says which of the
    two kinds of features the trees learned from. `scores` are the held-out scores of `scored_cells` (ids). `spread`
    says how rates lie around expected ones, by held-out years; `accidents` is the number learned from.
    """

    whole: Part
    members: tuple[Part, ...]
    per_accident: float
    yearly_change: float
    dispersion: float
    is_index: bool
    dated: bool
    spread: RateSpread = field(default_factory=RateSpread)
    accidents: float = 0.0
    scored_cells: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    scores: Floats = field(default_factory=lambda: np.zeros(0))

    def casualties(
        self, values: Floats32, exposure: Floats, patterns: Mapping[str, Floats], threads: int = 2
    ) -> tuple[Floats, Floats, Floats]:
        """Casualties a year of each unit after as_of with a 90 % interval: expected, low, high, each (n_units,).

        The interval is that of the expectation, not of the count of one year. It includes the chance that the unit has
        no danger at all, the spread of rates about the expectation of held-out years if there is any, and that of the
        members over resampled blocks of land.
        """
        expected = self.whole.expected(values, exposure, patterns, threads) * self.per_accident
        drawn = np.stack([one.expected(values, exposure, patterns, threads) for one in self.members] or [expected])
        spread = np.log(np.maximum(drawn, 1e-12)).std(axis=0, ddof=1 if len(drawn) > 1 else 0)
        if self.is_index and self.accidents > 0:
            # An index has no members: its level is as unsure as a count.
            spread = np.full_like(expected, 1 / np.sqrt(self.accidents))
        chance = self.spread.chance(greatest_score(self.features, values))
        return expected, *rate_range(expected, chance, with_spread(self.spread.shape, spread))

    def total_interval(self) -> tuple[float, float]:
        """90 % interval of the yearly casualties on all land, from the members' totals; no sum of the units' bounds.

        An index has no members: then by the number of its accidents alone.
        """
        totals = np.array([one.accidents_per_year for one in self.members]) * self.per_accident
        whole = self.whole.accidents_per_year * self.per_accident
        if self.is_index and self.accidents > 0:
            low, high = total_range(self.accidents)
            return whole * low, whole * high
        if len(totals) < 2 or whole <= 0:
            return float("nan"), float("nan")
        factor = float(np.exp(NORMAL_90 * np.log(np.maximum(totals, 1e-12)).std(ddof=1)))
        return whole / factor, whole * factor

    @property
    def features(self) -> tuple[str, ...]:
        """Features that the trees ask for, in order."""
        return self.whole.trees.features

    @property
    def pattern_names(self) -> tuple[str, ...]:
        """Names of the patterns that the caller computes."""
        return tuple(name for name in self.whole.weights if name not in (TREES, HURDLE))

    def files(self) -> dict[str, str]:
        """The model as readable files."""
        facts = {
            "per_accident": self.per_accident, "yearly_change": self.yearly_change, "dispersion": self.dispersion,
            "is_index": self.is_index, "dated": self.dated, "members": len(self.members),
            "accidents": self.accidents, **asdict(self.spread),
        }  # fmt: skip
        texts = {"scale.json": json.dumps(facts), "features.json": json.dumps(list(self.features), indent=1)}
        texts |= _part_files(self.whole, "")
        if len(self.scored_cells):
            rows = zip(self.scored_cells.tolist(), self.scores.tolist(), strict=True)
            texts["scores.csv"] = "\n".join(["cell_id,score", *(f"{cell},{score:.4f}" for cell, score in rows)])
        for number, member in enumerate(self.members, start=1):
            texts |= _part_files(member, f"_member_{number}")
        return texts

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> "CasualtyModel":
        """The inverse of `files`."""
        features = tuple(json.loads(texts["features.json"]))
        facts = json.loads(texts["scale.json"])
        facts.pop("shape_top", None)  # earlier versions had a second shape, and 0 if none was learned
        spread = RateSpread(facts.pop("shape", 0) or RateSpread.shape, facts.pop("belief", RateSpread.belief))
        members = tuple(_read_part(texts, f"_member_{n}", features) for n in range(1, facts.pop("members") + 1))
        lines = [line.split(",") for line in texts.get("scores.csv", "").splitlines()[1:]]
        cells = np.array([int(cell) for cell, _ in lines], dtype=np.int64)
        scores = np.array([float(score) for _, score in lines])
        return cls(whole=_read_part(texts, "", features), members=members, spread=spread, **facts,
                   scored_cells=cells, scores=scores)  # fmt: skip


def greatest_score(features: Sequence[str], values: Floats32) -> Floats:
    """The greatest contamination score among the cells of each unit (n_units,); NaN where none is known."""
    if GREATEST not in features:
        return np.full(len(values), np.nan)
    return values[:, list(features).index(GREATEST)].astype(np.float64)


def fit_rate(
    features: Sequence[str],
    values: Floats32,
    count: Floats,
    exposure: Floats,
    params: BoostingParams,
    seed: int,
    objective: str = "poisson",
) -> tuple[Boosted, float]:
    """Booster of the rate relative to the mean rate, and that mean rate.

    The label is count / exposure and the weight exposure (both over their means, which moves no maximum). Rows without
    exposure carry no information. `objective` may be tweedie, for losses instead of counts.

    With exposure as `init_score`, boosting would start from a rate of 1 and predict many times too much.
    """
    rows = exposure > 0
    values, count, exposure = values[rows], count[rows], exposure[rows]
    mean_rate = float(count.sum() / exposure.sum())
    # With rates of one accident in many thousand person-years a leaf would stay below LightGBM's least hessian.
    relative = count / exposure / mean_rate
    weight = exposure / float(exposure.mean())
    return fit(values, relative, weight, features, objective, params, seed=seed), mean_rate


def year_factor(totals: Floats, years_ahead: int) -> tuple[float, float]:
    """Factor from the mean of the yearly totals to the total `years_ahead` after the last year, and the yearly change.

    A log-linear Poisson trend in which a year counts half as much as one MEMORY_YEARS later, with a normal prior on the
    yearly change (spread TREND_SPREAD); in the forecast it is damped (Gardner and McKenzie 1985), because neither wars
    nor awareness work go on for ever. The change is on the log scale; the result is (1, 0) with fewer than three years
    or no events.
    """
    if len(totals) < 3 or totals.sum() == 0:
        return 1.0, 0.0
    time = np.arange(len(totals)) - (len(totals) - 1.0)
    weight = 0.5 ** (-time / MEMORY_YEARS)

    def loss(parameters: Floats) -> float:
        expected = np.exp(parameters[0] + parameters[1] * time)
        penalty = 0.5 * (parameters[1] / TREND_SPREAD) ** 2
        return float((weight * (expected - totals * np.log(expected))).sum() + penalty)

    level, change = minimize(loss, np.array([np.log(totals.mean()), 0.0]), method="BFGS").x
    first = np.exp(level + DAMPING * change) / totals.mean()
    return float(first * growth(change, years_ahead)[-1]), float(change)


def growth(change: float, years: int) -> Floats:
    """Each of the coming years relative to the first of them, (years,), for a damped yearly change.

    >>> growth(0.0, 3).tolist()
    [1.0, 1.0, 1.0]
    """
    steps = np.cumsum(DAMPING ** np.arange(1, years + 1))
    return np.asarray(np.exp(change * (steps - steps[0])))


def _part_files(part: Part, ending: str) -> dict[str, str]:
    facts = {
        "weights": dict(part.weights),
        "scales": dict(part.scales),
        "accidents_per_year": part.accidents_per_year,
    } | ({} if part.hurdle is None else {"mean_where_any": part.hurdle.mean_where_any})
    texts = {f"booster{ending}.txt": part.trees.text, f"part{ending}.json": json.dumps(facts, indent=1)}
    return texts | ({} if part.hurdle is None else {f"hurdle{ending}.txt": part.hurdle.booster.text})


def _read_part(texts: Mapping[str, str], ending: str, features: tuple[str, ...]) -> Part:
    facts = json.loads(texts[f"part{ending}.json"])
    hurdle = texts.get(f"hurdle{ending}.txt")
    return Part(
        trees=Boosted(texts[f"booster{ending}.txt"], features),
        hurdle=Hurdle(Boosted(hurdle, features), facts["mean_where_any"]) if hurdle else None,
        weights=facts["weights"],
        scales=facts["scales"],
        accidents_per_year=facts["accidents_per_year"],
    )
