"""The files in other programs: QGIS, GDAL and its validator, and the order that the schema of KML requires."""

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from PIL import Image

from mlrisk.outputs.registry import WRITERS
from mlrisk.outputs.wording import TASK_COLUMNS
from mlrisk.ranking.prior import NOT_LEARNED
from mlrisk.risk_map.package import Package
from mlrisk.risk_map.priority_classes import CLASSES, NO_BASIS
from tests.support.paths import ROOT
from tests.support.sample_package import is_green, sample_package

# The Python of the system has PyQGIS and GDAL's scripts, where they are installed (.ci/run does).
PYTHON = "/usr/bin/python3"


def needs(module: str) -> None:
    if subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{module} is not installed")


@pytest.fixture(scope="module")
def package() -> Package:
    return sample_package(30, 40)


@pytest.fixture(scope="module")
def folder(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    for name in ("cog", "gpkg", "qgz", "csv", "xlsx", "kml", "gpx"):
        WRITERS[name](package, folder)
    return folder


def test_qgis_opens_the_geopackage_classified_and_labelled(package: Package, folder: Path) -> None:
    needs("qgis.core")
    picture = folder / "qgis.png"
    script = ROOT / "tests" / "support" / "in_qgis.py"
    ran = subprocess.run(
        [PYTHON, str(script), str(folder / "risk_map.gpkg"), str(picture)],
        capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    layers = json.loads(ran.stdout)
    assert list(layers)[:4] == ["ranked_cells", "no_basis_to_rank", "survey_tasks", "known_hazards"]
    assert all(layer["valid"] and layer["epsg"] == "EPSG:32638" for layer in layers.values())
    cells, tasks = layers["ranked_cells"], layers["survey_tasks"]
    shown = [cls for cls in CLASSES if cls.share_to is not None]
    assert (cells["renderer"], cells["attribute"]) == ("categorizedSymbol", "priority_class")
    assert cells["legend"] == [cls.text for cls in shown]
    assert cells["colours"] == [cls.colour for cls in shown]
    assert tasks["features"] == len(package.tasks)
    assert tasks["labels"] == [['"plan_order"', 0]] * 2 + [['"plan_order"', 100_000], ['"rank"', 100_000]]
    assert (layers["settlements"]["labels"], cells["labels"]) == ([['"name"', 0], ['"name"', 100_000]], [])
    labels = {column.name: column.label for column in TASK_COLUMNS}
    for layer in (cells, tasks):
        assert {name: text for name, text in layer["aliases"].items() if name in labels} == {
            name: labels[name] for name in layer["aliases"] if name in labels
        }
    drawn = colours_of(picture)
    assert min(drawn.get(cls.colour, 0) for cls in (*shown, CLASSES[NO_BASIS - 1])) > 100
    assert [colour for colour, count in drawn.items() if count > 20 and is_green(colour)] == []


def test_qgis_opens_the_project_with_its_themes_and_a_sheet_for_each_planned_task(
    package: Package, folder: Path, tmp_path: Path
) -> None:
    needs("qgis.core")
    # What moves to another computer as a whole opens there.
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    script = ROOT / "tests" / "support" / "project_in_qgis.py"
    ran = subprocess.run(
        [PYTHON, str(script), str(moved / "mlrisk.qgz"), str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert found["crs"] == "EPSG:32638"
    assert found["elsewhere"] == []
    assert len(found["layers"]) == 13
    assert all(found["layers"].values())
    assert set(found["themes"]) == {"overview", "plan", "evidence", "uncertainty"}
    assert set(found["tips"]) == {"Survey tasks", "The first cells, one by one"}
    assert found["words"]["non_technical_survey"] == "non-technical survey"
    assert found["groups"] == ["The task", "Place", "What is expected", "Why"]
    assert {name: len(sheets) for name, sheets in found["layouts"].items()} == dict.fromkeys(
        ("A4", "A3"), int(package.tasks["planned"].sum())
    )
    shown = [cls.colour for cls in CLASSES if cls.share_to is not None]
    for name in ("theme_overview", "theme_plan", "A4", "A3"):
        drawn = colours_of(tmp_path / f"{name}.png")
        assert [colour for colour in shown if drawn.get(colour, 0) < (100 if "theme" in name else 1)] == [], name
        assert [colour for colour, count in drawn.items() if count > 20 and is_green(colour)] == []


def test_qgis_opens_a_map_by_rules_of_the_field_that_says_so_and_has_no_empty_layer(
    package: Package, tmp_path: Path
) -> None:
    needs("qgis.core")
    numbers = ["contamination", "contamination_low", "contamination_high", "casualties_per_year"]
    bare = replace(
        package,
        risk=package.risk.assign(**dict.fromkeys(numbers, np.nan), in_domain=True),
        tasks=package.tasks.assign(planned=False, district=""),
        hazards=package.hazards.iloc[:0],
        notes=replace(package.notes, basis=NOT_LEARNED),
    )
    for name in ("cog", "gpkg", "qgz"):
        WRITERS[name](bare, tmp_path)
    for script, file, out in (("in_qgis", "risk_map.gpkg", "gpkg.png"), ("project_in_qgis", "mlrisk.qgz", ".")):
        ran = subprocess.run(
            [PYTHON, str(ROOT / "tests" / "support" / f"{script}.py"), str(tmp_path / file), str(tmp_path / out)],
            capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )  # fmt: skip
        found = json.loads(ran.stdout)
        if script == "in_qgis":
            assert all(layer["valid"] and layer["renderer"] for layer in found.values())
            assert found["known_hazards"]["features"] == 0
    assert set(found["themes"]) == {"overview", "plan", "evidence"}
    assert not {"Probability of EO", "How unsure", "Victims per year"} & set(found["layers"])
    with zipfile.ZipFile(tmp_path / "mlrisk.qgz") as archive:
        text = archive.read("mlrisk.qgs").decode()
    assert text.count(NOT_LEARNED) >= 2
    assert "District: " not in text
    assert "Team-days: " not in text


def colours_of(picture: Path) -> dict[str, int]:
    """How many pixels have each colour."""
    image = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    pixels, counts = np.unique(image, axis=0, return_counts=True)
    return {
        f"#{red:02x}{green:02x}{blue:02x}": int(count) for (red, green, blue), count in zip(pixels, counts, strict=True)
    }


@pytest.mark.parametrize("name", ["risk_map.tif", "risk_classes.tif"])
def test_gdal_says_that_the_cog_is_valid(folder: Path, name: str) -> None:
    needs("osgeo_utils.samples.validate_cloud_optimized_geotiff")
    validator = "osgeo_utils.samples.validate_cloud_optimized_geotiff"
    ran = subprocess.run([PYTHON, "-m", validator, str(folder / name)], capture_output=True, text=True, check=False)
    assert "is a valid cloud optimized GeoTIFF" in ran.stdout, ran.stdout + ran.stderr
    assert "warning" not in ran.stdout.lower()


@pytest.mark.parametrize(
    ("name", "layer", "notes"),
    [("survey_tasks.csv", "survey_tasks", 0), ("survey_tasks.xlsx", "Survey tasks", 2), ("survey_tasks.kml", None, 0),
     ("risk_map.gpkg", "survey_tasks", 0)],
)  # fmt: skip
def test_gdal_reads_a_row_for_each_task(
    package: Package, folder: Path, name: str, layer: str | None, notes: int
) -> None:
    # Each folder of the KML is a layer.
    layers = [layer] if layer else pyogrio.list_layers(folder / name)[:, 0]
    rows = sum(pyogrio.read_info(folder / name, layer=one, force_feature_count=True)["features"] for one in layers)
    # The sheet has the warning in a row above its header, which then counts as a row too.
    assert rows == len(package.tasks) + notes


# Of the elements that we write, in the order of the OGC schema (KML 2.2, 07-147r2).
ORDER = {
    "kml": ("Document",),
    "Document": ("name", "description", "Style", "Folder"),
    "Folder": ("name", "open", "description", "Placemark"),
    "Style": ("LabelStyle", "LineStyle", "PolyStyle", "BalloonStyle"),
    "LabelStyle": ("color",),
    "LineStyle": ("color", "width"),
    "PolyStyle": ("color",),
    "BalloonStyle": ("text",),
    "Placemark": ("name", "Snippet", "description", "styleUrl", "ExtendedData", "MultiGeometry"),
    "ExtendedData": ("Data",),
    "Data": ("displayName", "value"),
    "MultiGeometry": ("Point", "Polygon"),
    "Point": ("coordinates",),
    "Polygon": ("tessellate", "outerBoundaryIs", "innerBoundaryIs"),
    "outerBoundaryIs": ("LinearRing",),
    "innerBoundaryIs": ("LinearRing",),
    "LinearRing": ("coordinates",),
}


def test_kml_is_as_its_schema_asks(folder: Path) -> None:
    root = ET.parse(folder / "survey_tasks.kml").getroot()  # noqa: S314 -- our own output
    space = "{http://www.opengis.net/kml/2.2}"
    assert root.tag == f"{space}kml"
    for element in root.iter():
        name = element.tag.removeprefix(space)
        allowed = ORDER.get(name, ())
        places = [allowed.index(child.tag.removeprefix(space)) for child in element]
        assert all(first <= second for first, second in pairwise(places)), name
    styles = {f"#{style.get('id')}" for style in root.iter(f"{space}Style")}
    assert {url.text for url in root.iter(f"{space}styleUrl")} == styles
    names = [mark.get("id") for mark in root.iter(f"{space}Placemark")]
    assert len(set(names)) == len(names) > 0
    for ring in root.iter(f"{space}LinearRing"):
        points = [tuple(map(float, point.split(","))) for point in (ring[0].text or "").split()]
        assert len(points) >= 4
        assert points[0] == points[-1]
        assert all(-180 <= longitude <= 180 and -90 <= latitude <= 90 for longitude, latitude in points)


# Of the elements that we write, in the order of the schema of GPX 1.1, with the attributes that they must have.
GPX_ORDER = {
    "gpx": ("metadata", "wpt", "trk"),
    "metadata": ("name", "desc"),
    "wpt": ("name", "desc", "sym"),
    "trk": ("name", "trkseg"),
    "trkseg": ("trkpt",),
}


def test_gpx_is_as_its_schema_asks(folder: Path) -> None:
    root = ET.parse(folder / "survey_tasks.gpx").getroot()  # noqa: S314 -- our own output
    space = "{http://www.topografix.com/GPX/1/1}"
    assert (root.tag, root.get("version"), root.get("creator")) == (f"{space}gpx", "1.1", "mlrisk")
    for element in root.iter():
        name = element.tag.removeprefix(space)
        allowed = GPX_ORDER.get(name, ())
        places = [allowed.index(child.tag.removeprefix(space)) for child in element]
        assert all(first <= second for first, second in pairwise(places)), name
        if name in ("wpt", "trkpt"):
            assert -90 <= float(element.get("lat") or "nan") <= 90
            assert -180 <= float(element.get("lon") or "nan") < 180
    assert all(len(segment) >= 4 for segment in root.iter(f"{space}trkseg"))
