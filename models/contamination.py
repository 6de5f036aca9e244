"""The contamination model: a ranker, its bootstrap members, its calibration and the land where it applies."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from features.base import Flags, Floats, Floats32
from models.applicability import Domain
from models.calibration import LOWEST, Calibration
from models.missed_share import MissedShare
from models.ranker import Ranker
from models.venn_abers import VennAbers

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """What the model says of each row, arrays of equal length, never NaN.

    `score` is the raw log-odds, for ranking; `probability` is calibrated and lies within [`low`, `high`], which holds
    both intervals: Venn-Abers over regions (`venn_abers_low`, `venn_abers_high`) and the 5 % to 95 % quantiles over
    members that were trained on resampled blocks of land, whose width is `spread`. `missed_share_below` bounds the
    share of hazards that would be missed, on land like that judged, if survey stopped above the row. `members` (M, n)
    is the probability that each member sees, float32.
    """

    score: Floats
    probability: Floats
    low: Floats
    high: Floats
    in_domain: Flags
    venn_abers_low: Floats
    venn_abers_high: Floats
    spread: Floats
    missed_share_below: Floats
    members: Floats32


@dataclass(frozen=True, eq=False, kw_only=True)
class ContaminationModel:
    """Everything that is needed to score a feature table, without pickle."""

    ranker: Ranker
    members: tuple[Ranker, ...]
    calibration: Calibration
    domain: Domain
    venn_abers: VennAbers
    missed_share: MissedShare

    def scores(self, values: Floats32, threads: int = 2) -> Scores:
        """Score rows of features in the order of `ranker.features`."""
        raw = self.ranker.raw(values, threads)
        probability = self.calibration(raw)
        spread = np.stack([self.calibration(member.raw(values, threads)) for member in self.members])
        low, high = np.quantile(spread, [LOW, HIGH], axis=0)
        venn_abers_low, venn_abers_high = self.venn_abers(raw)
        return Scores(
            score=raw,
            probability=probability,
            low=np.maximum(np.minimum.reduce([low, venn_abers_low, probability]), LOWEST),
            high=np.minimum(np.maximum.reduce([high, venn_abers_high, probability]), 1 - LOWEST),
            in_domain=self.domain.contains(values, threads),
            venn_abers_low=venn_abers_low,
            venn_abers_high=venn_abers_high,
            spread=high - low,
            missed_share_below=self.missed_share(raw),
            members=spread.astype(np.float32),
        )

    def files(self) -> dict[str, str]:
        """The model as readable files: LightGBM text and JSON by file name."""
        texts = self.ranker.files("booster")
        for number, member in enumerate(self.members):
            texts |= member.files(f"member_{number:02d}")
        texts["blend.json"] = json.dumps({"linear_share": self.ranker.linear_share, "members": len(self.members)})
        texts["calibration.json"] = _calibration_text(self.calibration)
        texts["venn_abers.json"] = self.venn_abers.text()
        texts["missed_share.json"] = self.missed_share.text()
        texts["domain.json"] = self.domain.text()
        texts["features.json"] = json.dumps(list(self.ranker.features), indent=1)
        return texts

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> "ContaminationModel":
        """Read what `files` gave."""
        features = tuple(json.loads(texts["features.json"]))
        blend = json.loads(texts["blend.json"])
        stems = ["booster", *(f"member_{number:02d}" for number in range(blend["members"]))]
        ranker, *members = (Ranker.from_files(texts, stem, features, blend["linear_share"]) for stem in stems)
        return cls(
            ranker=ranker,
            members=tuple(members),
            calibration=_calibration(texts["calibration.json"]),
            domain=Domain.from_text(texts["domain.json"]),
            venn_abers=VennAbers.from_text(texts["venn_abers.json"]),
            missed_share=MissedShare.from_text(texts["missed_share.json"]),
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
