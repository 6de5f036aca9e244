"""The contamination model: a booster, its bootstrap members, its calibration and the land where it applies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.boosting import Boosted, BoostingParams, fit, side_by_side
from models.calibration import Calibration, calibrate
from models.domain import Domain, fit_domain
from models.pu import Unlabelled, fit_beside

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, eq=False)
class Scores:
    """What the model says of each row, arrays of equal length, never NaN.

    `score` is the raw log-odds, for ranking; `probability` is calibrated and lies within [`low`, `high`], the 5 % and
    95 % quantiles over members that were trained on resampled blocks of land.
    """

    score: NDArray[np.float64]
    probability: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    in_domain: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ContaminationModel:
    """Everything that is needed to score a feature table, without pickle."""

    booster: Boosted
    members: tuple[Boosted, ...]
    calibration: Calibration
    domain: Domain

    def scores(self, values: NDArray[np.float32], threads: int = 2) -> Scores:
        """Score rows of features in the order of `booster.features`."""
        raw = self.booster.raw(values, threads)
        probability = self.calibration(raw)
        spread = np.stack([self.calibration(member.raw(values, threads)) for member in self.members])
        low, high = np.quantile(spread, [LOW, HIGH], axis=0)
        return Scores(
            raw,
            probability,
            np.minimum(low, probability),
            np.maximum(high, probability),
            self.domain.contains(values, threads),
        )

    def files(self) -> dict[str, str]:
        """The model as readable files: LightGBM text and JSON by file name."""
        texts = {"booster.txt": self.booster.text}
        texts |= {f"member_{number:02d}.txt": member.text for number, member in enumerate(self.members)}
        domain = {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in vars(self.domain).items()
            if not key.startswith("_")
        }
        texts["calibration.json"] = json.dumps(asdict(self.calibration))
        texts["domain.json"] = json.dumps(domain)
        texts["features.json"] = json.dumps(list(self.booster.features), indent=1)
        return texts

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> "ContaminationModel":
        """Read what `files` gave."""
        features = tuple(json.loads(texts["features.json"]))
        members = [Boosted(texts[name], features) for name in sorted(texts) if name.startswith("member_")]
        calibration = json.loads(texts["calibration.json"])
        domain = json.loads(texts["domain.json"])
        arrays: dict[str, Any] = {
            key: np.array(value) if isinstance(value, list) else value for key, value in domain.items()
        }
        return cls(
            Boosted(texts["booster.txt"], features),
            tuple(members),
            Calibration(calibration["method"], tuple(calibration["score"]), tuple(calibration["probability"])),
            Domain(**arrays),
        )


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Labelled cells: features (n, n_features), target in [0, 1], weight, and the block of each for resampling.

    `share` is the part of the cell that was searched, 1 where something was found. `out_of_fold` is the raw score that
    models which had not seen the row's region gave it, NaN where none did; `fold` numbers those regions.
    """

    features: tuple[str, ...]
    values: NDArray[np.float32]
    target: NDArray[np.float64]
    weight: NDArray[np.float64]
    share: NDArray[np.float64]
    block: NDArray[np.int64]
    out_of_fold: NDArray[np.float64]
    fold: NDArray[np.int64]


def fit_contamination(
    rows: TrainingRows,
    params: BoostingParams,
    constraints: Mapping[str, int],
    n_members: int,
    seed: int,
    threads: int,
    unlabelled: Unlabelled | None = None,
    bags: int = 1,
) -> ContaminationModel:
    """Fit the booster on all rows, its members on resampled blocks, calibration and domain on held-out folds.

    `unlabelled` land is drawn beside the rows, `bags` times for the booster and once for each member. Where it stands
    alone for what is not found, the curve gives the share of cells found so far among all land with such a score, a
    lower bound.
    """

    def one(number: int) -> Boosted:
        # The first fit takes every row once; the members follow, each on its own draw of blocks.
        times = _drawn(rows, seed + number) if number else np.ones(len(rows.values), dtype=np.int64)
        kept = times > 0
        lesson = rows.values[kept], rows.target[kept], (rows.weight * times)[kept], rows.features
        if unlabelled is None:
            return fit(*lesson, "binary", params, seed=seed + number, constraints=constraints)
        # Draws of the booster's bags and of the members must not coincide.
        draws, first = (1, seed + bags + number) if number else (bags, seed)
        return fit_beside(*lesson, params, unlabelled, draws, seed=first, constraints=constraints)

    booster, *members = side_by_side(one, range(n_members + 1), threads)
    # Without a fold that holds land out there is nothing honest to calibrate on: the booster's own odds, in-sample.
    judged = np.isfinite(rows.out_of_fold)
    raw = rows.out_of_fold[judged] if judged.any() else booster.raw(rows.values, threads)
    used = judged if judged.any() else np.ones(len(judged), dtype=bool)
    positive, share = rows.target[used] >= 0.5, rows.share[used]
    known, fold = rows.values, rows.fold
    if unlabelled is not None and unlabelled.alone:
        # Found cells alone have no curve and no land around them: all unknown land stands beside, each cell as one.
        raw = np.concatenate([raw, booster.raw(unlabelled.values, threads)])
        positive = np.concatenate([positive, np.zeros(len(unlabelled.values), dtype=bool)])
        share = np.concatenate([share, np.ones(len(unlabelled.values))])
        known = np.concatenate([known, unlabelled.values])
        fold = np.concatenate([fold, np.full(len(unlabelled.values), -1)])
    sample = np.random.default_rng(seed).permutation(len(rows.values))[:20_000]
    importance = np.abs(booster.contributions(rows.values[sample], threads)).mean(axis=0)
    domain = fit_domain(known, importance, fold, seed)
    return ContaminationModel(booster, tuple(members), calibrate(raw, positive, share), domain)


def _drawn(rows: TrainingRows, seed: int) -> NDArray[np.int64]:
    """How often each row is drawn when blocks of land are drawn with replacement."""
    rng = np.random.default_rng(seed)
    blocks, block = np.unique(rows.block, return_inverse=True)
    drawn = np.bincount(rng.integers(0, len(blocks), len(blocks)), minlength=len(blocks))[block]
    if _both_classes(rows.target) and not _both_classes(rows.target[drawn > 0]):
        # Few blocks hold all that was found: rows are drawn instead, which understates the spread.
        drawn = np.bincount(rng.integers(0, len(block), len(block)), minlength=len(block))
        drawn = np.maximum(drawn, rows.target >= 0.5)
    return drawn


def _both_classes(target: NDArray[np.float64]) -> bool:
    return bool((target >= 0.5).any() and (target < 0.5).any())


def constraint_signs(features: Sequence[str], trends: Mapping[str, int]) -> dict[str, int]:
    """The monotone direction of each feature that has one."""
    return {name: trends[name] for name in features if trends.get(name)}
