"""The level of the probabilities: the ratio of finds on land that people did not choose to those that the curve states.

The curve is learned on land that people chose, because they expected ordnance there. A random audit measures the level
of the rest; without one, later records on land that was unknown measure it; without either the map is an index that
tells where and not how much.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import gamma

from features.base import Flags, Floats
from models.calibration import LOWEST, Calibration

LevelKind = Literal["audit", "as_of", "index", "transfer"]
# Weight of the prior, in finds: without results on unknown land the curve counts as one find, and later records, on
# land that people chose, count as no more than four, however many there are.
STRENGTH_INDEX, STRENGTH_AS_OF = 1.0, 4.0
LIKELY = 0.05, 0.95


@dataclass(frozen=True, kw_only=True)
class Level:
    """Ratio of finds to those that the curve states, with its likely range, and the cells by which it was measured.

    `cells` and `found` are those of the audit, or those recorded after an earlier date; `factor` is 1 for an index.
    `on_new_land` and `in_areas` are the log-odds that a cell has beyond this, by its status.
    """

    kind: LevelKind = "index"
    factor: float = 1.0
    low: float = 0.0
    high: float = float("inf")
    cells: int = 0
    found: int = 0
    on_new_land: float = 0.0
    in_areas: float = 0.0

    def moved(self, probability: Floats, in_area: Flags | None) -> Floats:
        """Probabilities (..., n) at the level of each cell's status; unchanged without `in_area` (n,)."""
        if in_area is None or (self.on_new_land == 0 and self.in_areas == 0):
            return probability
        odds = logit(probability) + np.where(in_area, self.in_areas, self.on_new_land)
        return np.asarray(np.clip(expit(odds), LOWEST, 1 - LOWEST))

    @property
    def sentence(self) -> str:
        """The meaning of the number, in one sentence for every output."""
        if self.kind == "audit":
            return (
                f"contamination is a probability: its level rests on {self.cells:,} random audit cells, {self.found:,} "
                f"of them found (likely within {self.low / self.factor:.2g} to {self.high / self.factor:.2g} times)"
            )
        if self.kind == "as_of":
            return (
                f"contamination is a probability of doubtful level: it rests on {self.cells:,} cells that people chose "
                "to survey later, with no find of a random audit (audit cells of a plan tell the level of the rest)"
            )
        if self.kind == "transfer":
            return "contamination is an index of where, by a model of another country: its level here is unknown"
        return (
            "contamination is an index of where, no probability: neither a random audit nor later results on unknown "
            "land tell its level, and expected finds are too many where people surveyed what they suspected"
        )

    def text(self) -> str:
        """The level as JSON; null stands for no upper end."""
        return json.dumps({**asdict(self), "high": self.high if np.isfinite(self.high) else None})

    @classmethod
    def from_text(cls, text: str) -> "Level":
        """The inverse of `text`."""
        fields = json.loads(text)
        return cls(**{**fields, "high": float("inf") if fields["high"] is None else fields["high"]})


def posterior(prior: Level, strength: float, found: float, expected: float) -> tuple[float, float, float]:
    """Mean and likely range of finds over expected finds: Poisson counts, gamma prior (Gelman et al. 2013, ch. 2.6).

    >>> posterior(Level(), 1.0, 9.0, 19.0)[0]
    0.5
    """
    shape, rate = strength + found, strength / prior.factor + expected
    low, high = gamma.ppf(LIKELY, shape, scale=1 / rate)
    return shape / rate, float(low), float(high)


def level_of_as_of(stated: Floats, found: Floats, weight: Floats) -> Level:
    """Level from land that was unknown at an earlier date: later finds and the probabilities stated then, (n,) each.

    `found` lies between 0 and 1 where an area on record covers a part of the cell. `weight` makes the judged land
    resemble the mapped land. The level is an index if nothing or everything was found.
    """
    hits = found > 0
    if not hits.any() or hits.all():
        return Level()
    weight = weight / weight.mean()
    factor, low, high = posterior(Level(), STRENGTH_INDEX, float(weight @ found), float(weight @ stated))
    return Level(kind="as_of", factor=factor, low=low, high=high, cells=len(found), found=int(hits.sum()))


def times_of_kind(stated: Floats, found: Floats, weight: Floats) -> float:
    """Finds on land of one kind over those stated there, both (n,), at a level that is right for all kinds together.

    Tends to 1 the fewer finds there are.

    >>> times_of_kind(np.full(40, 0.1), np.zeros(40), np.ones(40))
    0.5
    """
    shape, rate = STRENGTH_AS_OF + float(weight @ found), STRENGTH_AS_OF + float(weight @ stated)
    return round(shape / rate, 3)


def level_of_audit(prior: Level, stated: Floats, found: Flags, inclusion_prob: Floats) -> Level:
    """Level from cells that were drawn at random; an index remains one if nothing was found in them.

    A cell counts by 1 / `inclusion_prob` (Horvitz and Thompson 1952), scaled to their number. An audit without a find
    lowers the level that later results gave, and stays of their kind: it is no measure of its own.
    """
    if not found.any() and prior.kind == "index":
        return prior
    design = 1 / inclusion_prob
    design = design / design.mean()
    strength = STRENGTH_AS_OF if prior.kind == "as_of" else STRENGTH_INDEX
    factor, low, high = posterior(prior, strength, float(design @ found), float(design @ stated))
    if not found.any():
        return replace(prior, factor=factor, low=low, high=high)
    return Level(kind="audit", factor=factor, low=low, high=high, cells=len(found), found=int(found.sum()))


def move_to_level(calibration: Calibration, raw: Floats, factor: float) -> Calibration:
    """The curve moved in log-odds until the mean probability of `raw` is `factor` times what it was."""
    wanted = float(np.clip(factor * calibration(raw).mean(), LOWEST, 1 - LOWEST))
    odds = logit(np.array(calibration.probability))

    def moved(shift: float) -> Floats:
        return np.asarray(np.clip(expit(odds + shift), LOWEST, 1 - LOWEST))

    shift = brentq(lambda shift: float(np.interp(raw, calibration.score, moved(shift)).mean()) - wanted, -40.0, 40.0)
    return replace(calibration, probability=tuple(moved(shift).tolist()))


def log_odds_for(probability: Floats, times: float) -> float:
    """Log-odds that make the mean of some probabilities so many times what it is; 0 if there are none.

    >>> round(log_odds_for(np.array([0.2, 0.2]), 0.5), 3)
    -0.811
    """
    if not len(probability) or times == 1:
        return 0.0
    odds, wanted = logit(probability), float(np.clip(times * probability.mean(), LOWEST, 1 - LOWEST))
    return float(brentq(lambda shift: float(expit(odds + shift).mean()) - wanted, -40.0, 40.0))
