"""The chain to and from an object store: the same bytes as in a folder, and what is read back from there."""

import json

import fsspec
import pandas as pd
import pytest

import mlrisk
from mlrisk.commands.map_state import read_map_record
from mlrisk.followup.map_changes import read_earlier
from tests.support.command_line import command_here
from tests.support.object_stores import FailingStore, objects

ADDRESS = "memory://maps/chain"
QUICK = (
    "features=[front_lines, incidents, roads]", "validation.folds=2", "contamination.model.n_trees=10",
    "validation.draws=20", "contamination.members=3", "casualty.model.n_trees=5", "casualty.members=3",
    "casualty.contamination_every_years=0", "validation.explained_cells=0", "ranking.explained_cells=50",
    "validation.protocols=[leave_region_out]", "validation.placebo_trees=0", "compute.threads=1",
    "validation.baselines=[random order, distance to the line]", "output.task_sheets=1",
)  # fmt: skip


def settings(folder):
    return [part for text in (*QUICK, f"output.folder={folder}") for part in ("--set", text)]


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    made = mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country"))
    result = command_here("run", made.config_path, *settings(ADDRESS))
    assert result.returncode == 0, result.stderr
    assert f"map.html: {ADDRESS}/map.html" in result.stdout.splitlines()
    assert f"report.html: {ADDRESS}/report.html" in result.stdout.splitlines()
    return made


@pytest.fixture(scope="module")
def stored(country):
    return objects(ADDRESS)


@pytest.fixture(scope="module")
def local(country, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    result = command_here("rank", country.config_path, *settings(folder))
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def finds(country, tmp_path_factory):
    path = tmp_path_factory.mktemp("finds") / "finds.csv"
    table = pd.read_csv(country.folder / "finds.csv")
    table.rename(columns={"lon_wgs84": "longitude", "lat_wgs84": "latitude"}).to_csv(path, index=False)
    return path


def test_a_store_gets_the_bytes_of_a_folder(stored, local):
    there = {path.name: path.read_bytes() for path in local.iterdir()}
    assert stored.keys() == there.keys()
    assert {name for name, content in there.items() if stored[name] != content} == {"summary.json"}
    one, other = (json.loads(content) for content in (stored["summary.json"], there["summary.json"]))
    assert one["settings"]["output"]["folder"] == ADDRESS
    different = {name for name in one if one[name] != other[name]}
    assert different <= {"settings", "seconds", "written_at"}, different
    assert one["written"].keys() == other["written"].keys()
    assert {name: len(content) for name, content in stored.items() if name != "summary.json"} == one["written"]


def test_no_local_folder_has_the_name_of_an_address(country):
    assert not list(country.folder.rglob("memory:*"))


def test_the_map_is_read_back_from_there(country, stored, local):
    config = mlrisk.load_config(country.config_path, overrides=[*QUICK, f"output.folder={ADDRESS}"])
    risk = mlrisk.load_risk_map(ADDRESS)
    pd.testing.assert_frame_equal(pd.DataFrame(risk), pd.DataFrame(mlrisk.load_risk_map(local)))
    assert risk.explore()._repr_html_() == mlrisk.load_risk_map(local).explore()._repr_html_()
    record = read_map_record(config.output_folder)
    assert record is not None
    assert record.written == json.loads(stored["summary.json"])["written"]
    one, other = read_earlier(config.output_folder), read_earlier(local)
    pd.testing.assert_frame_equal(one.cells, other.cells)
    pd.testing.assert_frame_equal(pd.DataFrame(one.tasks), pd.DataFrame(other.tasks))


def test_a_map_that_lacks_a_file_is_no_map(country, stored):
    config = mlrisk.load_config(country.config_path, overrides=["output.folder=memory://maps/lacking"])
    place = config.output_folder
    assert read_map_record(place) is None
    assert read_earlier(place) is None
    system = fsspec.filesystem("memory")
    for name, content in stored.items():
        system.pipe_file(f"/maps/lacking/{name}", content)
    assert read_map_record(place) is not None
    system.rm_file("/maps/lacking/map.html")
    assert read_map_record(place) is None


@pytest.mark.parametrize("command", ["verify", "progress"])
def test_followup_says_the_same_of_both(command, stored, local, finds):
    more = ["--searched", finds] if command == "progress" else []
    one, other = (command_here(command, place, "--found", finds, *more) for place in (ADDRESS, local))
    assert (one.returncode, one.stdout) == (other.returncode, other.stdout)
    assert command_here(command, f"{ADDRESS}/risk.parquet", "--found", finds, *more).stdout == one.stdout


def test_a_missing_map_is_told(finds):
    result = command_here("verify", "memory://maps/nothing", "--found", finds)
    assert result.returncode == 3
    assert "RISK (memory://maps/nothing) has no risk.parquet" in result.stderr


def test_an_upload_that_fails_leaves_the_earlier_map(country, stored):
    address = "failing://maps/chain"
    FailingStore.allowed = 10**9
    FailingStore.store.clear()
    prior = [*settings(address), "--set", "ranking.policy=prior"]
    assert command_here("rank", country.config_path, *prior).returncode == 0
    before = objects(address)
    FailingStore.allowed = 3
    result = command_here("rank", country.config_path, *prior)
    FailingStore.allowed = 10**9
    assert result.returncode == 1
    assert "output.folder (failing://maps/chain) cannot be written: no answer" in result.stderr
    assert "what lies there is as it was" in result.stderr
    assert "secret" not in result.stderr
    assert objects(address) == before


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("s3://anna:canary@maps/x", "output.folder (s3://anna:***@maps/x): the address holds a password"),
        ("absent://maps/x", "output.folder (absent://maps/x): Install absentstore"),
        ("nosuch://maps/x", "output.folder (nosuch://maps/x) cannot be written"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(country, folder, message):
    result = command_here("run", country.config_path, *settings(folder))
    assert result.returncode == 2
    assert message in result.stderr
    assert "canary" not in result.stdout + result.stderr
    assert "sources" not in result.stderr


def test_places_on_this_machine_take_no_address(country, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in (("check", country.config_path, "--json", "s3://maps/x.json"), ("demo", "--out", "s3://maps/x")):
        result = command_here(*line)
        assert result.returncode == 2
        assert "is an address, and must be a place on this machine" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_other_files_go_there_too(country, stored, tmp_path):
    cell = mlrisk.load_risk_map(ADDRESS)["cell_id"].iloc[0]
    for out, words in (("evidence.csv", ["evidence"]), ("", ["explain", "--cell", cell])):
        for place in ("memory://files", tmp_path):
            result = command_here(
                *words[:1], country.config_path, *words[1:], *settings(ADDRESS), "--out", f"{place}/{out}".rstrip("/")
            )
            assert result.returncode == 0, result.stderr
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(there) == 5
    assert objects("memory://files") == there


def test_features_go_there_tile_by_tile_and_a_second_run_goes_on(country, tmp_path):
    overrides = ["features=[terrain, roads]", "compute.tile_cells=24"]
    config = mlrisk.load_config(country.config_path, overrides=overrides)
    made = mlrisk.write_features(config, tmp_path / "features")
    first = mlrisk.write_features(config, "memory://features")
    assert (first.tiles, first.reused, first.features, str(first.folder)) == (
        made.tiles, 0, made.features, "memory://features",
    )  # fmt: skip
    there = {path.name: path.read_bytes() for path in (tmp_path / "features").iterdir()}
    assert objects("memory://features") == there
    system = fsspec.filesystem("memory")
    lost, cut = sorted(name for name in there if name.endswith(".parquet"))[:2]
    system.rm_file(f"/features/{lost}")
    system.pipe_file(f"/features/{cut}", there[cut][:-20])
    again = mlrisk.write_features(config, "memory://features")
    assert again.reused == made.tiles - 2
    assert objects("memory://features") == there
    other = mlrisk.load_config(country.config_path, overrides=[*overrides, "as_of=2015-01-01"])
    assert mlrisk.write_features(other, "memory://features").reused == 0
    assert objects("memory://features").keys() == there.keys()
