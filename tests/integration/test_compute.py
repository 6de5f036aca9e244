"""The same values on every scheduler, with little of the country travelling and few tiles waiting."""

import builtins
import os
import subprocess
import sys
import threading
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest

from features.as_of.snapshot import Snapshot
from features.base.errors import ConfigError, InputError, MlriskError
from features.base.grid import Grid
from features.table import scheduler
from features.table.build import feature_table, feature_tiles, grid_feature_table
from features.table.compute import Compute
from features.table.scheduler import over_tiles
from tests.support.dask_cluster import cluster_of_two
from tests.support.paths import ROOT
from tests.support.sample_country import CONTEXT, CRS, country

FAMILIES = ("terrain", "front_lines", "control", "incidents", "land_use", "covariates")


@pytest.fixture(scope="module")
def snapshot():
    return Snapshot(country(1), CONTEXT)


@pytest.fixture(scope="module")
def expected(snapshot):
    return grid_feature_table(snapshot.sources.grid, snapshot, FAMILIES, 17)


@pytest.fixture(scope="module")
def cluster():
    with cluster_of_two() as made:
        yield made.scheduler_address


def assert_equal(found, expected):
    assert found.names == expected.names
    np.testing.assert_array_equal(found.values.view(np.int32), expected.values.view(np.int32))


def test_tiles_put_together_are_the_table_of_the_whole_grid(snapshot, expected):
    # `families` without densities, whose sums may round by tile.
    whole = feature_table(snapshot.sources.grid, snapshot, FAMILIES)
    assert expected.names == whole.names
    assert expected.values.shape == (snapshot.sources.grid.n_cells, len(whole.names))
    exact = [number for number, name in enumerate(whole.names) if "density" not in name]
    np.testing.assert_array_equal(expected.values[:, exact], whole.values[:, exact])
    np.testing.assert_allclose(expected.values, whole.values, rtol=1e-5)


@pytest.mark.parametrize("compute", [Compute("local", 2), Compute("local", 5), Compute("processes", 2)], ids=str)
def test_schedulers_of_this_machine_give_the_same_bits(snapshot, expected, compute):
    assert_equal(grid_feature_table(snapshot.sources.grid, snapshot, FAMILIES, 17, compute), expected)


def test_a_dask_cluster_of_two_workers_gives_the_same_bits(snapshot, expected, cluster):
    assert_equal(grid_feature_table(snapshot.sources.grid, snapshot, FAMILIES, 17, Compute(cluster)), expected)
    assert {pid for _, pid in over_tiles(process_id, snapshot.sources.grid.tiles(9), Compute(cluster))}.isdisjoint(
        {os.getpid()}
    )


def test_a_worker_with_other_code_is_refused(snapshot, cluster, monkeypatch):
    monkeypatch.setattr(scheduler, "code_digest", lambda: str(os.getpid()))
    with pytest.raises(MlriskError, match="runs another version of mlrisk"):
        next(feature_tiles(snapshot.sources.grid, snapshot, FAMILIES, 17, Compute(cluster)))


def process_id(tile):
    return os.getpid()


def test_processes_are_others(snapshot):
    pids = {pid for _, pid in over_tiles(process_id, snapshot.sources.grid.tiles(9), Compute("processes", 2))}
    assert os.getpid() not in pids
    assert len(pids) <= 2


def test_tiles_come_in_their_order_and_only_a_few_wait(snapshot):
    tiles = list(snapshot.sources.grid.tiles(9))
    started, lock = [], threading.Lock()

    def job(tile):
        with lock:
            started.append(tile)
        return tile.n_cells

    for number, (tile, cells) in enumerate(over_tiles(job, tiles, Compute("local", 2)), start=1):
        assert tile is tiles[number - 1]
        assert cells == tile.n_cells
        assert len(started) <= number + 2
    assert len(started) == len(tiles) > 10


def fails(tile):
    raise InputError("this tile fails")


@pytest.mark.parametrize("compute", [Compute(), Compute("local", 2), Compute("processes", 2)], ids=str)
def test_what_a_tile_raises_arrives_as_it_is(snapshot, compute):
    with pytest.raises(InputError, match="this tile fails"):
        list(over_tiles(fails, snapshot.sources.grid.tiles(17), compute))


def dies(tile):
    os.kill(os.getpid(), 9)


def test_a_worker_that_dies_is_no_riddle(snapshot):
    with pytest.raises(MlriskError, match=r"worker process of compute\.scheduler \(processes\).*memory"):
        list(over_tiles(dies, snapshot.sources.grid.tiles(17), Compute("processes", 2)))


def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, sys, time\n"
        "import numpy as np\n"
        "from features.table import Compute, over_tiles\n"
        "from features.base import Grid, projected_crs\n"
        "def pid(tile):\n    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    origin = dict(column_min=0, row_min=0, mask=np.ones((40, 40), bool))\n"
        "    grid = Grid(crs=projected_crs('EPSG:32638'), cell_size_m=500.0, **origin)\n"
        "    for _, number in over_tiles(pid, grid.tiles(5), Compute('processes', 2)):\n"
        "        print(number, flush=True)\n"
        "        time.sleep(1000)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    for _ in range(200):
        if not Path(f"/proc/{worker}").exists():
            break
        threading.Event().wait(0.05)
    assert not Path(f"/proc/{worker}").exists(), "the worker outlives its parent"


def test_a_tile_takes_only_its_own_mask_along():
    grid = Grid(crs=CRS, cell_size_m=500.0, column_min=0, row_min=0, mask=np.ones((2000, 2000), dtype=bool))
    for tile in (grid.window(0, 50, 0, 50), grid.window(0, 1, 0, 2000)):
        assert len(ForkingPickler.dumps(tile)) < 10_000


def test_without_dask_the_extra_is_named(snapshot, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "distributed":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install mlrisk\[dask\]"):
        list(feature_tiles(snapshot.sources.grid, snapshot, FAMILIES, 17, Compute("tcp://127.0.0.1:8786")))


def test_a_scheduler_that_does_not_answer_is_named(snapshot, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(scheduler, "ANSWER_SECONDS", 1)
    with pytest.raises(MlriskError, match=r"tcp://127\.0\.0\.1:9\) does not answer within 1 s"):
        list(feature_tiles(snapshot.sources.grid, snapshot, FAMILIES, 17, Compute("tcp://127.0.0.1:9")))


def test_an_unknown_scheduler_is_refused(snapshot):
    with pytest.raises(ConfigError, match=r"compute\.scheduler \('fast'\).*local, processes or tcp://host:port"):
        list(feature_tiles(snapshot.sources.grid, snapshot, FAMILIES, 17, Compute("fast")))


def test_a_feature_lies_in_one_piece_of_memory(snapshot, expected):
    tile = snapshot.sources.grid.window(3, 20, 5, 30)
    for table in (feature_table(tile, snapshot, FAMILIES), expected):
        assert table.values.flags.f_contiguous
        assert np.shares_memory(table.aligned(table.names), table.values)
        backwards = table.aligned(table.names[::-1])
        assert backwards.flags.f_contiguous
        np.testing.assert_array_equal(backwards, table.values[:, ::-1])
