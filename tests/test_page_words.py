"""The page in its languages: every text has its word in every language, and none says what no text may say."""

import re
from string import Formatter

import geopandas as gpd
import numpy as np
import pytest

from features.table import FAMILIES
from mlrisk.classes import CLASSES, EVIDENCE_TEXTS
from mlrisk.language import DECIMAL, language, languages
from mlrisk.planning.plan import _with_reasons
from mlrisk.writers.overlays import OVERLAYS
from mlrisk.writers.page import PROTOCOLS, SCRIPT_TEXTS, _page
from mlrisk.writers.page_words import PageWords
from mlrisk.writers.themes import make_themes
from mlrisk.writers.words import HOW_TO_READ
from tests.sample_package import FORBIDDEN, FORBIDDEN_AZ, sample_package

PLAN = (
    "survey", "explore", "audit", "{what} by {asset}", "not this season ({what})",
    "{what}, {days} team-days, number {number} in the plan", "explores: the interval of contamination is wide here",
    "explores: no basis to rank, survey teaches the model most here", "audit: drawn at random with probability 0.01",
    "audit: drawn at random with probability 1e-05",
)  # fmt: skip


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Every text that the page asked for, and those that other packages would ask for."""
    package = sample_package(30, 40)
    themes, factor = make_themes(package, most_pixels=500)
    words = PageWords(package.languages)
    _page(package, themes, factor, words)
    more = (
        *PLAN, *HOW_TO_READ, *SCRIPT_TEXTS, *PROTOCOLS.values(), *EVIDENCE_TEXTS.values(),
        "Nothing was noted as left out.",
        *(cls.text for cls in CLASSES), *(style.title for style in OVERLAYS),
        *(name.replace("_", " ") for name in FAMILIES),
        "No test results came with this map: nothing is known about how well it ranks.",
        "{shown} of {all}, the rest in survey_tasks.csv", "unknown",
    )  # fmt: skip
    return {text for text in words.used | set(more) if re.search("[a-z]", text, re.IGNORECASE)}


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_every_text_of_the_page_has_its_word(code: str, used: set[str]) -> None:
    told = language(code)
    assert len(used) > 90
    assert sorted(text for text in used if text not in told.page and DECIMAL.sub("#", text) not in told.page) == []


@pytest.mark.parametrize("code", languages())
def test_texts_have_the_placeholders_of_their_english(code: str) -> None:
    for english, text in language(code).page.items():
        wanted = {name for _, name, _, _ in Formatter().parse(english) if name}
        numbers = {str(place) for place in range(english.count("#"))}
        assert {name for _, name, _, _ in Formatter().parse(text) if name} == wanted | numbers, english


@pytest.mark.parametrize("code", languages())
def test_no_language_says_that_land_is_free_of_mines(code: str) -> None:
    told = language(code)
    texts = [*told.page.values(), *told.texts.values(), *told.units.values(), told.raised, told.lowered, told.unknown]
    texts += [sentence for sentences in told.leads.values() for sentence in sentences]
    assert [text for text in texts if FORBIDDEN.search(text) or FORBIDDEN_AZ.search(text)] == []
    assert FORBIDDEN_AZ.search("Ərazi təmizlənib")
    assert FORBIDDEN_AZ.search("təhlükəsizdir")


def test_numbers_keep_their_place() -> None:
    told = language("az")
    assert told.say("0.03 to 0.1") == "0.03 - 0.1"
    assert told.say("Settlements, at most 150") == "Yaşayış məntəqələri, ən çoxu 150"
    assert told.say("survey next (1 to 5 %)") == "növbəti tədqiq et (1 - 5 %)"
    assert told.say("a text that nobody translated") == "a text that nobody translated"


def test_one_language_needs_no_elements_and_hostile_text_is_escaped() -> None:
    assert PageWords(("en",)).html("version {number}", number="<b>") == "version &lt;b&gt;"
    both = PageWords(("en", "az")).html("version {number}", number="<b>")
    assert both == (
        '<span data-l="en" lang="en">version &lt;b&gt;</span><span data-l="az" lang="az">versiya &lt;b&gt;</span>'
    )


def test_an_exploring_or_auditing_task_says_so_first_in_every_language() -> None:
    tasks = gpd.GeoDataFrame(
        {
            "purpose": ["survey", "audit", "explore"],
            "out_of_domain_share": [0.0, 0.0, 1.0],
            "inclusion_prob": [np.nan, 0.0123, np.nan],
            **{name: ["a", "b", "c"] for name in ("reason_1", "reason_2", "reason_1_az", "reason_2_az")},
        }
    )
    told = _with_reasons(tasks)
    assert told["reason_1"].tolist()[:2] == ["a", "audit: drawn at random with probability 0.0123"]
    assert told["reason_1_az"].tolist()[:2] == ["a", "yoxlama: 0.0123 ehtimalı ilə təsadüfi seçilib"]
    assert told["reason_1_az"].iloc[2].startswith("kəşf: sıralamağa əsas yoxdur")
    assert told["reason_2"].tolist() == told["reason_2_az"].tolist() == ["a", "b", "c"]
