"""Promotion, roll back and import by other processes during a retraining, in every order, and kills of both."""

import importlib
import os
import random
import shutil
import signal
import time

import pytest

from tests.support.forks import ended, in_process, wait_until
from tests.support.sample_dataset import inputs_of, land
from tests.support.sample_store import LOOSE, NOW, THEN, store_config
from training.registry import aliases, promotion
from training.registry.archive import export_version, import_version
from training.registry.decision_log import read_lines
from training.registry.promotion import promote, restore, roll_back
from training.registry.store import Store
from training.registry.versions import rows_of
from training.retraining.decision import FIRST, PROMOTED
from training.retraining.retrain import retrain
from training.retraining.settling import OVERTAKEN
from training.train import train

SIDE = 26
NAME, OTHER = "small.contamination", "small.casualty"
CHANGES = (FIRST, PROMOTED, promotion.BY_HAND, promotion.ROLLED_BACK)
HANDS = ("promotion", "roll back", "import")
# Twenty were run when this was written; the other kinds of kills are in benchmarks/killed.py.
KILLS = 6

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks of POSIX")


def pair(number):
    return {NAME: number, OTHER: number}


def settings(folder, as_of=NOW, **changes):
    return store_config(folder, as_of=as_of, retraining=LOOSE, **changes)


@pytest.fixture(scope="module")
def books():
    for name in ("mlflow.entities", "mlflow.lightgbm"):
        importlib.import_module(name)  # once here, and not in every child
    return inputs_of(land(2, SIDE), SIDE)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, books):
    """A store in which 2 ranks by Bea's hand, 1 did before, and 3 was trained by a retraining that was killed."""
    folder = tmp_path_factory.mktemp("prepared")
    then = settings(folder, THEN)
    # The store is opened in children alone: a forked one must not share the parent's connection.
    assert ended(in_process(lambda: retrain(then, books))) == 0
    assert ended(in_process(lambda: train(settings(folder, THEN, seed=7), books))) == 0
    assert ended(in_process(lambda: promote(Store.of(then), then, pair("2"), "Bea"))) == 0
    assert ended(retraining(settings(folder), books, die_at="champion against challenger")) == -signal.SIGKILL
    return folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory, books):
    """An export of another training of the same country."""
    folder = tmp_path_factory.mktemp("foreign")
    config = settings(folder, THEN, seed=11)

    def work():
        train(config, books)
        export_version(Store.of(config), NAME, "1", folder / "out.zip")

    assert ended(in_process(work)) == 0
    return folder / "out.zip"


@pytest.fixture
def config(prepared, tmp_path):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return settings(tmp_path)


def mark(config, name):
    (config.home_folder / f"mark {name}").touch()


def marked(config, name):
    return (config.home_folder / f"mark {name}").exists


def retraining(config, books, wait_at="", die_at="", slow=False):
    """A retraining in a process of its own; it stops at a step until "go", or is killed there.

    `slow` stops it while its aliases move.
    """

    def progress(step):
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == wait_at:
            mark(config, "here")
            wait_until(marked(config, "go"))

    def work():
        if slow:
            promotion.carry_out = waiting(config)
        retrain(config, books, progress=progress)

    return in_process(work, log=config.home_folder / "retraining.log")


def waiting(config):
    """The move of the aliases, which stops until "go on"."""
    carry_out = promotion.carry_out

    def slow(*arguments):
        mark(config, "moving")
        wait_until(marked(config, "go on"))
        carry_out(*arguments)

    return slow


def hand(config, what, foreign, slow=False):
    """What a person does, in a process of its own."""

    def work():
        if slow:
            promotion.carry_out = waiting(config)
        mark(config, "asked")
        store = Store.of(config)
        if what == "promotion":
            promote(store, config, pair("1"), "Anna")
        elif what == "roll back":
            roll_back(store, config, "Anna")
        else:
            import_version(store, config, foreign, "Anna", unsigned=True)

    return in_process(work, log=config.home_folder / "hand.log")


def ranks(config):
    """The numbers that rank; both models are of one training."""
    seen = Store.of(config).champions("small")
    assert seen[NAME] == seen[OTHER]
    return seen[NAME]


def version_in_log(config):
    """What the log says that ranks, after checks of every line.

    Each change replaced what ranked before it, and what the gate promoted was judged against it and passed.
    """
    before = [None]
    for line in read_lines(config):
        if line["what"] == promotion.UNDONE:
            if before[-1] == line["versions"][NAME]:
                before.pop()
        elif line["what"] in CHANGES:
            assert line["over"][NAME] == before[-1]
            if line["what"] == PROMOTED:
                assert line["champion"] == before[-1]
                assert "failed" not in line["checks"].values()
            before.append(line["versions"][NAME])
    return before[-1]


def logged(config):
    return [line["what"] for line in read_lines(config)][2:]


@pytest.mark.parametrize("what", HANDS)
@pytest.mark.parametrize("step", ["news", "gate"])
def test_before_the_aliases_move(config, books, foreign, step, what):
    judge = retraining(config, books, wait_at=step)
    wait_until(marked(config, "here"))
    assert ended(hand(config, what, foreign)) == 0
    expected = "2" if what == "import" else "1"
    assert ranks(config) == expected
    mark(config, "go")
    assert ended(judge) == 0
    assert ranks(config) == version_in_log(config) == "3"
    by_hand = {"promotion": promotion.BY_HAND, "roll back": promotion.ROLLED_BACK, "import": promotion.IMPORTED}[what]
    # What was judged against a version that ranks no more is judged anew.
    anew = [OVERTAKEN] if what != "import" else []
    assert logged(config) == [by_hand, *anew, PROMOTED]
    assert read_lines(config)[-1]["over"][NAME] == expected
    assert {row.number: row.aliases for row in rows_of(Store.of(config), NAME)}.get("4", ()) == ()


@pytest.mark.parametrize("what", HANDS[:2])
def test_while_a_hand_moves_the_aliases(config, books, foreign, what):
    judge = retraining(config, books, wait_at="gate")
    wait_until(marked(config, "here"))
    person = hand(config, what, foreign, slow=True)
    wait_until(marked(config, "moving"))
    mark(config, "go")
    # The judgement is written just before the challenger asks for the lock.
    wait_until(lambda: any(config.home_folder.rglob("decision.json")))
    time.sleep(0.3)
    assert ranks(config) == "2"
    mark(config, "go on")
    assert (ended(person), ended(judge)) == (0, 0)
    assert ranks(config) == version_in_log(config) == "3"
    assert logged(config)[1:] == [OVERTAKEN, PROMOTED]
    assert read_lines(config)[-1]["over"][NAME] == "1"


@pytest.mark.parametrize(("what", "last"), [("promotion", "1"), ("roll back", "2"), ("import", "3")])
def test_while_the_retraining_moves_the_aliases(config, books, foreign, what, last):
    judge = retraining(config, books, slow=True)
    wait_until(marked(config, "moving"))
    person = hand(config, what, foreign)
    wait_until(marked(config, "asked"))
    time.sleep(0.3)
    assert ranks(config) == "2"
    mark(config, "go on")
    assert (ended(judge), ended(person)) == (0, 0)
    assert ranks(config) == version_in_log(config) == last
    assert logged(config)[0] == PROMOTED


@pytest.mark.parametrize(("what", "last"), [("promotion", "1"), ("roll back", "2"), ("import", "3")])
def test_after_it_the_decision_of_a_person_stands(config, books, foreign, what, last):
    assert ended(retraining(config, books)) == 0
    assert ended(hand(config, what, foreign)) == 0
    # Nothing is new: what was judged is not judged again, and the next run overrules nobody.
    assert ended(retraining(config, books)) == 0
    assert ranks(config) == version_in_log(config) == last
    assert len(logged(config)) == 2


def test_an_import_into_an_empty_store_during_its_first_training(books, foreign, tmp_path):
    config = settings(tmp_path)
    judge = retraining(config, books, wait_at="contamination model")
    wait_until(marked(config, "here"))
    assert ended(hand(config, "import", foreign)) == 0
    mark(config, "go")
    assert ended(judge) == 0
    # A person answers for the imported version; the training that would have been the first is judged against it.
    assert [line["what"] for line in read_lines(config)] == [promotion.IMPORTED, OVERTAKEN, PROMOTED]
    assert read_lines(config)[-1]["over"] == {NAME: "1", OTHER: None}
    assert Store.of(config).champions("small") == {NAME: "2", OTHER: "1"}


@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_at_any_moment_nothing_unjudged_ranks(config, books, foreign, seed):
    rng = random.Random(seed)  # noqa: S311 moments, no secrets
    judge = retraining(config, books)
    time.sleep(rng.uniform(0, 1.2))
    person = hand(config, HANDS[seed % len(HANDS)], foreign)
    time.sleep(rng.uniform(0, 0.4))
    killed = [pid for pid in (judge, person) if rng.random() < 0.75]
    for pid in rng.sample(killed, len(killed)):
        os.kill(pid, signal.SIGKILL)
        time.sleep(rng.uniform(0, 0.1))
    assert {ended(pid) for pid in (judge, person)} <= {0, -signal.SIGKILL}
    seen = ranks(config)
    restore(Store.of(config), config)
    assert ranks(config) == version_in_log(config) == seen
    assert {aliases.number_at(Store.of(config).client, name, "champion") for name in (NAME, OTHER)} == {seen}
    assert ended(retraining(config, books)) == 0
    assert ranks(config) == version_in_log(config)
