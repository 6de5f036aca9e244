"""Judged cells of a small made-up country, for the tests of the report."""

import numpy as np
import pandas as pd

from training.reporting.tables import ReportInput
from training.validation.block_bootstrap import block_intervals
from training.validation.held_out import HeldOut
from training.validation.metrics import judge

SCRIPT = "<script>alert(1)</script>"


def sample_held_out(folds: int = 4, seed: int = 3, side: int = 60, names: tuple[str, ...] = ()) -> HeldOut:
    """Cells of 500 m on a square; found ones near a line, folds in strips, blocks of 5 km."""
    rng = np.random.default_rng(seed)
    east, north = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    distance = np.abs(north - side * (0.5 + 0.2 * np.sin(east / 9))) * 0.5
    patch = np.sin(east / 6.0) * np.cos(north / 7.0)
    logit = -2.2 - 0.25 * distance + 1.2 * patch
    probability = 1 / (1 + np.exp(-logit))
    positive = rng.random(len(east)) < probability
    fold = np.minimum(east * folds // side, folds - 1)
    given = names or tuple(f"region {number + 1}" for number in range(folds))
    return HeldOut(
        cell_id=np.arange(len(east)),
        easting_m=600_000.0 + 500 * east,
        northing_m=4_900_000.0 + 500 * north,
        score=logit + 0.4 * rng.normal(size=len(east)),
        positive=positive,
        area=rng.uniform(0.3, 1, len(east)),
        fold=fold.astype(np.int64),
        fold_names=given,
        block=(east // 10 * 100 + north // 10).astype(np.int64),
        probability=np.clip(1.3 * probability, 0, 0.95),
        rules={
            "distance to the line": -distance,
            "incident density": np.round(patch + rng.normal(size=len(east))),
        },
    )


def sample_table(held_out: dict[str, HeldOut]) -> pd.DataFrame:
    """The long table of a validation: protocol, fold, ranking."""
    rows = []
    for protocol, cells in held_out.items():
        for number, fold in enumerate(cells.fold_names):
            here = cells.fold == number
            for ranking, score in {"mlrisk": cells.score, **cells.rules}.items():
                figures = judge(score[here], cells.positive[here], cells.area[here])
                figures |= block_intervals(
                    score[here], cells.positive[here], cells.block[here], 0, 50, cells.area[here]
                )
                rows.append({"protocol": protocol, "fold": fold, "ranking": ranking, **figures})
    return pd.DataFrame(rows)


def sample_report(**changes) -> ReportInput:
    """A report with every section, and with hostile texts where texts come from data."""
    names = ("Tuzla", f"Doboj {SCRIPT}", "Brčko $x^2$", "Bihać")
    held_out = {"leave_region_out": sample_held_out(names=names), "random": sample_held_out(seed=5)}
    quantiles = np.linspace(0, 1, 21)
    given = {
        "title": "bosnia.contamination <b>version 3</b>",
        "as_of": "2024-07-31",
        "question": "Which cells would survey find explosive ordnance in, in regions that the model has not seen?",
        "table": sample_table(held_out),
        "held_out": held_out,
        "cell_size_m": 500.0,
        "draws": 50,
        "explanations": [
            {
                "protocol": "knndm", "fold": "knndm 1", "train_cells": 2_700, "train_base_rate": 0.08,
                "test_cells": 900, "test_base_rate": 0.07,
                "distance_m": {"least": 500.0, "median": 4_200.0, "greatest": 9_000.0},
                "quantiles": quantiles.tolist(), "to_predict_m": (9_000 * quantiles**1.5).tolist(),
                "between_folds_m": (8_500 * quantiles**1.3).tolist(), "wasserstein_m": 410.0,
            }
        ],
        "sensitivity": pd.DataFrame(
            {"change": ["prevalence x 0.5", "prevalence x 2", "no weights"], "Spearman": [0.99, 0.98, 0.91]}
        ),
        "ablation": pd.DataFrame({"left out": ["monotone constraints"], "recall_10": [0.41]}),
        "warnings": (f"rivers {SCRIPT}: no rows",),
        "settings": {"name": SCRIPT, "validation": {"folds": 4}},
    }  # fmt: skip
    return ReportInput(**(given | changes))
