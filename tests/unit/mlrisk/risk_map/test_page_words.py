"""The page in its languages: every text has its word in every language, and none says what no text may say."""

import re
import zipfile
from dataclasses import replace
from string import Formatter

import geopandas as gpd
import numpy as np
import pytest
from matplotlib.text import Text

from features.base import NOT_EVIDENCE
from features.families.registry import FAMILIES
from mlrisk.outputs.map_page import FAMILY_TEXTS, PROTOCOLS, SCRIPT_TEXTS, _page
from mlrisk.outputs.map_page_overlays import OVERLAYS
from mlrisk.outputs.map_page_themes import make_themes
from mlrisk.outputs.map_page_words import PageWords
from mlrisk.outputs.registry import WRITERS
from mlrisk.outputs.task_sheets_pdf import pages
from mlrisk.outputs.task_words import (
    BEYOND_CAPACITY,
    NO_PLAN,
    NO_TEAM_FOR_GROUND,
    NO_TEAM_OF_WORK,
    PURPOSE_TEXTS,
    TEAM_TEXTS,
    WORK_TEXTS,
)
from mlrisk.outputs.wording import HOW_TO_READ, POLICY_TEXTS
from mlrisk.planning.task_reasons import SENTENCES, with_task_reasons
from mlrisk.risk_map.language import DECIMAL, Language, language, languages
from mlrisk.risk_map.priority_classes import CLASSES, EVIDENCE_TEXTS
from tests.support.sample_package import FORBIDDEN, FORBIDDEN_AZ, sample_package

PLAN = (
    *POLICY_TEXTS.values(), *WORK_TEXTS.values(), *TEAM_TEXTS.values(), *PURPOSE_TEXTS.values(), *FAMILY_TEXTS.values(),
    NO_PLAN, NO_TEAM_OF_WORK, NO_TEAM_FOR_GROUND, BEYOND_CAPACITY, "and", "{work}, rank {rank}",
    "Learning task: the estimate is very unsure here",
    "Learning task: nothing comparable is known; survey here teaches most",
    "Check task, drawn at random (1 in 14,000), to measure what the map misses",
    *(text for pair in SENTENCES.values() for text in pair),
    "teams not stated", "nothing is planned", "{teams}: {days} team-days", "no land on this list",
    "{days} team-days: about {finds} cells with EO",
    "{days} team-days: about {finds} cells with EO, {averted} victims a year averted of {all}",
    "No basis to rank in {share} of the task",
)  # fmt: skip


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], dict[str, str]]:
    """Every text that the printed sheets, the table and the KML file asked for, and what they say in Azerbaijani."""
    asked: set[str] = set()
    whole = Language.say

    def say(self: Language, english: str) -> str:
        asked.add(english)
        return whole(self, english)

    package = replace(sample_package(30, 40), languages=("az", "en"), sheets=1)
    folder = tmp_path_factory.mktemp("printed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Language, "say", say)
        sheets = [text.get_text() for page in pages(package) for text in page.findobj(Text)]  # type: ignore[attr-defined]
        for name in ("xlsx", "kml", "qgz"):
            WRITERS[name](package, folder)
    with zipfile.ZipFile(folder / "survey_tasks.xlsx") as book:
        table = " ".join(book.read(name).decode() for name in book.namelist() if "sharedStrings" in name)
    kml = (folder / "survey_tasks.kml").read_text("utf-8")
    project = zipfile.ZipFile(folder / "mlrisk.qgz").read("mlrisk.qgs").decode()
    # Warnings are data: a test of their own says which are translated.
    asked -= {*package.notes.warnings, *package.notes.not_included}
    return asked, {"pdf": " ".join(" ".join(sheets).split()), "xlsx": table, "kml": kml, "qgz": project}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pdf", "xlsx", "kml", "qgz"])
def test_printed_files_speak_the_first_language(name: str, printed: tuple[set[str], dict[str, str]]) -> None:
    asked, pages = printed
    az = language("az")
    assert az.say(NOT_EVIDENCE) in pages[name]
    english = [text for text in asked if len(text) > 12 and "{" not in text and text in pages[name]]
    assert english == []
    assert FORBIDDEN_AZ.findall(pages[name]) == []
    assert len(asked) > 100


@pytest.fixture(scope="module")
def used(printed: tuple[set[str], dict[str, str]]) -> set[str]:
    """Every text that the page and the printed files asked for, and those that other packages would ask for."""
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
        "casualties: no accident is known to learn from", "no basis to rank in {cells} cells",
        "no reason is given for this task", "unknown, no accident is known",
    )  # fmt: skip
    return {text for text in words.used | printed[0] | set(more) if re.search("[a-z]", text, re.IGNORECASE)}


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_every_text_of_the_page_has_its_word(code: str, used: set[str]) -> None:
    words = language(code)
    assert len(used) > 90
    assert sorted(text for text in used if text not in words.page and DECIMAL.sub("#", text) not in words.page) == []


@pytest.mark.parametrize("code", languages())
def test_texts_have_the_placeholders_of_their_english(code: str) -> None:
    for english, text in language(code).page.items():
        wanted = {name for _, name, _, _ in Formatter().parse(english) if name}
        numbers = {str(place) for place in range(english.count("#"))}
        assert {name for _, name, _, _ in Formatter().parse(text) if name} == wanted | numbers, english


@pytest.mark.parametrize("code", languages())
def test_no_language_says_that_land_is_free_of_mines(code: str) -> None:
    words = language(code)
    texts = [
        *words.page.values(),
        *words.texts.values(),
        *words.units.values(),
        words.raised,
        words.lowered,
        words.unknown,
    ]
    texts += [sentence for sentences in words.leads.values() for sentence in sentences]
    assert [text for text in texts if FORBIDDEN.search(text) or FORBIDDEN_AZ.search(text)] == []
    assert FORBIDDEN_AZ.search("Ərazi təmizlənib")
    assert FORBIDDEN_AZ.search("təhlükəsizdir")


def test_numbers_keep_their_place() -> None:
    words = language("az")
    assert words.say("0.03 to 0.1") == "0,03 - 0,1"
    assert words.say("Settlements (the 150 largest)") == "Yaşayış məntəqələri (ən böyük 150)"
    assert words.say("survey next (1 to 5 %)") == "növbəti tədqiq et (1 - 5 %)"
    assert words.say("a text that nobody translated") == "a text that nobody translated"


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
            "work": ["technical_survey"] * 3,
            "contamination": [0.2] * 3,
            "cells": [1] * 3,
            **{f"reason_{place}{code}": ["a", "b", "c"] for code in ("", "_az") for place in (1, 2, 3)},
        }
    )
    table = with_task_reasons(tasks, np.ones(3), "contamination", ("en", "az"))
    check = "Check task, drawn at random (1 in 81), to measure what the map misses"
    assert table["reason_1"].tolist()[:2] == ["a", check]
    assert table["reason_1_az"].tolist()[:2] == [
        "a",
        "Yoxlama tapşırığı, təsadüfi seçilib (1 : 81), xəritənin nəyi buraxdığını ölçmək üçün",
    ]
    assert table["reason_1_az"].iloc[2].startswith("Öyrənmə tapşırığı: burada müqayisə olunan heç nə məlum deyil")
    assert table["reason_2"].tolist() == table["reason_2_az"].tolist() == ["a", "b", "c"]
