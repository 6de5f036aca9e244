"""Venn-Abers intervals of the probability that hold from region to region, as two step functions of the raw score."""

import json
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from features.base import Flags, Floats, Integers

# A bin of the score is one category of the Venn predictor; some thousand cells cannot support more bins.
MOST_BINS = 200
REGION_BINS = 30
# A region of fewer labelled cells has an interval of its own that is too wide to say how regions differ.
FEWEST_CELLS = 200
FEWEST_REGIONS = 5
# 85 % of regions that are like those judged lie between. Measured on regions that served neither training nor
# calibration: on synthetic land coverage is what the quantiles say, in Bosnia some points more; one interval for all
# regions covers none of them.
LOW, HIGH = 0.075, 0.925


@dataclass(frozen=True)
class Steps:
    """Inductive Venn-Abers of one calibration set: bins of the raw score and p0, p1 of each, both never falling.

    Bin k holds scores from `edge[k - 1]` on and below `edge[k]`; there is one bin more than edges.
    """

    edge: Floats
    low: Floats
    high: Floats

    def __call__(self, raw: Floats) -> tuple[Floats, Floats]:
        """p0 and p1 of each raw score."""
        place = np.searchsorted(self.edge, raw, side="right")
        return self.low[place], self.high[place]


@dataclass(frozen=True)
class VennAbers:
    """Interval of the share found among cells of a raw score, in a region without training cells.

    `low` and `high` have one entry more than `edge`, as in Steps. `regions` is the number of regions from whose
    intervals it was made; 0 means that there were too few, and that the interval ignores the differences between
    regions.
    """

    edge: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    regions: int

    def __call__(self, raw: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end for each raw score, within [0, 1]; neither falls as the score rises."""
        return Steps(np.array(self.edge), np.array(self.low), np.array(self.high))(raw)

    def text(self) -> str:
        """The two step functions as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "VennAbers":
        """The inverse of `text`."""
        fields = json.loads(text)
        return cls(tuple(fields["edge"]), tuple(fields["low"]), tuple(fields["high"]), fields["regions"])


def inductive(raw: Floats, positive: Flags, area: Floats, bins: int = MOST_BINS) -> Steps:
    """Inductive Venn-Abers (Vovk, Petej and Fedorova 2015, NeurIPS 28) on `bins` bins of equal numbers of cells.

    p0 and p1 are the isotonic fit at a bin to which one cell was added in which nothing, or something, was found:
    the greatest over left ends of the least over right ends of the mean from left to right (Barlow et al. 1972). A
    calibration row counts by its searched `area`, the added cell by 1.

    >>> steps = inductive(np.array([0.0, 1.0]), np.array([False, True]), np.ones(2))
    >>> steps.low.tolist(), steps.high.tolist()
    ([0.0, 0.5], [0.5, 1.0])
    """
    edge = np.unique(np.quantile(raw, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    edge = edge[edge > raw.min()]
    place = np.searchsorted(edge, raw, side="right")
    cells = np.concatenate([[0.0], np.cumsum(np.bincount(place, weights=area, minlength=len(edge) + 1))])
    found = np.concatenate([[0.0], np.cumsum(np.bincount(place, weights=area * positive, minlength=len(edge) + 1))])
    low, high = np.empty(len(edge) + 1), np.empty(len(edge) + 1)
    for here in range(len(edge) + 1):
        # Sums over every run of bins: the rows are left ends, the columns right ends.
        run_cells = cells[here + 1 :] - cells[: here + 1, None]
        run_found = found[here + 1 :] - found[: here + 1, None]
        low[here] = (run_found / (run_cells + 1)).min(axis=1).max()
        high[here] = ((run_found + 1) / (run_cells + 1)).min(axis=1).max()
    return Steps(edge, low, high)


def combined(low: Floats, high: Floats) -> Floats:
    """The one probability that loses least in log loss whichever of p0 and p1 is right (Vovk et al. 2015, eq. 7).

    >>> combined(np.array([0.2]), np.array([0.3])).round(4).tolist()
    [0.2727]
    """
    return np.asarray(high / (1 - low + high))


def fit_venn_abers(raw: Floats, positive: Flags, area: Floats, region: Integers) -> VennAbers:
    """Learn the interval from out-of-fold raw scores; `region` numbers the block of land of each row.

    With some thousand cells the interval of all regions together is very narrow, and regions whose base rates differ
    tenfold lie far outside. So each region has its own Venn-Abers, and the interval runs from the LOW quantile of the
    lower ends to the HIGH quantile of the upper ends, at ranks (n + 1) q so that few regions give their extremes. With
    fewer than FEWEST_REGIONS regions of FEWEST_CELLS cells it is the interval of all regions together, marked by
    `regions` 0.
    """
    pooled = inductive(raw, positive, area)
    numbers, cells = np.unique(region, return_counts=True)
    large = numbers[cells >= FEWEST_CELLS]
    if len(large) < FEWEST_REGIONS:
        return VennAbers(tuple(pooled.edge.tolist()), tuple(pooled.low.tolist()), tuple(pooled.high.tolist()), 0)
    ends = np.array([_of_region(pooled.edge, raw, positive, area, region == number) for number in large])
    low = np.quantile(ends[:, 0], LOW, axis=0, method="weibull")
    high = np.quantile(ends[:, 1], HIGH, axis=0, method="weibull")
    # Rounding of the quantiles may reverse the order of neighbours by a last digit.
    low, high = np.maximum.accumulate(low), np.maximum.accumulate(high)
    return VennAbers(tuple(pooled.edge.tolist()), tuple(low.tolist()), tuple(high.tolist()), len(large))


def _of_region(
    edge: Floats,
    raw: Floats,
    positive: Flags,
    area: Floats,
    rows: Flags,
) -> tuple[Floats, Floats]:
    """p0 and p1 of one region at the middle of each bin between the edges."""
    inner = [(left + right) / 2 for left, right in pairwise(edge.tolist())]
    middle = np.array([raw.min(), *inner, raw.max()]) if len(edge) else np.array([raw.min()])
    return inductive(raw[rows], positive[rows], area[rows], REGION_BINS)(middle)
