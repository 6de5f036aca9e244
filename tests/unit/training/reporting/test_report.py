import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL.PngImagePlugin import PngImageFile

from tests.support.page_reader import FORBIDDEN, Seen
from tests.support.sample_held_out import SCRIPT, sample_held_out, sample_report
from training.reporting import figures as report_figures
from training.reporting.html import pictures_of
from training.reporting.report import report_of, report_record
from training.reporting.tables import ReportInput, compute, optimism_gap
from training.validation.held_out import RANDOM, missed_table, pooled_table
from training.validation.metrics import recall_at_area

pytestmark = pytest.mark.slow


def page_of(report):
    return report_of(report).texts()["report.html"]


@pytest.fixture(scope="module")
def report():
    return sample_report()


@pytest.fixture(scope="module")
def computed(report):
    return compute(report)


@pytest.fixture(scope="module")
def whole(report):
    return report_of(report)


@pytest.fixture(scope="module")
def page(whole):
    return whole.texts()["report.html"]


def test_missed_positives_come_first(page, report, computed):
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings[:3] == ["In short", "Contents", "Contamination the map put last"]
    assert next(iter(report_record(report, computed))) == "missed_positives"
    assert len(computed.missed) > 0
    assert computed.missed["surveyed_before"].is_monotonic_decreasing
    assert (computed.missed["surveyed_before"] > 0.5).all()


def test_every_accuracy_stands_beside_protocol_base_rate_baselines_and_interval(page, computed):
    answer = page.split("<h2>What was asked")[1].split("<h2>")[0]
    assert "leave region out" in answer
    assert "base rate 0.0" in answer
    for ranking in ("this map", "nearest to the former front line", "most accidents nearby", "chance"):
        assert ranking in answer
    row = computed.pooled.iloc[0]
    assert f"{row['recall_10_low']:.2f} to {row['recall_10_high']:.2f}" in answer


def test_the_first_screen_says_recall_with_its_interval_beside_the_best_rule_and_chance(page, computed):
    first = " ".join(Seen(page.split('id="part-1"')[1].split("</section>")[0]).words)
    rows = computed.pooled[computed.pooled["protocol"] == "leave_region_out"].set_index("ranking")
    rule = rows.loc[["distance to the line", "incident density"], "recall_10"].idxmax()
    words = {"distance to the line": "nearest to the former front line", "incident density": "most accidents nearby"}
    ours, best = (
        f"{100 * row['recall_10']:.0f}{hundred} (likely range, 90 %: {100 * row['recall_10_low']:.0f} to "
        f"{100 * row['recall_10_high']:.0f})"
        for row, hundred in ((rows.loc["mlrisk"], " of 100 contaminated cells"), (rows.loc[rule], ""))
    )
    assert f"would have reached {ours}; the best simple rule, {words[rule]}, {best}; chance 10." in first
    assert f"put {len(computed.missed)} of {int(rows.loc['mlrisk', 'found'])} cells with EO" in first


def test_settings_are_folded_and_contents_lead_to_every_section(page):
    assert "<summary>Settings</summary>" in page
    targets = re.findall(r'href="#(part-\d+)"', page)
    assert targets == re.findall(r'<section id="(part-\d+)"', page)[1:]


def test_the_gap_is_random_less_regions_and_says_when_it_was_not_measured(report, page):
    gap = optimism_gap(report.table)
    ours = report.table[report.table["ranking"] == "mlrisk"].groupby("protocol")["recall_10"].mean()
    assert gap["recall_10"] == pytest.approx(ours["random"] - ours["leave_region_out"])
    alone = report.table[report.table["protocol"] != "random"]
    assert np.isnan(optimism_gap(alone)["recall_10"])
    assert np.isnan(optimism_gap(pd.DataFrame())["recall_10"])
    assert "not measured" not in page.split("<h2>Optimism gap")[1].split("<h2>")[0]
    bare = ReportInput(title="t", as_of="2024-07-31", question="q", table=alone)
    assert "not measured" in page_of(bare).split("<h2>Optimism gap")[1].split("<h2>")[0]


def test_pictures_have_the_dots_that_were_asked_for(whole):
    coarse = sample_report(draws=3, picture_dpi=22)
    fine, tenth = (
        [PngImageFile(io.BytesIO(data)).size for data in made.pictures.values()] for made in (whole, report_of(coarse))
    )
    assert len(fine) == len(tenth) > 3
    assert all(
        abs(one / 10 - other) < 1 for pair in zip(fine, tenth, strict=True) for one, other in zip(*pair, strict=True)
    )


def test_a_mean_row_is_not_averaged_again(report):
    mean = report.table.assign(fold="mean", recall_10=9.0)
    both = pd.concat([report.table, mean])
    assert optimism_gap(both)["recall_10"] == pytest.approx(optimism_gap(report.table)["recall_10"])


def test_texts_of_the_data_stay_texts_and_nothing_is_fetched(page):
    seen = Seen(page)
    assert "script" not in seen.tags
    assert "b" not in seen.tags
    assert SCRIPT in "".join(seen.words)
    assert any("default-src 'none'" in value for name, value in seen.attributes if name == "content")
    sources = [value for name, value in seen.attributes if name in ("src", "href")]
    # Links lead to parts of the page itself.
    assert {value[:22] if value.startswith("data:") else value[:6] for value in sources} == {
        "data:image/png;base64,", "#part-"
    }  # fmt: skip


def test_no_word_and_no_colour_promises_anything(page):
    from tests.support.sample_package import is_green

    assert not FORBIDDEN.search(" ".join(Seen(page).words))
    used = re.findall(r"#[0-9a-f]{6}\b", page.split("</style>")[0])
    used += [*report_figures.COLOURS, report_figures.MODEL_COLOUR, report_figures.MISSED_COLOUR, report_figures.LAND]
    assert not [colour for colour in used if is_green(colour)]


def test_the_json_is_strict_and_the_bytes_repeat():
    report = sample_report(draws=3)
    texts = report_of(report).texts()
    assert texts == report_of(report).texts()

    def refuse(name):
        raise AssertionError(name)

    record = json.loads(texts["report.json"], parse_constant=refuse)
    assert record["pooled"][0]["recall_10_gain"] is None
    assert record["folds"][0]["recall_10"] == report.table["recall_10"].iloc[0]


def test_pooled_rankings_of_a_random_order_reach_the_share_of_area():
    held_out = sample_held_out()
    table = pooled_table("p", held_out, "mlrisk", 0, 20).set_index("ranking")
    assert table.loc[RANDOM, "recall_10"] == pytest.approx(0.1)
    assert table.loc["mlrisk", "recall_10_gain"] is not None
    assert np.isnan(table.loc["mlrisk", "recall_10_gain"])
    ours = held_out.rankings("mlrisk")["mlrisk"]
    gain = recall_at_area(ours, held_out.positive, 0.1, held_out.area) - 0.1
    assert table.loc[RANDOM, "recall_10_gain"] == pytest.approx(gain)


def test_a_missed_cell_is_told_with_the_rule_that_would_have_found_it():
    held_out = sample_held_out()
    missed = missed_table(held_out, "mlrisk")
    line = held_out.rankings("mlrisk")["distance to the line"]
    row = missed[missed["best_rule"] == "distance to the line"].iloc[0]
    assert row["best_rule_before"] == pytest.approx(-line[held_out.cell_id == row["cell_id"]][0], abs=1e-9)


def test_a_report_without_held_out_cells_lists_no_missed_one_and_says_so():
    report = sample_report(draws=2, held_out={})
    assert compute(report).missed.columns.tolist() == missed_table(sample_held_out(), "mlrisk").columns.tolist()
    assert "no held-out cells were kept" in page_of(report)


def test_pictures_are_values_in_the_order_of_the_page(whole, page):
    made = whole
    names = list(made.pictures)
    assert [name[:3] for name in names] == [f"{number:02d}-" for number in range(1, len(names) + 1)]
    assert all(png.startswith(b"\x89PNG") for png in made.pictures.values())
    sources = [value for name, value in Seen(page).attributes if name == "src"]
    shown = [base64.b64decode(source.split(",")[1]) for source in sources]
    assert shown == list(made.pictures.values())
    assert pictures_of(made.sections[:1]) == {}


def test_the_most_honest_protocol_is_pictured(report, computed):
    assert computed.protocol == "leave_region_out"
    other = sample_report(held_out={"random": sample_held_out(), "as_of": sample_held_out()}, draws=2)
    assert compute(other).protocol == "as_of"
