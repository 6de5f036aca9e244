"""A small land that was trained on and registered in a store of its own, for tests of versions and retraining."""

import tempfile
from functools import cache, partial
from pathlib import Path

import pytest

from tests.support.sample_study import config_of, few_draws, inputs_of, land
from training.contamination import judging
from training.registry.store import Store
from training.train import train
from training.validation.baselines import BASELINES

SIDE = 16
CHEAP = {name: BASELINES[name] for name in ("random order", "distance to the line")}
QUICK = {"protocols": ["leave_region_out"], "folds": 2}


@cache
def empty_database():
    """The bytes of a store without a run: building one takes seconds."""
    with tempfile.TemporaryDirectory() as folder:
        _ = Store(f"sqlite:///{folder}/mlflow.db", None).client.search_experiments()
        return Path(folder, "mlflow.db").read_bytes()


def store_config(folder, **changes):
    """A config whose store and audit log lie in `folder`."""
    if not (folder / "mlflow.db").exists():
        folder.mkdir(exist_ok=True)
        (folder / "mlflow.db").write_bytes(empty_database())
    changes = {"validation": QUICK, **changes}
    return config_of(**changes).model_copy(update={"home_folder": folder})


def cheap():
    """A patch under which judging takes no time."""
    patch = few_draws()
    patch.setattr("training.train.judge_contamination", partial(judging.judge_contamination, baselines=CHEAP))
    patch.setattr("training.reporting.figures.DPI", 30)
    return patch


def trained_store(folder, **changes):
    """The config, the inputs and what training returned."""
    config, inputs = store_config(folder, **changes), inputs_of(land(2, SIDE), SIDE)
    patch = cheap()
    try:
        return config, inputs, train(config, inputs)
    finally:
        patch.undo()


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A store with two versions of each model, the first of which ranks."""
    folder = tmp_path_factory.mktemp("store")
    trained_store(folder)
    return trained_store(folder, seed=7)
