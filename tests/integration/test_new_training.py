"""A training of the same registers nothing; casualties are trained where something of theirs changed."""

import pytest

import mlrisk
from features.base import ConfigError
from mlrisk.cli.text.train import judged
from mlrisk.commands import Unchanged, train_what_is_new
from mlrisk.commands.new_training import CASUALTY_MARK, marks_of
from tests.support.command_line import QUICK
from training.registry import Store, newest

FEW = (
    *QUICK, "features=[front_lines, incidents]", "validation.folds=2", "contamination.model.n_trees=10",
    "casualty.model.n_trees=5", "casualty.contamination_every_years=0", "validation.explained_cells=0",
    "validation.placebo_trees=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country")).config_path


def config(path, *more):
    return mlrisk.load_config(path, overrides=[*FEW, *more])


@pytest.fixture(scope="module")
def first(path):
    return train_what_is_new(config(path))


def numbers(trained):
    return [(version.name.rsplit(".")[-1], version.number) for version in trained.versions]


def test_a_training_of_the_same_files_settings_and_code_registers_nothing(path, first):
    assert numbers(first) == [("contamination", "1"), ("casualty", "1")]
    # Neither where nor how a map is written is read by a training.
    again = train_what_is_new(config(path, "ranking.policy=casualty", "compute.threads=2"))
    assert isinstance(again, Unchanged)
    assert numbers(again) == numbers(first)
    assert newest(Store.of(config(path)), f"{config(path).name}.contamination") == 1
    assert "nothing changed since" in judged(again)[0]


def test_casualties_stay_where_contamination_alone_changed(path, first):
    changed = train_what_is_new(config(path, "contamination.model.num_leaves=5"))
    assert numbers(changed) == [("contamination", "2")]
    assert any("casualty version 1 ranks as before" in note for note in changed.warnings)
    assert numbers(train_what_is_new(config(path, "casualty.model.num_leaves=5"))) == [
        ("contamination", "3"), ("casualty", "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "same"),
    [
        (["contamination.block_m=8000"], False),
        (["contamination.members=4"], True),
        (["validation.baselines=[random order]", "validation.draws=11", "validation.placebo_trees=3"], True),
        (["validation.folds=3"], False),
        (["casualty.contamination_every_years=4"], False),
    ],
)
def test_casualties_depend_on_what_they_read_alone(path, more, same):
    marks = [marks_of(config(path, *one))[CASUALTY_MARK] for one in ((), more)]
    assert (marks[0] == marks[1]) is same


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ("contamination.model.num_leaves=5", False),
        ("contamination.members=4", True),
        ("contamination.tuning.trials=3", True),
    ],
)
def test_a_held_out_score_depends_on_how_contamination_is_learned(path, more, same):
    scored = "casualty.contamination_every_years=4"
    marks = [marks_of(config(path, *one))[CASUALTY_MARK] for one in ((scored,), (scored, more))]
    assert (marks[0] == marks[1]) is same


def test_one_model_alone_is_not_taken_for_both(path, first):
    more = "contamination.model.num_leaves=6", "casualty.model.num_leaves=6"
    assert [name for name, _ in numbers(train_what_is_new(config(path, *more), only="contamination"))] == [
        "contamination"
    ]
    assert [name for name, _ in numbers(train_what_is_new(config(path, *more)))] == ["contamination", "casualty"]


def test_a_target_that_cannot_be_trained_alone_is_refused(path):
    with pytest.raises(ConfigError, match=r"--only \(casualty\) must be contamination"):
        train_what_is_new(config(path), only="casualty")


def test_the_terminal_shows_one_table_of_at_most_ten_lines_and_a_verdict(first):
    parts = judged(first)
    (table,) = (part for part in parts if not isinstance(part, str))
    assert 3 <= len(table.rows) <= 10
    assert {"mlrisk", "random order"} <= {row[1] for row in table.rows}
    assert sum(part.startswith("verdict: ") for part in parts if isinstance(part, str)) == 1
