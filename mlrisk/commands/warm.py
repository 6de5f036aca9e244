"""Compilation of all kernels of a fresh installation before the first map needs them one by one."""

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numba.core.dispatcher import Dispatcher

from features.as_of import Snapshot
from features.base import FeatureContext
from features.table import grid_feature_table
from mlrisk.settings import load_config
from mlrisk.synthetic import synthetic_country
from models.nearness import near_any
from models.ranker import fit_ranker
from training.contamination import recipe_of
from training.evidence import contamination_context, open_inputs

PACKAGES = ("features", "models", "training", "mlrisk")


@dataclass(frozen=True)
class CompiledKernels:
    """Numbers of kernels compiled now and found on the disk, and the seconds that it took."""

    compiled: int
    found: int
    seconds: float


def warm() -> CompiledKernels:
    """Compile the kernels behind features and scores, which numba keeps on the disk beside the program.

    A small synthetic country is read and its features are built, once for contamination and once for casualties, where
    no record makes labels; a ranker of a few rows scores them.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(synthetic_country(1, cells=2_500, folder=Path(folder)).config_path)
        inputs = open_inputs(config)
        context = contamination_context(config)
        nobody_owns: FeatureContext = replace(context, own_event_sources=frozenset())
        for each in (context, nobody_owns):
            grid_feature_table(inputs.grid, Snapshot(inputs.sources, each), config.features, config.compute.tile_cells)
    rows = np.arange(40, dtype=np.float32)[:, None]
    found = np.tile([0.0, 1.0], 20)
    ranker = fit_ranker(rows, found, np.ones(40), ("row",), recipe_of(config.contamination).ranker, seed=0)
    ranker.raw(rows)
    ranker.contributions(rows)
    near_any(np.zeros((1, 1)), np.zeros((1, 1)), 1.0)
    kernels = _kernels()
    return CompiledKernels(
        sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels),
        sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels),
        time.monotonic() - started,
    )


def _kernels() -> list[Dispatcher]:
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] in PACKAGES]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)}
    return list(found.values())
