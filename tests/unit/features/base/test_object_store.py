"""Folders in an object store: what is an address, what arrives there, and what stays where a transfer fails."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from features.base.addresses import Address, place_of
from features.base.errors import ConfigError, InputError, MlriskError
from features.base.object_store import file_sizes, filled, local_copy, try_address
from features.base.places import try_file, try_folder
from tests.support.object_stores import FailingStore, objects

NEW = {"a.txt": "new", "large.bin": "new" * 1000, "summary.json": json.dumps({"map": "new"})}
OLD = {"a.txt": b"old", "summary.json": b"old", "mine.txt": b"old"}


@pytest.fixture(params=["memory", "file"])
def address(request, tmp_path):
    """An empty folder in a store, whose name has what a pattern or a path could misread."""
    folder = f"maps [1] ü*/{uuid4().hex}"
    return Address(f"memory://{folder}" if request.param == "memory" else f"file://{tmp_path}/{folder}")


@pytest.fixture
def failing():
    """A store with an earlier map and a file of the user's own."""
    FailingStore.allowed = 10**9
    FailingStore.store.clear()
    for name, content in OLD.items():
        FailingStore().pipe_file(f"/maps/{name}", content)
    yield Address("failing://maps")
    FailingStore.allowed = 10**9


def fill(address, texts=NEW):
    with filled("output.folder", address) as folder:
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("given", ["outputs", "/srv/maps", "C:\\maps", "C:/maps", "a:b", "s3:/maps"])
def test_paths_are_no_addresses(given):
    assert place_of("--out", given) == Path(given)


@pytest.mark.parametrize("given", ["s3://maps/x", "gs://maps", "az://maps/x", "file:///srv/maps", "S3://maps"])
def test_addresses_keep_their_text(given):
    place = place_of("--out", given)
    assert isinstance(place, Address)
    assert str(place) == given
    assert str(place / "a.txt") == f"{given}/a.txt"
    assert (place / "a.txt").name == "a.txt"
    assert (place / "a.txt").parent == place


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("s3://anna:canary@maps/x", "s3://anna:***@maps/x"),
        ("s3://anna:can/ary@maps/x", "s3://anna:***@maps/x"),
        ("az://maps/x?sig=canary", "az://maps/x?***"),
    ],
)
def test_an_address_with_a_password_is_refused_and_masked(given, shown):
    with pytest.raises(ConfigError, match="holds a password or a query") as error:
        place_of("output.folder", given)
    assert f"output.folder ({shown})" in str(error.value)
    assert "ary" not in str(error.value).replace("library", "")


def test_files_arrive_under_their_names_and_nothing_is_left(address):
    folder = fill(address)
    assert {name: content.decode() for name, content in objects(str(address)).items()} == NEW
    assert file_sizes("output.folder", address) == {name: len(text) for name, text in NEW.items()}
    assert not folder.exists()


def test_a_second_map_replaces_files_of_its_names_alone(address):
    fill(address, {"a.txt": "old", "mine.txt": "old"})
    fill(address)
    assert {name: content.decode() for name, content in objects(str(address)).items()} == NEW | {"mine.txt": "old"}


def test_a_block_that_fails_uploads_nothing(address):
    with pytest.raises(TypeError):
        fill(address, {"a.txt": "half", "b.txt": None})
    assert objects(str(address)) == {}


@pytest.mark.parametrize("allowed", range(len(NEW)))
def test_an_upload_that_fails_leaves_the_earlier_map_whole(failing, allowed):
    FailingStore.allowed = allowed
    with pytest.raises(MlriskError, match=r"cannot be written: no answer.*what lies there is as it was") as error:
        fill(failing)
    assert objects("failing://maps") == OLD
    assert error.value.exit_code == 1
    assert "secret" not in str(error.value)
    assert "abc" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize("copied", range(len(NEW)))
def test_no_summary_stands_beside_a_mixture(failing, copied):
    FailingStore.allowed = len(NEW) + copied
    with pytest.raises(MlriskError, match=r"the map there has no summary\.json until the next run"):
        fill(failing)
    there = objects("failing://maps")
    assert "summary.json" not in there
    assert there["mine.txt"] == b"old"
    FailingStore.allowed = 10**9
    fill(failing)
    assert {name: objects("failing://maps")[name].decode() for name in NEW} == NEW


def test_the_summary_comes_last_and_the_largest_file_first(failing):
    FailingStore.allowed = len(NEW) + 1
    with pytest.raises(MlriskError):
        fill(failing)
    there = objects("failing://maps")
    assert (there["large.bin"].decode(), there["a.txt"]) == (NEW["large.bin"], b"old")


def test_a_store_that_copies_later_gets_each_file_again(failing):
    fill(Address("adl://maps"))
    assert {name: objects("adl://maps")[name].decode() for name in NEW} == NEW


def test_a_name_is_no_pattern(failing):
    for folder in ("maps/x", "map[s]/*"):
        FailingStore().pipe_file(f"/{folder}/.mlrisk-0123", b"left")
    fill(Address("failing://map[s]/*"))
    assert objects("failing://maps")["x/.mlrisk-0123"] == b"left"
    assert objects("failing://map[s]/*").keys() == NEW.keys()


def test_what_a_killed_upload_left_is_removed_by_the_next(failing):
    FailingStore().pipe_file("/maps/.mlrisk-0123/a.txt", b"half")
    fill(failing)
    assert sorted(objects("failing://maps")) == sorted(NEW | OLD)


def test_a_place_is_tried_and_stays_empty(address):
    try_folder("output.folder", address)
    assert objects(str(address)) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("absent://maps/x", r"output\.folder \(absent://maps/x\): Install absentstore.*Run `pip install absentstore`"),
        ("nosuch://maps/x", r"output\.folder \(nosuch://maps/x\).*nosuch"),
    ],
)
def test_a_store_that_cannot_be_reached_is_told_with_what_would_do(text, message):
    with pytest.raises(ConfigError, match=message):
        try_address("output.folder", Address(text))


def test_a_file_without_a_folder_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="--out must name a folder of the store"):
        try_folder("--out", Address("s3://evidence.csv").parent)
    assert list(tmp_path.iterdir()) == []


def test_a_file_on_this_machine_is_no_address():
    for try_it in (try_file, try_folder):
        with pytest.raises(ConfigError, match=r"--json \(s3:/maps\) is an address|there is no folder"):
            try_it("--json", Path("s3://maps"))


def test_a_copy_has_the_wanted_files_alone(address):
    fill(address)
    folder = local_copy("RISK", address, ["a.txt", "b.txt"])
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert local_copy("RISK", address / "a.txt", ["b.txt"]).read_text() == "new"


def test_nothing_to_copy_is_told(address):
    with pytest.raises(InputError, match=r"RISK \(.*\) has no risk\.parquet: give the output folder"):
        local_copy("RISK", address, ["risk.parquet"])
