"""The contamination model: a ranker, its bootstrap members, its calibration and the land where it applies."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from features.base import Flags, Floats, Floats32
from models.applicability import Domain
from models.calibration import LOWEST, Calibration
from models.intervals import LikelyRange
from models.level import Level
from models.local_ratio import LocalRatio
from models.missed_share import MissedShare
from models.out_of_bag import OutOfBag
from models.ranker import Ranker
from models.venn_abers import VennAbers

LOW, HIGH = 0.05, 0.95
# A version that was made before levels were learned states its curve unchanged, as an index.
INDEX = Level()


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """The results of the model for each row, arrays of equal length; NaN only where no bound on missed hazards holds.

    `score` is the raw log-odds, for ranking; `probability` is calibrated and lies within [`low`, `high`], its likely
    range, which joins the differences between regions, those between members trained on resampled blocks of land, and
    the uncertainty of the level. Further values are the Venn-Abers interval over regions (`venn_abers_low`,
    `venn_abers_high`) and the width from 5 % to 95 % of the members (`spread`). `missed_share_below` bounds the share
    of hazards that would be missed, on land like that judged, if survey stopped above the row. `members` (M, n) is the
    probability that each member sees, float32.
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
    """All parts that score a feature table, stored without pickle."""

    ranker: Ranker
    members: tuple[Ranker, ...]
    calibration: Calibration
    domain: Domain
    venn_abers: VennAbers
    missed_share: MissedShare
    likely_range: LikelyRange | None = None
    local_ratio: LocalRatio | None = None
    out_of_bag: OutOfBag | None = None
    level: Level = INDEX

    def by_place(self, centres_m: Floats | None, size: int) -> Floats:
        """Log-odds that the place of each of `size` cells adds to its score; 0 if model or caller has no coordinates.

        They hold what survey found nearby, and on a labelled cell they take its own label out of the score.
        """
        parts = [part for part in (self.local_ratio, self.out_of_bag) if part is not None]
        if centres_m is None or not parts:
            return np.zeros(size)
        return np.asarray(np.sum([part(centres_m) for part in parts], axis=0))

    def scores(
        self,
        values: Floats32,
        threads: int = 2,
        centres_m: Floats | None = None,
        in_area: Flags | None = None,
    ) -> Scores:
        """Score rows of features in the order of `ranker.features`.

        If the centres (n, 2) of the cells are given, survey results nearby are part of the score, and a labelled cell
        is scored without its own label; if it is given which cells (n,) lie in open areas on record, the level of the
        probabilities is that of their status.
        """
        nearby = self.by_place(centres_m, len(values))
        raw = self.ranker.raw(values, threads) + nearby
        probability = self.calibration(raw)
        spread = np.stack([self.calibration(member.raw(values, threads) + nearby) for member in self.members])
        low, high = np.quantile(spread, [LOW, HIGH], axis=0)
        venn_abers_low, venn_abers_high = self.venn_abers(raw)
        if self.likely_range is not None:
            likely_low, likely_high = self.likely_range(probability, np.log(spread / (1 - spread)).std(axis=0))
        else:
            # Older versions have no likely range: theirs is the wider of their two intervals.
            likely_low = np.maximum(np.minimum.reduce([low, venn_abers_low, probability]), LOWEST)
            likely_high = np.minimum(np.maximum.reduce([high, venn_abers_high, probability]), 1 - LOWEST)
        probability, likely_low, likely_high, spread, low, high = (
            self.level.moved(shares, in_area) for shares in (probability, likely_low, likely_high, spread, low, high)
        )
        return Scores(
            score=raw,
            probability=probability,
            low=likely_low,
            high=likely_high,
            in_domain=self.domain.contains(values, threads),
            venn_abers_low=venn_abers_low,
            venn_abers_high=venn_abers_high,
            spread=high - low,
            missed_share_below=self.missed_share(raw) if self.missed_share.blocks else np.full(len(raw), np.nan),
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
        texts["level.json"] = self.level.text()
        if self.likely_range is not None:
            texts["likely_range.json"] = self.likely_range.text()
        if self.local_ratio is not None:
            texts["local_ratio.json"] = self.local_ratio.text()
        if self.out_of_bag is not None:
            texts["out_of_bag.json"] = self.out_of_bag.text()
        texts["domain.json"] = self.domain.text()
        texts["features.json"] = json.dumps(list(self.ranker.features), indent=1)
        return texts

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> "ContaminationModel":
        """The inverse of `files`."""
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
            likely_range=LikelyRange.from_text(texts["likely_range.json"]) if "likely_range.json" in texts else None,
            local_ratio=LocalRatio.from_text(texts["local_ratio.json"]) if "local_ratio.json" in texts else None,
            out_of_bag=OutOfBag.from_text(texts["out_of_bag.json"]) if "out_of_bag.json" in texts else None,
            level=Level.from_text(texts["level.json"]) if "level.json" in texts else INDEX,
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
