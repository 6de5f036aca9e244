"""The contamination model: a booster, its bootstrap members, its calibration and the land where it applies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.boosting import Boosted, BoostingParams, fit, side_by_side
from models.calibration import LOWEST, Calibration, between_regions, calibrate, cross_calibrated
from models.conformal import MissedShare, fit_missed_share
from models.domain import Domain, fit_domain
from models.venn_abers import VennAbers, fit_venn_abers

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, eq=False)
class Scores:
    """What the model says of each row, arrays of equal length, never NaN.

    `score` is the raw log-odds, for ranking; `probability` is calibrated and lies within [`low`, `high`], which holds
    both intervals: Venn-Abers over regions (`venn_abers_low`, `venn_abers_high`) and the 5 % to 95 % quantiles over
    members that were trained on resampled blocks of land, whose width is `spread`. `missed_share_below` bounds the
    share of hazards that would be missed, on land like that judged, if survey stopped above the row.
    """

    score: NDArray[np.float64]
    probability: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    in_domain: NDArray[np.bool_]
    venn_abers_low: NDArray[np.float64]
    venn_abers_high: NDArray[np.float64]
    spread: NDArray[np.float64]
    missed_share_below: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContaminationModel:
    """Everything that is needed to score a feature table, without pickle."""

    booster: Boosted
    members: tuple[Boosted, ...]
    calibration: Calibration
    domain: Domain
    venn_abers: VennAbers
    missed_share: MissedShare

    def scores(self, values: NDArray[np.float32], threads: int = 2) -> Scores:
        """Score rows of features in the order of `booster.features`."""
        raw = self.booster.raw(values, threads)
        probability = self.calibration(raw)
        spread = np.stack([self.calibration(member.raw(values, threads)) for member in self.members])
        low, high = np.quantile(spread, [LOW, HIGH], axis=0)
        venn_abers_low, venn_abers_high = self.venn_abers(raw)
        return Scores(
            raw,
            probability,
            np.maximum(np.minimum.reduce([low, venn_abers_low, probability]), LOWEST),
            np.minimum(np.maximum.reduce([high, venn_abers_high, probability]), 1 - LOWEST),
            self.domain.contains(values, threads),
            venn_abers_low,
            venn_abers_high,
            high - low,
            self.missed_share(raw),
        )

    def files(self) -> dict[str, str]:
        """The model as readable files: LightGBM text and JSON by file name."""
        texts = {"booster.txt": self.booster.text}
        texts |= {f"member_{number:02d}.txt": member.text for number, member in enumerate(self.members)}
        texts["calibration.json"] = _calibration_text(self.calibration)
        texts["venn_abers.json"] = self.venn_abers.text()
        texts["missed_share.json"] = self.missed_share.text()
        texts["domain.json"] = self.domain.text()
        texts["features.json"] = json.dumps(list(self.booster.features), indent=1)
        return texts

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> "ContaminationModel":
        """Read what `files` gave."""
        features = tuple(json.loads(texts["features.json"]))
        members = [Boosted(texts[name], features) for name in sorted(texts) if name.startswith("member_")]
        return cls(
            Boosted(texts["booster.txt"], features),
            tuple(members),
            _calibration(texts["calibration.json"]),
            Domain.from_text(texts["domain.json"]),
            VennAbers.from_text(texts["venn_abers.json"]),
            MissedShare.from_text(texts["missed_share.json"]),
        )


def _calibration_text(calibration: Calibration) -> str:
    fields = asdict(calibration)
    spread = fields["between_regions"]
    return json.dumps({**fields, "between_regions": spread if np.isfinite(spread) else None})


def _calibration(text: str) -> Calibration:
    fields = json.loads(text)
    spread = fields["between_regions"]
    return Calibration(
        fields["method"], tuple(fields["score"]), tuple(fields["probability"]), np.nan if spread is None else spread
    )


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Labelled cells: features (n, n_features), target in [0, 1], weight, and the block of each for resampling.

    `share` is the part of the cell that was searched, 1 where something was found. `out_of_fold` is the raw score that
    models which had not seen the row's region gave it, NaN where none did; `fold` numbers those regions. `region`
    numbers the block of land from one of which to the next intervals and missed hazards must hold; without it `block`.
    """

    features: tuple[str, ...]
    values: NDArray[np.float32]
    target: NDArray[np.float64]
    weight: NDArray[np.float64]
    share: NDArray[np.float64]
    block: NDArray[np.int64]
    out_of_fold: NDArray[np.float64]
    fold: NDArray[np.int64]
    region: NDArray[np.int64] | None = None


def fit_contamination(
    rows: TrainingRows,
    params: BoostingParams,
    constraints: Mapping[str, int],
    n_members: int,
    seed: int,
    threads: int,
) -> ContaminationModel:
    """Fit the booster on all rows, its members on resampled blocks, calibration and domain on held-out folds."""

    def one(number: int) -> Boosted:
        # The first fit takes every row once; the members follow, each on its own draw of blocks.
        times = _drawn(rows, seed + number) if number else np.ones(len(rows.values), dtype=np.int64)
        kept = times > 0
        return fit(
            rows.values[kept], rows.target[kept], (rows.weight * times)[kept], rows.features, "binary", params,
            seed=seed + number, constraints=constraints,
        )  # fmt: skip

    booster, *members = side_by_side(one, range(n_members + 1), threads)
    # Without a fold that holds land out there is nothing honest to calibrate on: the booster's own odds, in-sample.
    judged = np.isfinite(rows.out_of_fold)
    raw = rows.out_of_fold[judged] if judged.any() else booster.raw(rows.values, threads)
    used = judged if judged.any() else np.ones(len(judged), dtype=bool)
    sample = np.random.default_rng(seed).permutation(len(rows.values))[:20_000]
    importance = np.abs(booster.contributions(rows.values[sample], threads)).mean(axis=0)
    domain = fit_domain(rows.values, importance, rows.fold, seed)
    positive, area, fold = rows.target[used] >= 0.5, rows.share[used], rows.fold[used]
    region = (rows.block if rows.region is None else rows.region)[used]
    # The curve of all folds has fitted itself to each region: how far regions lie off it shows only across folds.
    across = cross_calibrated(raw, positive, area, fold)
    known = np.isfinite(across)
    spread = between_regions(across[known], positive[known], area[known], region[known])
    return ContaminationModel(
        booster,
        tuple(members),
        replace(calibrate(raw, positive, area), between_regions=spread),
        domain,
        fit_venn_abers(raw, positive, area, region),
        # In-sample scores bound nothing: without held-out land there are no blocks, and the bound is 1 everywhere.
        fit_missed_share(raw, positive & judged.any(), region),
    )


def _drawn(rows: TrainingRows, seed: int) -> NDArray[np.int64]:
    """How often each row is drawn when blocks of land are drawn with replacement."""
    rng = np.random.default_rng(seed)
    blocks, block = np.unique(rows.block, return_inverse=True)
    drawn = np.bincount(rng.integers(0, len(blocks), len(blocks)), minlength=len(blocks))[block]
    if not _both_classes(rows.target[drawn > 0]):
        # Few blocks hold all that was found: rows are drawn instead, which understates the spread.
        drawn = np.bincount(rng.integers(0, len(block), len(block)), minlength=len(block))
        drawn = np.maximum(drawn, rows.target >= 0.5)
    return drawn


def _both_classes(target: NDArray[np.float64]) -> bool:
    return bool((target >= 0.5).any() and (target < 0.5).any())


def constraint_signs(features: Sequence[str], trends: Mapping[str, int]) -> dict[str, int]:
    """The monotone direction of each feature that has one."""
    return {name: trends[name] for name in features if trends.get(name)}
