"""Who ranks changes in one way: by processes that run at once, that are killed, and on a full disk."""

import os
import random
import shutil
import signal
import time

import pytest

from features.base.errors import ConfigError, MlriskError
from tests.support.forks import ended, in_process
from tests.support.sample_store import store_config
from training.registry import aliases, promotion
from training.registry.decision_log import log_path, read_lines
from training.registry.promotion import OvertakenError, assign_aliases, promote, restore, roll_back, training_of
from training.registry.prune import prune
from training.registry.store import Store, Version
from training.registry.versions import row_of

NAMES = ("small.contamination", "small.casualty")
NAME = NAMES[0]


def bare_version(config, run, name, mark):
    """A version without files: changing places needs none."""
    client = Store.of(config).client
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    tags = {"fingerprint": mark, "as_of": "2024-01-01"}
    made = client.create_model_version(name, source=f"file:///nowhere/{run}", run_id=run, tags=tags)
    return Version(name=name, number=str(made.version), run_id=run, digest="", alias="", as_of="", grid="")


def training(config, mark, names=NAMES):
    run = Store.of(config).start_run(config, {})
    return [bare_version(config, run, name, mark) for name in names]


def pair(number):
    return dict.fromkeys(NAMES, number)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three trainings of both models; the first ranks."""
    config = store_config(tmp_path_factory.mktemp("three"))
    for mark in "abc":
        assign_aliases(Store.of(config), config, training(config, mark), promotion.FIRST, "policy", {})
    return config.home_folder


@pytest.fixture
def config(three, tmp_path):
    shutil.copytree(three, tmp_path, dirs_exist_ok=True)
    return store_config(tmp_path)


def promoting(work):
    """Do some work in a process of its own, which ends with 2 where another promotion overtook it."""

    def overtaken_or_done():
        try:
            work()
        except OvertakenError:
            os._exit(2)

    return in_process(overtaken_or_done)


def logged(config):
    return [(line["what"], line.get("versions", {}).get(NAME)) for line in read_lines(config)]


def test_the_first_training_ranks_as_a_pair_and_the_next_ones_do_not(config):
    store = Store.of(config)
    assert store.champions("small") == pair("1")
    assert logged(config) == [("first", "1")]
    # A training without accidents leaves a gap that no later casualty version may fill beside another's map.
    with_gap = store_config(config.home_folder / "gap")
    store = Store.of(with_gap)
    assign_aliases(store, with_gap, training(with_gap, "a", NAMES[:1]), promotion.FIRST, "policy", {})
    entered = assign_aliases(store, with_gap, training(with_gap, "b"), promotion.FIRST, "policy", {})
    assert {version.alias for version in entered} == {"challenger"}
    assert store.champions("small") == {NAME: "1", NAMES[1]: None}


def test_both_models_of_a_training_go_together_and_a_nameless_person_signs_nothing(config):
    store = Store.of(config)
    assert training_of(store, row_of(store, NAME, "3")) == pair("3")
    with pytest.raises(ConfigError, match="give a person"):
        promote(store, config, pair("3"), "  ")
    with pytest.raises(ConfigError, match="give a person"):
        roll_back(store, config, "")
    assert store.champions("small") == pair("1")


def test_what_was_not_judged_against_who_ranks_is_not_promoted(config):
    store = Store.of(config)
    promote(store, config, pair("2"), "Anna")
    with pytest.raises(OvertakenError, match="version 2 ranks now, judged was against 1"):
        promote(store, config, pair("3"), "policy", judged_against=pair("1"))
    assert store.champions("small") == pair("2")
    assert logged(config) == [("first", "1"), ("promoted by hand", "2")]


def test_of_many_that_judged_against_the_same_one_alone_ranks(config):
    def one(number):
        promote(Store.of(config), config, pair(number), f"policy {number}", judged_against=pair("1"))

    codes = [ended(pid) for pid in [promoting(lambda n=n: one(n)) for n in ("2", "3", "2", "3")]]
    assert sorted(codes) == [0, 2, 2, 2]
    ((kind, promoted),) = logged(config)[1:]
    assert kind == "promoted by hand"
    assert Store.of(config).champions("small") == pair(promoted)


def test_a_promotion_at_work_is_waited_for_and_not_undone(config, monkeypatch):
    def slow(*arguments):
        time.sleep(2)
        return carry_out(*arguments)

    carry_out = promotion.carry_out
    monkeypatch.setattr(promotion, "carry_out", slow)
    pid = promoting(lambda: promote(Store.of(config), config, pair("2"), "Anna"))
    store, until = Store.of(config), time.monotonic() + 20
    while aliases.under_way(store.client, NAME) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert store.champions("small") == pair("1")
    assert not restore(store, config)
    assert ended(pid) == 0
    assert store.champions("small") == pair("2")
    assert ("undone", "2") not in logged(config)


def test_one_on_another_machine_is_not_taken_for_killed(config, monkeypatch):
    store = Store.of(config)
    monkeypatch.setattr(aliases.platform, "node", lambda: "elsewhere")
    aliases.announce(store.client, aliases.Move.between(pair("1"), pair("2")))
    monkeypatch.undo()
    with pytest.raises(MlriskError, match="elsewhere promotes"):
        restore(store, config)


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment_what_ranks_is_in_the_log(config, seed):
    rng = random.Random(seed)  # noqa: S311 moments, no secrets

    def busy():
        store = Store.of(config)
        for number in ("2", "3"):
            promote(store, config, pair(number), f"to {number}")
        roll_back(store, config, "back")

    pid = promoting(busy)
    time.sleep(rng.uniform(0.0, 0.8))
    os.kill(pid, signal.SIGKILL)
    ended(pid)
    store = Store.of(config)
    seen = store.champions("small")
    assert len(set(seen.values())) == 1
    restore(store, config)
    assert store.champions("small") == seen
    held = {name: aliases.number_at(store.client, name, "champion") for name in NAMES}
    assert held == seen
    effective = []
    for what, number in logged(config):
        if what == "undone":
            if effective[-1][1] == number:
                effective.pop()
        else:
            effective.append((what, number))
    assert effective[-1][1] == seen[NAME]
    promote(store, config, pair("1"), "Anna")
    assert store.champions("small") == pair("1")


@pytest.mark.parametrize("how", ["log", "store"])
def test_a_full_disk_promotes_nothing(config, monkeypatch, how):
    store = Store.of(config)
    if how == "log":
        log_path(config).unlink()
        log_path(config).symlink_to("/dev/full")
    else:
        full = OSError(28, "No space left on device")
        monkeypatch.setattr(promotion, "carry_out", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(MlriskError, match="the disk is full"):
        promote(store, config, pair("2"), "Anna")
    assert store.champions("small") == pair("1")
    if how == "log":
        log_path(config).unlink()
    monkeypatch.undo()
    restore(store, config)
    assert {name: aliases.number_at(store.client, name, "champion") for name in NAMES} == pair("1")


def test_old_versions_go_but_for_those_that_rank_wait_or_are_rolled_back_to(config):
    store = Store.of(config)
    assign_aliases(store, config, training(config, "d"), promotion.FIRST, "policy", {})
    promote(store, config, pair("2"), "A. Person", "better")
    # 4 is the newest and waits, 2 ranks, a roll back leads to 1.
    assert [(row.name, row.number) for row in prune(store, config, 1, "A. Person")] == [(name, "3") for name in NAMES]
    assert read_lines(config)[-1]["what"] == "prune"
    assert prune(store, config, 1, "A. Person") == ()
    assert roll_back(store, config, "A. Person") == pair("1")
    with pytest.raises(ConfigError, match=r"--keep \(0\) must be at least 1"):
        prune(store, config, 0, "A. Person")
