"""The map against the truth of independently simulated countries: labels, recall, way to the oracle; see README.md.

`--chance` lays hazards with no relation to anything: every protocol must then judge the model at 0.5.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import mlrisk
from benchmarks.independent_country import World, write_independent
from features.base import Flags, Floats
from models.contamination import Scores
from training.evidence import FOUND, in_open_area
from training.train import TrainingResult
from training.validation.baselines import feature_scores
from training.validation.metrics import recall_at_area

LITTLE = ("validation.explained_cells=0", "contamination.members=5", "casualty.members=3")


def way(map_: float, baseline: float, oracle: float) -> float:
    """Share of the way from a baseline to the oracle.

    >>> round(way(0.7, 0.6, 0.8), 3)
    0.5
    """
    return (map_ - baseline) / (oracle - baseline)


def scored(trained: TrainingResult, threads: int) -> tuple[Scores, Floats]:
    """The probabilities of the map, and the score without survey results nearby."""
    model, dataset = trained.contamination, trained.dataset
    values = np.ascontiguousarray(dataset.learned.aligned(model.ranker.features))
    centres_m = dataset.grid.centres_m()
    scores = model.scores(values, threads, centres_m, in_open_area(trained.evidence.status))
    return scores, scores.score - model.by_place(centres_m, len(values))


def recalls(scores: Mapping[str, Floats], asked: Flags, true: Flags) -> dict[str, float]:
    """Recall at 10 % of the `asked` land by ranking; a score that is NaN ranks last."""
    return {
        name: recall_at_area(np.nan_to_num(score, nan=-np.inf)[asked], true[asked], 0.1)
        for name, score in scores.items()
    }


def judged(seed: int, folder: Path, by_chance: bool, overrides: Sequence[str]) -> dict[str, float]:
    """Figures of one country, printed as they come."""
    world: World = write_independent(seed, folder, by_chance=by_chance)
    config = mlrisk.load_config(folder / "config.yaml", overrides=[*LITTLE, *overrides])
    started = time.monotonic()
    trained = mlrisk.train(config)
    evidence, dataset = trained.evidence, trained.dataset
    found = evidence.state == FOUND
    asked, true = ~evidence.labelled, world.contaminated.ravel()
    rules = feature_scores(dataset.table.names, dataset.table.values)
    scores, alone = scored(trained, config.compute.threads)
    ranked = {"map": scores.score, "map without what was found nearby": alone, **rules}
    ranked |= {"stated causes": world.stated.ravel(), "oracle": world.intensity.ravel()}
    figures = recalls(ranked, asked, true)
    best = max(rules, key=lambda name: figures[name])
    print(
        f"\nseed {seed}{', by chance' if by_chance else ''}: {len(found):,} cells, {time.monotonic() - started:.0f} s"
    )
    print(f"found labels that are right: {world.ever.ravel()[found].mean():.3f} of {int(found.sum())}")
    print("recall at 10 % of unsearched land: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    if not by_chance:
        for name in ("map", "map without what was found nearby", "stated causes"):
            print(f"way from {best} to the oracle, {name}: {way(figures[name], figures[best], figures['oracle']):.3f}")
    table = trained.metrics
    means = table[(table["fold"] == "mean") & (table["ranking"] == "mlrisk")]
    print("ROC AUC: " + ", ".join(f"{row['protocol']} {row['roc_auc']:.3f}" for row in means.to_dict("records")))
    stated, held = scores.probability[asked].mean(), true[asked].mean()
    print(f"unsearched land: stated {stated:.4f}, true {held:.4f}, {stated / held:.2f} times")
    print("first lines of the report: " + "; ".join(trained.promises.notes))
    print(f"cells with a bound on missed hazards: {int(np.isfinite(scores.missed_share_below).sum())}")
    return figures | {"way": way(figures["map"], figures[best], figures["oracle"])}


def main() -> None:
    """Judge each seed in a scratch folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--chance", action="store_true", help="hazards by chance")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            judged(seed, Path(scratch) / f"seed-{seed}", arguments.chance, arguments.set)


if __name__ == "__main__":
    main()
