"""Conformal control of missed hazards: a bound on the share that a survey would miss if it stopped at a score."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from features.base import Flags, Floats, Integers

MOST_STEPS = 2_000


@dataclass(frozen=True)
class MissedShare:
    """Bound on the expected share of a block's hazards at or below a raw score, a rising step function.

    From `score[k]` on and below `score[k + 1]` the bound is `share[k]`; below the first it is 1 / (blocks + 1), the
    least that so many blocks can ever show. It holds on average over blocks of land that are like those judged
    (exchangeable), but not for a single block. It is not evidence of absence: no land is released by it.
    """

    score: tuple[float, ...]
    share: tuple[float, ...]
    blocks: int

    @property
    def least(self) -> float:
        """The least share that can be promised with so many blocks."""
        return 1 / (self.blocks + 1)

    def __call__(self, raw: Floats) -> Floats:
        """Bound in [1 / (blocks + 1), 1] for each raw score, were this cell and all that rank below left unsurveyed."""
        place = np.searchsorted(self.score, raw, side="right")
        return np.array([self.least, *self.share])[place]

    def threshold(self, alpha: float) -> float:
        """The highest raw score below which land may be left for later with at most `alpha` of the hazards missed.

        Raises ValueError if `alpha` is not a share, or is less than the blocks can show.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha ({alpha:g}) must lie between 0 and 1, both left out: 0.1 allows a tenth missed")
        if alpha < self.least:
            raise ValueError(
                f"alpha ({alpha:g}) is below 1 / (blocks + 1) = {self.least:.3g}, all that {self.blocks} block(s) with "
                f"hazards can show: ask for {self.least:.3g} or more, or judge more blocks"
            )
        over = np.flatnonzero(np.array(self.share) > alpha)
        return self.score[over[0]] if len(over) else float("inf")

    def text(self) -> str:
        """The step function as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "MissedShare":
        """The inverse of `text`."""
        fields = json.loads(text)
        return cls(tuple(fields["score"]), tuple(fields["share"]), fields["blocks"])


def bound_by_area(left: Floats, weight: Floats, block: Integers, shares: Floats) -> Floats:
    """Bound on the share of all hazards missed when each of `shares` of the land, ranked last, is left unsurveyed.

    `left` (n,) is the share of its region's land that ranks at or below each found cell, `weight` its hazards times the
    ratio of land like it on the map to that on judged land (likelihood ratio, Tibshirani, Barber, Candes and Ramdas
    2019), `block` its block of land. Conformal risk control (Angelopoulos et al. 2022) on the missed hazards less the
    bound times all hazards: the next block may hold as many as the richest one, all of them missed.

    >>> bound_by_area(np.array([0.1, 0.9, 0.9]), np.ones(3), np.array([0, 1, 2]), np.array([0.5, 1.0])).tolist()
    [0.5, 1.0]
    """
    if not len(left):
        return np.ones(len(shares))
    richest = np.bincount(np.unique(block, return_inverse=True)[1], weight).max()
    order = np.argsort(left, kind="stable")
    missed = np.concatenate([[0.0], np.cumsum(weight[order])])[np.searchsorted(left[order], shares, side="right")]
    return np.asarray(np.minimum((missed + richest) / (weight.sum() + richest), 1.0))


def share_by_score(raw: Floats, shares: Floats, bound: Floats, blocks: int) -> MissedShare:
    """The bound by raw score on land of scores `raw` (n,); the `shares` left unsurveyed have the lowest scores."""
    score = np.quantile(raw, np.concatenate([[0.0], shares[:-1]]))
    first = np.unique(score, return_index=True)[1]
    # In a run of equal scores the last bound counts.
    last = np.append(first[1:], len(score)) - 1
    return MissedShare(tuple(score[first].tolist()), tuple(bound[last].tolist()), blocks)


def fit_missed_share(raw: Floats, positive: Flags, block: Integers) -> MissedShare:
    """Learn the bound from out-of-fold raw scores; `block` numbers the block of land of each row.

    Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster 2022): the loss of a block is the share of its
    found cells at or below a score; the bound is (sum of losses + 1) / (blocks + 1). Blocks without a found cell have
    nothing to miss and do not count, so the bound concerns land that has hazards.

    >>> fit_missed_share(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), np.array([0, 0, 1])).share
    (0.6666666666666666, 1.0)
    """
    numbers, place, size = np.unique(block[positive], return_inverse=True, return_counts=True)
    least = 1 / (len(numbers) + 1)
    order = np.argsort(raw[positive], kind="stable")
    score, start = np.unique(raw[positive][order], return_index=True)
    bound = np.cumsum((least / size[place])[order]) + least
    if not len(order):
        return MissedShare((), (), 0)
    # The bound at a score counts all cells of that score: it is that of the last one.
    share = bound[np.append(start[1:], len(order)) - 1]
    kept = np.unique(np.linspace(0, len(score), MOST_STEPS + 1).astype(np.int64)[:-1])[: len(score)]
    return MissedShare(*_thinned(score, np.minimum(share, 1.0), kept), len(numbers))


def _thinned(score: Floats, share: Floats, kept: Integers) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fewer steps: each begins at a kept score and has the bound of its last score, never below the full bound."""
    ends = np.append(kept[1:], len(score)) - 1
    return tuple(score[kept].tolist()), tuple(share[ends].tolist())
