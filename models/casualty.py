"""The casualty model: expected casualties per unit and year at a given exposure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.boosting import Boosted, BoostingParams, fit

# Prior spread of the yearly change on the log scale: awareness work and clearance move incident rates by 5-15 % a
# year (domain facts), so a trend beyond 30 % a year needs many events to be believed.
TREND_SPREAD = 0.15


@dataclass(frozen=True)
class CasualtyModel:
    """A Poisson booster of the rate relative to `mean_rate` (casualties per person-year), and the year's factor.

    `factor` brings the rates to the casualties expected in the twelve months after as_of, from the trend of the
    yearly totals, whose change a year on the log scale is `yearly_change`. `is_index` says that there were too few
    accidents for counts to be believed, and `dated` which of the two kinds of features the rates were learned on: as
    of each period's start, or without the own block.
    """

    booster: Boosted
    mean_rate: float
    factor: float
    yearly_change: float
    is_index: bool
    dated: bool

    def rate(self, values: NDArray[np.float32], threads: int = 2) -> NDArray[np.float64]:
        """Casualties per unit of exposure in the year after as_of, never NaN, never negative."""
        return np.exp(self.booster.raw(values, threads)) * self.mean_rate * self.factor

    def files(self) -> dict[str, str]:
        """The model as readable files."""
        scale = {
            "mean_rate": self.mean_rate,
            "factor": self.factor,
            "yearly_change": self.yearly_change,
            "is_index": self.is_index,
            "dated": self.dated,
        }
        return {
            "booster.txt": self.booster.text,
            "scale.json": json.dumps(scale),
            "features.json": json.dumps(list(self.booster.features), indent=1),
        }

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> "CasualtyModel":
        """Read what `files` gave."""
        features = tuple(json.loads(texts["features.json"]))
        return cls(Boosted(texts["booster.txt"], features), **json.loads(texts["scale.json"]))


def fit_rate(
    features: tuple[str, ...],
    values: NDArray[np.float32],
    count: NDArray[np.float64],
    exposure: NDArray[np.float64],
    params: BoostingParams,
    seed: int,
) -> tuple[Boosted, float]:
    """Poisson booster of the rate relative to the mean rate, and that mean rate.

    The label is count / exposure and the weight exposure (both over their means, which moves no maximum).

    Exposure as `init_score` instead makes boosting start from a rate of 1 and predicts many times too much.
    """
    mean_rate = float(count.sum() / exposure.sum())
    # Rates of one accident in many thousand person-years would fall under LightGBM's least hessian in a leaf.
    relative = count / exposure / mean_rate
    weight = exposure / float(exposure.mean())
    return fit(values, relative, weight, features, "poisson", params, seed=seed), mean_rate


def year_factor(totals: NDArray[np.float64], years_ahead: float) -> tuple[float, float]:
    """Factor from the mean of the yearly totals to the year whose middle lies `years_ahead` after the last period's.

    A log-linear Poisson trend with a normal prior on the yearly change (spread TREND_SPREAD). Returns the factor and
    the yearly change on the log scale; (1, 0) with fewer than three years or no events.
    """
    if len(totals) < 3 or totals.sum() == 0:
        return 1.0, 0.0
    time = np.arange(len(totals)) - (len(totals) - 1) / 2

    def loss(parameters: NDArray[np.float64]) -> float:
        expected = np.exp(parameters[0] + parameters[1] * time)
        penalty = 0.5 * (parameters[1] / TREND_SPREAD) ** 2
        return float((expected - totals * np.log(expected)).sum() + penalty)

    level, change = minimize(loss, np.array([np.log(totals.mean()), 0.0]), method="BFGS").x
    ahead = time[-1] + years_ahead
    return float(np.exp(level + change * ahead) / totals.mean()), float(change)
