"""A small land that was trained on and registered in a store of its own, for tests of versions and retraining."""

import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.support.sample_dataset import LITTLE_JUDGED, config_of, inputs_of, land
from training.registry.store import Store
from training.train import train

SIDE = 16
THEN, NOW = date(2022, 6, 30), date(2023, 12, 31)
# A gate that lets everything through, for what comes after it.
LOOSE = {
    "margin": 1.0, "district_margin": 1.0, "most_shift": 50.0, "most_calibration_error": 1.0, "least_found": 5,
    "beaten": "say",
}  # fmt: skip
QUICK = {"protocols": ["leave_region_out"], "folds": 2, **LITTLE_JUDGED}


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


def trained_store(folder, **changes):
    """The config, the inputs and what training returned."""
    config, inputs = store_config(folder, **changes), inputs_of(land(2, SIDE), SIDE)
    return config, inputs, train(config, inputs)


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A store with two versions of each model, the first of which ranks."""
    folder = tmp_path_factory.mktemp("store")
    trained_store(folder)
    return trained_store(folder, seed=7)
