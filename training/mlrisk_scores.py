"""Calibrated contamination probabilities from the folder of a model version, without mlrisk.

A copy of this file travels with every version as `code/mlrisk_scores.py` and is what `mlflow.pyfunc` loads, so it
imports nothing of ours: mlflow, lightgbm, numpy and pandas are enough. What it computes is `models.blend.Ranker.raw`
and `models.calibration.Calibration`; a test holds both to 1e-9.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

MANIFEST = "manifest.json"


class CalibratedScores:
    """A version as it was registered: predicts the probability that survey would find explosive ordnance."""

    def __init__(self, folder: Path) -> None:
        check_files(folder)
        self.features: list[str] = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        self.booster = lightgbm.Booster(model_str=(folder / "booster.txt").read_text(encoding="utf-8"))
        blend = json.loads((folder / "blend.json").read_text(encoding="utf-8"))
        self.linear_share = float(blend["linear_share"])
        linear = folder / "booster_linear.json"
        self.linear = json.loads(linear.read_text(encoding="utf-8")) if linear.is_file() else None
        self.curve = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray[Any, Any]:
        """Probability of each row of a table of features; columns that the model does not ask for are left aside.

        `params={"score": True}` gives the raw log-odds instead, by which the map ranks. NaN is an unknown value.
        Raises ValueError that names the features that are missing.
        """
        missing = [name for name in self.features if name not in table]
        if missing:
            raise ValueError(f"the table lacks features that the model has learned from: {', '.join(missing)}")
        values = np.ascontiguousarray(table[self.features].to_numpy(dtype=np.float32))
        score = np.asarray(self.booster.predict(values, raw_score=True), dtype=np.float64)
        if self.linear is not None:
            score = (1 - self.linear_share) * score + self.linear_share * self._regression(values)
        if params and params.get("score"):
            return score
        return np.asarray(np.interp(score, self.curve["score"], self.curve["probability"]))

    def _regression(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Log-odds of the logistic regression on ranks."""
        assert self.linear is not None  # noqa: S101 for the type checker
        terms = np.empty(values.shape)
        for number, knots in enumerate(self.linear["knots"]):
            knot, first, times = np.unique(np.array(knots), return_index=True, return_counts=True)
            level = (first + (times - 1) / 2) / (len(knots) - 1)
            column = values[:, number]
            rank = np.where(np.isfinite(column), np.interp(column, knot, level), 0.5) - 0.5
            terms[:, number] = rank * self.linear["slope"][number] + rank**2 * self.linear["bend"][number]
        return np.asarray(self.linear["intercept"] + terms.sum(axis=1))


def check_files(folder: Path) -> None:
    """Compare every file with the manifest that was written when the version was registered.

    Raises ValueError that names the files that differ or are missing.
    """
    wrong = changed_files(folder)
    if wrong:
        raise ValueError(f"{folder}: not as registered: {', '.join(wrong)}. Restore the artifacts of this version")


def changed_files(folder: Path) -> list[str]:
    """The files of a version that are not as its manifest says, each with what is wrong."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return [f"{MANIFEST} is missing"]
    wrong = []
    for name, digest in json.loads(manifest.read_text(encoding="utf-8")).items():
        file = folder / name
        if not file.is_file():
            wrong.append(f"{name} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            wrong.append(f"{name} was changed")
    return wrong


def _load_pyfunc(path: str) -> CalibratedScores:
    """What `mlflow.pyfunc.load_model` calls."""
    return CalibratedScores(Path(path))
