"""Warnings and rankings in Azerbaijani."""

import re

import pytest

from mlrisk.risk_map.language import language
from training.reporting.notes import SOURCE_WORDS, UNJUDGED
from training.reporting.ranking_words import RANKING_WORDS
from training.validation.baselines import LEARNERS

WARNINGS = (
    (
        "contamination is a probability of doubtful level: it rests on 2,013 cells that people chose to survey later, "
        "with no find of a random audit (audit cells of a plan tell the level of the rest)"
    ),
    *(f"{what} are labels of the model and are therefore not used as a clue" for what in SOURCE_WORDS.values()
      if what not in ("recorded finds", "recorded accidents")),
    f"as_of could not be judged: {UNJUDGED['as_of']}",
    "7% of the last year's accidents are not yet recorded, by the delays of earlier ones: the total is raised for them",
    "1,060 cells lie outside the area of applicability: no basis to rank",
    "32 tasks are smaller than ranking.tasks.least_km2: no ranked land adjoins them",
    "110,245 cells are taken as surveyed on the authority's word: no record says so",
    (
        "accidents carry no date: they were spread evenly over 29 years (casualty.undated_years), so "
        "casualties_per_year is a long-run mean and not a forecast"
    ),
    (
        "checks of 1,030 cells say that earlier searches found 0.64 (0.45 to 0.81) of the cells with EO: "
        "searched land counts so"
    ),
    "no teams were entered (ranking.assets): order only, no plan",
)  # fmt: skip


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_warning_is_said_in_azerbaijani_with_its_figures(warning):
    az = language("az")
    sentence = az.say(warning)
    assert sentence != warning
    assert not re.search(r"\b(the|of|are|than|they)\b", sentence)
    for number in re.findall(r"(?<![a-z_])\d[\d,]*(?![a-z])", warning):
        assert az.figures(number) in sentence


def test_rankings_are_named_in_azerbaijani():
    az = language("az")
    assert all(az.say(words) != words for words in (*RANKING_WORDS.values(), *LEARNERS))
