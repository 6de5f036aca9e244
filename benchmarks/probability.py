"""Validity of probabilities, intervals and domain of the Bosnian model on held-out land; see README.md here."""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtri

import mlrisk
from benchmarks.contamination import DATA, ROOT
from features.base import Flags, Floats, Integers
from mlrisk.settings import Config
from models.applicability import Domain, fit_domain
from models.calibration import cross_calibrated
from models.venn_abers import fit_venn_abers
from training.contamination import (
    CellDataset,
    Judgement,
    accumulating_features,
    cell_blocks,
    dataset_at,
    fit_recipe,
    judge_contamination,
    prepare_recipe,
    trials_of,
)
from training.evidence import open_inputs, open_ledger
from training.validation import calibration_error

REGION_M = 40_000
# Blocks of land across which intervals must hold, as in a training run.
BLOCK_M = 20_000
FEWEST_IN_BIN = 50
# Land by its relief within 5 km: flat land to learn from, mountains to predict.
FLAT_M, MOUNTAINS_M = 150.0, 800.0
# Cells of a block are alike: the number of independent ones is about a quarter (design effect of 4).
DESIGN_EFFECT = 4.0


def calibrated(dataset: CellDataset, judgement: Judgement) -> Iterator[dict[str, object]]:
    """Calibration error of each held-out region, its curve and interval learned from the other regions alone.

    `covered` counts the region's deciles of score in which the Venn-Abers interval holds the observed share;
    `covered_noise` allows for the binomial noise of that share too.
    """
    known = np.isfinite(judgement.out_of_fold)
    raw, fold = judgement.out_of_fold[known], judgement.fold[known]
    found, share = dataset.evidence.state[known] == 2, dataset.evidence.share[known]
    block = cell_blocks(dataset.grid, BLOCK_M)[known]
    stated = cross_calibrated(raw, found, share, fold)
    for number in np.unique(fold):
        here = fold == number
        interval = fit_venn_abers(raw[~here], found[~here], share[~here], block[~here])
        low, high = interval(raw[here])
        covered = list(_covered(raw[here], found[here], low, high))
        yield {
            "region": int(number),
            "cells": int(here.sum()),
            "base_rate": float(found[here].mean()),
            "calibration_error": calibration_error(stated[here], found[here], share[here]),
            "deciles": len(covered),
            "covered": sum(strict for strict, _ in covered),
            "covered_noise": sum(noise for _, noise in covered),
            "width": float((high - low).mean()),
        }


def _covered(raw: Floats, found: Flags, low: Floats, high: Floats) -> Iterator[tuple[bool, bool]]:
    for cells in np.array_split(np.argsort(raw, kind="stable"), 10):
        if len(cells) >= FEWEST_IN_BIN:
            observed, lowest, highest = found[cells].mean(), low[cells].mean(), high[cells].mean()
            noise = ndtri(0.95) * np.sqrt(observed * (1 - observed) * DESIGN_EFFECT / len(cells))
            yield lowest <= observed <= highest, lowest - noise <= observed <= highest + noise


def domains(config: Config, dataset: CellDataset) -> Iterator[dict[str, object]]:
    """Share out of domain: of mountains for a model of flat land, and of held-out folds of the training land."""
    relief = dataset.table.aligned(["relief_5000m_m"])[:, 0]
    labelled = dataset.evidence.labelled
    values = np.ascontiguousarray(dataset.learned.values)
    for land, rows in (("flat", labelled & (relief < FLAT_M)), ("all", labelled)):
        learned = np.flatnonzero(rows)
        group = np.unique(cell_blocks(dataset.grid, BLOCK_M)[learned], return_inverse=True)[1]
        fold = np.random.default_rng(0).permutation(group.max() + 1)[group] % 5
        for number in range(5):
            domain = _domain(config, dataset, learned[fold != number], fold[fold != number])
            outside = ~domain.contains(values[learned[fold == number]])
            yield {"learned from": land, "asked about": f"its fold {number + 1}", "out_of_domain": outside.mean()}
        asked = relief > MOUNTAINS_M if land == "flat" else ~labelled
        outside = ~_domain(config, dataset, learned, fold).contains(values[asked])
        name = "mountains" if land == "flat" else "unlabelled south"
        yield {"learned from": land, "asked about": name, "out_of_domain": outside.mean()}


def _domain(config: Config, dataset: CellDataset, rows: Integers, fold: Integers) -> Domain:
    learning, recipe, _ = prepare_recipe(config, dataset, rows, config.compute.threads)
    ranker = fit_recipe(learning, recipe, config.seed, None)
    sample = np.random.default_rng(config.seed).permutation(len(learning.values))[:20_000]
    importance = np.abs(ranker.contributions(learning.values[sample], config.compute.threads)).mean(axis=0)
    return fit_domain(
        learning.values, importance, fold, config.seed, accumulating_features(learning.names, dataset.infos)
    )


def main() -> None:
    """Judge the Bosnian model on its two halves and on regions of 40 km, and print the tables."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not (DATA / "bosnia").is_dir():
        raise SystemExit(f"the Bosnian data are not in {DATA}")
    base = mlrisk.load_config(ROOT / "configs" / "bosnia.yaml", DATA / "bosnia")
    inputs = open_inputs(base)
    ledger = open_ledger(base, inputs)
    evidence = ledger.at(base.as_of)
    regions = ["validation.regions=blocks", f"validation.block_m={REGION_M}", "validation.folds=50"]
    for name, changes in (("west and east", []), ("regions of 40 km", regions)):
        started = time.monotonic()
        overrides = [*changes, "validation.protocols=[leave_region_out]"]
        config = mlrisk.load_config(ROOT / "configs" / "bosnia.yaml", DATA / "bosnia", overrides)
        dataset = dataset_at(config, inputs, evidence)
        judgement = judge_contamination(config, dataset, trials_of(config, dataset), {})
        table = pd.DataFrame(list(calibrated(dataset, judgement)))
        bins, strict, noise = (int(table[column].sum()) for column in ("deciles", "covered", "covered_noise"))
        print(f"\n{name}: {len(table)} regions in {time.monotonic() - started:.0f} s\n{table.round(3).to_string()}")
        print(f"calibration error at most 0.05 in {(table.calibration_error <= 0.05).sum()} of {len(table)}")
        print(f"Venn-Abers covers {strict} of {bins} bins, {noise} with the noise of the observed share")
    print(pd.DataFrame(list(domains(config, dataset))).round(3).to_string())


if __name__ == "__main__":
    main()
