"""A project folder that is copied, moved, backed up and restored; and a store that is not there."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from features.base.errors import ConfigError, InputError
from tests.support.sample_store import store_config, trained_store
from training.registry.location import relocate_store
from training.registry.store import Store
from training.registry.versions import row_of
from training.train import train

NAME = "small.contamination"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return trained_store(tmp_path_factory.mktemp("project") / "before")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_reads_and_writes_its_own_files(trained, tmp_path):
    config, inputs, _ = trained
    shutil.copytree(config.home_folder, tmp_path / "copy")
    original = files_of(config.home_folder)
    copied = store_config(tmp_path / "copy")
    store = Store.of(copied)
    assert store.load(NAME)[1] == Store.of(config).load(NAME)[1]
    assert str(tmp_path / "copy") in store.client.get_run(row_of(store, NAME, "1").run_id).info.artifact_uri
    train(copied.model_copy(update={"seed": 3}), inputs)
    assert store.load_number(NAME, "2")[0].number == "2"
    assert files_of(config.home_folder) == original
    assert row_of(Store.of(config), NAME, "1").aliases == ("champion", "anchor")


def test_a_moved_folder_and_a_restored_backup_rank_as_before(trained, tmp_path):
    config = trained[0]
    texts = Store.of(config).load(NAME)[1]
    shutil.copytree(config.home_folder, tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "other name")
    assert Store.of(store_config(tmp_path / "other name")).load(NAME)[1] == texts
    backup = shutil.make_archive(str(tmp_path / "backup"), "gztar", config.home_folder)
    shutil.unpack_archive(backup, tmp_path / "restored", filter="data")
    restored = Store.of(store_config(tmp_path / "restored"))
    assert restored.load(NAME)[1] == texts
    # Once settled, nothing is written any more.
    assert relocate_store(restored.uri, restored.artifacts) == ()


def test_models_left_behind_are_named_with_the_place(trained, tmp_path):
    (tmp_path / "alone").mkdir()
    gone = shutil.copytree(trained[0].home_folder, tmp_path / "gone")
    config = store_config(Path(gone))
    Store.of(config).load(NAME)
    shutil.rmtree(gone / "mlflow-artifacts")
    with pytest.raises(InputError, match=rf"files are not in {gone}.*tracking\.artifacts"):
        Store.of(config).load(NAME)


def test_artifacts_elsewhere_on_purpose_stay_where_they_are(trained):
    store = Store.of(trained[0])
    assert relocate_store(store.uri, "file:///nowhere") == ()
    assert replace(store, artifacts="file:///nowhere").load(NAME)[0].number == "1"


def test_who_only_reads_makes_no_store(tmp_path):
    config = store_config(tmp_path / "here").model_copy(update={"home_folder": tmp_path / "nofolder"})
    with pytest.raises(ConfigError, match="there is no such store"):
        Store.existing(config)
    assert not (tmp_path / "nofolder").exists()


def test_a_deleted_experiment_is_told_before_the_work(trained, tmp_path):
    shutil.copytree(trained[0].home_folder, tmp_path / "copy")
    config = store_config(tmp_path / "copy")
    client = Store.of(config).client
    client.delete_experiment(client.get_experiment_by_name("small").experiment_id)
    steps = []
    with pytest.raises(ConfigError, match=r"was deleted in .*restore it"):
        train(config, trained[1], steps.append)
    assert steps == []
