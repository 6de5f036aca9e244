"""The level of the probabilities on unsurveyed land of synthetic countries, without and with an audit; see README.md.

The model is trained as of the country's date. Its probabilities on all land without a label are compared with the
truth, and again after audits of so many cells, each newly drawn and surveyed with the truth as result.
Last, how the likely range and the bound on missed hazards, learned in one half of the judged land, did in the other.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import mlrisk
from benchmarks.planning.land import truth_of
from features.base import Flags, Floats
from models.level import Level, level_of_audit
from training.contamination import Promises
from training.evidence import Status, in_open_area

QUICK = (
    "validation.protocols=[as_of, leave_region_out]", "validation.baselines=[]", "validation.placebo_trees=0",
    "validation.explained_cells=0", "contamination.members=3", "casualty.members=3",
)  # fmt: skip
DRAWS = 1_000
HEAD = (
    "seed", "level by", "cells", "stated", "true", "times", "on new land", "in suspected areas", "with an audit",
    "within 1.5", "within 2", "audit alone",
)  # fmt: skip


def within(times: Floats, factor: float) -> float:
    """Share of ratios that lie within a factor of 1, either way.

    >>> within(np.array([0.5, 0.7, 1.0, 1.6]), 1.5)
    0.5
    """
    return float((np.abs(np.log(np.maximum(times, 1e-9))) <= np.log(factor)).mean())


def audited(stated: Floats, true: Flags, level: Level, cells: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Stated over true level after each of DRAWS audits, (DRAWS,): by the map, and by the audit's own share found."""
    chance = np.full(len(stated), cells / len(stated))
    by_map, alone = np.ones(DRAWS), np.ones(DRAWS)
    for draw in range(DRAWS):
        drawn = np.flatnonzero(rng.random(len(stated)) < chance)
        # The stated probabilities have the level of before: in their measure it is 1.
        after = level_of_audit(replace(level, factor=1.0), stated[drawn], true[drawn], chance[drawn])
        by_map[draw] = after.factor * stated.mean() / true.mean()
        alone[draw] = true[drawn].mean() / true.mean()
    return by_map, alone


def measured(seed: int, cells: int, audit_cells: int, folder: Path) -> tuple[str, Promises]:
    """One line of the table (the level before any audit and after audits of so many cells), and the map's promises."""
    country = mlrisk.synthetic_country(seed, cells=cells, folder=folder / f"seed-{seed}")
    config = mlrisk.load_config(country.config_path, overrides=QUICK)
    trained = mlrisk.train(config)
    model, dataset = trained.contamination, trained.dataset
    values = np.ascontiguousarray(dataset.learned.aligned(model.ranker.features))
    unknown = ~trained.evidence.labelled
    in_area = in_open_area(trained.evidence.status)
    scores = model.scores(values, config.compute.threads, dataset.grid.centres_m(), in_area)
    stated = scores.probability[unknown]
    true = truth_of(country.truth_raster, dataset.grid)["contaminated_at_as_of"].to_numpy()[unknown] > 0
    suspected = trained.evidence.status[unknown] == Status.SUSPECTED
    new, old = (stated[part].sum() / true[part].sum() for part in (~suspected, suspected))
    by_map, alone = audited(stated, true, model.level, audit_cells, np.random.default_rng(seed))
    columns = (
        str(seed), f"{model.level.kind}, {model.level.found} found of {model.level.cells}", f"{len(true):,}",
        *(f"{value:.4f}" for value in (stated.mean(), true.mean())),
        *(f"{value:.2f}" for value in (stated.mean() / true.mean(), new, old, np.median(by_map))),
        *(f"{within(times, factor):.2f}" for times, factor in ((by_map, 1.5), (by_map, 2.0), (alone, 1.5))),
    )  # fmt: skip
    line = f"| {' | '.join(columns)} |"
    return line, trained.promises


def main() -> None:
    """Measure each seed in a scratch folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--audit-cells", type=int, default=60)
    arguments = parser.parse_args()
    print(f"| {' | '.join(HEAD)} |\n{'| --- ' * len(HEAD)}|")
    promised = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            line, promises = measured(seed, arguments.cells, arguments.audit_cells, Path(scratch))
            print(line, flush=True)
            promised += [table.assign(seed=seed) for table in (promises.ranges, promises.bounds)]
    for table in (pd.concat(promised[::2]), pd.concat(promised[1::2])):
        print(f"\n{table.round(3).to_string(index=False)}")


if __name__ == "__main__":
    main()
