"""What moved between two maps, on a package whose earlier map is made up."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mlrisk.followup.change_report import FILES, write_changes
from mlrisk.followup.change_sentences import first_sentences
from mlrisk.followup.map_changes import WHY, Earlier, changes_between, expected_and_found
from mlrisk.ranking.policies import ranked
from tests.support.page_reader import Seen
from tests.support.sample_package import FORBIDDEN, sample_package
from training.evidence.states import FOUND, SEARCHED, UNKNOWN
from training.retraining.check import Check
from training.retraining.decision import PROMOTED, REFUSED, Decision

PACKAGE = sample_package(30, 40)
RISK = PACKAGE.risk
N = len(RISK)
DISTRICTS = np.where(RISK["easting_m"] < RISK["easting_m"].median(), "west", "east").astype(object)


class NoLedger:
    """Books without a newer record."""

    def between(self, *_):
        nothing = np.zeros(N)
        return SimpleNamespace(labelled=nothing > 0, state=np.full(N, UNKNOWN), share=nothing)


def earlier(cells=RISK, tasks=PACKAGE.tasks, as_of="2023-01-01"):
    return Earlier(cells.copy(), as_of, tasks)


def reranked(score):
    return ranked(RISK.assign(contamination_score=score), "contamination")


SCORE = RISK["contamination_score"].to_numpy()
BEFORE = reranked(SCORE)
NOW = replace(PACKAGE, risk=BEFORE)


def test_the_same_map_moves_nothing():
    found = changes_between(earlier(BEFORE), NOW, SCORE, DISTRICTS, NoLedger())
    assert len(found.moved) == 0
    assert (len(found.tasks.came), len(found.tasks.went), found.tasks.kept) == (0, 0, len(PACKAGE.tasks))
    assert (found.districts["first_10_before"] == found.districts["first_10_now"]).all()
    assert len(found.expected) == 0


def test_a_move_is_put_down_to_what_made_it():
    west = DISTRICTS == "west"
    rankable = BEFORE["rank"].notna().to_numpy()
    lifted = SCORE + 5.0 * west
    after = replace(PACKAGE, risk=reranked(lifted))
    by_features = changes_between(earlier(BEFORE), after, lifted, DISTRICTS, NoLedger())
    by_model = changes_between(earlier(BEFORE), after, SCORE, DISTRICTS, NoLedger())
    assert len(by_features.moved) == len(by_model.moved) > 100
    mine = by_model.moved["district"] == "west"
    assert set(by_model.moved[mine]["why"]) == {"changed model"}
    assert set(by_features.moved[mine]["why"]) == {"changed features"}
    # Nothing changed in the east but that the west went before it.
    assert set(by_model.moved[~mine]["why"]) == {"changed place of others"}
    worst = by_model.districts.iloc[0]
    assert worst["district"] == "east"
    assert worst["first_10_now"] < worst["first_10_before"]
    assert sum(by_model.reasons.values()) == len(by_model.moved)
    assert set(by_model.reasons) == set(WHY)
    step = (by_model.moved["place_now"] - by_model.moved["place_before"]).abs()
    assert step.is_monotonic_decreasing
    assert rankable.sum() > len(by_model.moved) - 1


def test_new_evidence_is_named_before_any_model():
    cell = BEFORE["rank"].idxmin()
    now = reranked(SCORE)
    now.loc[cell, "rank"] = pd.NA
    now.loc[cell, "released"] = True
    found = changes_between(earlier(BEFORE), replace(PACKAGE, risk=now), SCORE, DISTRICTS, NoLedger())
    assert found.moved.iloc[0]["cell_id"] == BEFORE.loc[cell, "cell_id"]
    assert found.moved.iloc[0]["why"] == "new evidence"


def test_tasks_come_and_go_by_the_land_that_they_cover():
    half = PACKAGE.tasks.iloc[: len(PACKAGE.tasks) // 2]
    found = changes_between(earlier(BEFORE, half), NOW, SCORE, DISTRICTS, NoLedger())
    assert (len(found.tasks.came), len(found.tasks.went), found.tasks.kept) == (
        len(PACKAGE.tasks) - len(half),
        0,
        len(half),
    )
    back = changes_between(earlier(BEFORE), replace(NOW, tasks=half), SCORE, DISTRICTS, NoLedger())
    assert (len(back.tasks.came), len(back.tasks.went)) == (0, len(PACKAGE.tasks) - len(half))


def test_expected_stands_beside_found_on_unknown_land_alone():
    unknown = BEFORE["evidence"].eq("unknown").to_numpy()
    labelled = np.arange(N) % 3 == 0
    state = np.where(labelled, np.where(np.arange(N) % 2, FOUND, SEARCHED), UNKNOWN)
    book = SimpleNamespace(between=lambda *_: SimpleNamespace(labelled=labelled, state=state, share=np.full(N, 0.5)))
    table = expected_and_found(
        earlier(BEFORE), BEFORE["cell_id"].to_numpy(), DISTRICTS, book, str(date(2024, 1, 1))
    ).set_index("district")
    rows = labelled & unknown
    assert table.loc["all", "cells"] == rows.sum()
    assert table.loc["all", "expected"] == pytest.approx(0.5 * BEFORE["contamination"][rows].sum())
    assert table.loc["all", "found"] == pytest.approx(0.5 * (state[rows] == FOUND).sum())
    assert table.loc[["west", "east"], "found"].sum() == pytest.approx(table.loc["all", "found"])
    assert len(expected_and_found(earlier(BEFORE), BEFORE["cell_id"].to_numpy(), DISTRICTS, book, "2023-01-01")) == 0


def gate(low):
    figures = {"champion": 0.4, "challenger": 0.41, "loss": -0.01, "change_low": low, "change_high": 0.03}
    checks = (Check(name="recall, newest results", passed=True, text="", figures=figures),)
    return Decision(kind=PROMOTED, champion="4", before="3", challenger="4", checks=checks)


def test_a_new_model_that_moves_many_cells_for_no_gain_says_so_first():
    lifted = SCORE + 5.0 * (DISTRICTS == "west")
    moved = changes_between(earlier(BEFORE), replace(PACKAGE, risk=reranked(lifted)), SCORE, DISTRICTS, NoLedger())
    share = moved.reasons["changed model"] / N
    assert share > 0.1
    first = first_sentences(gate(-0.01), moved)[0]
    assert first.startswith(f"The new model moves {share:.0%} of the cells and brings no measured gain")
    assert first_sentences(gate(0.001), moved)[0] == "A new model is in use."
    still = changes_between(earlier(BEFORE), NOW, SCORE, DISTRICTS, NoLedger())
    assert first_sentences(gate(-0.01), still)[0] == "A new model is in use."
    by_features = changes_between(
        earlier(BEFORE), replace(PACKAGE, risk=reranked(lifted)), lifted, DISTRICTS, NoLedger()
    )
    assert first_sentences(gate(-0.01), by_features)[0] == "A new model is in use."


def test_the_plan_alone_is_compared_where_both_maps_have_one():
    first, last = (PACKAGE.tasks.assign(planned=np.isin(np.arange(len(PACKAGE.tasks)), part)) for part in ([0, 1], [1]))
    found = changes_between(earlier(BEFORE, last), replace(NOW, tasks=first), SCORE, DISTRICTS, NoLedger())
    assert (len(found.plan.came), len(found.plan.went), found.plan.kept) == (1, 0, 1)
    assert len(found.tasks.came) == 0
    none = PACKAGE.tasks.assign(planned=False)
    assert changes_between(earlier(BEFORE, none), replace(NOW, tasks=first), SCORE, DISTRICTS, NoLedger()).plan is None


def test_the_report_says_the_decision_first_and_promises_nothing(tmp_path):
    checks = (
        Check(name="recall", passed=False, text="champion 0.5, challenger 0.3"),
        Check(name="domain", passed=True, text="90 %"),
    )
    decision = Decision(
        kind=REFUSED, champion="3", before="3", challenger="4", checks=checks, notes=("12 records came late",)
    )
    after = replace(PACKAGE, risk=reranked(SCORE[::-1].copy()))
    found = changes_between(earlier(BEFORE), after, SCORE, DISTRICTS, NoLedger())
    write_changes(decision, found, PACKAGE, "2023-01-01", tmp_path)
    page, json_text = ((tmp_path / name).read_text() for name in FILES)
    words = " ".join(Seen(page.split("</style>")[1]).words)
    first, plan, districts, tests = (
        words.index(heading)
        for heading in (
            "The former model stays: the new one did not pass its tests.", "Of the planned tasks",
            "Unknown cells of each district among", "refused: version 3 ranks",
        )
    )  # fmt: skip
    assert first < plan < districts < tests
    assert "failed" in words
    assert "12 records came late" in words
    assert not FORBIDDEN.search(words)
    record = json.loads(json_text)
    assert record["reasons"] == ["recall: champion 0.5, challenger 0.3"]
    assert record["moved_cells"] == len(found.moved) == len(record["moved"])
    assert sum(record["moved_by_reason"].values()) == len(found.moved)
    write_changes(Decision(kind=PROMOTED, champion="1", before=None, challenger="1"), None, PACKAGE, "", tmp_path)
    assert "no earlier map" in (tmp_path / FILES[0]).read_text()
