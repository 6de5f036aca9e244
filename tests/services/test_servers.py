"""The chain against PostgreSQL and against a tracking server, both on loopback; skipped where they are absent."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from features.as_of.snapshot import Snapshot
from features.table.build import grid_feature_table
from models.contamination import ContaminationModel
from tests.support.sample_dataset import inputs_of, land
from tests.support.sample_store import LOOSE, NOW, THEN, store_config
from tests.support.servers import free_port, postgres_at, wait_for
from training.evidence.inputs import contamination_context
from training.registry.archive import export_version
from training.registry.promotion import roll_back
from training.registry.store import Store
from training.registry.versions import rows_of
from training.retraining.decision import FIRST, PROMOTED, UNCHANGED
from training.retraining.retrain import retrain

NAME = "small.contamination"
SIDE = 26


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    with postgres_at(tmp_path_factory.mktemp("postgres")) as address:
        yield address


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    line = [
        sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, start_new_session=True
    )
    try:
        wait_for(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close())
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("where", ["postgres", "server"])
def test_the_chain_runs_there(where, request, tmp_path):
    import mlflow

    uri = request.getfixturevalue(where)
    books = inputs_of(land(2, SIDE), SIDE)
    first = config_at(tmp_path, uri, THEN)
    assert retrain(first, books).kind == FIRST
    now = config_at(tmp_path, uri, NOW)
    assert retrain(now, books).kind == PROMOTED
    assert retrain(now, books).kind == UNCHANGED
    store = Store.of(now)
    rows = [(row.number, row.aliases) for row in rows_of(store, NAME)]
    assert rows == [("2", ("champion", "challenger")), ("1", ("anchor",))]
    assert "secret" not in str(store.client.get_run(rows_of(store, NAME)[0].run_id).data.params)
    assert not (Path.cwd() / "mlruns").exists()
    mlflow.set_tracking_uri(uri)
    try:
        table = grid_feature_table(books.grid, Snapshot(books.sources, contamination_context(now)), now.features, 512)
        model = ContaminationModel.from_files(store.load(NAME)[1])
        mine = model.scores(table.aligned(model.ranker.features)).probability
        theirs = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(table.frame())
        assert abs(mine - theirs).max() < 1e-9
    finally:
        mlflow.set_tracking_uri(None)
    assert export_version(store, NAME, "2", tmp_path / "two.zip").is_file()
    assert roll_back(store, now, "Anna")[NAME] == "1"


def config_at(folder, uri, as_of):
    return store_config(folder, as_of=as_of, retraining=LOOSE, tracking={"uri": uri})
