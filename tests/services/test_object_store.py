"""Maps and features on an S3 server on loopback, in processes of their own; skipped where s3fs is absent."""

import json
import os
import subprocess
import sys

import pytest

import mlrisk
from tests.support.object_stores import objects, s3_server
from tests.support.paths import ROOT

SETTINGS = ("ranking.policy=prior", "compute.threads=1", "output.task_sheets=1")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("server")) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def country(server, tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country"))


def command(*words):
    line = [sys.executable, "-c", "from mlrisk.cli import main; main()", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, env=os.environ, check=False)
    assert "canary-of-a-key" not in done.stdout + done.stderr
    return done


def ranked(country, folder):
    sets = [part for text in (*SETTINGS, f"output.folder={folder}") for part in ("--set", text)]
    return command("rank", country.config_path, *sets)


def test_a_bucket_gets_the_bytes_of_a_folder_and_gives_them_back(country, tmp_path):
    for place in ("s3://maps/prior", tmp_path / "prior"):
        done = ranked(country, place)
        assert done.returncode == 0, done.stderr
    stored = objects("s3://maps/prior")
    there = {path.name: path.read_bytes() for path in (tmp_path / "prior").iterdir()}
    assert stored.keys() == there.keys()
    assert {name for name, content in there.items() if stored[name] != content} == {"summary.json"}
    summary = json.loads(stored["summary.json"])
    assert {name: len(content) for name, content in stored.items() if name != "summary.json"} == summary["written"]
    assert b"canary-of-a-key" not in b"".join(stored.values())
    assert len(mlrisk.load_risk_map("s3://maps/prior")) == summary["cells"]
    again = ranked(country, "s3://maps/prior")
    assert again.returncode == 0, again.stderr
    assert objects("s3://maps/prior").keys() == there.keys()


def test_a_bucket_that_is_not_there_is_told_before_the_work(country):
    done = ranked(country, "s3://nothing/x")
    assert done.returncode == 2
    assert "output.folder (s3://nothing/x) cannot be written" in done.stderr
    assert "sources" not in done.stderr


def test_features_go_on_where_a_run_stopped(country):
    config = mlrisk.load_config(country.config_path, overrides=["features=[terrain]", "compute.tile_cells=24"])
    first = mlrisk.write_features(config, "s3://maps/features")
    assert first.reused == 0
    assert mlrisk.write_features(config, "s3://maps/features").reused == first.tiles
    assert len(objects("s3://maps/features")) == first.tiles + 1
