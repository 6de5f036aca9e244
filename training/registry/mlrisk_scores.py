"""Predictions of the map from the folder of a model version, without mlrisk: probabilities, or casualties a year.

A copy of this file travels with every version as `code/mlrisk_scores.py` and is what `mlflow.pyfunc` loads, so it
imports nothing of mlrisk: mlflow, lightgbm, numpy and pandas are enough. It computes the same as
`models.ranker.Ranker.raw` and `models.calibration.Calibration`, or as `models.casualty.CasualtyModel.casualties`; tests
compare them to 1e-9.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MANIFEST = "manifest.json"
# Columns of the casualty model besides its features: the presence at risk, and each pattern under this prefix.
EXPOSURE, PATTERN = "exposure", "pattern: "
TREES, HURDLE = "trees", "hurdle"
# Kernels of survey results nearby are cut off at this many widths, as in models.local_ratio.
REACH = 4


class CalibratedScores:
    """A version as it was registered: predicts the probability that survey would find explosive ordnance."""

    def __init__(self, folder: Path) -> None:
        # Imported here and not above, so that reading the names of this module takes no time.
        import lightgbm

        check_files(folder)
        self.features: list[str] = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        self.booster = lightgbm.Booster(model_str=(folder / "booster.txt").read_text(encoding="utf-8"))
        blend = json.loads((folder / "blend.json").read_text(encoding="utf-8"))
        self.linear_share = float(blend["linear_share"])
        linear = folder / "booster_linear.json"
        self.linear = json.loads(linear.read_text(encoding="utf-8")) if linear.is_file() else None
        nearby = folder / "local_ratio.json"
        self.nearby = json.loads(nearby.read_text(encoding="utf-8")) if nearby.is_file() else None
        labelled = folder / "out_of_bag.json"
        self.labelled = json.loads(labelled.read_text(encoding="utf-8")) if labelled.is_file() else None
        self.curve = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray[Any, Any]:
        """Probability of each row of a table of features; columns that the model does not need are ignored.

        `params={"score": True}` gives the raw log-odds instead, by which the map ranks. NaN is an unknown value. Survey
        results nearby enter both, and labelled cells are scored without their own labels, if the table has `easting_m`
        and `northing_m`, the centres of cells; without them predictions differ from the map on and near surveyed land.
        Raises ValueError that names the features that are missing.
        """
        values = asked_of(table, self.features)
        score = np.asarray(self.booster.predict(values, raw_score=True), dtype=np.float64)
        if self.linear is not None:
            score = (1 - self.linear_share) * score + self.linear_share * self._regression(values)
        if {"easting_m", "northing_m"}.issubset(table.columns):
            centres_m = table[["easting_m", "northing_m"]].to_numpy(dtype=np.float64)
            score = score + (ratio_nearby(self.nearby, centres_m) if self.nearby is not None else 0.0)
            score = score + (shift_of_labels(self.labelled, centres_m) if self.labelled is not None else 0.0)
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


def ratio_nearby(fields: dict[str, Any], centres_m: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Log-odds that `models.local_ratio.LocalRatio` adds at the centres (n, 2) of cells."""
    width, size, prior = fields["width_cells"], fields["cell_size_m"], fields["prior"]
    column, row = np.array(fields["column"]), np.array(fields["row"])
    margin = int(np.ceil(REACH * width))
    west, south = int(column.min()) - margin, int(row.min()) - margin
    laid = np.zeros((2, int(row.max()) - south + margin + 1, int(column.max()) - west + margin + 1))
    laid[0, row - south, column - west], laid[1, row - south, column - west] = fields["found"], fields["expected"]
    kernel = np.exp(-0.5 * (np.arange(-margin, margin + 1) / width) ** 2)
    sums = laid
    for axis in (1, 2):
        length = sums.shape[axis]
        padded = np.pad(sums, [(margin, margin) if place == axis else (0, 0) for place in range(3)])
        parts = [w * np.take(padded, np.arange(at, at + length), axis=axis) for at, w in enumerate(kernel)]
        sums = np.sum(parts, axis=0)
    sums = np.maximum(sums - laid, 0)
    cell = np.floor(centres_m / size).astype(np.int64) - [west, south]
    inside = ((cell >= 0) & (cell < sums.shape[1:][::-1])).all(axis=1)
    found, expected = sums[:, cell[inside, 1], cell[inside, 0]]
    out = np.zeros(len(centres_m))
    out[inside] = np.log((found + prior) / (expected + prior))
    return out


def shift_of_labels(fields: dict[str, Any], centres_m: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Log-odds that `models.out_of_bag.OutOfBag` adds at the centres (n, 2) of cells."""
    shift = pd.Series(fields["shift"], index=pd.MultiIndex.from_arrays([fields["column"], fields["row"]]))
    cell = np.floor(centres_m / fields["cell_size_m"]).astype(np.int64)
    return np.asarray(shift.reindex(pd.MultiIndex.from_arrays(cell.T), fill_value=0.0).to_numpy(dtype=np.float64))


class ExpectedCasualties:
    """A casualty version as it was registered: predicts the casualties of a year in each unit.

    A unit is what the model was trained on, such as a square kilometre; mlrisk shares its casualties among its cells.
    """

    def __init__(self, folder: Path) -> None:
        import lightgbm

        check_files(folder)

        def read(name: str) -> Any:
            return json.loads((folder / name).read_text(encoding="utf-8"))

        self.features: list[str] = read("features.json")
        self.part, self.scale = read("part.json"), read("scale.json")
        self.trees = lightgbm.Booster(model_file=str(folder / "booster.txt"))
        hurdle = folder / "hurdle.txt"
        self.hurdle = lightgbm.Booster(model_file=str(hurdle)) if hurdle.is_file() else None

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray[Any, Any]:  # noqa: ARG002
        """Casualties a year of each row of a table of units: features, `exposure`, and `pattern: ` columns.

        Raises ValueError that names the columns that are missing.
        """
        weights = {name: weight for name, weight in self.part["weights"].items() if weight}
        values = asked_of(table, [*self.features, *columns_beside(weights)])[:, : len(self.features)]
        values = np.ascontiguousarray(values)
        exposure = table[EXPOSURE].to_numpy(dtype=np.float64)
        total = np.zeros(len(table))
        for name, weight in weights.items():
            if name == TREES:
                pattern = np.exp(self.trees.predict(values, raw_score=True)) * exposure
            elif name == HURDLE and self.hurdle is not None:
                chance = 1 / (1 + np.exp(-np.asarray(self.hurdle.predict(values, raw_score=True))))
                pattern = chance * self.part["mean_where_any"]
            else:
                pattern = table[PATTERN + name].to_numpy(dtype=np.float64)
            total += weight * self.part["scales"][name] * pattern
        return np.asarray(total * self.part["accidents_per_year"] * self.scale["per_accident"])


def columns_beside(weights: Iterable[str]) -> list[str]:
    """Columns that a casualty model of these patterns needs besides its features."""
    return [EXPOSURE, *(PATTERN + name for name in weights if name not in (TREES, HURDLE))]


def asked_of(table: pd.DataFrame, names: list[str]) -> np.ndarray[Any, Any]:
    """The columns of these names, (n, n_names) float32; raises ValueError that names those that are missing."""
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"the table lacks features that the model has learned from: {', '.join(missing)}")
    return np.ascontiguousarray(table[names].to_numpy(dtype=np.float32))


def check_files(folder: Path) -> None:
    """Compare every file with the manifest that was written when the version was registered.

    Raises ValueError that names the files that differ or are missing.
    """
    wrong = changed_files(folder)
    if wrong:
        raise ValueError(f"{folder}: not as registered: {', '.join(wrong)}. Restore the artifacts of this version")


def changed_files(folder: Path) -> list[str]:
    """The files of a version that differ from its manifest, each with its fault."""
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


def _load_pyfunc(path: str) -> CalibratedScores | ExpectedCasualties:
    """Entry point of `mlflow.pyfunc.load_model`."""
    folder = Path(path)
    return ExpectedCasualties(folder) if (folder / "scale.json").is_file() else CalibratedScores(folder)
