"""Registered versions: what opens them, what guards them, and how they change places."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import pytest

from features.as_of.snapshot import Snapshot
from features.base.errors import ConfigError, InputError
from features.table.build import grid_feature_table
from models.contamination import ContaminationModel
from tests.support.sample_store import registered, store_config  # noqa: F401 a fixture
from training.evidence.inputs import contamination_context
from training.registry import aliases
from training.registry.archive import export_version, import_version
from training.registry.model_files import schema_difference
from training.registry.promotion import promote, restore, roll_back
from training.registry.runs import run_of, runs_compared, runs_of
from training.registry.store import Store
from training.registry.versions import compared, row_of, rows_of

NAME = "small.contamination"
PLAIN = """
import sys, json
sys.path = [p for p in sys.path if p not in ("", {root!r})]
import mlflow.pyfunc, numpy, pandas
mlflow.set_tracking_uri({uri!r})
table = pandas.read_parquet({table!r})
model = mlflow.pyfunc.load_model({model!r})
numpy.save({out!r}, model.predict(table))
ours = [n for n in sys.modules if n.split(".")[0] in ("features", "models", "training", "mlrisk")]
print(json.dumps([ours, "pickle" in str(model.metadata.flavors)]))
"""


def artifacts(store, number):
    run = row_of(store, NAME, number).run_id
    return Path(store.client.get_run(run).info.artifact_uri.removeprefix("file://")) / "contamination"


@pytest.fixture(scope="module")
def table(registered):  # noqa: F811
    config, inputs, _ = registered
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    return grid_feature_table(inputs.grid, snapshot, config.features, 512)


def test_mlflow_alone_gives_the_probabilities_of_the_map(registered, table, tmp_path):  # noqa: F811
    config = registered[0]
    store = Store.of(config)
    frame = table.frame()
    holes = np.random.default_rng(0).random(frame.shape) < 0.02
    frame = frame.mask(holes).astype(np.float32)
    frame.assign(other=1.0).to_parquet(tmp_path / "table.parquet")
    code = PLAIN.format(
        root=str(Path.cwd()), uri=store.uri, table=str(tmp_path / "table.parquet"),
        model=f"models:/{NAME}@champion", out=str(tmp_path / "p.npy"),
    )  # fmt: skip
    line = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], False]
    model = ContaminationModel.from_files(store.load(NAME)[1])
    values = np.ascontiguousarray(frame[list(model.ranker.features)].to_numpy(np.float32))
    assert np.abs(np.load(tmp_path / "p.npy") - model.scores(values).probability).max() < 1e-9


def test_a_table_without_a_feature_is_refused_by_name(registered, table):  # noqa: F811
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(artifacts(Store.of(registered[0]), "1")))
    asked = ContaminationModel.from_files(Store.of(registered[0]).load(NAME)[1]).ranker.features[0]
    with pytest.raises(Exception, match=asked):
        model.predict(table.frame().drop(columns=asked))
    score = model.unwrap_python_model if hasattr(model, "none") else model._model_impl
    assert (score.predict(table.frame(), {"score": True}) < 0).any()


@pytest.mark.parametrize("file", ["booster.txt", "calibration.json", "code/mlrisk_scores.py"])
def test_a_changed_file_is_named(registered, file):  # noqa: F811
    import mlflow.pyfunc

    store = Store.of(registered[0])
    path = artifacts(store, "1") / file
    before = path.read_bytes()
    try:
        path.write_bytes(before.replace(b"0", b"1", 1) + b"\n")
        with pytest.raises(ValueError, match=f"{file} was changed"):
            mlflow.pyfunc.load_model(str(artifacts(store, "1")))
        if "/" not in file:
            with pytest.raises(InputError, match=f"{file} was changed"):
                store.load(NAME)
    finally:
        path.write_bytes(before)


def test_versions_say_where_they_come_from(registered):  # noqa: F811
    config, _, trained = registered
    rows = rows_of(Store.of(config), NAME)
    assert [(row.number, row.aliases) for row in rows] == [("2", ("challenger",)), ("1", ("champion", "anchor"))]
    assert {"as_of", "labels", "inputs", "schema", "grid", "protocol", "code", "seed", "digest"} <= set(rows[0].tags)
    assert rows[0].tags["schema"] == rows[1].tags["schema"]
    assert rows[0].tags["protocol"] == "leave_region_out"
    means = trained.metrics[(trained.metrics["fold"] == "mean") & (trained.metrics["ranking"] == "mlrisk")]
    assert rows[0].figures["leave_region_out/roc_auc"] == pytest.approx(means["roc_auc"].iloc[0])


def test_the_description_of_the_experiment_leads_to_the_best_run_and_to_who_ranks(registered):  # noqa: F811
    config = registered[0]
    client = Store.of(config).client
    experiment = client.get_experiment_by_name("small")
    first_line = experiment.tags["mlflow.note.content"].splitlines()[0]
    best, ranks = re.findall(r"\((#/[^)]*)\)", first_line)
    assert client.get_registered_model(ranks.removeprefix("#/models/")).aliases
    path, _, asked = best.partition("?")
    assert path == f"#/experiments/{experiment.experiment_id}/runs"
    query = dict(parse_qsl(asked))
    order = [f"{query['orderByKey']} {'ASC' if query['orderByAsc'] == 'true' else 'DESC'}"]
    runs = client.search_runs([experiment.experiment_id], query["searchFilter"], order_by=order)
    figures = [run.data.metrics["recall_10"] for run in runs]
    assert len(runs) == 2
    assert figures == sorted(figures, reverse=True)
    # A run lasts as long as its training, not as long as it took to write it down.
    assert all(run.info.end_time - run.info.start_time > 500 for run in runs)


def test_a_run_has_a_nested_run_for_each_fold_and_its_pictures(registered):  # noqa: F811
    config, _, trained = registered
    client = Store.of(config).client
    experiment = client.get_experiment_by_name("small")
    parts = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{trained.run_id}'")
    assert {part.data.tags["protocol"] for part in parts} == {"leave_region_out"}
    assert all({"roc_auc", "recall_10"} <= set(part.data.metrics) for part in parts)
    assert not any("/" in name for part in parts for name in part.data.metrics)
    assert all(part.info.status == "FINISHED" for part in parts)
    assert "report.html" in client.get_run(trained.run_id).data.tags["mlflow.note.content"]
    pictures = [item.path for item in client.list_artifacts(trained.run_id, "plots")]
    assert pictures
    assert all(path.endswith(".png") for path in pictures)


def test_versions_compare_by_figures_settings_and_features(registered):  # noqa: F811
    found = compared(Store.of(registered[0]), NAME, "1", "2")
    assert found["settings"]["seed"] == ("0", "7")
    assert found["features"] == ""
    assert found["same_labels"]
    assert "leave_region_out/recall_10" in found["figures"]
    assert schema_difference(["a", "b"], ["b", "c"]) == "missing: a; new: c"


def test_both_models_change_places_together_and_back(registered):  # noqa: F811
    store = Store.of(registered[0])
    both = {NAME: "2", "small.casualty": "2"}
    promote(store, registered[0], both, "Anna", "a test")
    assert {name: store.number(name, "champion") for name in both} == both
    assert row_of(store, NAME, "2").tags["promoted_by"] == "Anna"
    assert roll_back(store, registered[0], "Berta") == dict.fromkeys(both, "1")
    assert {name: store.number(name, "champion") for name in both} == dict.fromkeys(both, "1")
    with pytest.raises(ConfigError, match="nothing to roll back to"):
        roll_back(store, registered[0], "Berta")
    with pytest.raises(ConfigError, match="has no version 99: it has 1, 2"):
        promote(store, registered[0], {NAME: "99"}, "Anna")


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_promotion_that_is_killed_half_way_never_happened(registered, after, monkeypatch):  # noqa: F811
    store = Store.of(registered[0])
    both = {NAME: "2", "small.casualty": "2"}
    calls = []

    class Killed(BaseException):
        pass

    class Client:
        def __getattr__(self, name):
            real = getattr(store.client, name)
            if name not in ("set_registered_model_alias", "delete_registered_model_tag"):
                return real

            def counted(*arguments):
                if len(calls) == after:
                    raise Killed
                calls.append(name)
                return real(*arguments)

            return counted

    move = aliases.Move.between(dict.fromkeys(both, "1"), both)
    aliases.announce(store.client, move)
    with pytest.raises(Killed):
        aliases.carry_out(Client(), move)
    assert {name: store.load(name)[0].number for name in both} == dict.fromkeys(both, "1")
    assert restore(store, registered[0])
    held = {name: str(store.client.get_model_version_by_alias(name, "champion").version) for name in both}
    assert held == dict.fromkeys(both, "1")
    assert not restore(store, registered[0])


@pytest.mark.parametrize("ending", ["folder", "archive.zip"])
def test_a_version_travels_and_is_the_same_there(registered, tmp_path, ending):  # noqa: F811
    store = Store.of(registered[0])
    made = export_version(store, NAME, "2", tmp_path / "out" / ending)
    with pytest.raises(ConfigError, match="exists"):
        export_version(store, NAME, "2", made)
    # Importing what is here already changes nothing.
    version, new = import_version(store, registered[0], made, "Anna", unsigned=True)
    assert (version.number, new) == ("2", False)
    files = [path for path in made.rglob("*") if path.is_file()] if made.is_dir() else []
    assert not [path for path in files if path.suffix in (".pkl", ".pickle")]


def test_an_import_starts_a_store_of_its_own(registered, tmp_path):  # noqa: F811
    store = Store.of(registered[0])
    made = export_version(store, NAME, "1", tmp_path / "one.zip")
    there = store_config(tmp_path / "there")
    version, new = import_version(Store.of(there), there, made, "Anna", unsigned=True)
    assert (version.number, version.alias, new) == ("1", "champion", True)
    ours, theirs = store.load(NAME, "champion")[1], Store.of(there).load(NAME, "champion")[1]
    assert ours == theirs
    row = row_of(Store.of(there), NAME, "1")
    assert row.tags["imported_from"] == f"{NAME} version 1"
    assert row.figures == row_of(store, NAME, "1").figures
    assert Store.of(there).read_text(row.run_id, "validation.csv")


def test_what_is_no_version_is_refused(registered, tmp_path):  # noqa: F811
    config = registered[0]
    store = Store.of(config)
    folder = export_version(store, NAME, "1", tmp_path / "folder")

    def changed(name, change):
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        change(copy)
        return copy

    def edit(path):
        booster = path / "model" / "booster.txt"
        booster.write_text(booster.read_text().replace("tree", "free", 1))

    def link(path):
        (path / "run" / "x.txt").symlink_to("/etc/hostname")

    with pytest.raises(InputError, match="was changed"):
        import_version(store, config, changed("edited", edit), "Anna", unsigned=True)
    with pytest.raises(InputError, match="holds links"):
        import_version(store, config, changed("linked", link), "Anna", unsigned=True)
    with pytest.raises(InputError, match="no exported version"):
        import_version(
            store, config, changed("empty", lambda path: (path / "version.json").unlink()), "Anna", unsigned=True
        )
    for entry in ("model/../../out.txt", "/out.txt", "code/run.py", "model\\..\\x"):
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
            archive.writestr(entry, "x")
        with pytest.raises(InputError, match="no file of a version"):
            import_version(store, config, tmp_path / "bad.zip", "Anna", unsigned=True)
    assert not (tmp_path / "out.txt").exists()
    other = config.model_copy(update={"name": "other"})
    with pytest.raises(InputError, match="the config is of other"):
        import_version(store, other, folder, "Anna", unsigned=True)
    assert len(rows_of(store, NAME)) == 2


def test_the_registry_speaks_in_tables(registered):  # noqa: F811
    from mlrisk.cli.text import models

    store = Store.of(registered[0])
    table = models.listed(rows_of(store, NAME))[0]
    assert table.title == NAME
    assert [row[:2] for row in table.rows] == [("2", "challenger"), ("1", "champion, anchor")]
    assert table.header[-1] == "decision"
    text = models.compared(compared(store, NAME, "1", "2"))
    assert "features: the same" in text
    assert pd.Series([row[0] for row in models.shown(row_of(store, NAME, "1"))[0].rows]).is_unique


def test_runs_are_compared_by_ten_figures_and_named_by_what_differs(registered):  # noqa: F811
    store = Store.of(registered[0])
    newer, older = runs_of(store, "small")
    assert newer.name.endswith(" seed=7")
    found = runs_compared(run_of(store, "small", older.run_id[:8]), newer)
    assert {"recall_10", "roc_auc", "best_baseline_recall_10"} <= set(found["figures"])
    assert len(found["figures"]) <= 10
    assert found["settings"] == {"seed": (older.params["seed"], "7")}
    assert found["inputs"] == {}
    with pytest.raises(ConfigError, match=r"run \(nothing\) is no run of small: it has"):
        run_of(store, "small", "nothing")
