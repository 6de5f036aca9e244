"""map.html as text: what it says, what it can load, and what goes into its pictures."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely.geometry import LineString

from features.base import NOT_EVIDENCE
from mlrisk.outputs.cell_rasters import polygons_of
from mlrisk.outputs.map_page_figure import lonlat_nodes
from mlrisk.outputs.map_page_labels import HALO, HEIGHT_PX, INK, NARROWEST_PX, QUIET, STEPS, Label, limits
from mlrisk.outputs.map_page_overlays import MOST_VERTICES, named_places, thinned
from mlrisk.outputs.map_page_themes import make_themes
from mlrisk.outputs.registry import WRITERS
from mlrisk.risk_map.package import Package
from mlrisk.risk_map.priority_classes import CLASSES, DECLARED_TEXT, EVIDENCE_TEXTS, NO_BASIS, priority_class
from tests.support.sample_package import FORBIDDEN, SCRIPT, is_green, sample_package


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


@pytest.mark.slow
def test_page_says_what_it_is_and_is_not(read: Reader) -> None:
    text = " ".join(read.texts)
    assert text.count(NOT_EVIDENCE) >= 2
    for words in (
        "2024-07-31",
        "victims averted per team-day",
        "demo.contamination",
        "version 3",
        "What this map does not say",
    ):
        assert words in text
    assert "no record of mines laid during the withdrawal" in text
    assert "fewer than 100: read it as an index" in text
    assert "only the authority" in text
    assert all(cls.text in text for cls in CLASSES)
    meta = {attributes.get("name"): attributes.get("content") for tag, attributes in read.tags if tag == "meta"}
    assert meta["description"] == NOT_EVIDENCE
    assert meta["as-of"] == "2024-07-31"


@pytest.mark.slow
def test_validation_table_shows_baselines_beside_the_model(package: Package, tmp_path: Path) -> None:
    (path,) = WRITERS["html"](replace(package, languages=("en",)), tmp_path)
    text = " ".join(" ".join(Reader(path.read_text("utf-8")).texts).split())
    part = package.metrics[(package.metrics["protocol"] == "as_of") & (package.metrics["ranking"] == "model")]
    assert f"model {part['recall_1'].mean():.2f} {part['recall_1'].min():.2f} to {part['recall_1'].max():.2f}" in text
    assert "nearest to the former front line" in text
    assert "base rate 3.1 %" in text


@pytest.mark.slow
def test_rows_of_means_are_no_fold(package: Package, tmp_path: Path) -> None:
    metrics = package.metrics
    means = metrics[metrics["fold"] == "2022"].assign(fold="mean", recall_1=0.99)
    changed = replace(package, metrics=pd.concat([metrics, means], ignore_index=True))
    (path,) = WRITERS["html"](changed, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "folds: 2<" in text
    assert "0.99" not in text.split("How well the ranking did")[1].split("<script")[0]


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_labels_are_drawn_from_the_zoom_on_at_which_they_touch_no_other() -> None:
    rng = np.random.default_rng(8)
    labels = [
        Label(key="settlements", text="Ağdam", easting_m=place[0], northing_m=place[1], left_px=5, right_px=40)
        for place in rng.uniform(0, 300_000, (400, 2))
    ]
    most = limits(labels, 300_000)
    assert most[0] == 300_000 / NARROWEST_PX
    steps = np.unique(most)
    assert len(steps) >= STEPS - 1
    for metres in steps[1:]:
        east, north = np.array([(one.easting_m, one.northing_m) for one in labels])[most >= metres].T
        apart = (np.abs(east[:, None] - east) >= 45 * metres) | (np.abs(north[:, None] - north) >= HEIGHT_PX * metres)
        assert apart[~np.eye(len(east), dtype=bool)].all()
    same = limits([labels[0], labels[0]], 300_000)
    assert same.tolist() == [1_000, 1_000 / 2 ** (STEPS - 1)]
    assert len(limits([], 300_000)) == 0


def test_search_knows_every_named_place_on_the_map(package: Package) -> None:
    names = [name for name, *_ in named_places(package)]
    assert names == [SCRIPT, "Tərtər", SCRIPT, "Ağdam"]
    west, south, east, north = package.grid.bounds
    assert all(west <= x <= east and south <= y <= north for _, x, y in named_places(package))


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


@pytest.mark.slow
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


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.1)."""
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_names_stand_out_from_their_halo_and_the_page_from_its_ground() -> None:
    """At least 4.5 (WCAG 2.1, AA); with the halo around its letters a name does not depend on the class below."""
    pairs = [(INK, HALO), (QUIET, HALO), *(("#675f54", ground) for ground in ("#f4f1ea", "#ffffff")),
             ("#4d0915", "#fbe9e4"), ("#7a1022", "#ffffff"), ("#0b57d0", "#ffffff")]  # fmt: skip
    for text, ground in pairs:
        light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
    style = files("mlrisk.outputs").joinpath("assets/page.css").read_text("utf-8")
    assert {"--soft: #675f54", "--alarm: #7a1022", "--paper: #f4f1ea"} <= set(re.findall(r"--\w+: #\w+", style))


def test_land_that_the_config_declares_surveyed_has_a_class_of_its_own(package: Package) -> None:
    before = make_themes(package)[0][-1]
    searched = package.risk["evidence"].eq("searched") & (
        package.risk["easting_m"] > package.risk["easting_m"].median()
    )
    status = package.risk["status"].mask(searched, "declared")
    now = make_themes(replace(package, risk=package.risk.assign(status=status)))[0][-1]
    assert before.key == now.key == "evidence"
    assert DECLARED_TEXT not in before.labels
    code = now.labels.index(DECLARED_TEXT) + 1
    assert (now.codes == code).sum() == searched.sum() > 0
    assert ((now.codes == code) <= (before.codes == before.labels.index(EVIDENCE_TEXTS["searched"]) + 1)).all()
    assert len(now.labels) == len(now.colours) == len(set(now.colours))
