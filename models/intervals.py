"""The likely range of a probability, from the differences between regions and between models of resampled land."""

import json
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import binom

from features.base import Flags, Floats, Integers
from models.calibration import LOWEST, between_regions

PARTS = 3
# Without two regions to estimate it from, land elsewhere may hold three times as much or a third.
UNTOLD_SPREAD = float(np.log(3.0))
LEAST_SPREAD = 0.3
# The share of a part of a region with fewer cells is not estimated.
FEWEST_CELLS = 40
FEWEST_PARTS = 10
NORMAL_WIDTH = 1.645
COVERAGE = 0.9
WIDTHS = np.round(np.concatenate([np.arange(1.0, 4.0, 0.1), np.arange(4.0, 8.5, 0.5)]), 1)
NOISE = 0.05


@dataclass(frozen=True, kw_only=True)
class LikelyRange:
    """Log-odds by which the share found may differ from the probability, `width` standard deviations to either side.

    The variance is that between regions (`between`, by part of the probabilities, with `edge` between the parts) plus
    that of the members at the cell, and that of the level (`level_sd`), which judged land cannot show. `width` is the
    least that covers COVERAGE of the parts of judged regions.
    """

    edge: tuple[float, ...]
    between: tuple[float, ...]
    width: float
    level_sd: float = 0.0

    def __call__(self, probability: Floats, member_sd: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end for each probability and standard deviation of the members' log-odds, both (n,)."""
        between = np.array(self.between)[np.searchsorted(self.edge, probability, side="right")]
        away = self.width * np.sqrt(between**2 + member_sd**2 + self.level_sd**2)
        odds = logit(probability)
        return np.maximum(expit(odds - away), LOWEST), np.minimum(expit(odds + away), 1 - LOWEST)

    def text(self) -> str:
        """The range as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "LikelyRange":
        """The inverse of `text`."""
        fields = json.loads(text)
        return cls(**{**fields, "edge": tuple(fields["edge"]), "between": tuple(fields["between"])})


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOutCells:
    """Judged cells, arrays (n,): probability from other folds, survey result, area, region and the members' spread."""

    probability: Floats
    found: Flags
    area: Floats
    region: Integers
    member_sd: Floats

    def rows(self, chosen: Flags) -> "HeldOutCells":
        """Some of the cells."""
        return HeldOutCells(**{name: values[chosen] for name, values in vars(self).items()})


def fit_range(cells: HeldOutCells) -> LikelyRange:
    """Learn the range from cells of held-out regions."""
    edge = np.quantile(cells.probability, np.arange(1, PARTS) / PARTS) if len(cells.found) else np.zeros(0)
    part = np.searchsorted(edge, cells.probability, side="right")
    between = [_between(cells.rows(part == number)) for number in range(len(edge) + 1)]
    made = LikelyRange(edge=tuple(edge.tolist()), between=tuple(between), width=float(WIDTHS[-1]))
    for width in WIDTHS.tolist():
        tried = LikelyRange(edge=made.edge, between=made.between, width=width)
        table = coverage(cells, tried)
        if len(table) < FEWEST_PARTS:
            # Too few to learn a width from: that of a normal distribution.
            return LikelyRange(edge=made.edge, between=made.between, width=NORMAL_WIDTH)
        if table["covered"].mean() >= COVERAGE:
            return tried
    return made


def coverage(cells: HeldOutCells, likely: LikelyRange) -> pd.DataFrame:
    """One row for each part of each region: cells, stated, low, high, observed, and whether it lies below or above.

    Parts are classes of the probability. The observed share is noisy: it counts as below the range only if so few finds
    would come up in less than the share NOISE of draws at the lower end, and as above it likewise.
    """
    part = np.searchsorted(likely.edge, cells.probability, side="right")
    low, high = likely(cells.probability, cells.member_sd)
    frame = pd.DataFrame(
        {
            "region": cells.region, "part": part, "area": cells.area, "found": cells.area * cells.found,
            "stated": cells.area * cells.probability, "low": cells.area * low, "high": cells.area * high,
        }
    )  # fmt: skip
    table = frame.groupby(["region", "part"], sort=True).sum().reset_index()
    table = table[table["area"] >= FEWEST_CELLS].reset_index(drop=True)
    for name in ("stated", "low", "high"):
        table[name] /= table["area"]
    count, size = table["found"].round().to_numpy(), table["area"].round().to_numpy()
    table["observed"] = table["found"] / table["area"]
    table["below"] = binom.cdf(count, size, table["low"].to_numpy()) < NOISE
    table["above"] = binom.sf(count - 1, size, table["high"].to_numpy()) < NOISE
    table["covered"] = ~(table["below"] | table["above"])
    return table


def _between(cells: HeldOutCells) -> float:
    """Spread of the log-odds between the regions of the cells."""
    if not cells.found.any() or len(np.unique(cells.region)) < 2:
        return UNTOLD_SPREAD
    spread = between_regions(cells.probability, cells.found, cells.area, cells.region)
    return max(float(spread), LEAST_SPREAD) if np.isfinite(spread) else UNTOLD_SPREAD
