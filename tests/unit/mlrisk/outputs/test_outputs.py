"""All files of the package together: what each says of itself, and what none may say or show."""

import re
import sqlite3
import struct
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio
import pystac
import pytest
import rasterio

from features.base import NOT_EVIDENCE
from mlrisk.outputs.esri import MOST_BYTES, SHORT, short_name
from mlrisk.outputs.geopackage import planner_layers
from mlrisk.outputs.registry import WRITERS
from mlrisk.risk_map.package import Package
from mlrisk.risk_map.priority_classes import CLASSES
from tests.support.sample_package import FORBIDDEN, FORBIDDEN_AZ, FORMULA, PATH, SCRIPT, is_green, sample_package

pytestmark = pytest.mark.slow

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture(scope="module")
def package() -> Package:
    """Small, with a casualty risk, a script in a name, a formula in a reason and a path in a district."""
    package = sample_package(30, 40)
    districts = [(SCRIPT, PATH)[place % 2] for place in range(len(package.tasks))]
    return replace(package, sheets=1, tasks=package.tasks.assign(district=districts))


@pytest.fixture(scope="module")
def folder(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    for write in WRITERS.values():
        write(package, folder)
    return folder


def _tif(path: Path) -> str:
    with rasterio.open(path) as image:
        return str(image.tags())


def _gpkg(path: Path) -> str:
    layers = [name for name, kind in pyogrio.list_layers(path).tolist() if kind is not None]
    infos = [pyogrio.read_info(path, layer=name) for name in layers]
    assert all(info["layer_metadata"]["not_evidence"] == NOT_EVIDENCE for info in infos)
    return str(infos[0]["dataset_metadata"])


def _kml(path: Path) -> str:
    text = path.read_text().split("\n", 1)[1]
    document = ET.fromstring(text).find("{*}Document")  # noqa: S314 -- our own output
    assert document is not None
    return document.findtext("{*}description") or ""


def _xlsx(path: Path) -> str:
    properties = openpyxl.load_workbook(path).properties
    return f"{properties.subject} {properties.description}"


def _pdf(path: Path) -> str:
    raw = path.read_bytes()
    coded = re.findall(rb"/(?:Subject|Keywords|Title) \((.*?)(?<!\\)\)", raw, re.DOTALL)
    parts = [re.sub(rb"\\(.)", rb"\1", part, flags=re.DOTALL) for part in coded]
    return " ".join(part.decode("utf-16" if part.startswith(b"\xfe\xff") else "latin-1") for part in parts)


def _shp(path: Path) -> str:
    rows = pyogrio.read_dataframe(path.with_suffix(".shp"))
    assert set(rows["note"]) == {NOT_EVIDENCE}
    return path.with_suffix(".txt").read_text("utf-8")


SELF = {
    "risk_map.tif": _tif,
    "risk_classes.tif": _tif,
    "risk.parquet": lambda path: pq.read_schema(path).metadata[b"mlrisk"].decode(),
    "risk_map.gpkg": _gpkg,
    "mlrisk.qgz": lambda path: zipfile.ZipFile(path).read("mlrisk.qgs").decode(),
    "survey_tasks.csv": lambda path: path.read_text("utf-8-sig").splitlines()[1],
    "survey_tasks.xlsx": _xlsx,
    "survey_tasks.kml": _kml,
    "survey_calendar.xlsx": _xlsx,
    "survey_calendar.ics": lambda path: path.read_text("utf-8").replace("\n ", ""),
    "survey_tasks.gpx": lambda path: path.read_text("utf-8").partition("</metadata>")[0],
    "survey_sheets.pdf": _pdf,
    "survey_tasks.txt": _shp,
    "ranked_cells.txt": _shp,
    "risk_map.gdb.zip": lambda path: " ".join(
        pyogrio.read_dataframe(f"/vsizip/{path}/risk_map.gdb", layer="notes")["note"]
    ),
    "stac_item.json": lambda path: str(pystac.Item.from_file(str(path)).properties),
    "map.html": lambda path: " ".join(re.findall(r'<meta name="[a-z-]+" content="([^"]*)">', path.read_text("utf-8"))),
}


@pytest.mark.parametrize("name", SELF)
def test_every_file_says_what_it_is_not(name: str, package: Package, folder: Path) -> None:
    """Read back by other libraries than those that wrote, where there are such."""
    text = SELF[name](folder / name)
    assert NOT_EVIDENCE in text
    assert package.notes.as_of.isoformat() in text
    assert "no record of mines laid" in text
    assert "demo.contamination" in text


def test_no_file_was_forgotten(folder: Path) -> None:
    parts = {".cpg", ".dbf", ".prj", ".shp", ".shx", ".qml", ".xml"}
    files = {path.name for path in folder.iterdir() if path.suffix not in parts}
    assert files == set(SELF), "SELF takes one line for each file: how its notes are read back"


def texts_of(folder: Path) -> dict[str, str]:
    """All text that a reader of each file may see; the program of the page is not text."""
    endings = {".csv", ".kml", ".qml", ".json", ".txt", ".html"}
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.suffix in endings}
    texts["map.html"] = re.sub(r"<script>.*?</script>", "", texts["map.html"], flags=re.DOTALL)
    with zipfile.ZipFile(folder / "survey_tasks.xlsx") as book:
        texts["survey_tasks.xlsx"] = " ".join(book.read(name).decode() for name in book.namelist())
    texts["mlrisk.qgz"] = zipfile.ZipFile(folder / "mlrisk.qgz").read("mlrisk.qgs").decode()
    with sqlite3.connect(folder / "risk_map.gpkg") as database:
        texts["risk_map.gpkg"] = " ".join(database.iterdump())
    database.close()
    texts["risk.parquet"] = str(pq.read_schema(folder / "risk.parquet").metadata) + str(
        gpd.read_parquet(folder / "risk.parquet").filter(like="reason").to_numpy().tolist()
    )
    texts["survey_sheets.pdf"] = _pdf(folder / "survey_sheets.pdf")
    geodatabase = f"/vsizip/{folder}/risk_map.gdb.zip/risk_map.gdb"
    for layer in ("survey_tasks", "lookup", "notes"):
        texts[f"gdb/{layer}"] = str(pyogrio.read_dataframe(geodatabase, layer=layer).to_numpy().tolist())
    return texts


def test_no_file_uses_a_forbidden_word_in_either_language(folder: Path) -> None:
    texts = texts_of(folder)
    assert len(texts) >= 16
    found = {name: {*FORBIDDEN.findall(text), *FORBIDDEN_AZ.findall(text)} for name, text in texts.items()}
    assert {name: words for name, words in found.items() if words} == {}
    assert "Azərbaycanca" in texts["map.html"]


def test_no_file_holds_a_green(folder: Path) -> None:
    texts = texts_of(folder)
    colours = {
        (name, colour.lower()) for name, text in texts.items() for colour in re.findall(r"#[0-9a-fA-F]{6}\b", text)
    }
    # KML and XLSX write eight digits, alpha first; KML turns red and blue round.
    bgr = re.findall(r"<color>[0-9a-f]{2}([0-9a-f]{6})</color>", texts["survey_tasks.kml"])
    colours |= {("kml", f"#{text[4:]}{text[2:4]}{text[:2]}") for text in bgr}
    colours |= {("xlsx", f"#{text.lower()}") for text in re.findall(r'rgb="FF(\w{6})"', texts["survey_tasks.xlsx"])}
    triples = re.findall(r'"(?:color|outline_color|line_color)" value="(\d+),(\d+),(\d+)', str(texts))
    colours |= {("qml", "#" + "".join(f"{int(value):02x}" for value in triple)) for triple in triples}
    with rasterio.open(folder / "risk_classes.tif") as image:
        table = image.colormap(1)
    colours |= {("tif", "#" + bytes(table[cls.code][:3]).hex()) for cls in CLASSES}
    assert {name for name, _ in colours} >= {"kml", "tif", "map.html", "risk_map.gpkg", "xlsx"}
    assert [pair for pair in sorted(colours) if is_green(pair[1])] == []


def test_hostile_texts_are_text_and_never_a_path_or_a_formula(folder: Path) -> None:
    texts = texts_of(folder)
    for name in ("map.html", "survey_tasks.kml", "survey_tasks.xlsx"):
        assert SCRIPT not in texts[name], name
    assert all(
        not field.startswith(("=", "+", "@")) for field in re.findall(r'(?:^|,)"?([^",]*)', texts["survey_tasks.csv"])
    )
    with zipfile.ZipFile(folder / "survey_tasks.xlsx") as book:
        assert all(b"<f>" not in book.read(name) and b"<hyperlink" not in book.read(name) for name in book.namelist())
    tasks = pyogrio.read_dataframe(folder / "risk_map.gpkg", layer="survey_tasks", read_geometry=False)
    assert {SCRIPT, PATH} <= set(tasks["district"])
    assert {text for text in tasks["reason_1"] if "HYPERLINK" in text} == {f"'{FORMULA}"}
    with zipfile.ZipFile(folder / "risk_map.gdb.zip") as archive:
        assert all(name.startswith("risk_map.gdb/") and ".." not in name for name in archive.namelist())
    assert all(".." not in path.name and "passwd" not in path.name for path in folder.iterdir())
    item = pystac.Item.from_file(str(folder / "stac_item.json"))
    assert all(".." not in asset.href for asset in item.assets.values())


# --- shapefiles and the file geodatabase


def test_short_names_are_ten_characters_and_differ(package: Package) -> None:
    more = ["expected_finds_low", "expected_finds_high", "authority_class", "reason_1_az", "contamination_low", "mgrs"]
    for name in ("survey_tasks", "ranked_cells", "known_hazards"):
        columns = {*planner_layers(package)[name].columns, *more} - {"geometry"}
        short = {short_name(column) for column in columns}
        assert max(map(len, short)) <= 10, [column for column in columns if len(short_name(column)) > 10]
        assert len(short) == len(columns)
    assert len(set(SHORT.values())) == len(SHORT)


def test_shapefile_holds_the_tasks_with_their_texts_cut_between_letters(package: Package, tmp_path: Path) -> None:
    tasks = package.tasks.assign(reason_1="ə" * 300)
    WRITERS["shp"](replace(package, tasks=tasks), tmp_path)
    read = pyogrio.read_dataframe(tmp_path / "survey_tasks.shp")
    assert read["reason_1"].iloc[0] == "ə" * (MOST_BYTES // 2)
    assert read["rank"].tolist() == sorted(package.tasks["rank"])
    assert read.geometry.area.to_numpy() == pytest.approx(package.tasks["area_m2"].to_numpy())
    assert read.crs.to_epsg() == 32638
    year, month, day = struct.unpack("<BBB", (tmp_path / "survey_tasks.dbf").read_bytes()[1:4])
    assert (1900 + year, month, day) == (2024, 7, 31)


def test_geodatabase_has_the_layers_of_the_geopackage(package: Package, folder: Path) -> None:
    path = f"/vsizip/{folder}/risk_map.gdb.zip/risk_map.gdb"
    layers = dict(pyogrio.list_layers(path).tolist())
    assert {"ranked_cells", "survey_tasks", "known_hazards", "lookup", "notes"} <= set(layers)
    tasks = gpd.read_file(path, layer="survey_tasks")
    assert tasks["rank"].dtype == "int32"
    assert tasks["district"].tolist() == package.tasks["district"].tolist()
    cells = pyogrio.read_dataframe(path, layer="ranked_cells", read_geometry=False, max_features=1)
    assert cells["cell_id"].iloc[0] == str(package.risk.set_index("rank")["cell_id"].loc[1])
    _, table = pyogrio.read_arrow(path, layer="survey_tasks")
    alias = table.schema.field("team_days").metadata[b"GDAL:OGR:alternative_name"].decode()
    assert alias == "Team-days (days)"
    assert tasks.geometry.area.to_numpy() == pytest.approx(package.tasks["area_m2"].to_numpy())


def test_a_task_without_any_basis_has_no_number_in_any_file(package: Package, tmp_path: Path) -> None:
    """Its probability is one that the sample has nowhere else, so that it is found where it is shown."""
    tasks = package.tasks.copy()
    chance = {"contamination": 0.7654, "contamination_low": 0.7653, "contamination_high": 0.7655}
    for name, value in (
        chance | {"expected_finds": 7.654, "expected_found": 6.543, "out_of_domain_share": 1.0}
    ).items():
        tasks.loc[0, name] = value
    changed = replace(package, tasks=tasks)
    for name in ("csv", "gpx", "kml", "html", "xlsx"):
        WRITERS[name](changed, tmp_path)
    texts = [path.read_text("utf-8") for path in tmp_path.iterdir() if path.suffix != ".xlsx"]
    with zipfile.ZipFile(tmp_path / "survey_tasks.xlsx") as book:
        texts += [book.read(name).decode() for name in book.namelist()]
    shown = re.compile(r"(?<![\d.])(0\.765\d?|76\.5|7\.654?|6\.543?)(?![\d])")
    assert [found for text in texts for found in shown.findall(text)] == []
    WRITERS["gpkg"](changed, tmp_path)
    layer = pyogrio.read_dataframe(tmp_path / "risk_map.gpkg", layer="survey_tasks")
    assert layer.loc[layer["task_id"] == tasks["task_id"].iloc[0], list(chance)].isna().all(axis=None)
