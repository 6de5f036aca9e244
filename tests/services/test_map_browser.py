"""map.html in Chromium, where it is installed: it works when clicked, typed into and read on a phone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import mgrs
import numpy as np
import pyproj
import pytest

from features.base import NOT_EVIDENCE
from mlrisk.outputs.registry import WRITERS
from mlrisk.risk_map.language import language
from mlrisk.risk_map.package import Package
from mlrisk.risk_map.priority_classes import CLASSES, EVIDENCE_TEXTS, NO_BASIS
from tests.support.headless import CHROMIUM, Browser
from tests.support.sample_package import SCRIPT, sample_package


@pytest.fixture(scope="module")
def package() -> Package:
    return sample_package()


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
    assert "Rank 1" in panel
    assert SCRIPT in panel
    assert task["reason_1"] in panel
    assert task["reason_2"] in panel
    assert f"{task['latitude']:.5f}, {task['longitude']:.5f}" in panel
    assert f"{task['area_m2'] / 10_000:,.1f} ha" in panel
    assert f"{100 * task['contamination_low']:.1f} % to {100 * task['contamination_high']:.1f} %" in panel
    cells = package.risk[package.risk["task_id"] == task["task_id"]]["evidence"].value_counts()
    assert len(cells) > 1
    counts = [f"{name} {cells.get(name, 0)}" for name in ("found", "searched", "unknown")]
    assert ", ".join(counts) in panel
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


def map_point(browser: Browser, easting: float, northing: float) -> tuple[float, float]:
    """Where a place lies in the window, in pixels."""
    found = browser.run(
        "(() => { window.scrollTo(0, 0); const plot = Bokeh.documents[0].get_model_by_name('map');"
        " const view = Bokeh.index.get_by_id(plot.id); const box = view.el.getBoundingClientRect();"
        " const { x_range: x, y_range: y } = plot; const frame = view.frame.bbox;"
        f" return [box.left + frame.left + ({easting} - x.start) / (x.end - x.start) * frame.width,"
        f" box.top + frame.top + (y.end - {northing}) / (y.end - y.start) * frame.height]; }})()"
    )
    return float(found[0]), float(found[1])


def test_browser_click_on_a_task_shows_it(package: Package, browser: Browser) -> None:
    task = package.tasks.iloc[2]
    place = task.geometry.representative_point()
    left, top = map_point(browser, place.x, place.y)
    browser.order("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
    for kind in ("mousePressed", "mouseReleased"):
        browser.order("Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", clickCount=1)
    browser.wait("document.getElementById('panel-title').textContent === 'Rank 3'")
    assert task["reason_1"] in browser.run("document.getElementById('panel').innerText")


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


def seek(browser: Browser, typed: str) -> str:
    """Type into the search of places; what the panel then says."""
    browser.run(
        f"(() => {{ const box = document.getElementById('place'); box.value = {json.dumps(typed)};"
        " box.form.requestSubmit(); })()"
    )
    return str(browser.run("document.getElementById('panel').innerText"))


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
    assert "Rank 2" in seek(browser, "2")
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
    assert browser.run("document.getElementById('panel-title').textContent") == "Rank 2"


def test_browser_has_every_layer(browser: Browser) -> None:
    """Themes and overlays of the issue's list: each switch changes what is drawn."""
    themes = browser.run("[...document.querySelectorAll('[name=theme]')].map((radio) => radio.value)")
    assert themes == ["priority", "contamination", "interval", "casualties", "evidence"]
    overlays = set(browser.run("[...document.querySelectorAll('[data-layer]')].map((box) => box.dataset.layer)"))
    assert overlays == {"tasks", "hazards", "front_lines", "roads", "settlements", "districts"}
    seen = (
        "Bokeh.documents[0].get_model_by_name('map').renderers.filter((part) => part.visible).map((part) => part.name)"
    )
    for name in overlays:
        browser.run(f"document.querySelector('[data-layer={name}]').click()")
        assert f"layer/{name}" not in browser.run(seen)
        browser.run(f"document.querySelector('[data-layer={name}]').click()")
        assert f"layer/{name}" in browser.run(seen)


def test_browser_draws_labels_only_where_a_zoom_has_room_for_them(package: Package, browser: Browser) -> None:
    shown = (
        "Bokeh.documents[0].get_model_by_name('map').renderers.filter((part) => part.name === 'layer/tasks'"
        " && part.tags.length && part.visible && part.glyph.type === 'Text')"
        ".flatMap((part) => [...part.data_source.get('text')])"
    )
    browser.run("document.querySelector('[data-zoom=all]').click()")
    browser.order("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    browser.wait("Bokeh.documents[0].get_model_by_name('map').inner_width < 390")
    few = browser.run(shown)
    for _ in range(6):
        browser.run("document.querySelector('[data-zoom=in]').click()")
    assert "1" in few
    assert len(few) < len(browser.run(shown)) == len(package.tasks)
    browser.order("Emulation.setDeviceMetricsOverride", width=1400, height=1000, deviceScaleFactor=1, mobile=False)
    browser.run("document.querySelector('[data-zoom=all]').click()")


def test_browser_table_sorts_and_filters(package: Package, browser: Browser) -> None:
    areas = "[...document.querySelectorAll('#tasks tbody tr')].map((row) => Number(row.cells[2].dataset.value))"
    browser.run("document.querySelectorAll('#tasks thead button')[2].click()")
    assert browser.run(areas) == sorted(package.tasks["area_m2"])
    browser.run("document.querySelectorAll('#tasks thead button')[2].click()")
    assert browser.run(areas) == sorted(package.tasks["area_m2"], reverse=True)
    browser.run(
        "(() => { const box = document.getElementById('filter'); box.value = 'tərtər';"
        " box.dispatchEvent(new Event('input')); })()"
    )
    shown = browser.run("document.querySelectorAll('#tasks tbody tr:not([hidden])').length")
    assert shown == (package.tasks["district"] == "Tərtər").sum() > 0
    browser.run(
        "(() => { const box = document.getElementById('filter'); box.value = '';"
        " box.dispatchEvent(new Event('input')); })()"
    )


def test_browser_fits_a_phone(page: Path, browser: Browser) -> None:
    browser.open(page, width=390, height=800)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert min(pixels(browser, cls.colour) for cls in CLASSES) > 5
    browser.open(page)


def test_browser_switches_the_language(page: Path, browser: Browser) -> None:
    browser.open(page)
    browser.run("document.querySelector('#tasks tbody tr').click()")
    assert browser.run("document.getElementById('panel-title').innerText") == "Rank 1"
    assert "front lines +1.25" in browser.run("document.getElementById('panel-parts').innerText")
    browser.run("document.querySelectorAll('[data-language]')[1].click()")
    text = browser.run("document.body.innerText")
    for english in language("az").page:
        if len(english) > 25 and "#" not in english and "{" not in english:
            assert english not in text
    for english in (NOT_EVIDENCE, "Why here", "Legend", CLASSES[0].text, "Survey tasks", "Contamination, mean"):
        assert language("az").say(english) in text
    shown = "[...document.querySelectorAll('[data-l]')].filter((part) => getComputedStyle(part).display !== 'none')"
    assert browser.run(f"[...new Set({shown}.map((part) => part.dataset.l))]") == ["az"]
    assert "təmas xəttindən 1 km məsafədə — balı artırıb" in text
    assert "təmas xətləri +1.25" in text
    assert browser.run("document.documentElement.lang") == "az"
    assert browser.run("document.getElementById('filter').placeholder") == "rayon və ya səbəb"
    assert browser.run("document.title") == "Tədqiqat prioriteti xəritəsi, Azərbaycan <b>, 2024-07-31"
    assert browser.run("Bokeh.documents[0].get_model_by_name('map').left[0].axis_label") == "Şimala, m"
    assert "Bu xəritədə tapılmadı: heç yer" in (seek(browser, "heç yer") and browser.run("document.body.innerText"))
    assert "Tədqiqat prioriteti" in seek(browser, "Ağdam")
    browser.run("document.querySelectorAll('[data-language]')[0].click()")
    assert "Survey priority" in browser.run("document.getElementById('panel').innerText")
    browser.run("document.querySelector('#tasks tbody tr').click()")
    text = browser.run("document.body.innerText")
    assert "Why here" in text
    assert "balı artırıb" not in text


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
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}
    assert not browser.run("Boolean(document.querySelector('dialog[open]'))")
