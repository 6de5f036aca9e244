"""A ranking on a Dask cluster of two, with a worker that dies, or in small parts: every file as in process."""

import logging
import os
import signal

import pytest

import mlrisk
from features.base import grid, large_arrays
from mlrisk.ranking import policies
from tests.support.dask_cluster import cluster_of_two

QUICK = (
    "features=[front_lines, incidents, roads]", "validation.folds=2", "contamination.model.n_trees=10",
    "validation.draws=20", "contamination.members=3", "casualty.model.n_trees=5", "casualty.members=3",
    "casualty.contamination_every_years=0", "validation.explained_cells=0", "ranking.explained_cells=50",
    "validation.protocols=[leave_region_out]", "validation.placebo_trees=0", "compute.tile_cells=16",
    "validation.baselines=[random order, distance to the line]", "output.task_sheets=1",
)  # fmt: skip
# What differs from run to run is here alone.
DIFFERS = "summary.json"

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    made = mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country"))
    config = mlrisk.load_config(made.config_path, overrides=QUICK)
    mlrisk.train(config)
    return config


@pytest.fixture(scope="module")
def in_process(config, tmp_path_factory):
    return ranked(config, tmp_path_factory.mktemp("in-process"), "local")


@pytest.fixture(scope="module")
def cluster():
    with cluster_of_two() as made:
        yield made


def ranked(config, folder, scheduler):
    """The bytes of each file of a map that is made on a scheduler."""
    compute = config.compute.model_copy(update={"scheduler": scheduler})
    output = config.output.model_copy(update={"folder": folder})
    made = mlrisk.rank(config.model_copy(update={"compute": compute, "output": output}))
    return {path.name: path.read_bytes() for path in made.files if path.name != DIFFERS}


def assert_same_files(found, expected):
    assert {"risk.parquet", "risk_map.tif", "risk_classes.tif", "survey_tasks.csv", "map.html"} <= set(expected)
    assert found.keys() == expected.keys()
    assert [name for name, content in expected.items() if found[name] != content] == []


class KillsAWorker(logging.Handler):
    """Kills a worker of a cluster, once, when the second tile has arrived."""

    def __init__(self, cluster):
        super().__init__(logging.DEBUG)
        self.cluster, self.killed = cluster, 0

    def emit(self, record):
        if getattr(record, "done", 0) == 2 and not self.killed:
            self.killed = next(iter(self.cluster.workers.values())).pid
            os.kill(self.killed, signal.SIGKILL)


def test_a_map_made_on_a_cluster_has_the_bytes_of_one_made_in_process(config, in_process, cluster, tmp_path):
    assert_same_files(ranked(config, tmp_path, cluster.scheduler_address), in_process)


def test_a_map_made_in_small_parts_with_its_columns_on_disk_has_the_same_bytes(
    config, in_process, tmp_path, monkeypatch
):
    mapped = []
    real = large_arrays._mapped
    monkeypatch.setattr(large_arrays, "_mapped", lambda *of: mapped.append(of) or real(*of))
    monkeypatch.setattr(large_arrays, "LEAST_BYTES", 1)
    for module in (large_arrays, grid):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 130)
    monkeypatch.setattr(policies, "SORTED_AT_ONCE", 70)
    assert_same_files(ranked(config, tmp_path / "map", "local"), in_process)
    assert len(mapped) > 50
    assert [path.name for path in tmp_path.iterdir()] == ["map"]


def test_a_map_is_the_same_where_a_worker_is_killed(config, in_process, cluster, tmp_path, monkeypatch):
    logger, kills = logging.getLogger("features.table.scheduler"), KillsAWorker(cluster)
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    logger.addHandler(kills)
    try:
        found = ranked(config, tmp_path, cluster.scheduler_address)
    finally:
        logger.removeHandler(kills)
    assert kills.killed
    assert_same_files(found, in_process)
