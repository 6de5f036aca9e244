"""The folder of features: what its files say, how a killed run goes on, and what it never mixes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import shapely

import mlrisk
from features.as_of.snapshot import Snapshot
from features.base import NOT_EVIDENCE
from features.base.errors import ConfigError, MlriskError
from features.base.grid import Grid
from features.table import store
from features.table.build import feature_infos, feature_table
from features.table.compute import Compute
from features.table.geoparquet import PLACE_COLUMNS, point_wkb
from features.table.store import MANIFEST, tile_plan, write_features
from tests.support.paths import ROOT
from tests.support.sample_country import CONTEXT, CRS, country

FAMILIES = ("terrain", "incidents", "land_use", "covariates")
ACCOUNT = {"as_of": "2022-06-30", "inputs": {"dem": "ab"}}


@pytest.fixture(scope="module")
def snapshot():
    return Snapshot(country(1), CONTEXT)


def write(folder, snapshot, tile_cells=17, compute=Compute(), account=ACCOUNT, grid=None):  # noqa: B008 it is frozen
    return write_features(folder, grid or snapshot.sources.grid, snapshot, FAMILIES, tile_cells, compute, account)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def marks(folder):
    """What changes when a file is written anew."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("tile_*.parquet")}


@pytest.fixture(scope="module")
def folder(snapshot, tmp_path_factory):
    made = write(tmp_path_factory.mktemp("store") / "features", snapshot)
    assert (made.cells, made.reused) == (snapshot.sources.grid.n_cells, 0)
    assert made.tiles == len(list(made.folder.glob("*.parquet"))) > 6
    return made.folder


def test_every_reader_gets_the_table(snapshot, folder):
    expected = feature_table(snapshot.sources.grid, snapshot, FAMILIES)
    ids = snapshot.sources.grid.cell_ids()
    frame = gpd.read_parquet(folder).set_index("cell_id").loc[ids]
    assert frame.crs == CRS
    assert ds.dataset(folder, format="parquet").to_table().num_rows == len(ids)
    np.testing.assert_allclose(frame[list(expected.names)].to_numpy(), expected.values, rtol=1e-5)
    assert (frame[list(expected.names)].dtypes == "float32").all()
    centres = snapshot.sources.grid.centres_m()
    np.testing.assert_array_equal(shapely.get_coordinates(frame.geometry), centres)
    np.testing.assert_array_equal(frame[["easting_m", "northing_m"]], centres)
    assert list(gpd.read_parquet(folder).columns) == [*PLACE_COLUMNS, *expected.names]


def test_points_are_the_wkb_of_shapely():
    places = np.random.default_rng(0).uniform(-1e6, 1e7, (50, 2))
    assert point_wkb(places).to_pylist() == list(shapely.to_wkb(shapely.points(places), byte_order=1))


def test_every_column_says_what_it_is(snapshot, folder):
    infos = feature_infos(snapshot, FAMILIES)
    for path in folder.glob("*.parquet"):
        schema = pq.read_schema(path)
        notes = json.loads(schema.metadata[b"mlrisk"])
        assert notes["inputs"] == ACCOUNT["inputs"]
        assert set(notes["columns"]) == set(schema.names)
        for field in schema:
            described = {
                key.decode(): value.decode() for key, value in field.metadata.items() if key != b"PARQUET:field_id"
            }
            assert described == notes["columns"][field.name]
            assert described["unit"]
            assert described["text"]
            if field.name not in PLACE_COLUMNS:
                info = infos[field.name]
                assert (described["unit"], described["family"], described["formula"]) == (
                    info.unit,
                    info.family,
                    info.formula,
                )


@pytest.mark.parametrize("compute", [Compute("local", 2), Compute("processes", 2)], ids=str)
def test_the_scheduler_changes_no_byte(snapshot, folder, tmp_path, compute):
    write(tmp_path / "other", snapshot, compute=compute)
    assert contents(tmp_path / "other") == contents(folder)


def test_a_second_run_writes_nothing(snapshot, folder):
    before = marks(folder)
    made = write(folder, snapshot)
    assert made.reused == made.tiles
    assert made.features == len(feature_table(snapshot.sources.grid, snapshot, FAMILIES).names)
    assert marks(folder) == before


@pytest.mark.parametrize("damage", ["missing", "cut", "of another run", "part"])
def test_what_is_not_whole_is_made_anew_and_nothing_else(snapshot, folder, tmp_path, damage):
    target = tmp_path / "features"
    write(target, snapshot)
    first, *others = sorted(target.glob("*.parquet"))
    if damage == "missing":
        first.unlink()
    elif damage == "cut":
        first.write_bytes(first.read_bytes()[:-20])
    elif damage == "of another run":
        write(tmp_path / "other", snapshot, account={"as_of": "2021-06-30"})
        first.write_bytes((tmp_path / "other" / first.name).read_bytes())
    else:
        first.rename(target / f".{first.name}.part")
    # A run can be killed between writing and renaming a file that stands there already.
    (target / f".{others[0].name}.part").write_bytes(b"half a file")
    (target / f".{MANIFEST}.part").write_bytes(b"half a manifest")
    before = marks(target)
    made = write(target, snapshot)
    assert made.reused == made.tiles - 1
    assert contents(target) == contents(folder)
    assert {name: mark for name, mark in marks(target).items() if name != first.name} == {
        path.name: before[path.name] for path in others
    }


@pytest.mark.parametrize("change", ["account", "tiles", "area", "code", "library"])
def test_files_of_another_run_are_made_anew(snapshot, tmp_path, monkeypatch, change):
    target = tmp_path / "features"
    write(target, snapshot)
    (target / "notes.txt").write_text("mine")
    options = {}
    if change == "account":
        options = {"account": {**ACCOUNT, "as_of": "2021-06-30"}}
    elif change == "tiles":
        options = {"tile_cells": 24}
    elif change == "area":
        options = {"grid": replace(snapshot.sources.grid, mask=snapshot.sources.grid.mask & (np.arange(48) > 3))}
    elif change == "code":
        monkeypatch.setattr(store, "code_digest", lambda: "other")
    else:
        monkeypatch.setattr(store, "version", "{}".format)
    assert write(target, snapshot, **options).reused == 0
    write(tmp_path / "fresh", snapshot, **options)
    assert (target / "notes.txt").read_text() == "mine"
    (target / "notes.txt").unlink()
    assert contents(target) == contents(tmp_path / "fresh")


def test_foreign_parquet_is_refused_and_left_alone(snapshot, tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "tile_1_1.parquet")
    with pytest.raises(ConfigError, match=r"tile_1_1\.parquet.*move them away, or name another folder with --out"):
        write(tmp_path, snapshot)
    assert [path.name for path in tmp_path.iterdir()] == ["tile_1_1.parquet"]


def test_a_file_in_the_place_of_the_folder_is_named(snapshot, tmp_path):
    (tmp_path / "features.parquet").write_text("old")
    with pytest.raises(ConfigError, match=r"features\.parquet is a file.*remove it, or name another folder with --out"):
        write(tmp_path / "features.parquet", snapshot)
    assert (tmp_path / "features.parquet").read_text() == "old"


def test_a_place_that_cannot_be_written_is_named(snapshot, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MlriskError, match=r"folder of features .*cannot be written"):
        write(tmp_path / "file" / "features", snapshot)


def test_tiles_cover_every_cell_once_and_keep_their_names_when_the_area_changes():
    mask = np.random.default_rng(3).random((40, 50)) < 0.5
    grid = Grid(crs=CRS, cell_size_m=500.0, column_min=-13, row_min=995, mask=mask)
    plan = tile_plan(grid, 16)
    ids = np.concatenate([tile.cell_ids() for tile in plan.values()])
    assert sorted(ids) == sorted(grid.cell_ids())
    assert len(set(ids)) == len(ids)
    places = {cell: name for name, tile in plan.items() for cell in tile.cell_ids()}
    smaller = tile_plan(grid.window(7, 30, 5, 44), 16)
    assert all(places[cell] == name for name, tile in smaller.items() for cell in tile.cell_ids())
    assert "tile_-1_62.parquet" in plan
    assert plan["tile_0_62.parquet"].shape[1] == 16


# The command line


def command(*arguments):
    return [sys.executable, "-c", "from mlrisk.cli import main; main()", "features", *map(str, arguments)]


SETTINGS = ("--set", "compute.tile_cells=24", "--set", "compute.threads=1")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=10_000, folder=tmp_path_factory.mktemp("country"))


def test_a_run_killed_half_way_goes_on_and_ends_with_the_same_bytes(synthetic, tmp_path):
    whole = subprocess.run(
        command(synthetic.config_path, *SETTINGS), capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert whole.returncode == 0, whole.stderr
    undisturbed = synthetic.folder / "outputs" / "features"
    n_tiles = len(marks(undisturbed))
    assert f"tiles: {n_tiles}, 0 of them reused" in whole.stdout

    target = tmp_path / "features"
    line = command(synthetic.config_path, *SETTINGS, "--out", target)
    with subprocess.Popen(line, cwd=ROOT, stderr=subprocess.DEVNULL) as running:
        while len(marks(target)) < 3:
            assert running.poll() is None
            time.sleep(0.001)
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    finished = marks(target)
    assert 3 <= len(finished) < n_tiles
    left = sorted({path.name for path in undisturbed.glob("*.parquet")} - set(finished))
    (target / f".{left[0]}.part").write_bytes(b"half a file")

    again = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
    assert again.returncode == 0, again.stderr
    assert f"tiles: {n_tiles}, {len(finished)} of them reused" in again.stdout
    assert contents(target) == contents(undisturbed)
    assert {name: mark for name, mark in marks(target).items() if name in finished} == finished


def test_the_files_say_what_they_were_made_from(synthetic, tmp_path):
    config = mlrisk.load_config(synthetic.config_path, overrides=["features=[terrain]"])
    made = mlrisk.write_features(config, tmp_path / "features")
    notes = json.loads(pq.read_schema(next(made.folder.glob("*.parquet"))).metadata[b"mlrisk"])
    assert notes["not_evidence"] == NOT_EVIDENCE
    assert notes["as_of"] == str(config.as_of)
    assert len(notes["inputs"]["dem"]) == 64
    manifest = json.loads((made.folder / MANIFEST).read_text())
    assert manifest["families"] == ["terrain"]
    assert manifest["version"] == mlrisk.__version__
    assert sum(tile["rows"] for tile in manifest["tiles"]) == made.cells == len(mlrisk.features(config))
    text = (made.folder / MANIFEST).read_text() + json.dumps(notes)
    assert os.fspath(tmp_path) not in text
    assert os.fspath(synthetic.folder) not in text


def test_another_date_makes_every_file_anew(synthetic, tmp_path):
    overrides = ["features=[incidents]", "compute.tile_cells=64"]
    first = mlrisk.write_features(mlrisk.load_config(synthetic.config_path, overrides=overrides), tmp_path)
    changed = mlrisk.load_config(synthetic.config_path, overrides=[*overrides, "as_of=2015-01-01"])
    again = mlrisk.write_features(changed, tmp_path)
    assert (again.tiles, again.reused) == (first.tiles, 0)
    assert {json.loads(pq.read_schema(path).metadata[b"mlrisk"])["as_of"] for path in tmp_path.glob("*.parquet")} == {
        "2015-01-01"
    }
