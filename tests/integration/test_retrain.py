"""From newer results to a decision, on a small land whose records are known."""

import json
import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.base.errors import ConfigError
from features.sources.opening import Sources
from mlrisk.cli.text.models import listed
from models.contamination import ContaminationModel
from tests.support.sample_dataset import book_of, inputs_of, land
from tests.support.sample_store import LOOSE, NOW, THEN, store_config
from training.evidence.verdicts import open_ledger
from training.registry.decision_log import read_lines
from training.registry.promotion import promote
from training.registry.store import Store
from training.registry.versions import row_of, rows_of
from training.reporting import report
from training.retraining.contest import NEWEST, REGIONS, contest
from training.retraining.decision import FIRST, HELD, PROMOTED, REFUSED, UNCHANGED, WAITING
from training.retraining.quarantine import decide_records, undecided
from training.retraining.retrain import retrain
from training.retraining.settling import Signature
from training.train import train

SIDE = 26
NAME = "small.contamination"
STRICT = {"margin": 0.0, "doubt": 0.0}


@pytest.fixture(scope="module")
def books():
    return inputs_of(land(2, SIDE), SIDE)


@pytest.fixture(scope="module")
def started(tmp_path_factory, books):
    """A store whose champion knows the records of THEN."""
    folder = tmp_path_factory.mktemp("store")
    decision = retrain(settings(folder, THEN), books)
    return folder, decision


def settings(folder, as_of, **retraining):
    return store_config(folder, as_of=as_of, retraining={**LOOSE, **retraining})


def with_survey(books, survey):
    return replace(
        books,
        sources=Sources(
            grid=books.grid, vectors={**books.sources.vectors, "survey": survey}, rasters={}, covariates=(), reports=()
        ),
    )


def named(rows):
    spans = [span.split("-") for span in rows.removeprefix("survey:").split(",")]
    return [number for span in spans for number in range(int(span[0]), int(span[-1]) + 1)]


def champion(config):
    return Store.of(config).number(NAME, "champion")


def test_the_story_from_first_to_last(started, books):
    folder, first = started
    assert (first.kind, first.champion) == (FIRST, "1")
    # Another date under which no more is known is no news.
    same = retrain(settings(folder, THEN), books)
    assert (same.kind, same.champion) == (UNCHANGED, "1")
    assert "nothing new since version 1" in " ".join(same.notes)
    assert len(rows_of(Store.of(settings(folder, THEN)), NAME)) == 1

    # An earlier date than the champion's is refused before anything is trained.
    with pytest.raises(ConfigError, match="version 1 ranks and knows records up to 2022-06-30"):
        retrain(settings(folder, date(2021, 6, 30)), books)
    # Nothing waits: nobody can sign, and nothing is trained.
    with pytest.raises(ConfigError, match=r"no version of .* waits for a signature, and nothing was trained"):
        retrain(settings(folder, NOW), books, Signature("Anna"))
    assert len(rows_of(Store.of(settings(folder, THEN)), NAME)) == 1

    approve = settings(folder, NOW, policy="approve")
    waiting = retrain(approve, books)
    assert waiting.kind == WAITING
    assert champion(approve) == "1"
    with pytest.raises(ConfigError, match="is empty: give the person"):
        retrain(approve, books, Signature(" "))
    with pytest.raises(ConfigError, match="does not wait for a signature"):
        retrain(approve, books, Signature("Anna", "1"))
    with pytest.raises(ConfigError, match=f"sign with --set as_of={NOW} or later"):
        retrain(settings(folder, THEN, policy="approve"), books, Signature("Anna"))
    signed = retrain(approve, books, Signature("Anna", waiting.challenger))
    assert (signed.kind, signed.before, signed.champion) == (PROMOTED, "1", waiting.challenger)
    strict = settings(folder, NOW, most_domain_loss=0.0, most_calibration_error=0.0, margin=0.0, doubt=0.0)
    row = row_of(Store.of(strict), NAME, signed.challenger)
    assert row.tags["promoted_by"] == "Anna"
    assert row.tags["decision"] == PROMOTED
    assert champion(strict) == signed.challenger
    assert retrain(approve, books).kind == UNCHANGED
    lines = read_lines(strict)
    assert [line["what"] for line in lines][:1] == [FIRST]
    assert (lines[-1]["what"], lines[-1]["who"]) == (PROMOTED, "Anna")
    assert {"at", "who", "user", "inputs", "challenger", "why", "code", "as_of"} <= set(lines[-1])
    casualty = Store.of(strict).number("small.casualty", "champion")
    assert row_of(Store.of(strict), "small.casualty", casualty).run_id == row.run_id


def test_a_record_from_before_is_reported_and_teaches(started, books, tmp_path):
    config = settings(tmp_path, THEN)
    early = books.sources.vectors["survey"]
    cut = early.drop(index=early.index[pd.to_datetime(early["recorded_date"]) <= pd.Timestamp(THEN)][:7])
    without = with_survey(books, cut)
    assert retrain(config, without).kind == FIRST
    found = retrain(config, books)
    assert found.news.counts == {"new": 0, "late": 7, "gone": 0}
    assert any("recorded by 2022-06-30 and not known to the champion: survey_" in note for note in found.notes)
    # They judge nobody: the champion goes on until newer results can.
    assert found.kind == HELD
    # The order of the rows in a file is no news.
    turned = with_survey(books, early.iloc[::-1].reset_index(drop=True))
    assert retrain(config, turned).kind == UNCHANGED


def test_what_training_made_is_not_made_again_and_changes_no_figure(started, books, tmp_path):
    config = settings(tmp_path, NOW)
    trained = train(config, books)
    assert trained.judgement.rankers
    champion = ContaminationModel.from_files(Store.of(settings(started[0], THEN)).load_number(NAME, "1")[1])
    given = config, books, book_of(config, books), champion, THEN, trained.contamination
    anew, kept = contest(*given), contest(*given, trained)
    assert kept.now is trained.dataset
    assert [arena.name for arena in anew.arenas] == [arena.name for arena in kept.arenas] == [NEWEST, REGIONS]
    for one, other in zip(anew.arenas, kept.arenas, strict=True):
        for name in ("cell", "champion", "challenger", "positive", "fold"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert (anew.domain_champion, anew.domain_challenger) == (kept.domain_champion, kept.domain_challenger)


def test_results_that_are_all_found_are_held_against_what_was_stated(started, books, tmp_path):
    config = settings(tmp_path, NOW)
    survey = books.sources.vectors["survey"].copy()
    survey.loc[pd.to_datetime(survey["recorded_date"]) > pd.Timestamp(THEN), "outcome"] = "found"
    all_found = with_survey(books, survey)
    champion = ContaminationModel.from_files(Store.of(settings(started[0], THEN)).load_number(NAME, "1")[1])
    arena = contest(config, all_found, book_of(config, all_found), champion, THEN, champion).arena(NEWEST)
    assert len(arena.cell) >= 30
    assert arena.positive.all()
    assert np.isfinite(arena.stated_champion).all()


def test_what_was_decided_is_in_the_run(started):
    folder, _ = started
    store = Store.of(settings(folder, NOW))
    row = next(row for row in rows_of(store, NAME) if row.tags.get("promoted_by") == "Anna")
    assert row.tags["decision"] == PROMOTED
    decision = json.loads(store.read_text(row.run_id, "decision.json"))
    # The run keeps what the gate decided; the signature is in the tag and in the log.
    assert decision["kind"] == WAITING
    assert {check["name"] for check in decision["checks"]} >= {"recall, newest results", "domain", "sources"}
    contest = store.read_text(row.run_id, "contest.csv").splitlines()[0]
    assert {"arena", "cell_id", "found", "champion", "challenger"} <= set(contest.split(","))


def test_a_first_version_that_a_baseline_beats_waits_for_a_person(books, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "beaten_by", lambda *_: ("a baseline beats the model: distance to the line",))
    config = settings(tmp_path, THEN, beaten="sign")
    name, other = NAME, "small.casualty"
    waits = retrain(config, books)
    assert (waits.kind, waits.champion, waits.challenger, waits.keeps_map) == (WAITING, "", "1", True)
    assert "distance to the line" in waits.notes[0]
    assert Store.of(config).champions("small") == {name: None, other: None}
    # Nothing is trained twice, and an empty name signs nothing.
    assert retrain(config, books).challenger == "1"
    with pytest.raises(ConfigError, match="is empty: give the person"):
        retrain(config, books, Signature(" "))
    signed = retrain(config, books, Signature("Anna"))
    assert (signed.kind, signed.before, signed.champion) == (FIRST, None, "1")
    assert Store.of(config).champions("small") == {name: "1", other: "1"}
    assert Store.of(config).number(name, "anchor") == "1"
    assert [(line["what"], line["who"]) for line in read_lines(config)] == [(WAITING, "policy auto"), (FIRST, "Anna")]
    assert "distance to the line" in read_lines(config)[-1]["why"]
    # Where the config says so, it ranks at once and the log holds why a person should look.
    config = settings(tmp_path / "ranks-at-once", THEN)
    assert retrain(config, books).kind == FIRST
    assert "distance to the line" in read_lines(config)[0]["beaten_by"]


def test_what_a_killed_run_left_is_taken_away(started):
    folder, _ = started
    config = settings(folder, NOW)
    store = Store.of(config)
    before = [row.number for row in rows_of(store, NAME)]
    champion_before = store.number(NAME, "champion")
    run = store.start_run(config, {}, {"command": "retrain"})
    texts = store.load(NAME)[1]
    store.register(run, NAME, texts, {"as_of": "2030-01-01"})
    from training.registry.versions import sweep

    lines = sweep(store, "small", {"command": "retrain"})
    assert len(lines) == 2
    assert store.client.get_run(run).info.status == "KILLED"
    assert [row.number for row in rows_of(store, NAME)] == before
    assert store.number(NAME, "champion") == champion_before
    promote(store, config, {NAME: champion_before}, "a tester")


def test_a_cut_file_and_one_with_a_header_alone_train_nothing_until_a_person_accepts(started, books, tmp_path):
    shutil.copytree(started[0], tmp_path, dirs_exist_ok=True)
    # The champion of the first story knows the records of NOW.
    config = settings(tmp_path, NOW)
    rows = [row.number for row in rows_of(Store.of(config), NAME)]
    survey = books.sources.vectors["survey"]
    for cut in (survey.iloc[::3], survey.iloc[:0]):
        refused = retrain(config, with_survey(books, cut.reset_index(drop=True)))
        assert (refused.kind, refused.challenger, refused.keeps_map) == (REFUSED, None, True)
        assert "--accept vanished:survey" in refused.reasons[0]
        assert read_lines(config)[-1]["what"] == REFUSED
    assert [row.number for row in rows_of(Store.of(config), NAME)] == rows
    third = with_survey(books, survey.iloc[::3].reset_index(drop=True))
    ledger = book_of(config, third)
    lines = decide_records(config, Store.of(config), ledger, [("accepted", "vanished:survey")], "Anna")
    assert lines[0].startswith("accepted by Anna: vanished:survey")
    assert retrain(config, third).kind == PROMOTED
    assert len(rows_of(Store.of(config), NAME)) == len(rows) + 1


def test_results_turned_round_are_named_rejected_and_the_loop_goes_on(started, books, tmp_path):
    config = settings(tmp_path, THEN)
    assert retrain(config, books).kind == FIRST
    survey = books.sources.vectors["survey"].copy()
    late = pd.to_datetime(survey["recorded_date"]) > pd.Timestamp(THEN)
    survey.loc[late, "outcome"] = survey.loc[late, "outcome"].map({"found": "searched", "searched": "found"})
    wrong, now = with_survey(books, survey), settings(tmp_path, NOW)
    refused = retrain(now, wrong)
    assert refused.kind == REFUSED
    assert "memory" in {check.name for check in refused.checks if not check.passed}
    assert refused.quarantine[0].startswith("survey:")
    assert read_lines(now)[-1]["quarantine"] == list(refused.quarantine)
    assert champion(now) == "1"
    version = row_of(Store.of(now), NAME, refused.challenger)
    assert version.tags["quarantine"] == " ".join(refused.quarantine)
    assert listed([version])[0].rows[0][-1] == "refused (quarantine: survey)"
    # Of a longer file the same rows are still in quarantine, whatever the others say.
    assert undecided(now, book_of(now, wrong))["number"].tolist() == named(refused.quarantine[0])
    assert undecided(now, book_of(now, books)).empty
    again = refused
    for _ in range(3):
        if again.quarantine:
            decide_records(now, Store.of(now), book_of(now, wrong), [("rejected", again.quarantine[0])], "Anna")
            again = retrain(now, wrong)
    assert "memory" not in {check.name for check in again.checks if not check.passed}
    assert not again.quarantine
    assert undecided(now, open_ledger(now, wrong)).empty
    assert [line["what"] for line in read_lines(now)][-2] == "rejected"
