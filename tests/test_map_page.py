"""map.html: what it says, what it cannot load, and, where Chromium is installed, that it works when clicked."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import mgrs
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely.geometry import LineString

from mlrisk.classes import CLASSES, NO_BASIS, priority_class
from mlrisk.language import language
from mlrisk.package import NOT_EVIDENCE, Package
from mlrisk.writers import WRITERS
from mlrisk.writers.figure import lonlat_nodes
from mlrisk.writers.overlays import MOST_VERTICES, thinned
from mlrisk.writers.raster import polygons_of
from mlrisk.writers.themes import make_themes
from tests.sample_package import FORBIDDEN, SCRIPT, is_green, sample_package

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def package() -> Package:
    return sample_package()


@pytest.fixture(scope="module")
def page(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = WRITERS["html"](package, tmp_path_factory.mktemp("page"))
    return path


class Reader(HTMLParser):
    """Text outside scripts and styles, the scripts, and the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if tag == "script" and data.strip():
            self.scripts.append((attributes.get("type"), data))
        elif tag != "style":
            self.texts.append(data)


@pytest.fixture(scope="module")
def read(page: Path) -> Reader:
    return Reader(page.read_text(encoding="utf-8"))


def test_page_says_what_it_is_and_is_not(read: Reader) -> None:
    text = " ".join(read.texts)
    assert text.count(NOT_EVIDENCE) >= 2
    for words in ("2024-07-31", "casualties_avoided", "demo.contamination", "version 3", "What this map does not say"):
        assert words in text
    assert "no record of mines laid during the withdrawal" in text
    assert "fewer than 100: read it as an index" in text
    assert "only the authority" in text
    assert all(cls.text in text for cls in CLASSES)
    meta = {attributes.get("name"): attributes.get("content") for tag, attributes in read.tags if tag == "meta"}
    assert meta["description"] == NOT_EVIDENCE
    assert meta["as-of"] == "2024-07-31"


def test_validation_table_shows_baselines_beside_the_model(package: Package, read: Reader) -> None:
    text = " ".join(" ".join(read.texts).split())
    part = package.metrics[(package.metrics["protocol"] == "as_of") & (package.metrics["ranking"] == "model")]
    assert f"model {part['recall_1'].mean():.2f} {part['recall_1'].min():.2f} to {part['recall_1'].max():.2f}" in text
    assert "distance to the line" in text
    assert "base rate 3.1 %" in text


def test_rows_of_means_are_no_fold(package: Package, tmp_path: Path) -> None:
    metrics = package.metrics
    means = metrics[metrics["fold"] == "2022"].assign(fold="mean", recall_1=0.99)
    changed = replace(package, metrics=pd.concat([metrics, means], ignore_index=True))
    (path,) = WRITERS["html"](changed, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "folds: 2<" in text
    assert "0.99" not in text.split("How well the ranking did")[1].split("<script")[0]


def test_page_allows_no_network_and_only_its_own_scripts(read: Reader) -> None:
    (policy,) = [
        attributes["content"] for tag, attributes in read.tags if attributes.get("http-equiv", "") and tag == "meta"
    ]
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert "http" not in policy
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for kind, text in read.scripts
        if kind is None
    ]
    assert rules["script-src"].split() == hashes
    assert len(hashes) == 2
    loaded = [attributes for _, attributes in read.tags if "src" in attributes or "href" in attributes]
    assert loaded == []


def test_hostile_text_stays_text(page: Path, read: Reader) -> None:
    text = page.read_text(encoding="utf-8")
    assert SCRIPT not in text
    assert SCRIPT in " ".join(read.texts).replace("  ", "")
    assert "Azərbaycan &lt;b&gt;" in text
    assert sum(tag == "script" for tag, _ in read.tags) == 3
    (data,) = [text for kind, text in read.scripts if kind == "application/json"]
    assert "<" not in data
    assert {task["district"] for task in json.loads(data)["tasks"]} >= {SCRIPT}


def test_no_forbidden_word_and_no_green(read: Reader, page: Path) -> None:
    own = " ".join(read.texts + [text for kind, text in read.scripts if kind or "Bokeh.embed" in text[:400]])
    assert FORBIDDEN.findall(own) == []
    assert "Whole area" in own
    style = page.read_text(encoding="utf-8").split("<style>")[1].split("</style>")[0]
    colours = re.findall(r"#[0-9a-f]{6}\b", style + own)
    assert len(colours) > 20
    assert [colour for colour in set(colours) if is_green(colour)] == []


def test_page_is_small(page: Path) -> None:
    assert page.stat().st_size < 15e6


def test_large_grid_is_shown_by_its_most_urgent_cells(package: Package) -> None:
    themes, factor = make_themes(package, most_pixels=500)
    assert factor == 4
    picture = themes[0].codes
    assert picture.size <= 500
    codes = np.zeros(package.grid.shape, dtype=int)
    codes[package.grid.mask] = priority_class(package.risk)
    rows, columns = np.nonzero(codes == 1)
    assert (picture[rows // 4, columns // 4] == 1).all()


def test_unranked_land_shows_no_number(package: Package) -> None:
    themes, _ = make_themes(package)
    no_basis = themes[0].codes == NO_BASIS
    for theme in themes[1:4]:
        assert theme.hatched > 0
        assert (theme.codes[no_basis] == theme.hatched).all()
        assert theme.labels[theme.hatched - 1] == "no basis to rank"


def test_hatch_covers_the_land_without_basis(package: Package) -> None:
    themes, _ = make_themes(package)
    mask = themes[0].codes == NO_BASIS
    shapes = polygons_of(mask, package.grid.transform, MOST_VERTICES)
    assert shapely.area(np.array(shapes)).sum() == mask.sum() * package.grid.cell_size_m**2
    rough = polygons_of(np.indices((64, 64)).sum(axis=0) % 2 == 0, package.grid.transform, most_vertices=100)
    assert shapely.get_num_coordinates(np.array(rough)).sum() <= 100


def test_roads_are_thinned_to_what_a_page_can_draw(package: Package) -> None:
    rng = np.random.default_rng(5)
    west, south, east, north = package.grid.bounds
    walks = [
        LineString(np.column_stack([rng.uniform(west - 5000, east, 150), rng.uniform(south, north, 150)]))
        for _ in range(1000)
    ]
    shapes = thinned(package, gpd.GeoDataFrame(geometry=walks, crs=package.grid.crs))
    assert 0 < shapely.get_num_coordinates(shapes).sum() <= MOST_VERTICES
    assert shapely.bounds(shapes)[:, 0].min() >= west


def test_degrees_between_the_nodes_are_within_two_metres(package: Package) -> None:
    nodes = lonlat_nodes(package)
    west, south, east, north = package.grid.bounds
    rng = np.random.default_rng(0)
    east_share, north_share = rng.uniform(0, 1, (2, 400))
    column, row = east_share * (nodes["columns"] - 1), north_share * (nodes["rows"] - 1)
    i, j = np.minimum(column.astype(int), nodes["columns"] - 2), np.minimum(row.astype(int), nodes["rows"] - 2)
    found = []
    for name in ("longitude", "latitude"):
        values = np.array(nodes[name]).reshape(nodes["rows"], nodes["columns"])
        low = values[j, i] + (values[j, i + 1] - values[j, i]) * (column - i)
        high = values[j + 1, i] + (values[j + 1, i + 1] - values[j + 1, i]) * (column - i)
        found.append(low + (high - low) * (row - j))
    back = pyproj.Transformer.from_crs("EPSG:4326", package.grid.crs, always_xy=True).transform(*found)
    error = np.hypot(back[0] - west - east_share * (east - west), back[1] - south - north_share * (north - south))
    assert error.max() < 2


def test_page_without_tasks_hazards_and_tests(package: Package, tmp_path: Path) -> None:
    bare = replace(
        package,
        tasks=package.tasks.head(0),
        hazards=package.hazards.head(0),
        layers={},
        metrics=package.metrics.head(0),
    )
    (path,) = WRITERS["html"](bare, tmp_path)
    assert "nothing is known about how well it ranks" in path.read_text(encoding="utf-8")


# --- in a browser


class Browser:
    """Chromium driven through its debugging pipe: JSON messages that end with a zero byte."""

    def __init__(self, profile: Path) -> None:
        to_browser, from_browser = os.pipe(), os.pipe()
        assert CHROMIUM is not None
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        # The browser reads its orders from descriptor 3 and answers on 4.
        wiring = f'exec "$0" "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", wiring, CHROMIUM, *flags, f"--user-data-dir={profile}", "--remote-debugging-pipe"],
            pass_fds=(to_browser[0], from_browser[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser[0]), os.close(from_browser[1])
        self.orders, self.answers = os.fdopen(to_browser[1], "wb", 0), os.fdopen(from_browser[0], "rb")
        self.events: list[dict[str, Any]] = []
        self.number = 0
        target = self.order("Target.createTarget", url="about:blank")["targetId"]
        self.session: str | None = self.order("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.order(f"{domain}.enable")

    session: str | None = None

    def order(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.orders.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _read(self) -> bytes:
        text = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        return bytes(text)

    def run(self, script: str) -> Any:
        answer = self.order("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        until = time.monotonic() + 30
        while not self.run(script):
            assert time.monotonic() < until, f"never true: {script}"
            time.sleep(0.05)

    def open(self, path: Path, width: int = 1400, height: int = 1000) -> None:
        self.order(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.order("Page.navigate", url=path.as_uri())
        self.wait("document.body !== null && document.body.dataset.state === 'ready'")
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def close(self) -> None:
        self.session = None
        self.order("Browser.close")
        self.process.wait(timeout=20)
        self.orders.close(), self.answers.close()


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
    told = browser.run(f"{json.dumps(places)}.map((place) => mgrsOf(...place))")
    oracle = [mgrs.MGRS().toMGRS(latitude, longitude, MGRSPrecision=4) for longitude, latitude in places]
    assert [text.replace(" ", "").zfill(13) for text in told] == [text.zfill(13) for text in oracle]
    assert browser.run("mgrsOf(10, 85)") == ""


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
    for told in (NOT_EVIDENCE, "Why here", "Legend", CLASSES[0].text, "Survey tasks", "Contamination, mean"):
        assert language("az").say(told) in text
    shown = "[...document.querySelectorAll('[data-l]')].filter((part) => getComputedStyle(part).display !== 'none')"
    assert browser.run(f"[...new Set({shown}.map((part) => part.dataset.l))]") == ["az"]
    assert "təmas xəttindən 1 km məsafədə — balı artırıb" in text
    assert "təmas xətləri +1.25" in text
    assert browser.run("document.documentElement.lang") == "az"
    assert browser.run("document.getElementById('filter').placeholder") == "rayon və ya səbəb"
    assert browser.run("document.title") == "Tədqiqat prioriteti xəritəsi, Azərbaycan <b>, 2024-07-31"
    assert browser.run("Bokeh.documents[0].get_model_by_name('map').left[0].axis_label") == "Şimala, m"
    browser.run("document.querySelectorAll('[data-language]')[0].click()")
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
