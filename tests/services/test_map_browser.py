"""map.html in Chromium, where it is installed: it works when clicked, typed into and read on a phone."""

import base64
import csv
import json
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import mgrs
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from features.base import NOT_EVIDENCE
from mlrisk.outputs.map_page_tasks import KNOWN, page_tasks
from mlrisk.outputs.map_page_themes import OTHER_COLOUR
from mlrisk.outputs.registry import WRITERS
from mlrisk.outputs.task_words import figure
from mlrisk.outputs.tasks_by_rank import mgrs_text
from mlrisk.planning.allocation import Jobs, allocate, greedy, in_order
from mlrisk.risk_map.language import language
from mlrisk.risk_map.package import Package, Relief
from mlrisk.risk_map.priority_classes import CLASSES, EVIDENCE_TEXTS, NO_BASIS
from tests.support.headless import CHROMIUM, Browser
from tests.support.map_clicks import PINS, click, map_point, opened, seek, wrong_pins
from tests.support.sample_package import SCRIPT, sample_package, with_technical_survey
from training.evidence import WORKS


@pytest.fixture(scope="module")
def package() -> Package:
    return with_technical_survey(sample_package())


@pytest.fixture(scope="module")
def page(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = WRITERS["html"](package, tmp_path_factory.mktemp("page"))
    return path


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.open(page)
    yield browser
    browser.close()


# How many pixels of the map have a colour, counted on its largest canvas (Bokeh keeps it in shadow roots).
PIXELS = """(() => {
  const walk = (node) => [...node.querySelectorAll("*")].flatMap(
    (part) => [part, ...(part.shadowRoot ? walk(part.shadowRoot) : [])]);
  const canvases = walk(document.getElementById("map")).filter((part) => part.tagName === "CANVAS");
  return (red, green, blue) => canvases.reduce((total, canvas) => {
    if (!canvas.width || !canvas.height) return total;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    for (let at = 0; at < pixels.length; at += 4) {
      if (pixels[at] === red && pixels[at + 1] === green && pixels[at + 2] === blue && pixels[at + 3]) count += 1;
    }
    return total + count;
  }, 0);
})()"""


def pixels(browser: Browser, colour: str) -> int:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    browser.run("new Promise((done) => setTimeout(done, 250))")
    return int(browser.run(f"{PIXELS}({red}, {green}, {blue})"))


def test_browser_draws_every_class(browser: Browser) -> None:
    counts = {cls.text: pixels(browser, cls.colour) for cls in CLASSES}
    assert min(counts.values()) > 50, counts
    assert counts[CLASSES[4].text] == max(counts.values())


def test_browser_hatches_the_land_without_basis(browser: Browser) -> None:
    """Without the hatch the land is one even colour, so its colour must cover more pixels."""
    hatch = "Bokeh.documents[0].get_model_by_name('map').renderers.find((part) => part.name === 'hatch').visible"
    hatched = pixels(browser, CLASSES[NO_BASIS - 1].colour)
    browser.run(f"{hatch} = false")
    even = pixels(browser, CLASSES[NO_BASIS - 1].colour)
    browser.run(f"{hatch} = true")
    assert 0 < hatched < 0.8 * even


def test_browser_switches_themes_and_layers(browser: Browser) -> None:
    released = CLASSES[6].colour
    assert pixels(browser, released) > 50
    browser.run("document.querySelector('[value=evidence]').click()")
    assert pixels(browser, released) == 0
    assert browser.run("document.querySelector('[data-legend=evidence]').hidden") is False
    assert browser.run("document.querySelector('[data-legend=priority]').hidden") is True
    browser.run("document.querySelector('[value=priority]').click()")
    line = pixels(browser, "#5b2a86")
    browser.run("document.querySelector('[data-layer=front_lines]').click()")
    assert pixels(browser, "#5b2a86") == 0 < line
    browser.run("document.querySelector('[data-layer=front_lines]').click()")
    assert pixels(browser, "#5b2a86") == line


def test_browser_row_shows_reasons_and_zooms(package: Package, browser: Browser) -> None:
    browser.run("document.querySelector('#tasks tbody tr[data-task=\"0\"] button').click()")
    panel = browser.run("document.getElementById('panel').innerText")
    task = package.tasks.iloc[0]
    assert "No. 1 in the plan" in panel
    assert SCRIPT in panel
    assert task["reason_1"] in panel
    assert task["reason_2"] in panel
    assert f"{task['latitude']:.5f}, {task['longitude']:.5f}" in panel
    assert f"{figure(task['area_m2'] / 10_000)} ha" in panel
    assert f"{figure(100 * task['contamination_low'])} % to {figure(100 * task['contamination_high'])} %" in panel
    cells = package.risk[package.risk["task_id"] == task["task_id"]]["evidence"].value_counts()
    assert len(cells) > 1
    known = {name: int(cells.get(name, 0)) for name in ("found", "searched", "unknown")}
    assert KNOWN.format(**known) in panel
    west, _south, east, _north = task.geometry.bounds
    start, end = browser.run(
        "(() => { const x = Bokeh.documents[0].get_model_by_name('map').x_range; return [x.start, x.end]; })()"
    )
    assert start < west
    assert end > east
    assert end - start < (package.grid.bounds[2] - package.grid.bounds[0])
    assert browser.run("document.querySelectorAll('#tasks tr.chosen').length") == 1
    browser.run("document.querySelector('[data-zoom=all]').click()")


def test_browser_scale_is_equal_on_both_axes(browser: Browser) -> None:
    browser.run("document.querySelector('[data-zoom=in]').click()")
    metres = browser.run(
        "(() => { const p = Bokeh.documents[0].get_model_by_name('map'); return [(p.x_range.end - p.x_range.start)"
        " / p.inner_width, (p.y_range.end - p.y_range.start) / p.inner_height]; })()"
    )
    assert metres[0] == pytest.approx(metres[1], rel=1e-6)
    browser.run("document.querySelector('[data-zoom=all]').click()")


# A place in the middle of the sample's grid.
WHERE = (658_000.0, 4_394_000.0)


def test_browser_each_of_the_first_twenty_pins_opens_its_own_task(page: Path, browser: Browser, tmp_path: Path) -> None:
    """At the centre, 4 px off and 8 px off: at the whole area, and where a pin has no room there, beside its task."""
    package = sample_package(90, 120)
    planned = package.tasks.assign(planned=True, plan_order=pd.array(package.tasks["rank"], dtype="Int32"))
    browser.open(WRITERS["html"](replace(package, tasks=planned), tmp_path)[0])
    clicked, wrong = wrong_pins(browser, 20)
    browser.open(page)
    assert clicked == 20
    assert wrong == []


def test_browser_pointer_over_a_pin_names_and_outlines_its_task(browser: Browser) -> None:
    text, east, north = browser.run(PINS)[0]
    left, top = map_point(browser, east, north)
    browser.order("Input.dispatchMouseEvent", type="mouseMoved", x=left + 6, y=top)
    browser.wait("!document.getElementById('tip').hidden")
    assert f"No. {text} in the plan" in browser.run("document.getElementById('tip').textContent")
    outlined = (
        "Bokeh.documents[0].get_model_by_name('map').renderers.find((part) => part.name === 'hover')"
        ".data_source.get('xs').length"
    )
    assert browser.run(outlined) == 1
    browser.order("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=3)
    browser.wait("document.getElementById('tip').hidden")
    assert browser.run(outlined) == 0


def test_browser_click_on_an_outline_shows_its_task(package: Package, browser: Browser) -> None:
    """A corner of a task that is not planned and so has no pin."""
    tasks = page_tasks(package)
    place = int(np.flatnonzero(~tasks["planned"] & tasks["work"].eq(WORKS[0]))[0])
    task = tasks.iloc[place]
    browser.run(f"document.querySelector('#tasks tbody tr[data-task=\"{place}\"]').click()")
    browser.run("document.getElementById('panel-title').textContent = ''")
    west, _south, _east, north = task.geometry.bounds
    corner = min(
        shapely.get_coordinates(task.geometry), key=lambda place: (abs(place[1] - north), abs(place[0] - west))
    )
    left, top = map_point(browser, corner[0] + 100, corner[1] - 100)
    assert opened(browser, left, top) == f"non-technical survey, rank {task['rank']}"
    assert "Not planned: " in browser.run("document.getElementById('panel').innerText")
    browser.run("document.querySelector('[data-zoom=all]').click()")


def test_browser_switches_between_the_lists_of_work(package: Package, browser: Browser) -> None:
    """Pins, table, counts and colours are those of the list that is shown."""
    on = {}
    for number in range(3):
        browser.run(f"document.querySelector('[name=work][value=\"{number}\"]').click()")
        on[number] = (
            browser.run("document.querySelectorAll('#tasks tbody tr:not([hidden])').length"),
            browser.run(PINS),
            pixels(browser, OTHER_COLOUR),
        )
        counted = browser.run("document.getElementById('counted').textContent")
        assert counted.startswith(f"{on[number][0]} of {on[number][0]} tasks")
    assert [on[number][0] for number in range(3)] == [int((package.tasks["work"] == work).sum()) for work in WORKS]
    assert on[0][1] != on[1][1] != []
    assert on[2][1] == []
    assert on[0][2] < on[1][2] < on[2][2]
    assert browser.run("document.querySelector('.holds:not([hidden])').innerText") == "no land on this list"
    browser.run("document.querySelector('[name=work][value=\"0\"]').click()")
    assert browser.run("document.querySelectorAll('#tasks tbody tr:not([hidden])').length") == on[0][0]


def test_browser_pointer_reads_place_and_class(package: Package, browser: Browser) -> None:
    cell = package.risk[package.risk["rank"] == 1].iloc[0]
    left, top = map_point(browser, cell["easting_m"], cell["northing_m"])
    browser.order("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
    browser.wait("document.getElementById('status').textContent.includes('survey first')")
    text = browser.run("document.getElementById('status').textContent")
    latitude, longitude = (float(value) for value in re.findall(r"\d+\.\d{5}", text)[:2])
    assert latitude == pytest.approx(cell["latitude"], abs=0.002)
    assert longitude == pytest.approx(cell["longitude"], abs=0.002)
    assert "WGS 84" in text
    easting, northing = mgrs.MGRS().MGRSToUTM(re.search(r"MGRS (\S+ \S+ \d+ \d+)", text)[1].replace(" ", ""))[2:]  # type: ignore[index]
    assert easting == pytest.approx(cell["easting_m"], abs=200)
    assert northing == pytest.approx(cell["northing_m"], abs=200)


def test_browser_writes_mgrs_as_geotrans_does(browser: Browser) -> None:
    """Anywhere on the Earth, the odd zones of Norway and Svalbard included."""
    rng = np.random.default_rng(2)
    places = [*zip(rng.uniform(-180, 180, 300), rng.uniform(-80, 84, 300), strict=True)]
    places += [(4.0, 60.0), (8.0, 75.0), (20.0, 80.0), (36.0, 73.0), (46.5, 40.0), (-179.99, 0.01)]
    references = browser.run(f"{json.dumps(places)}.map((place) => mgrsOf(...place))")
    oracle = [mgrs.MGRS().toMGRS(latitude, longitude, MGRSPrecision=4) for longitude, latitude in places]
    assert [text.replace(" ", "").zfill(13) for text in references] == [text.zfill(13) for text in oracle]
    assert browser.run("mgrsOf(10, 85)") == ""


def test_browser_reads_mgrs_as_geotrans_does(browser: Browser) -> None:
    rng = np.random.default_rng(4)
    places = list(zip(rng.uniform(-180, 180, 200), rng.uniform(-79.9, 83.9, 200), strict=True))
    places += [(4.0, 60.0), (8.0, 75.0), (46.5, 40.0), (46.5, -0.001), (46.5, 0.001), (45.1, 39.99999)]
    texts = [mgrs.MGRS().toMGRS(latitude, longitude, MGRSPrecision=5) for longitude, latitude in places]
    read = browser.run(f"{json.dumps(texts)}.map(lonlatOfMgrs)")
    apart = [pyproj.Geod(ellps="WGS84").inv(*place, *found)[2] for place, found in zip(places, read, strict=True)]
    assert max(apart) < 2
    assert browser.run("['', '40.1, 46.5', '38S ZZ 1 2', '99SKJ12', '38SLK123'].map(lonlatOfMgrs)") == [None] * 5


@pytest.mark.parametrize(
    ("typed", "kind", "place"),
    [
        ("40.25, 46.5", "degrees", (46.5, 40.25)),
        ("40.25 46.5", "degrees", (46.5, 40.25)),
        ("40,25; 46,5", "degrees", (46.5, 40.25)),
        ("46.5E 40.25N", "degrees", (46.5, 40.25)),
        ("N 40°15'0\" E 46°30'", "degrees", (46.5, 40.25)),
        ("40°15\u2032S 46.5°W", "degrees", (-46.5, -40.25)),
        ("-40.25, -46.5", "degrees", (-46.5, -40.25)),
        ("664,250 E  4,410,750 N", "metres", (664_250, 4_410_750)),
        ("664250 4410750", "metres", (664_250, 4_410_750)),
        ("4410750 N, 664250 E", "metres", (664_250, 4_410_750)),
    ],
)
def test_browser_reads_coordinates(browser: Browser, typed: str, kind: str, place: tuple[float, float]) -> None:
    found = browser.run(f"coordinatesOf({json.dumps(typed)})")
    assert found == {kind: [pytest.approx(place[0]), pytest.approx(place[1])]}


@pytest.mark.parametrize("typed", ["", "Ağdam", "12", "1 2 3", "40.1 N 46.5 N", "<b>1 2</b>", "about 40.1, 46.5"])
def test_browser_takes_nothing_else_for_coordinates(browser: Browser, typed: str) -> None:
    assert browser.run(f"coordinatesOf({json.dumps(typed)})") is None


def test_browser_finds_a_cell_by_any_of_its_coordinates(package: Package, browser: Browser) -> None:
    """Degrees, MGRS and metres of a cell lead to it: the panel tells its class, its evidence and where it is."""
    risk = package.risk
    cell = risk[(risk["rank"] == len(risk) // 50)].iloc[0]
    square = mgrs.MGRS().toMGRS(cell["latitude"], cell["longitude"], MGRSPrecision=4)
    for typed in (
        f"{cell['latitude']:.5f}, {cell['longitude']:.5f}", square, f"{square[:3]} {square[3:5]} {square[5:]}",
        f"{cell['easting_m']:,.0f} E {cell['northing_m']:,.0f} N",
    ):  # fmt: skip
        browser.run("document.querySelector('[data-zoom=all]').click()")
        panel = seek(browser, typed)
        assert "survey next (1 to 5 %)" in panel, typed
        assert EVIDENCE_TEXTS[cell["evidence"]] in panel
        easting, northing = re.search(r"([\d,]+) E ([\d,]+) N", panel).groups()  # type: ignore[union-attr]
        assert abs(int(easting.replace(",", "")) - cell["easting_m"]) <= 10
        assert abs(int(northing.replace(",", "")) - cell["northing_m"]) <= 10
        assert browser.run("document.getElementById('found').textContent") == ""
        width = browser.run("(({ x_range: x }) => x.end - x.start)(Bokeh.documents[0].get_model_by_name('map'))")
        assert width == pytest.approx(40 * package.grid.cell_size_m)
    browser.run("document.querySelector('[data-zoom=all]').click()")
    assert pixels(browser, "#0b57d0") > 20


def test_browser_finds_names_and_ranks_and_says_what_it_does_not_find(package: Package, browser: Browser) -> None:
    town = package.layers["settlements"].geometry.iloc[1]
    assert f"{town.x:,.0f} E" in seek(browser, "agd")
    assert browser.run("document.getElementById('panel-title').textContent") == "Ağdam"
    assert browser.run("document.querySelectorAll('#places option').length") == 4
    assert "No. 2 in the plan" in seek(browser, "2")
    assert "Rank\n4" in seek(browser, "rank 4")
    assert browser.run("document.querySelectorAll('#tasks tr.chosen').length") == 1
    assert pixels(browser, "#0b57d0") > 20
    seek(browser, "10.5, 10.5")
    assert browser.run("document.getElementById('panel-hint').textContent") == "outside the map"
    seek(browser, SCRIPT + "?")
    assert browser.run("document.getElementById('found').textContent") == f"Not found on this map: {SCRIPT}?"
    assert SCRIPT in seek(browser, "<script")


def press(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
        code = {"Enter": 13, "ArrowRight": 39}.get(key, 0)
        browser.order("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)


def test_browser_reads_any_place_by_tap_and_by_keyboard(package: Package, browser: Browser) -> None:
    browser.run("document.querySelector('[data-zoom=all]').click()")
    cell = package.risk[package.risk["released"]].iloc[0]
    left, top = map_point(browser, cell["easting_m"], cell["northing_m"])
    for kind in ("mousePressed", "mouseReleased"):
        browser.order("Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", clickCount=1)
    browser.wait("document.getElementById('panel-title').textContent === 'Place'")
    assert "released by the authority (recorded decision)" in browser.run("document.getElementById('panel').innerText")
    browser.run("document.getElementById('map').focus()")
    press(browser, "ArrowRight")
    press(browser, "Enter")
    west, south, east, north = package.grid.bounds
    metres = browser.run(
        "(({ x_range: x, inner_width: w }) => (x.end - x.start) / w)(Bokeh.documents[0].get_model_by_name('map'))"
    )
    panel = browser.run("document.getElementById('panel').innerText")
    assert f"{(west + east) / 2 + 80 * metres:,.0f} E {(south + north) / 2:,.0f} N" in panel
    # From a row of the table too: Enter on its button chooses the task.
    browser.run("document.querySelector('#tasks tbody tr[data-task=\"1\"] button').focus()")
    press(browser, "Enter")
    assert browser.run("document.getElementById('panel-title').textContent") == "No. 2 in the plan"


def test_browser_has_every_layer(browser: Browser) -> None:
    """Themes and overlays of the issue's list: each switch changes what is drawn."""
    themes = browser.run("[...document.querySelectorAll('[name=theme]')].map((radio) => radio.value)")
    assert themes == ["priority", "contamination", "interval", "casualties", "evidence"]
    overlays = set(browser.run("[...document.querySelectorAll('[data-layer]')].map((box) => box.dataset.layer)"))
    assert overlays == {
        "tasks",
        "hazards_sha",
        "hazards_cha",
        "hazards_past",
        "front_lines",
        "roads",
        "settlements",
        "districts",
    }
    seen = (
        "Bokeh.documents[0].get_model_by_name('map').renderers.filter((part) => part.visible).map((part) => part.name)"
    )
    assert "layer/hazards_past" not in browser.run(seen)
    browser.run("document.querySelector('[data-layer=hazards_past]').click()")
    for name in overlays:
        browser.run(f"document.querySelector('[data-layer={name}]').click()")
        assert f"layer/{name}" not in browser.run(seen)
        browser.run(f"document.querySelector('[data-layer={name}]').click()")
        assert f"layer/{name}" in browser.run(seen)


def test_browser_draws_pins_only_where_a_zoom_has_room_for_them(browser: Browser) -> None:
    browser.run("document.querySelector('[data-zoom=all]').click()")
    browser.order("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    browser.wait("Bokeh.documents[0].get_model_by_name('map').inner_width < 390")
    browser.run("document.querySelector('[data-zoom=all]').click()")
    few = browser.run(PINS)
    metres = browser.run("(({ x_range: x, inner_width: w }) => (x.end - x.start) / w)"
                         "(Bokeh.documents[0].get_model_by_name('map'))")  # fmt: skip
    places = np.array([place[1:] for place in few])
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) / metres
    assert apart[~np.eye(len(places), dtype=bool)].min() >= 25.9
    browser.order("Emulation.setDeviceMetricsOverride", width=1400, height=1000, deviceScaleFactor=1, mobile=False)
    browser.wait("Bokeh.documents[0].get_model_by_name('map').inner_width > 500")
    browser.run("document.querySelector('[data-zoom=all]').click()")
    assert len(browser.run(PINS)) > len(few)


SHOWN = "[...document.querySelectorAll('#tasks tbody tr:not([hidden])')]"


def choose(browser: Browser, key: str, value: str) -> None:
    browser.run(
        f"(() => {{ const part = document.querySelector('[data-filter={key}]'); part.value = {json.dumps(value)};"
        " part.dispatchEvent(new Event('change')); })()"
    )


def find(browser: Browser, text: str) -> int:
    browser.run(
        f"(() => {{ const box = document.getElementById('filter'); box.value = {json.dumps(text)};"
        " box.dispatchEvent(new Event('input')); })()"
    )
    return int(browser.run(f"{SHOWN}.length"))


NAMES = """Bokeh.documents[0].get_model_by_name("map").renderers
  .filter((part) => part.visible && part.name === "layer/settlements" && part.glyph.text)
  .flatMap((part) => [...part.data_source.get("text")])"""


def test_browser_draws_fewer_pins_on_a_phone(browser: Browser) -> None:
    assert browser.run("[305 * 400, 905 * 605, 10].map(mostPins)") == [19, 40, 1]


def test_browser_draws_no_name_under_a_pin(package: Package, page: Path, browser: Browser, tmp_path: Path) -> None:
    first, (west, south, _, _) = package.tasks.iloc[0], package.grid.bounds
    points = [first.geometry.representative_point(), shapely.Point(west + 1_000, south + 1_000)]
    towns = gpd.GeoDataFrame({"name": ["Under", "Beside"], "place": "town"}, geometry=points, crs=package.grid.crs)
    browser.open(WRITERS["html"](replace(package, layers={**package.layers, "settlements": towns}), tmp_path)[0])
    assert "1" in [text for text, *_ in browser.run(PINS)]
    assert set(browser.run(NAMES)) == {"", "Beside"}
    browser.run("document.querySelector('[data-layer=tasks]').click()")
    assert set(browser.run(NAMES)) == {"Under", "Beside"}
    browser.open(page)


@pytest.mark.parametrize(("width", "height", "most"), [(820, 1180, 400), (1400, 1000, 370), (1920, 1080, 370)])
def test_browser_shows_the_map_on_the_first_screen(
    page: Path, browser: Browser, width: int, height: int, most: float
) -> None:
    browser.open(page, width, height)
    for code in ("az", "en"):
        browser.run(f"document.querySelector('[data-language][lang={code}]').click()")
        assert browser.run("document.getElementById('map').getBoundingClientRect().top") <= most
    browser.open(page)


def test_browser_table_sorts(browser: Browser) -> None:
    place = browser.run(
        "[...document.querySelectorAll('#tasks thead th')].findIndex((th) => th.dataset.key === 'finds')"
    )
    values = f"{SHOWN}.map((row) => Number(row.cells[{place}].dataset.value))"
    before = browser.run(values)
    browser.run(f"document.querySelectorAll('#tasks thead button')[{place}].click()")
    assert browser.run(values) == sorted(before) != before
    browser.run(f"document.querySelectorAll('#tasks thead button')[{place}].click()")
    assert browser.run(values) == sorted(before, reverse=True)
    browser.run("document.querySelectorAll('#tasks thead button')[0].click()")


@pytest.mark.parametrize("typed", ["tərtər", "TERTER", "TƏRTƏR", "terter"])
def test_browser_find_ignores_accents_and_case(package: Package, browser: Browser, typed: str) -> None:
    first = package.tasks["work"] == WORKS[0]
    assert find(browser, typed) == (first & (package.tasks["district"] == "Tərtər")).sum() > 0
    find(browser, "")


def test_browser_filters_and_counts_what_is_shown(package: Package, browser: Browser) -> None:
    """A task of dogs and machines is on the list of both."""
    tasks = package.tasks[package.tasks["work"] == WORKS[0]]
    mine = tasks[tasks["planned"] & tasks["asset"].isin(["dogs", "dogs + machines"])]
    district = mine["district"].iloc[0]
    mine = mine[mine["district"] == district]
    choose(browser, "teams", "dogs")
    choose(browser, "district", district)
    numbers = browser.run(f"{SHOWN}.map((row) => Number(row.cells[0].innerText))")
    assert numbers == sorted(mine["plan_order"].tolist())
    days, finds = figure(mine["team_days"].sum()), figure(mine["expected_finds"].sum())
    counted = f"{len(mine)} of {len(tasks)} tasks: {days} team-days, about {finds} cells with EO"
    assert browser.run("document.getElementById('counted').textContent") == counted
    for key in ("teams", "district"):
        choose(browser, key, "")
    choose(browser, "planned", "no")
    assert browser.run(f"{SHOWN}.length") == (~tasks["planned"]).sum() > 0
    choose(browser, "planned", "")
    choose(browser, "purpose", "audit")
    assert browser.run(f"{SHOWN}.length") == (tasks["purpose"] == "audit").sum() > 0
    choose(browser, "purpose", "")


def test_browser_says_why_task_1_is_first_with_one_click(package: Package, browser: Browser) -> None:
    pins = {text: (x, y) for text, x, y in browser.run(PINS)}
    assert opened(browser, *map_point(browser, *pins["1"])) == "No. 1 in the plan"
    panel = browser.run("document.getElementById('panel').innerText")
    first = package.tasks.set_index("plan_order").loc[1]
    assert first["reason_1"] in panel
    assert first["reason_2"] in panel


def test_browser_says_what_dog_teams_do_next_week_in_a_district_with_three_clicks(
    package: Package, browser: Browser
) -> None:
    """The kind of team, the district, the next week; the list of work follows the teams."""
    week = 2
    tasks = package.tasks[package.tasks["planned"] & package.tasks["asset"].str.contains("dogs")]
    tasks = tasks[(tasks["week"] <= week) & (tasks["last_week"] >= week)]
    # The list that is open at first has none of them.
    district = tasks.loc[tasks["work"] == WORKS[1], "district"].iloc[0]
    mine = tasks[tasks["district"] == district]
    mine = mine[mine["work"] == (WORKS[0] if (mine["work"] == WORKS[0]).any() else WORKS[1])]
    browser.run("window.dateNow = Date.now; Date.now = () => Date.parse('2024-08-07T12:00:00Z')")
    for key, value in (("district", district), ("week", "next"), ("teams", "dogs")):
        choose(browser, key, value)
    numbers = browser.run(f"{SHOWN}.map((row) => Number(row.cells[0].innerText))")
    assert sorted(numbers) == sorted(mine["plan_order"].tolist()) != []
    teams = set(browser.run(f"{SHOWN}.map((row) => row.cells[6].innerText)"))
    assert teams == set(mine["team"])
    # Before the season its first week is the next one.
    browser.run("Date.now = () => Date.parse('2024-05-01')")
    choose(browser, "week", "next")
    weeks = browser.run(f"{SHOWN}.map((row) => row.cells[5].innerText)")
    assert all(text.startswith("1") for text in weeks)
    browser.run("Date.now = window.dateNow")
    for key in ("teams", "district", "week"):
        choose(browser, key, "")
    browser.run("document.querySelector('[name=work][value=\"0\"]').click()")


def test_browser_says_what_is_unknown_and_what_would_change_the_ranking_with_one_click(
    package: Package, browser: Browser
) -> None:
    pins = {text: (x, y) for text, x, y in browser.run(PINS)}
    opened(browser, *map_point(browser, *pins["1"]))
    panel = browser.run("document.getElementById('panel').innerText")
    task = package.tasks.set_index("plan_order").loc[1, "task_id"]
    unknown = int((package.risk["task_id"].eq(task) & package.risk["evidence"].eq("unknown")).sum())
    assert f"not surveyed {unknown}" in panel
    assert f"survey of its {unknown} cells that nobody looked at" in panel
    assert "Likely range (90 %)" in panel


@pytest.mark.parametrize("kind", ["csv", "gpx", "kml"])
def test_browser_saves_what_is_shown(kind: str, package: Package, browser: Browser, tmp_path: Path) -> None:
    browser.order("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    choose(browser, "teams", "dogs")
    browser.run(f"document.querySelector('[data-export={kind}]').click()")
    path = tmp_path / f"tasks_shown.{kind}"
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.1)
    choose(browser, "teams", "")
    tasks = package.tasks[
        package.tasks["planned"] & package.tasks["asset"].isin(["dogs", "dogs + machines"])
    ].sort_values("plan_order")
    tasks = tasks[tasks["work"] == WORKS[0]]
    text = path.read_text("utf-8-sig")
    assert NOT_EVIDENCE in text
    # A table is text; the others are markup, in which a name must not become an element.
    assert (SCRIPT in text) == (kind == "csv")
    if kind == "csv":
        rows = list(csv.DictReader(text.splitlines()[1:]))
        assert [int(row["number"]) for row in rows] == tasks["plan_order"].tolist()
        assert [row["mgrs"] for row in rows] == [
            mgrs_text(*place) for place in zip(tasks.latitude, tasks.longitude, strict=True)
        ]
        return
    names = {"gpx": ("{http://www.topografix.com/GPX/1/1}wpt", "{http://www.topografix.com/GPX/1/1}name"),
             "kml": ("{http://www.opengis.net/kml/2.2}Placemark", "{http://www.opengis.net/kml/2.2}name")}  # fmt: skip
    item, name = names[kind]
    marks = list(ET.parse(path).iter(item))  # noqa: S314 -- our own output
    assert [mark.find(name).text.split()[0] for mark in marks] == [str(n) for n in tasks["plan_order"]]  # type: ignore[union-attr]
    layer = gpd.read_file(path, layer="tracks") if kind == "gpx" else gpd.read_file(path)
    drawn = layer.to_crs(package.grid.crs).total_bounds
    assert np.abs(drawn - tasks.total_bounds).max() < 3


def test_browser_address_shows_the_same_task_and_theme_to_a_colleague(page: Path, browser: Browser) -> None:
    browser.run("document.querySelector('[name=theme][value=evidence]').click()")
    browser.run("document.querySelector('#tasks tbody tr[data-task=\"1\"] button').click()")
    address = browser.run("location.hash")
    assert address == "#task=2&theme=evidence"
    browser.run("document.body.dataset.state = 'old'")
    browser.order("Page.reload")
    browser.wait("document.body !== null && document.body.dataset.state === 'ready'")
    assert browser.run("document.getElementById('panel-title').textContent") == "No. 2 in the plan"
    assert browser.run("document.querySelector('[name=theme]:checked').value") == "evidence"
    browser.run("document.querySelector('[name=theme][value=priority]').click()")
    browser.run("document.querySelector('[data-zoom=all]').click()")


def test_browser_scale_bar_and_measure_agree_with_the_grid(browser: Browser) -> None:
    metres = browser.run(
        "(() => { const p = Bokeh.documents[0].get_model_by_name('map'); return (p.x_range.end - p.x_range.start)"
        " / p.inner_width; })()"
    )
    text, width = browser.run(
        "[document.getElementById('scale').textContent, parseFloat(document.getElementById('scale').style.width)]"
    )
    number, unit = text.split()
    assert float(number) * {"m": 1, "km": 1000}[unit] == pytest.approx(width * metres, rel=1e-3)
    east, north = WHERE
    browser.run("document.getElementById('measure').click()")
    for point in ((east, north), (east + 3_000, north + 4_000)):
        click(browser, *map_point(browser, *point))
    browser.wait("document.getElementById('status').textContent.includes('bearing')")
    length, bearing = re.findall(r"([\d.]+) km, bearing (\d+)", browser.run(
        "document.getElementById('status').textContent"
    ))[0]  # fmt: skip
    # To the pixel that was clicked.
    assert float(length) == pytest.approx(5, abs=2 * metres / 1000)
    assert int(bearing) == pytest.approx(37, abs=3)
    browser.run("document.getElementById('measure').click()")


def test_browser_paper_has_the_map_and_its_legend_on_page_1_and_the_plan_on_page_2(
    browser: Browser, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    printed = browser.order("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    (tmp_path / "map.pdf").write_bytes(base64.b64decode(printed["data"]))
    command = ["pdftotext", "-layout", str(tmp_path / "map.pdf"), "-"]
    first, *others = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\f")[:-1]
    assert NOT_EVIDENCE in " ".join(first.split())
    assert "2024-07-31" in first
    for words in ("Legend", "no basis to rank", "Open confirmed areas (CHA)", "Cells of 500 m"):
        assert words in first
    assert "Already known" not in first
    assert len(others) == 1
    assert "Already known" in others[0]


def test_browser_phone_scrolls_with_a_finger_on_the_map_and_has_targets_of_44_px(page: Path, browser: Browser) -> None:
    browser.order("Emulation.setTouchEmulationEnabled", enabled=True)
    browser.open(page, width=390, height=844)
    browser.run("document.getElementById('map').scrollIntoView()")
    before = browser.run("window.scrollY")
    left, top = browser.run("(() => { const box = document.getElementById('map').getBoundingClientRect();"
                            " return [box.left + box.width / 2, box.top + box.height / 2]; })()")  # fmt: skip
    for kind, up in (("touchStart", 0), *(("touchMove", 20 * step) for step in range(1, 11))):
        browser.order("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": left, "y": top - up}])
    browser.order("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    browser.wait(f"window.scrollY > {before + 100}")
    small = browser.run(
        "[...document.querySelectorAll('button, select, input[type=search], .themes label > span, .layers label')]"
        ".filter((part) => part.offsetParent && !part.closest('table')).map((part) => [part.textContent.slice(0, 20),"
        " part.getBoundingClientRect().height, part.getBoundingClientRect().width])"
        ".filter(([, height, width]) => Math.min(height, width) < 43.9)"
    )
    assert small == []
    browser.order("Emulation.setTouchEmulationEnabled", enabled=False)
    browser.open(page)


BOXES = """["map", "panel-title"].map((id) => { const box = document.getElementById(id).getBoundingClientRect();
  return [box.top, box.bottom]; })"""


def test_browser_phone_shows_the_map_first_and_the_chosen_task_below_it(page: Path, browser: Browser) -> None:
    """Without a scroll at first; then after a tap on a pin, and after a tap on a row far below the map."""
    browser.order("Emulation.setTouchEmulationEnabled", enabled=True)
    browser.open(page, width=390, height=844)
    (top, bottom), (title, _) = browser.run(BOXES)
    assert top < 200
    assert bottom - top > 400
    assert bottom < title < 844 - 100
    pins = {text: (x, y) for text, x, y in browser.run(PINS)}
    first, *_, last = sorted(pins, key=int)
    assert opened(browser, *map_point(browser, *pins[first])) == f"No. {first} in the plan"
    seen = [browser.run(BOXES)]
    row = f"{SHOWN}.find((row) => row.cells[0].innerText === '{last}').querySelector('button')"
    browser.run(f"{row}.scrollIntoView()")
    assert browser.run(BOXES)[1][1] < 0
    browser.run(f"{row}.click()")
    seen.append(browser.run(BOXES))
    assert browser.run("document.getElementById('panel-title').textContent") == f"No. {last} in the plan"
    for (top, bottom), (title, end) in seen:
        assert 0 <= top + 1 < bottom < title < end < 844 - 100
    browser.order("Emulation.setTouchEmulationEnabled", enabled=False)
    browser.open(page)


def test_browser_estimates_a_plan_as_the_allocation_does(browser: Browser) -> None:
    """The same days of each task by each kind, for both rules, with tasks of one cell, and with a least time."""
    rng = np.random.default_rng(5)
    n, capacity, detection = 30, np.array([20.0, 12.0]), np.array([0.9, 0.7])
    value, days = rng.exponential(1.0, n), np.maximum(rng.uniform(0.5, 4.0, (2, n)), 0.9)
    days[0, ::5], days[1, 1::5] = np.inf, np.inf
    kinds = [
        {"place": place, "number": 1, "days": days_of, "detection": found, "usable": 1}
        for place, (days_of, found) in enumerate(zip(capacity, detection, strict=True))
    ]
    tasks = [
        {"days": [float(one) if np.isfinite(one) else None for one in days[:, task]], "value": float(value[task]),
         "urgent": False, "fixed": None, "order": task}
        for task in range(n)
    ]  # fmt: skip
    for rule, whole, least in ((greedy, False, 0), (in_order, True, 0), (greedy, False, 0.9), (in_order, True, 0.9)):
        jobs = Jobs(
            task=np.arange(n), value=value, days=days, detection=detection, order=np.arange(n), least_days=least
        )
        asked = {"wholeTasks": whole, "mostPasses": 2, "leastDays": least}
        found = browser.run(f"estimate({json.dumps(tasks)}, {json.dumps(kinds)}, {json.dumps(asked)})")
        known = allocate(jobs, capacity, rule, 2)
        # A kind that cannot work a task spends no day on it.
        spent = np.where(known.passes > 0, known.passes * np.where(np.isfinite(days), days, 0), 0).sum(axis=0)
        assert [one["days"] for one in found] == pytest.approx(spent.tolist(), abs=1e-6)
        assert [one["left"] for one in found] == pytest.approx(known.left.tolist(), abs=1e-6)


def with_what_if(package: Package) -> Package:
    kinds = [{"name": "dogs", "number": 2, "days": 10, "detection": 0.9, "usable": 1}]
    tasks = [
        {"task_id": int(task), "days": [8.0], "value": float(finds), "urgent": False, "fixed": None}
        for task, finds in zip(package.tasks["task_id"], package.tasks["expected_finds"], strict=True)
    ]
    asked = {"kinds": kinds, "whole_tasks": False, "most_passes": 1, "least_days": 0.5, "tasks": tasks}
    return replace(package, plan={**package.plan, "what_if": asked})


def test_browser_estimates_the_plan_of_other_teams_and_goes_back(package: Package, page: Path, browser: Browser,
                                                                 tmp_path: Path) -> None:  # fmt: skip
    browser.open(WRITERS["html"](with_what_if(package), tmp_path)[0])
    planned = browser.run("document.querySelectorAll('#tasks tbody tr:not([hidden])').length")
    browser.run("document.querySelector('#what-if summary').click()")
    listed = {}
    for number in (1, 6):
        browser.run(
            "(() => { const input = document.querySelector('[data-of=number]');"
            f" input.value = {number}; input.dispatchEvent(new Event('input')); }})()"
        )
        listed[number] = browser.run(f"{SHOWN}.map((row) => row.cells[6].innerText + ' ' + row.cells[7].innerText)")
        estimate = browser.run("document.getElementById('estimated').textContent")
        assert estimate.startswith("Estimate, not the plan: ")
        assert f"{10 * number} team-days" in estimate
        assert browser.run("getComputedStyle(document.querySelector('.exports')).display") == "none"
    assert 0 < len(listed[1]) < len(listed[6])
    assert all(re.fullmatch(r"dogs [\d.]+", text) for text in listed[6])
    browser.run("document.getElementById('as-planned').click()")
    assert browser.run("document.getElementById('estimated').textContent") == ""
    assert browser.run("document.querySelectorAll('#tasks tbody tr:not([hidden])').length") == planned
    assert browser.run("document.querySelectorAll('#tasks tr.estimated').length") == 0
    browser.open(page)


def test_browser_compares_with_the_plan_of_the_last_map_and_shows_the_relief_under_the_land(
    package: Package, page: Path, browser: Browser, tmp_path: Path
) -> None:
    tasks = package.tasks[["geometry"]]
    layers = {**package.layers, "plan_came": tasks.iloc[:1], "plan_left": tasks.iloc[5:6]}
    relief = Relief(np.full((30, 40), 120, dtype=np.uint8), package.grid.bounds)
    browser.open(WRITERS["html"](replace(package, layers=layers, relief=relief), tmp_path)[0])
    # Level grey beside the land is seen as it is; under it the colours of the land are mixed with it.
    grey = pixels(browser, "#787878")
    assert grey > 50
    assert pixels(browser, CLASSES[4].colour) == 0
    browser.run("document.querySelector('[data-layer=tasks]').click()")
    for key in ("plan_came", "plan_left"):
        line = pixels(browser, "#a3007f")
        browser.run(f"document.querySelector('[data-layer={key}]').click()")
        assert pixels(browser, "#a3007f") < line
    browser.run("document.querySelector('[data-layer=relief]').click()")
    assert pixels(browser, "#787878") == 0
    browser.run(
        "(() => { const slider = document.getElementById('opacity'); slider.value = 100;"
        " slider.dispatchEvent(new Event('input')); })()"
    )
    assert pixels(browser, CLASSES[4].colour) > 50
    browser.open(page)


def test_browser_fits_a_phone(page: Path, browser: Browser) -> None:
    browser.open(page, width=390, height=800)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert min(pixels(browser, cls.colour) for cls in CLASSES) > 5
    browser.open(page)


def test_browser_switches_the_language(page: Path, browser: Browser) -> None:
    browser.open(page)
    browser.run("document.querySelector('#tasks tbody tr').click()")
    assert browser.run("document.getElementById('panel-title').innerText") == "No. 1 in the plan"
    assert "former front lines +1.25" in browser.run("document.getElementById('panel-parts').innerText")
    browser.run("document.querySelectorAll('[data-language]')[1].click()")
    text = browser.run("document.body.innerText")
    for english in language("az").page:
        if len(english) > 25 and "#" not in english and "{" not in english:
            assert english not in text
    for english in (NOT_EVIDENCE, "Why here", "Legend", CLASSES[0].text, "Survey tasks", "Average probability of EO"):
        assert language("az").say(english) in text
    shown = "[...document.querySelectorAll('[data-l]')].filter((part) => getComputedStyle(part).display !== 'none')"
    assert browser.run(f"[...new Set({shown}.map((part) => part.dataset.l))]") == ["az"]
    assert "Lehinə: təmas xəttindən 1 km məsafədə" in text
    assert "keçmiş təmas xətləri +1,25" in text
    assert browser.run("document.documentElement.lang") == "az"
    assert browser.run("document.getElementById('filter').placeholder") == "rayon, yer və ya səbəb"
    assert browser.run("document.title") == "Tədqiqat prioriteti xəritəsi, Azərbaycan <b>, 31.07.2024"
    assert browser.run("Bokeh.documents[0].get_model_by_name('map').left[0].axis_label") == "Şimala, m"
    assert "Bu xəritədə tapılmadı: heç yer" in (seek(browser, "heç yer") and browser.run("document.body.innerText"))
    assert "Tədqiqat prioriteti" in seek(browser, "Ağdam")
    browser.run("document.querySelectorAll('[data-language]')[0].click()")
    assert "Survey priority" in browser.run("document.getElementById('panel').innerText")
    browser.run("document.querySelector('#tasks tbody tr').click()")
    text = browser.run("document.body.innerText")
    assert "Why here" in text
    assert "Lehinə" not in text


def test_browser_draws_the_bars_of_contributions(browser: Browser) -> None:
    """The largest fills its half; the others are in proportion; what lowered the score lies on the left."""
    browser.run("document.querySelector('#tasks tbody tr').click()")
    bars = browser.run(
        "[...document.querySelectorAll('#panel-parts b')].map((bar) => [bar.className, bar.style.width])"
    )
    assert bars == [["raised", "50%"], ["lowered", "20%"]]


def test_browser_reported_no_error_and_asked_for_nothing(page: Path, browser: Browser) -> None:
    browser.run("new Promise((done) => setTimeout(done, 200))")
    errors = [
        event
        for event in browser.events
        if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")
        or (event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "warning", "assert"))
    ]
    assert errors == []
    asked = {
        event["params"]["request"]["url"] for event in browser.events if event["method"] == "Network.requestWillBeSent"
    }
    # Pages that tests opened, and files that they saved, which the page made itself.
    asked = {url for url in asked if not url.startswith(("data:", "blob:"))}
    assert asked == {url for url in asked if url.startswith("file://") and url.endswith("/map.html")} >= {page.as_uri()}
    assert not browser.run("Boolean(document.querySelector('dialog[open]'))")
