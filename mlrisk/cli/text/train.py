"""The output of `train`, `evaluate` and `run`: the model, the best baselines and chance, and a verdict."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from features.base import Place
from mlrisk.cli.text.parts import Part, Table, interval, notes, versions
from mlrisk.commands import Unchanged
from training.train import TrainingResult
from training.validation import PLACEBO

MODEL, CHANCE = "mlrisk", "random order"
# Baselines are shown for the decisive protocols; the others show only the model.
DECIDING = {"as_of": "later results", "leave_region_out": "new regions"}
OTHER = {"knndm": "distant blocks", "random": "random cells"}
BEST = 2


def judged(trained: TrainingResult | Unchanged | None, files: Iterable[Place] = ()) -> list[Part]:
    """One table, the verdict and where the report lies; of a training that was done before the versions."""
    if trained is None:
        return []
    if isinstance(trained, Unchanged):
        names = ", ".join(f"{one.name} version {one.number}" for one in trained.versions)
        return [f"nothing changed since {names} was trained: nothing is trained or registered (--again does)"]
    return [
        *judged_contamination(trained.pooled, trained.beaten),
        *versions(vars(version) for version in trained.versions),
        *(f"{file.name}: {file}" for file in files),
    ]


def noted(trained: TrainingResult | Unchanged | None) -> list[Part]:
    """The warnings of a training, a line each."""
    return notes(trained.warnings) if isinstance(trained, TrainingResult) else []


def judged_contamination(pooled: pd.DataFrame, beaten: Iterable[str] = (), also: str = "") -> list[Part]:
    """The model, the two best baselines and chance by protocol, all folds together, and one sentence of verdict.

    `also` is a ranking that is shown whatever it reaches.
    """
    if not len(pooled):
        return ["the model could not be judged: see the report"]
    header = ("judged on", "ranking", "ROC AUC", "first 10 % of area")
    rows = [_row(row, text) for protocol, text in DECIDING.items() for row in _shown(pooled, protocol, also)]
    rows += [
        _row(row, OTHER[row["protocol"]])
        for row in pooled[pooled["ranking"] == MODEL].to_dict("records")
        if row["protocol"] in OTHER
    ]
    title = "ROC AUC, and share of the finds in the first 10 % of the area (90 % intervals)"
    return [Table(title, header, tuple(rows)), verdict(pooled, tuple(beaten))]


def verdict(pooled: pd.DataFrame, beaten: tuple[str, ...]) -> str:
    """Whether the model ranks better than the best baseline on held-out regions, or on later results."""
    if beaten:
        return f"verdict: {beaten[0]}"
    protocol = next((name for name in reversed(DECIDING) if (pooled["protocol"] == name).any()), "")
    best = [row for row in _shown(pooled, protocol) if row["ranking"] not in (MODEL, CHANCE)][:1]
    if not best:
        return "verdict: no baseline stands beside the model"
    gain, low, high = (best[0][f"recall_10_gain{end}"] for end in ("", "_low", "_high"))
    name, place = best[0]["ranking"], DECIDING[protocol]
    if low > 0:
        return f"verdict: better than every baseline on {place}, than {name} by {gain:.2f} ({low:.2f} to {high:.2f})"
    return f"verdict: level with {name} on {place}: {gain:+.2f} of the finds ({low:+.2f} to {high:+.2f})"


def _shown(pooled: pd.DataFrame, protocol: str, also: str = "") -> list[dict[str, Any]]:
    """The rows of the model, of `also`, of the baselines that find most in the first tenth of the area, of chance."""
    here = pooled[pooled["protocol"] == protocol]
    rules = here[~here["ranking"].isin([MODEL, CHANCE, PLACEBO])].nlargest(BEST, "recall_10", keep="first")
    more = here[(here["ranking"] == also) & ~here["ranking"].isin(rules["ranking"])]
    parts = [here[here["ranking"] == MODEL], more, rules, here[here["ranking"] == CHANCE]]
    return [dict(row) for row in pd.concat(parts).to_dict("records")]


def _row(row: Mapping[Any, Any], place: str) -> tuple[str, ...]:
    return (
        place, str(row["ranking"]), f"{row['roc_auc']:.2f}{interval(row, 'roc_auc', 2)}",
        f"{row['recall_10']:.2f}{interval(row, 'recall_10', 2)}",
    )  # fmt: skip
