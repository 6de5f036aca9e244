"""Fitting the contamination model: the ranker on all rows, calibration, intervals and domain on held-out land."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.base import Flags, Floats, Floats32, Integers
from models.applicability import fit_domain
from models.block_draws import draw_blocks
from models.boosting import side_by_side
from models.calibration import Calibration, between_regions, calibrate, cross_calibrated
from models.contamination import ContaminationModel
from models.missed_share import fit_missed_share
from models.out_of_bag import OutOfBag, fit_out_of_bag
from models.positive_unlabelled import Unlabelled
from models.ranker import Ranker, RankerParams, fit_ranker
from models.soft_labels import split_rows
from models.venn_abers import fit_venn_abers

# More rows would not make the mean of their contributions more precise.
MOST_EXPLAINED = 5_000

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingRows:
    """Labelled cells: features (n, n_features), target in [0, 1], weight, and the block of each for resampling.

    `share` is the part of the cell that was searched, 1 where something was found. `out_of_fold` is the raw score from
    models that were trained without the row's region, NaN where there is none; `fold` numbers those regions. `region`
    numbers the blocks of land across which intervals and bounds on missed hazards must hold; if it is missing, `block`
    serves. `growing` marks features that rise as records accumulate; their training range does not limit the domain.
    With `centres_m` (n, 2) of cells of `cell_size_m` the model scores labelled cells without their own labels.
    """

    features: tuple[str, ...]
    values: Floats32
    target: Floats
    weight: Floats
    share: Floats
    block: Integers
    out_of_fold: Floats
    fold: Integers
    region: Integers | None = None
    growing: Flags | None = None
    centres_m: Floats | None = None
    cell_size_m: float = 1.0


def fit_contamination(
    rows: TrainingRows,
    params: RankerParams,
    constraints: Mapping[str, int],
    n_members: int,
    seed: int,
    threads: int,
    unlabelled: Unlabelled | None = None,
) -> ContaminationModel:
    """Fit the ranker on all rows, its members on resampled blocks, calibration and domain on held-out folds.

    `unlabelled` land joins the rows where the config asks for it.
    """

    def one(number: int) -> Ranker:
        # The first fit takes every row once; the members follow, each on its own draw of blocks and of unknown land.
        times = _drawn(rows, seed + number) if number else np.ones(len(rows.values), dtype=np.int64)
        kept = times > 0
        return fit_ranker(
            rows.values[kept], rows.target[kept], (rows.weight * times)[kept], rows.features,
            replace(params, bags=1) if number else params, seed=seed + (params.bags + number if number else 0),
            constraints=constraints, unlabelled=unlabelled,
        )  # fmt: skip

    LOGGER.info(
        "contamination model: %d rows, %d features, %d members", len(rows.values), len(rows.features), n_members
    )
    ranker, *members = side_by_side(one, range(n_members + 1), threads)
    # Without held-out land nothing serves for calibration, and the curve is that of the ranker's in-sample odds.
    judged = np.isfinite(rows.out_of_fold)
    used = judged if judged.any() else np.ones(len(judged), dtype=bool)
    raw = rows.out_of_fold[judged] if judged.any() else ranker.raw(rows.values, threads)
    held_out = _HeldOutScores.of(rows, raw, used)
    known, fold = rows.values, rows.fold
    if unlabelled is not None and unlabelled.alone:
        # Found cells alone give no curve: all unknown land joins them, each cell with the weight of one.
        held_out = held_out.beside(ranker.raw(unlabelled.values, threads))
        known = np.concatenate([known, unlabelled.values])
        fold = np.concatenate([fold, np.full(len(unlabelled.values), -1)])
    importance = _importance((ranker, *members), rows.values, seed, threads)
    # In-sample scores give no bound: without held-out land there are no blocks, and the bound is 1 everywhere.
    missed = fit_missed_share(held_out.raw, held_out.positive & held_out.whole & judged.any(), held_out.region)
    return ContaminationModel(
        ranker=ranker,
        members=tuple(members),
        calibration=held_out.calibration(),
        domain=fit_domain(known, importance, fold, seed, rows.growing),
        venn_abers=fit_venn_abers(held_out.raw, held_out.positive, held_out.area, held_out.region),
        missed_share=missed,
        out_of_bag=_out_of_bag(rows, ranker, members, seed, threads),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _HeldOutScores:
    """Raw scores and survey results of held-out land, from which probabilities and intervals are learned.

    `whole` marks labels that are certain: a bound counts hazards, and the soft label of a bag is not one.
    """

    raw: Floats
    positive: Flags
    area: Floats
    fold: Integers
    region: Integers
    whole: Flags

    @classmethod
    def of(cls, rows: TrainingRows, raw: Floats, used: Flags) -> "_HeldOutScores":
        """The `used` rows with their scores `raw`, a soft label as one row of either class."""
        region = rows.block if rows.region is None else rows.region
        row, label, part = split_rows(rows.target[used])
        return cls(
            raw=raw[row],
            positive=label > 0,
            area=rows.share[used][row] * part,
            fold=rows.fold[used][row],
            region=region[used][row],
            whole=part == 1,
        )

    def beside(self, unknown: Floats) -> "_HeldOutScores":
        """The same scores with unknown cells added as searched cells of a region of their own."""
        n = len(unknown)
        return _HeldOutScores(
            raw=np.concatenate([self.raw, unknown]),
            positive=np.concatenate([self.positive, np.zeros(n, dtype=bool)]),
            area=np.concatenate([self.area, np.ones(n)]),
            fold=np.concatenate([self.fold, np.full(n, -1)]),
            region=np.concatenate([self.region, np.full(n, -1)]),
            whole=np.concatenate([self.whole, np.ones(n, dtype=bool)]),
        )

    def calibration(self) -> Calibration:
        """The curve, with the spread between regions that it leaves."""
        # The curve of all folds was fitted to every region: only curves of the other folds show how far regions lie
        # off.
        across = cross_calibrated(self.raw, self.positive, self.area, self.fold)
        known = np.isfinite(across)
        spread = between_regions(across[known], self.positive[known], self.area[known], self.region[known])
        return replace(calibrate(self.raw, self.positive, self.area), between_regions=spread)


def _importance(rankers: Sequence[Ranker], values: Floats32, seed: int, threads: int) -> Floats:
    """Mean |SHAP| of each feature over several rankers: that of one alone changes much with a few more records."""
    sample = np.random.default_rng(seed).permutation(len(values))[:MOST_EXPLAINED]
    shares = [np.abs(one.contributions(values[sample], threads)).mean(axis=0) for one in rankers]
    return np.asarray(np.mean(shares, axis=0))


def _out_of_bag(
    rows: TrainingRows, ranker: Ranker, members: Sequence[Ranker], seed: int, threads: int
) -> OutOfBag | None:
    """The shifts of labelled cells to the scores of members without their blocks; None without their places."""
    if rows.centres_m is None:
        return None
    return fit_out_of_bag(
        rows.centres_m, rows.cell_size_m,
        raw=ranker.raw(rows.values, threads),
        member_raw=[member.raw(rows.values, threads) for member in members],
        left_out=[_drawn(rows, seed + number) == 0 for number in range(1, len(members) + 1)],
        found=rows.target >= 0.5,
    )  # fmt: skip


def _drawn(rows: TrainingRows, seed: int) -> Integers:
    """How often each row is drawn when blocks of land are drawn with replacement."""
    rng = np.random.default_rng(seed)
    block, times = draw_blocks(rows.block, rng, 1)
    drawn: Integers = times[0].astype(np.int64)[block]
    if _both_classes(rows.target) and not _both_classes(rows.target[drawn > 0]):
        # If very few blocks hold all finds, rows are drawn instead, which understates the spread.
        drawn = np.bincount(rng.integers(0, len(block), len(block)), minlength=len(block))
        drawn = np.maximum(drawn, rows.target >= 0.5)
    return drawn


def _both_classes(target: Floats) -> bool:
    return bool((target >= 0.5).any() and (target < 0.5).any())


def constraint_signs(features: Sequence[str], trends: Mapping[str, int]) -> dict[str, int]:
    """The monotone direction of each feature that has one."""
    return {name: trends[name] for name in features if trends.get(name)}
