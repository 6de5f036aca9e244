"""Import is a border: what a stranger made up is refused with its reason, writes nothing and registers nothing."""

import os
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from features.base import ConfigError, InputError
from models.contamination import ContaminationModel
from models.file_checks import check_files
from tests.support.hostile_exports import CASES, NAME, RAW, digested, written
from tests.support.sample_store import store_config, trained_store
from training.registry import Store, export_version, import_version, make_keys, row_of, signature_path, transfer_version
from training.registry.archive_files import files_of
from training.registry.import_probe import probe


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The config of a store with one version, and its export as a folder."""
    folder = tmp_path_factory.mktemp("border")
    config, _, _ = trained_store(folder)
    return config, export_version(Store.of(config), NAME, "1", folder / "out")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A config of the same country whose store is empty."""
    return store_config(tmp_path_factory.mktemp("elsewhere") / "there")


@pytest.fixture(scope="module")
def genuine(exported):
    return {name: text.encode() for name, text in files_of(exported[1]).items()}


def everything_beside(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "mlflow" not in path.name and path.name != "hostile.zip"}


@pytest.mark.parametrize("case", [*CASES, *RAW])
def test_a_hostile_export_is_refused_with_its_reason(case, genuine, elsewhere, tmp_path):
    files, raw = dict(genuine), None
    if case in CASES:
        change, reason = CASES[case]
        change(files)
        files = files if "digest" in case else digested(files)
    else:
        raw, reason = RAW[case]
    before = everything_beside(elsewhere.home_folder), set(Path("/var").glob("mlrisk-out*"))
    store = Store.of(elsewhere)
    with pytest.raises(InputError, match=re.escape(reason)):
        import_version(store, elsewhere, written(files, tmp_path / "hostile.zip", raw), "Anna", unsigned=True)
    assert before == (everything_beside(elsewhere.home_folder), set(Path("/var").glob("mlrisk-out*")))
    assert [path.name for path in tmp_path.rglob("*")] == ["hostile.zip"]
    assert not store.client.search_registered_models()


def test_the_corpus_is_large_enough():
    assert len(CASES) + len(RAW) >= 60


def test_an_entry_that_stands_twice_is_refused(genuine, elsewhere, tmp_path):
    path = written(genuine, tmp_path / "twice.zip")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("model/booster.txt", "tree\n")
    with pytest.raises(InputError, match="twice"):
        import_version(Store.of(elsewhere), elsewhere, path, "Anna", unsigned=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(elsewhere, tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "folder" / "model").mkdir(parents=True)
    os.mkfifo(tmp_path / "folder" / "model" / "booster.txt")
    for source in ("pipe.zip", "folder"):
        with pytest.raises(InputError, match="a pipe"):
            import_version(Store.of(elsewhere), elsewhere, tmp_path / source, "Anna", unsigned=True)


def test_what_kills_lightgbm_ends_the_probe_alone(exported):
    """The check of the text would refuse it; without that check, the process that loads it is not the one that asks."""
    texts = {name.removeprefix("model/"): text for name, text in files_of(exported[1]).items() if "model/" in name}
    assert probe("contamination", texts) == ""
    broken = texts | {"booster.txt": texts["booster.txt"].replace("right_child=", "right_child=1000000000 ", 1)}
    with pytest.raises(ValueError, match=r"booster.txt: .*"):
        check_files("contamination", broken)
    assert probe("contamination", broken)


def test_the_models_of_a_training_pass(exported, tmp_path):
    """Whoever adds a file to a model adds its schema: what training makes has to be importable."""
    config, folder = exported
    casualty = export_version(Store.of(config), "small.casualty", "1", tmp_path / "casualty")
    for target, made in (("contamination", folder), ("casualty", casualty)):
        texts = {name.removeprefix("model/"): text for name, text in files_of(made).items() if "model/" in name}
        check_files(target, texts)
        assert probe(target, texts) == ""


def test_a_signed_export_is_imported_and_says_who_signed(exported, tmp_path):
    config, _ = exported
    private, public = make_keys(tmp_path / "authority")
    assert private.stat().st_mode & 0o077 == 0
    made = export_version(Store.of(config), NAME, "1", tmp_path / "one.zip", private)
    there = store_config(tmp_path / "there")
    version, new = import_version(Store.of(there), there, made, "Anna", key=public)
    assert (version.number, new) == ("1", True)
    assert re.fullmatch("[0-9a-f]{16}", row_of(Store.of(there), NAME, "1").tags["signed_by"])


def test_an_import_without_its_signature_is_refused(exported, elsewhere, tmp_path):
    config, _ = exported
    store = Store.of(elsewhere)
    private, public = make_keys(tmp_path / "authority")
    _, other = make_keys(tmp_path / "other")
    made = export_version(Store.of(config), NAME, "1", tmp_path / "one.zip", private)
    with pytest.raises(ConfigError, match="--unsigned"):
        import_version(store, elsewhere, made, "Anna")
    with pytest.raises(InputError, match="another key"):
        import_version(store, elsewhere, made, "Anna", key=other)
    # What the digest of the model does not cover is signed too.
    files = {name: text.encode() for name, text in files_of(made).items()}
    written(files | {"run/warnings.txt": b"none"}, made)
    with pytest.raises(InputError, match="changed the export"):
        import_version(store, elsewhere, made, "Anna", key=public)
    signature_path(made).unlink()
    with pytest.raises(InputError, match="no signature"):
        import_version(store, elsewhere, made, "Anna", key=public)
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        import_version(store, elsewhere, made, "Anna", key=private)
    with pytest.raises(ConfigError, match="exist"):
        make_keys(tmp_path / "authority")


def test_a_model_of_another_country_ranks_by_the_features_that_both_have(exported, tmp_path):
    there, source = exported
    config = store_config(tmp_path / "other").model_copy(update={"name": "other"})
    store = Store.of(config)
    with pytest.raises(InputError, match=r"holds small\.contamination, the config is of other.*--transfer"):
        import_version(store, config, source, "A. Person", unsigned=True)
    version = transfer_version(store, config, source, "A. Person", unsigned=True)
    assert (version.name, version.alias) == ("other.contamination", "champion")
    tags = row_of(store, version.name, version.number).tags
    assert tags["transferred_from"] == f"{NAME} version 1"
    model, origin = (
        ContaminationModel.from_files(Store.of(one).load_number(name, "1")[1])
        for one, name in ((config, version.name), (there, NAME))
    )
    assert model.level.kind == "transfer"
    run = row_of(store, version.name, version.number).run_id
    assert store.read_text(run, "report.html")
    assert store.read_text(run, "validation.csv") == store.read_text(run, "warnings.txt") == ""
    assert model.ranker.features == origin.ranker.features
    # Nothing that holds at places of that country came along.
    assert (model.local_ratio, model.missed_share.blocks) == (None, 0)
    values = np.zeros((3, len(origin.ranker.features)), dtype=np.float32)
    assert np.isnan(model.scores(values).missed_share_below).all()
    with pytest.raises(ConfigError, match=r"is of small itself: leave out --transfer"):
        transfer_version(Store.of(there), there, source, "A. Person", unsigned=True)
