"""survey_sheets.pdf: what its pages say, and that the file itself says what it is not."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from features.base import NOT_EVIDENCE
from mlrisk.outputs.registry import WRITERS
from mlrisk.outputs.task_sheet_map import around, printable
from mlrisk.outputs.task_sheets_pdf import pages
from mlrisk.outputs.task_words import PlanScope, plan_text
from mlrisk.outputs.tasks_by_rank import tasks_by_rank
from mlrisk.risk_map.package import Package
from tests.support.sample_package import FORBIDDEN, FORMULA, SCRIPT, is_green, sample_package


@pytest.fixture(scope="module")
def package() -> Package:
    return replace(sample_package(30, 40), sheets=2)


@pytest.fixture(scope="module")
def figures(package: Package) -> list[Figure]:
    return list(pages(package))


def texts(figure: Figure) -> str:
    found: Iterator[Text] = figure.findobj(Text)  # type: ignore[assignment]
    return " ".join(" ".join(text.get_text().split()) for text in found)


def pdf_string(raw: bytes, key: str) -> str:
    """A text of the Info dictionary, in either of the two encodings that a PDF has for it."""
    (found,) = re.findall(rb"/" + key.encode() + rb" (?:<([0-9a-f]+)>|\((.*?)(?<!\\)\))", raw, re.DOTALL)
    coded, plain = found
    if coded:
        return bytes.fromhex(coded.decode()).decode("utf-16")
    plain = re.sub(rb"\\(.)", rb"\1", plain, flags=re.DOTALL)
    return str(plain.decode("utf-16" if plain.startswith(b"\xfe\xff") else "latin-1"))


@pytest.mark.slow
def test_there_is_an_overview_and_a_sheet_for_each_of_the_first_tasks(package: Package, figures: list[Figure]) -> None:
    assert len(figures) == 3
    assert len(list(pages(replace(package, sheets=0)))) == 1
    first = tasks_by_rank(package).iloc[0]
    sheet = texts(figures[1])
    for words in (
        "No. 1 in the plan", first["mgrs"], f"latitude {first['latitude']:.5f}", f"{first['easting_m']:,.0f} E",
        first["reason_1"], "Data up to 2024-07-31", "likely range (90 %)",
        "Already known: EO in", "N (grid)", " km", "Legend",
        "this task", plan_text(first, PlanScope.of(package)), "2 / 3", "no record of mines laid", "fewer than 100",
    ):  # fmt: skip
        assert " ".join(words.split()) in sheet, words
    assert "non-technical survey, rank 2" in texts(figures[2])
    assert all(mgrs in texts(figures[0]) for mgrs in tasks_by_rank(package)["mgrs"])


def test_every_page_says_that_it_is_not_evidence_and_no_forbidden_word(figures: list[Figure]) -> None:
    for figure in figures:
        assert texts(figure).count(NOT_EVIDENCE) == 2
        assert FORBIDDEN.findall(texts(figure)) == []


def test_evidence_is_that_of_the_cells_inside_the_task(package: Package, figures: list[Figure]) -> None:
    shape = tasks_by_rank(package).geometry.iloc[0]
    inside = shapely.contains_xy(shape, package.risk["easting_m"], package.risk["northing_m"])
    counts = package.risk["evidence"][inside].value_counts()
    assert counts.sum() == tasks_by_rank(package)["cells"].iloc[0]
    assert f"EO in {counts.get('found', 0)} cells, surveyed without a find {counts.get('searched', 0)}" in texts(
        figures[1]
    )


@pytest.mark.slow
def test_missing_casualties_are_told_and_hostile_text_is_only_text(package: Package, tmp_path: Path) -> None:
    district = f"{SCRIPT} $\\frac{{1$ \x0c漢 ../x"
    order = pd.array(package.tasks["rank"], dtype="Int32")
    tasks = package.tasks.assign(casualties_per_year=np.nan, district=district, planned=True, plan_order=order)
    changed = replace(package, tasks=tasks, risk=package.risk.assign(casualties_per_year=np.nan))
    overview, sheet, second = pages(changed)
    WRITERS["pdf"](replace(changed, sheets=0), tmp_path)
    assert " ".join(printable(district).split()) in texts(sheet)
    assert FORMULA in texts(second)
    assert "no accident is known to learn from" in texts(sheet)
    assert "unknown" in texts(overview)


def test_no_colour_is_green(figures: list[Figure]) -> None:
    colours = set()
    for artist in figures[1].findobj():
        for name in ("get_color", "get_facecolor", "get_edgecolor"):
            colour = getattr(artist, name, list)()
            values = [colour] if isinstance(colour, str) else np.atleast_2d(np.asarray(colour, dtype=object)).tolist()
            colours |= {to_hex(value) for value in values if len(value)}
    assert len(colours) > 8
    assert [colour for colour in colours if is_green(colour)] == []


@pytest.mark.slow
def test_file_carries_the_warning_and_no_time_of_writing(package: Package, tmp_path: Path) -> None:
    (path,) = WRITERS["pdf"](replace(package, sheets=1), tmp_path)
    raw = path.read_bytes()
    (again,) = WRITERS["pdf"](replace(package, sheets=1), tmp_path)
    assert again.read_bytes() == raw
    assert raw.startswith(b"%PDF-1")
    assert len(re.findall(rb"/Type /Page\b", raw)) == 2
    assert pdf_string(raw, "Subject") == NOT_EVIDENCE
    assert "no record of mines laid" in pdf_string(raw, "Keywords")
    assert "2024-07-31" in pdf_string(raw, "Title")
    assert b"/CreationDate (D:20240731000000" in raw
    assert str(tmp_path).encode() not in raw


def test_box_around_a_task_shows_land_on_every_side(package: Package) -> None:
    west, south, east, north = around(package, (1000, 2000, 3000, 9000), 1.5)
    assert (east - west) / (north - south) == pytest.approx(1.5)
    assert min(1000 - west, 2000 - south, east - 3000, north - 9000) >= 8 * package.grid.cell_size_m


@pytest.mark.slow
def test_sheets_follow_the_plan(package: Package) -> None:
    """The task of rank 2 is done first."""
    order = pd.array([pd.NA, 1, *[pd.NA] * (len(package.tasks) - 2)], dtype="Int32")
    turned = replace(package, tasks=package.tasks.assign(planned=~order.isna(), plan_order=order), sheets=1)
    _, sheet = pages(turned)
    assert "No. 1 in the plan" in texts(sheet)
    assert tasks_by_rank(package).iloc[1]["mgrs"] in texts(sheet)
    assert "Rank: 2 (non-technical survey)" in texts(sheet)
