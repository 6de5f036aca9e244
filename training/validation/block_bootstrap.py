"""Intervals by bootstrap over blocks of land, of figures and of the difference between two rankings."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Integers
from models.block_draws import draw_blocks
from training.validation.probability_metrics import LEAST, equal_count_bins, recalibration, score_and_curvature
from training.validation.ranking_metrics import ranking_figures
from training.validation.survey_order import order_of

FEWEST_BLOCKS = 5
LOW, HIGH = 0.05, 0.95
DIFFERENCES = ("recall_5", "recall_10", "recall_20", "roc_auc", "pr_auc")
# Draws are made in portions of about this many numbers: memory does not grow with the number of draws, and arrays of a
# few MB are used again where larger ones are asked of the system each time.
NUMBERS_AT_ONCE = 1 << 19

Draws = dict[str, Floats]


def block_times(block: Integers, seed: int, draws: int) -> tuple[Integers, Floats]:
    """Blocks numbered from 0, (n,), and how often each is drawn, (draws, blocks); no draws with too few blocks.

    Equal arguments give equal draws: two rankings of the same cells are compared on the same land.
    """
    place, times = draw_blocks(block, np.random.default_rng(seed), draws)
    return place, times if times.shape[1] >= FEWEST_BLOCKS else times[:0]


def ranking_draws(
    score: Floats, positive: Flags, block: Integers, seed: int, draws: int = 200, area: Floats | None = None
) -> Draws:
    """Every figure of `ranking_figures` on each draw of blocks, (draws,); empty arrays with fewer than FEWEST_BLOCKS.

    Cells of a block stay together, since neighbouring cells resemble each other. The cells are sorted once.
    """
    place, times = block_times(block, seed, draws)
    order = order_of(score, positive, area)
    segments = min(2 * int(positive.sum()) + 1, len(score))
    at_once = max(1, NUMBERS_AT_ONCE // max(segments, 1))
    parts = [
        ranking_figures(order.sums(place, times[first : first + at_once])) for first in range(0, len(times), at_once)
    ]
    names = parts[0] if parts else ranking_figures(order.sums())
    return {name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0) for name in names}


def block_intervals(
    score: Floats, positive: Flags, block: Integers, seed: int, draws: int = 200, area: Floats | None = None
) -> dict[str, float]:
    """5 % and 95 % bounds of every figure of a ranking, as `roc_auc_low` and `roc_auc_high`.

    `block` numbers the block of each cell. NaN with fewer than FEWEST_BLOCKS blocks, which would give an interval
    without width.
    """
    return bounds(ranking_draws(score, positive, block, seed, draws, area))


def paired_differences(
    score: Floats,
    other: Floats,
    positive: Flags,
    block: Integers,
    seed: int,
    draws: int = 200,
    area: Floats | None = None,
) -> dict[str, float]:
    """`score` minus `other` on the same cells: `recall_10_gain` with its bounds `_low` and `_high`, for DIFFERENCES.

    Both rankings are judged on the same draws, so that the difficulty of a draw cancels.
    """
    ours, theirs = (figures_on_draws(one, positive, block, seed, draws, area) for one in (score, other))
    return gains(ours, theirs)


@dataclass(frozen=True, eq=False)
class FiguresOnDraws:
    """Figures of a ranking on the cells as they are, and on every draw of blocks."""

    figures: Mapping[str, float]
    drawn: Draws


def figures_on_draws(
    score: Floats, positive: Flags, block: Integers, seed: int, draws: int = 200, area: Floats | None = None
) -> FiguresOnDraws:
    """Figures and draws of a ranking; two rankings of the same cells, blocks and seed can be compared draw by draw."""
    figures = {name: float(one[0]) for name, one in ranking_figures(order_of(score, positive, area).sums()).items()}
    return FiguresOnDraws(figures, ranking_draws(score, positive, block, seed, draws, area))


def gains(ours: FiguresOnDraws, theirs: FiguresOnDraws) -> dict[str, float]:
    """The figures of DIFFERENCES of this ranking minus those of the other, with bounds."""
    apart = {f"{name}_gain": ours.figures[name] - theirs.figures[name] for name in DIFFERENCES}
    return apart | bounds({f"{name}_gain": ours.drawn[name] - theirs.drawn[name] for name in DIFFERENCES})


def probability_intervals(
    probability: Floats, positive: Flags, block: Integers, seed: int, draws: int = 200, area: Floats | None = None
) -> dict[str, float]:
    """Bounds of Brier score, log loss, calibration error, and slope and intercept of recalibration.

    Bins stay those of all cells. The slope of a draw is one Newton step from that of all cells (Davison and Hinkley,
    1997), which needs sums over blocks alone.
    """
    place, times = block_times(block, seed, draws)
    known = np.isfinite(probability)
    stated, found = probability[known], positive.astype(bool)[known]
    part = (np.ones(len(probability)) if area is None else area)[known]
    by_block = _BlockSums(place[known], times, part)
    total = by_block.drawn(np.ones(len(stated)))
    inside = np.clip(stated, LEAST, 1 - LEAST)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = {
            "brier": by_block.drawn((stated - found) ** 2) / total,
            "log_loss": by_block.drawn(-np.log(np.where(found, inside, 1 - inside))) / total,
            "calibration_error": _calibration_errors(by_block, stated, found) / total,
        } | _slopes(by_block, np.log(inside / (1 - inside)), found, part)
    return bounds(drawn)


def bounds(drawn: Mapping[str, Floats]) -> dict[str, float]:
    """5 % and 95 % quantiles of each figure over its draws; NaN where no draw could be judged."""
    figures: dict[str, float] = {}
    for name, values in drawn.items():
        judged = values[np.isfinite(values)]
        low, high = np.quantile(judged, [LOW, HIGH]) if len(judged) else (np.nan, np.nan)
        figures |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return figures


def pooled_score(score: Floats, fold: Integers, area: Floats | None = None) -> Floats:
    """A score that ranks the cells of all folds together: minus the share of a cell's fold surveyed before it.

    Scores of different models cannot be compared; places in the order of survey can. Recall at 10 % of area of this
    score is that of surveying the first 10 % of every fold. Cells with a negative fold get NaN.

    >>> pooled_score(np.array([5.0, 4.0, 90.0, 80.0]), np.array([0, 0, 1, 1])).tolist()
    [-0.25, -0.75, -0.25, -0.75]
    """
    pooled = np.full(len(score), np.nan)
    for number in np.unique(fold[fold >= 0]):
        rows = np.flatnonzero(fold == number)
        part = None if area is None else area[rows]
        order = order_of(score[rows], np.zeros(len(rows), dtype=bool), part)
        # Rounded, so that the same place in two folds is a tie: a constant score is one tie over all folds.
        pooled[rows] = -np.round(order.expected_before() / order.area.sum(), 12)
    return pooled


def mean_draws(folds: list[Draws]) -> Draws:
    """Draws of the mean over folds, with the blocks of each fold drawn separately; folds without draws are left out."""
    if not folds or any(len(next(iter(fold.values()))) == 0 for fold in folds):
        return {name: np.zeros(0) for fold in folds[:1] for name in fold}
    frames = [pd.DataFrame(fold) for fold in folds]
    mean = sum(frames[1:], start=frames[0]) / len(frames)
    return {str(name): mean[name].to_numpy() for name in mean}


class _BlockSums:
    """Sums over drawn blocks of values by cell, which count by the area of the cell."""

    def __init__(self, place: Integers, times: Floats, area: Floats) -> None:
        self.place, self.times, self.area = place, times, area

    def drawn(self, values: Floats) -> Floats:
        sums = np.bincount(self.place, weights=values * self.area, minlength=self.times.shape[1])
        return np.asarray(self.times @ sums)


def _calibration_errors(by_block: _BlockSums, stated: Floats, found: Flags) -> Floats:
    which = equal_count_bins(stated)
    gaps = [np.abs(by_block.drawn((which == number) * (stated - found))) for number in np.unique(which)]
    return np.sum(gaps, axis=0) if gaps else np.zeros(len(by_block.times))


def _slopes(by_block: _BlockSums, logit: Floats, found: Flags, area: Floats) -> Draws:
    theta = np.array(recalibration(logit, found, area)) if len(logit) else np.full(2, np.nan)
    names = ("calibration_intercept", "calibration_slope")
    if not np.isfinite(theta).all():
        return dict.fromkeys(names, np.full(len(by_block.times), np.nan))
    gradient, curvature = score_and_curvature(logit, found, theta)
    g = [by_block.drawn(column) for column in gradient.T]
    a, b, d = (by_block.drawn(column) for column in curvature.T)
    determinant = a * d - b * b
    steps = (d * g[0] - b * g[1]) / determinant, (a * g[1] - b * g[0]) / determinant
    return {name: start + step for name, start, step in zip(names, theta, steps, strict=True)}
