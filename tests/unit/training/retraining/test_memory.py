"""The gate adds results up over rounds: small pieces that are turned round are seen, honest ones pass."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.gate_power import ignorant_refused, memory_after, refused_month, results
from training.evidence.verdicts import Verdicts
from training.retraining.gate import check_memory, untested
from training.retraining.memory import reversal_evidence
from training.retraining.new_records import News
from training.retraining.quarantine import check_vanished, is_confirmed, rows_text
from training.settings.config import RetrainingSettings

SETTINGS = RetrainingSettings()
NONE = pd.DataFrame({"source": [], "kind": []})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_results_turned_round_from_month_4_are_refused_at_once_and_honest_ones_never(seed):
    assert refused_month(seed, 20, 4, one_district=False, strength=0.6) == 4
    assert refused_month(seed, 20, None, one_district=False, strength=0.6) is None


def test_one_district_is_named_with_the_month():
    rng = np.random.default_rng(1)
    month = np.arange(240) // 20 + 1
    _, district = results(np.random.default_rng(1), 240, 1.0, np.zeros(240, dtype=bool))
    arena, _ = results(rng, 240, 1.0, (month >= 4) & (district == "district 11"))
    groups = reversal_evidence(memory_after(arena, 12, 20))
    worst = max(groups, key=lambda one: one.log_e)
    assert worst.district == "district 11"
    assert "2024-02" <= str(worst.start)[:7] <= "2024-06"
    check = check_memory(memory_after(arena, 12, 20), SETTINGS)[0]
    assert (check.verdict, "district 11" in check.text) == ("failed", True)


@pytest.mark.parametrize("honest", [False, True])
def test_where_the_anchor_knows_nothing_statements_of_later_champions_count(honest):
    month = np.arange(120) // 20 + 1
    wrong = (month >= 4) & (not honest)
    arena, _ = results(np.random.default_rng(3), 120, 1.0, wrong)
    memory = memory_after(arena, 6, 20)
    blind = replace(memory, arena=replace(memory.arena, stated_champion=np.full(120, 0.3)))
    assert check_memory(blind, SETTINGS)[0].passed
    by_champion = replace(blind, stated=memory.arena.stated_champion)
    assert check_memory(by_champion, SETTINGS)[0].passed == honest
    # Where champions have learned what is wrong, the anchor goes on counting.
    learned = replace(memory, stated=np.where(wrong, 1 - memory.arena.stated_champion, memory.arena.stated_champion))
    assert check_memory(learned, SETTINGS)[0].passed == honest


def test_too_few_results_are_not_tested_and_say_so():
    arena, _ = results(np.random.default_rng(0), 240, 1.0, np.zeros(240, dtype=bool))
    check = check_memory(memory_after(arena, 1, 20), SETTINGS)[0]
    assert check.verdict == "not tested"
    assert untested((check,))
    later = check_memory(memory_after(arena, 2, 20), SETTINGS)[0]
    assert later.verdict == "passed"
    assert not untested((later,))
    assert check_memory(None, SETTINGS)[0].verdict == "not tested"
    # The anchor moves by what was confirmed, not by small steps.
    assert not is_confirmed(memory_after(arena, 4, 20), SETTINGS)
    assert is_confirmed(memory_after(arena, 12, 20), SETTINGS)


@pytest.mark.slow
def test_a_challenger_that_knows_nothing_is_refused_by_60_cells():
    assert np.mean([ignorant_refused(seed, 60, 0.0, 1.0) for seed in range(40)]) >= 0.8
    assert np.mean([ignorant_refused(seed, 60, 1.0, 1.0) for seed in range(12)]) <= 0.1


def news(gone, late=0, had=999, source="finds"):
    keys = tuple(f"k{number}" for number in range(gone))
    frame = pd.DataFrame({"source": [source] * late, "kind": ["find"] * late})
    return News(since=None, new=NONE, late=frame, gone=keys, gone_from={source: keys}, had={source: had})


def test_records_that_vanish_are_refused_unless_a_person_accepts_them():
    check = check_vanished(news(666), Verdicts(), SETTINGS)
    assert check.verdict == "failed"
    assert "finds 666 of 999 (67%)" in check.text
    assert "--accept vanished:finds" in check.text
    accepted = Verdicts(accepted=frozenset(f"k{number}" for number in range(666)))
    assert check_vanished(news(666), accepted, SETTINGS).passed
    # Corrected records are gone and late; a few of a small file are a correction too.
    assert check_vanished(news(666, late=666), Verdicts(), SETTINGS).passed
    assert check_vanished(news(2, had=20), Verdicts(), SETTINGS).passed
    assert not check_vanished(news(3, had=20), Verdicts(), SETTINGS).passed
    assert check_vanished(news(3, had=20), Verdicts(), RetrainingSettings(most_vanished=0.2)).passed


def test_rows_are_named_as_the_command_takes_them():
    table = pd.DataFrame({"source": ["survey"] * 4 + ["finds"], "number": [3, 4, 5, 9, 1]})
    assert rows_text(table) == "finds:1 survey:3-5,9"
