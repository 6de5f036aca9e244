"""Planner outputs: every file is read back and must hold the map, the warnings, and nothing that it must not."""

import csv
import json
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import mgrs
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pystac
import pytest
import rasterio
import shapely

from features.base import NOT_EVIDENCE
from features.base.errors import InputError
from mlrisk.outputs import geopackage
from mlrisk.outputs.cell_rasters import coarsen, coarsening
from mlrisk.outputs.geoparquet import COLUMNS
from mlrisk.outputs.qgis_layers import OTHERS, STYLES, layer_style
from mlrisk.outputs.qgis_styles import vector_qml
from mlrisk.outputs.registry import WRITERS
from mlrisk.outputs.stac import ASSETS
from mlrisk.outputs.tasks_by_rank import in_half_days, mgrs_text
from mlrisk.outputs.wording import TASK_COLUMNS
from mlrisk.risk_map import priority_classes as classes
from mlrisk.risk_map.package import Notes, Package
from mlrisk.risk_map.priority_classes import CLASSES, casualty_scale, priority_class
from tests.support.paths import ROOT
from tests.support.sample_package import FORBIDDEN, FORMULA, PATH, SCRIPT, is_green, sample_package

SHAPE_ENDINGS = ("cpg", "dbf", "prj", "shp", "shx", "txt")
NAMES = {
    "parquet": ["risk.parquet"],
    "cog": [
        "risk_classes.qml",
        "risk_classes.tif",
        "risk_classes.tif.aux.xml",
        "risk_map.qml",
        "risk_map.tif",
        "risk_map_casualties_per_year.qml",
        "risk_map_contamination.qml",
        "risk_map_contamination_high.qml",
    ],
    "gpkg": ["risk_map.gpkg"],
    "qgz": ["mlrisk.qgz"],
    "csv": ["survey_tasks.csv"],
    "xlsx": ["survey_tasks.xlsx"],
    "kml": ["survey_tasks.kml"],
    "gpx": ["survey_tasks.gpx"],
    "calendar": ["survey_calendar.ics", "survey_calendar.xlsx"],
    "html": ["map.html"],
    "pdf": ["survey_sheets.pdf"],
    "shp": [f"{name}.{end}" for name in ("survey_tasks", "ranked_cells") for end in SHAPE_ENDINGS],
    "fgdb": ["risk_map.gdb.zip"],
    "stac": ["stac_item.json"],
}


@pytest.fixture(scope="module")
def package() -> Package:
    return sample_package()


@pytest.fixture(scope="module")
def folder(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every output but the page, which has its own tests."""
    folder = tmp_path_factory.mktemp("outputs")
    for name, write in WRITERS.items():
        if name != "html":
            # Printed sheets have their own tests too, and each costs a second.
            write(replace(package, sheets=0), folder)
    return folder


def parse(text: str) -> ET.Element:
    return ET.fromstring(text.split("\n", 1)[1])  # noqa: S314 -- our own output, just written


def read_notes(text: str) -> dict[str, object]:
    notes: dict[str, object] = json.loads(text)
    return notes


# --- classes


def frame(ranks: list[int | None], released: list[bool] | None = None) -> pd.DataFrame:
    return pd.DataFrame({"rank": pd.array(ranks, dtype="Int32"), "released": released or [False] * len(ranks)})


def test_classes_take_the_first_1_5_10_and_20_percent() -> None:
    codes = priority_class(frame(list(range(1, 201))))
    assert np.bincount(codes, minlength=8).tolist() == [0, 2, 8, 10, 20, 160, 0, 0]
    assert codes[0] == 1
    assert codes[-1] == 5
    assert codes.dtype == np.int8


def test_first_cell_is_surveyed_first_however_small_the_area() -> None:
    assert priority_class(frame([3, 1, 2])).tolist() == [5, 1, 5]


def test_unranked_land_is_no_basis_or_released_and_never_low() -> None:
    assert priority_class(frame([None, None, 1], [False, True, False])).tolist() == [6, 7, 1]
    assert priority_class(frame([None, 1], [True, True])).tolist() == [7, 1]


def test_share_counts_ranked_cells_only() -> None:
    ranks: list[int | None] = [*range(1, 101), *([None] * 900)]
    assert (priority_class(frame(ranks)) == 1).sum() == 1


def all_colours() -> list[str]:
    return [*(cls.colour for cls in CLASSES), *classes.RAMP, *classes.EVIDENCE_COLOURS.values()]


def test_no_class_colour_is_green() -> None:
    assert is_green("#6aa84f")
    assert [colour for colour in all_colours() if is_green(colour)] == []


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of linear RGB."""
    xyz = rgb @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    ratio = np.cbrt(np.clip(xyz / np.array([0.9505, 1.0, 1.089]), 0.008856, None))
    return np.stack([116 * ratio[:, 1] - 16, 500 * (ratio[:, 0] - ratio[:, 1]), 200 * (ratio[:, 1] - ratio[:, 2])], 1)


# Machado, Oliveira and Fernandes (2009), severity 1.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}


@pytest.mark.parametrize("sight", SIGHT)
def test_class_colours_differ_for_the_colour_blind(sight: str) -> None:
    encoded = np.array([[int(c.colour[s : s + 2], 16) / 255 for s in (1, 3, 5)] for c in CLASSES])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = lab(np.clip(linear @ SIGHT[sight].T, 0, 1))
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 1000 * np.eye(len(CLASSES))
    # A difference of 2.3 is just noticeable on plain patches; on a map it takes ten.
    assert distance.min() > 10


def test_lowest_class_is_not_pale() -> None:
    lowest = CLASSES[4].colour
    assert max(int(lowest[start : start + 2], 16) for start in (1, 3, 5)) < 0.85 * 255
    assert CLASSES[4].text == "lower survey priority: not evidence of absence"


def test_casualty_scale_ends_below_the_greatest_value() -> None:
    scale = casualty_scale([0.0, 0.05])
    assert scale.edges == (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    assert scale.labels[-1] == "0.03 and more"
    assert scale.codes([0.0, 0.0001, 0.05]).tolist() == [1, 2, 7]
    assert len(casualty_scale([0.0, 0.0]).edges) == 6


# --- rasters


def test_coarse_picture_shows_the_most_urgent_cell() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 8, (7, 9)).astype(np.uint8)
    order = (1, 2, 3, 4, 6, 5, 7, 0)
    coarse = coarsen(codes, 3, order)
    assert coarse.shape == (3, 3)
    for row in range(3):
        for column in range(3):
            block = codes[3 * row : 3 * row + 3, 3 * column : 3 * column + 3].ravel().tolist()
            assert coarse[row, column] == min(block, key=order.index)


@pytest.mark.parametrize(("shape", "most"), [((60, 80), 4_000_000), ((4000, 4000), 4_000_000), ((1, 10_000), 1000)])
def test_coarsening_is_the_least_that_fits(shape: tuple[int, int], most: int) -> None:
    factor = coarsening(shape, most)
    sizes = [-(-shape[0] // f) * -(-shape[1] // f) for f in (factor, max(1, factor - 1))]
    assert sizes[0] <= most
    assert sizes[1] > most or factor == 1


@pytest.mark.slow
def test_cog_bands_hold_the_values_and_the_notes(package: Package, folder: Path) -> None:
    with rasterio.open(folder / "risk_map.tif") as image:
        assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert image.descriptions == (
            "contamination",
            "contamination_low",
            "contamination_high",
            "casualties_per_year",
            "priority_class",
            "in_domain",
            "evidence",
            "venn_abers_low",
            "venn_abers_high",
            "spread",
            "missed_share_below",
            "purpose",
            "inclusion_prob",
            "season_detection",
            "likely_range",
        )
        assert image.crs.to_epsg() == 32638
        assert set(image.dtypes) == {"float32"}
        assert np.isnan(image.nodata)
        bands, tags = image.read(), image.tags()
        row, column = image.index(package.risk["easting_m"].iloc[-1], package.risk["northing_m"].iloc[-1])
    mask = package.grid.mask
    assert np.isnan(bands[:, ~mask]).all()
    # Where there is no basis to rank, no number is shown to be believed.
    based = priority_class(package.risk) != 6
    risk = package.risk[based]
    assert not based.all()
    width = risk["contamination_high"] - risk["contamination_low"]
    np.testing.assert_allclose(bands[14][mask][based], width, rtol=1e-5)
    for band, name in enumerate(("contamination", "contamination_low", "contamination_high", "casualties_per_year")):
        np.testing.assert_allclose(bands[band][mask][based], risk[name], rtol=1e-6)
    assert np.isnan(bands[[0, 1, 2, 3, 7, 8, 9, 10, 14]][:, mask][:, ~based]).all()
    assert bands[0, int(row), int(column)] == np.float32(package.risk["contamination"].iloc[-1])
    assert (bands[4][mask] == priority_class(package.risk)).all()
    assert (bands[5][mask] == package.risk["in_domain"]).all()
    found = package.risk["evidence"] == "found"
    assert (bands[6][mask][found] == 2).all()
    assert found.any()
    for band, name in enumerate(("venn_abers_low", "venn_abers_high", "spread", "missed_share_below"), start=7):
        np.testing.assert_allclose(bands[band][mask][based], risk[name], rtol=1e-6)
    assert tags["not_evidence"] == NOT_EVIDENCE
    assert tags["as_of"] == "2024-07-31"
    assert "demo.contamination version 3" in tags["models"]
    assert read_notes(tags["mlrisk"])["not_included"] == list(package.notes.not_included)


@pytest.mark.slow
def test_cog_has_overviews_when_it_is_large(package: Package, tmp_path: Path) -> None:
    WRITERS["cog"](sample_package(rows=24, columns=640), tmp_path)
    with rasterio.open(tmp_path / "risk_map.tif") as image:
        assert image.overviews(5) == [2]
        coarse = image.read(5, out_shape=(12, 320))
    assert set(np.unique(coarse[np.isfinite(coarse)])) <= {1, 2, 3, 4, 5, 6, 7}


@pytest.mark.slow
def test_class_raster_has_the_colour_table(package: Package, folder: Path) -> None:
    with rasterio.open(folder / "risk_classes.tif") as image:
        assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert image.dtypes == ("uint8",)
        assert image.nodata == 0
        table, values = image.colormap(1), image.read(1)
        assert image.tags()["not_evidence"] == NOT_EVIDENCE
    assert "#{:02x}{:02x}{:02x}".format(*table[1][:3]) == CLASSES[0].colour
    assert (values[package.grid.mask] == priority_class(package.risk)).all()
    assert (values[~package.grid.mask] == 0).all()


def test_raster_styles_name_every_class(folder: Path) -> None:
    root = parse((folder / "risk_classes.qml").read_text())
    entries = {entry.get("value"): entry.get("label") for entry in root.iter("paletteEntry")}
    assert entries == {str(cls.code): cls.text for cls in CLASSES}
    bands = {
        name: parse((folder / name).read_text()).find("pipe/rasterrenderer").get("band")  # type: ignore[union-attr]
        for name in ("risk_map.qml", "risk_map_casualties_per_year.qml", "risk_map_contamination.qml")
    }
    assert list(bands.values()) == ["5", "4", "1"]


# --- GeoParquet


def test_parquet_has_the_columns_and_values(package: Package, folder: Path) -> None:
    risk = gpd.read_parquet(folder / "risk.parquet")
    assert list(risk.columns) == [*COLUMNS, "geometry"]
    assert risk["rank"].dtype == "Int32"
    assert (risk["cell_id"].to_numpy() == package.grid.cell_ids()).all()
    assert risk.crs.to_epsg() == 32638
    assert (risk.geometry.x == risk["easting_m"]).all()
    assert (risk.geometry.y == risk["northing_m"]).all()
    assert risk["rank"].isna().sum() == package.risk["rank"].isna().sum() > 0
    np.testing.assert_array_equal(risk["contamination"], package.risk["contamination"])


def test_parquet_metadata_carry_the_notes(package: Package, folder: Path) -> None:
    file = pq.ParquetFile(folder / "risk.parquet")
    notes = read_notes(file.schema_arrow.metadata[b"mlrisk"].decode())
    assert notes["not_evidence"] == NOT_EVIDENCE
    assert notes["inputs"] == package.notes.inputs
    assert notes["models"][0] == {  # type: ignore[index]
        "target": "contamination",
        "name": "demo.contamination",
        "version": "3",
        "digest": "a" * 64,
    }
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["parquet", "cog", "csv", "xlsx", "kml", "html", "gpkg", "shp", "stac"])
def test_same_package_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    WRITERS[name](sample_package(30, 40), first)
    WRITERS[name](sample_package(30, 40), second)
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


# --- GeoPackage


def test_gpkg_layers_and_version(package: Package, folder: Path) -> None:
    path = folder / "risk_map.gpkg"
    layers = dict(pyogrio.list_layers(path).tolist())
    assert {"ranked_cells", "survey_tasks", "known_hazards", "front_lines", "roads", "settlements"} <= set(layers)
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10300,)
        contents = database.execute("SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchone()
        styles = database.execute(
            "SELECT f_table_name, f_table_catalog, f_table_schema, f_geometry_column, useAsDefault FROM layer_styles"
        ).fetchall()
        times = database.execute("SELECT DISTINCT last_change FROM gpkg_contents").fetchall()
    database.close()
    assert contents == ("attributes",)
    assert {row[0] for row in styles} == set(layers) - {"layer_styles", "lookup"}
    assert {row[1:] for row in styles} == {("", "", "geom", 1)}
    assert times == [("2024-07-31T00:00:00.000Z",)]
    names = [field for layer in layers if layer != "layer_styles" for field in pyogrio.read_info(path, layer)["fields"]]
    assert max(map(len, names)) <= 31


def test_gpkg_says_what_codes_and_columns_mean(folder: Path) -> None:
    lookup = pyogrio.read_dataframe(folder / "risk_map.gpkg", layer="lookup")
    classes_told = lookup[lookup["field"] == "priority_class"]
    assert dict(zip(classes_told["value"], classes_told["meaning"], strict=True)) == {
        str(cls.code): cls.text for cls in CLASSES
    }
    assert set(lookup["field"]) == {"priority_class", "evidence", "purpose"}
    with sqlite3.connect(folder / "risk_map.gpkg") as database:
        aliases = database.execute(
            "SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'survey_tasks'"
        ).fetchall()
        types = {row[1]: row[2] for row in database.execute("PRAGMA table_info(survey_tasks)")}
        extensions = {row[0] for row in database.execute("SELECT extension_name FROM gpkg_extensions")}
    database.close()
    assert dict(aliases) == {column.name: column.label for column in TASK_COLUMNS}
    assert {types[name] for name in ("rank", "task_id", "cells")} == {"MEDIUMINT"}
    assert "gpkg_schema" in extensions


def test_gpkg_cells_are_the_first_ranked_squares(package: Package, folder: Path) -> None:
    cells = gpd.read_file(folder / "risk_map.gpkg", layer="ranked_cells")
    assert cells["rank"].dtype == np.int32
    assert cells["rank"].tolist() == list(range(1, len(cells) + 1))
    assert len(cells) == package.risk["rank"].notna().sum()
    assert cells.area.round(3).unique().tolist() == [250_000.0]
    first = package.risk.set_index("cell_id").loc[cells["cell_id"].iloc[0]]
    assert (cells.centroid.x.iloc[0], cells.centroid.y.iloc[0]) == (first["easting_m"], first["northing_m"])
    assert set(cells["priority_text"]) == {cls.text for cls in CLASSES[:5]}


def test_gpkg_shows_land_without_basis_hatched(package: Package, folder: Path) -> None:
    land = gpd.read_file(folder / "risk_map.gpkg", layer="no_basis_to_rank")
    assert land.area.sum() == (priority_class(package.risk) == 6).sum() * 250_000
    assert set(land["priority_text"]) == {"no basis to rank"}
    style = parse(vector_qml(STYLES["no_basis_to_rank"]))
    assert [layer.get("class") for layer in style.iter("layer")] == ["SimpleFill", "LinePatternFill", "SimpleLine"]


@pytest.mark.slow
def test_gpkg_stops_at_the_first_cells(package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geopackage, "MOST_CELLS", 7)
    WRITERS["gpkg"](package, tmp_path)
    assert gpd.read_file(tmp_path / "risk_map.gpkg", layer="ranked_cells")["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_gpkg_metadata_carry_the_notes(package: Package, folder: Path) -> None:
    info = pyogrio.read_info(folder / "risk_map.gpkg", layer="survey_tasks")
    for metadata in (info["dataset_metadata"], info["layer_metadata"]):
        assert metadata["not_evidence"] == NOT_EVIDENCE
        assert metadata["as_of"] == "2024-07-31"
        assert read_notes(metadata["mlrisk"])["policy"] == "harm_per_day"


def test_gpkg_leaves_out_columns_that_a_planner_does_not_need(package: Package, folder: Path) -> None:
    assert "victim_name" in package.layers["settlements"].columns
    assert b"a person" not in (folder / "risk_map.gpkg").read_bytes()


@pytest.mark.slow
def test_gpkg_writes_empty_hazards_and_mixed_settlements(package: Package, tmp_path: Path) -> None:
    places = package.layers["settlements"]
    mixed = pd.concat([places, places.assign(geometry=places.buffer(300))], ignore_index=True)
    changed = replace(package, hazards=package.hazards.head(0), layers={"settlements": mixed})
    WRITERS["gpkg"](changed, tmp_path)
    assert len(gpd.read_file(tmp_path / "risk_map.gpkg", layer="known_hazards")) == 0
    read = gpd.read_file(tmp_path / "risk_map.gpkg", layer="settlements")
    assert read.geom_type.tolist() == ["Point", "Point", "Polygon", "Polygon"]


def test_vector_style_classifies(package: Package) -> None:
    root = parse(vector_qml(STYLES["ranked_cells"]))
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert renderer.get("attr") == "priority_class"
    assert [entry.get("label") for entry in root.iter("category")] == [cls.text for cls in CLASSES[:5]]


def test_vector_style_names_planned_tasks_at_every_scale_and_the_others_from_near(package: Package) -> None:
    tasks = parse(vector_qml(layer_style("survey_tasks", package.tasks)))
    named = tasks.findall("labeling/rules/rule")
    labels = [(rule.get("filter"), rule.find("settings/text-style"), rule.get("scalemaxdenom")) for rule in named]
    assert [(where, text.get("fieldName"), scale) for where, text, scale in labels if text is not None] == [
        ("$id = @atlas_featureid", '"plan_order"', None), (f'{OTHERS}"plan_order" <= 50', '"plan_order"', None),
        (f'{OTHERS}"plan_order" > 50', '"plan_order"', "100000"), (f'{OTHERS}NOT "planned"', '"rank"', "100000"),
    ]  # fmt: skip
    assert {alias.get("field") for alias in tasks.iter("alias")} == {column.name for column in TASK_COLUMNS}
    # Without teams nothing is planned: every task is named by its rank, that of a printed sheet above the others.
    alone = parse(vector_qml(layer_style("survey_tasks", package.tasks.assign(planned=False))))
    assert [text.get("fieldName") for text in alone.iter("text-style")] == ['"rank"', '"rank"']
    assert [rule.get("filter") for rule in alone.findall("renderer-v2/rules/rule")] == [
        "$id = @atlas_featureid", f"{OTHERS}TRUE"
    ]  # fmt: skip
    for root in (tasks, alone):
        assert root.find("renderer-v2").get("symbollevels") == "1"
        assert {layer.get("pass") for layer in root.iterfind("renderer-v2/symbols/symbol[@name='0']/layer")} == {"1"}


# --- CSV, XLSX, KML


def test_csv_has_one_row_a_task_with_the_warning(package: Package, folder: Path) -> None:
    raw = (folder / "survey_tasks.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert list(rows[0])[:2] == ["rank", "work"]
    assert [int(row["rank"]) for row in rows] == list(range(1, len(package.tasks) + 1))
    # Once, not on each row.
    assert all(text in rows[0]["note"] for text in (NOT_EVIDENCE, "2024-07-31", "withdrawal of November 2020"))
    assert {row["note"] for row in rows[1:]} == {""}
    assert rows[1]["reason_1"] == f"'{FORMULA}"
    assert rows[1]["reason_3"] == "'-1.5 km to the nearest planned return"
    assert float(rows[0]["longitude"]) == pytest.approx(package.tasks["longitude"].iloc[0])
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "@"))]


def test_tasks_have_their_place_in_the_grid_in_degrees_and_in_mgrs(package: Package, folder: Path) -> None:
    """The oracle is PROJ: MGRS is read back by GeoTrans and compared with the point in the grid."""
    rows = list(csv.DictReader((folder / "survey_tasks.csv").read_text("utf-8-sig").splitlines()))
    for row in rows:
        zone, hemisphere, easting, northing = mgrs.MGRS().MGRSToUTM(row["mgrs"].replace(" ", ""))
        assert (zone, hemisphere) == (38, "N")
        assert easting == pytest.approx(float(row["easting_m"]), abs=1.01)
        assert northing == pytest.approx(float(row["northing_m"]), abs=1.01)
    balloons = (folder / "survey_tasks.kml").read_text()
    assert all(f"MGRS {row['mgrs']}" in balloons for row in rows)
    sheet = pytest.importorskip("openpyxl").load_workbook(folder / "survey_tasks.xlsx")["Survey tasks"]
    column = [cell.value for cell in sheet[2]].index("MGRS")
    assert [sheet.cell(line, column + 1).value for line in range(3, 3 + len(rows))] == [row["mgrs"] for row in rows]


def test_csv_keeps_columns_of_the_plan_that_the_table_does_not_name(package: Package, tmp_path: Path) -> None:
    WRITERS["csv"](replace(package, tasks=package.tasks.assign(kind="audit")), tmp_path)
    rows = list(csv.DictReader((tmp_path / "survey_tasks.csv").read_text("utf-8-sig").splitlines()))
    assert {row["kind"] for row in rows} == {"audit"}


def test_negative_numbers_stay_numbers_in_csv(package: Package, tmp_path: Path) -> None:
    WRITERS["csv"](replace(package, tasks=package.tasks.assign(longitude=-70.5)), tmp_path)
    rows = list(csv.DictReader((tmp_path / "survey_tasks.csv").read_text("utf-8-sig").splitlines()))
    assert {row["longitude"] for row in rows} == {"-70.5"}


def test_xlsx_opens_elsewhere_without_formulas(package: Package, folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(folder / "survey_tasks.xlsx")
    assert book.sheetnames == ["Plan", "Survey tasks", "How to read"]
    sheet = book["Survey tasks"]
    assert sheet.freeze_panes == "C3"
    assert sheet.auto_filter.ref == f"A2:{openpyxl.utils.get_column_letter(len(TASK_COLUMNS))}{len(package.tasks) + 2}"
    assert sheet["A1"].value.startswith(NOT_EVIDENCE)
    header = [cell.value for cell in sheet[2]]
    assert header[:2] == ["Rank", "Work"]
    assert "Area (m²)" in header
    cell = sheet.cell(4, header.index("Reason 1") + 1)
    assert (cell.value, cell.data_type) == (f"'{FORMULA}", "s")
    reading = " ".join(str(row[1].value) for row in book["How to read"].iter_rows())
    assert "only the authority" in reading
    assert "no record of mines laid" in reading
    assert NOT_EVIDENCE in book.properties.description
    with zipfile.ZipFile(folder / "survey_tasks.xlsx") as archive:
        assert all(b"<f>" not in archive.read(name) for name in archive.namelist())


KML = {"k": "http://www.opengis.net/kml/2.2"}


def test_kml_places_tasks_in_degrees_and_escapes_twice(package: Package, folder: Path) -> None:
    root = parse((folder / "survey_tasks.kml").read_text())
    folders = {part.findtext("k:name", namespaces=KML): part.findall("k:Placemark", KML)
               for part in root.findall("k:Document/k:Folder", KML)}  # fmt: skip
    # Teams, learning and check tasks apart from what is not planned.
    assert set(folders) == {"dogs", "Learning tasks", "Check tasks", "Not planned"}
    assert len(folders["Not planned"]) == (~package.tasks["planned"]).sum()
    marks = [mark for part in folders.values() for mark in part]
    assert len(marks) == len(package.tasks)
    assert not {value.text for mark in marks for value in mark.iter(f"{{{KML['k']}}}value")} & {"None", "nan", "<NA>"}
    (first,) = (mark for mark in marks if mark.get("id") == "task-1")
    point = first.findtext("k:MultiGeometry/k:Point/k:coordinates", namespaces=KML)
    assert point == f"{package.tasks['longitude'].iloc[0]:.6f},{package.tasks['latitude'].iloc[0]:.6f}"
    balloon = first.findtext("k:description", namespaces=KML) or ""
    assert "&lt;script&gt;" in balloon
    assert "<script" not in balloon
    assert NOT_EVIDENCE in balloon
    assert "from the line held 1994-2020" in balloon
    about = root.findtext("k:Document/k:description", namespaces=KML) or ""
    assert NOT_EVIDENCE in about
    assert "2024-07-31" in about
    assert "<script" not in about
    layers = pyogrio.list_layers(folder / "survey_tasks.kml")[:, 0]
    read = pd.concat([gpd.read_file(folder / "survey_tasks.kml", layer=layer) for layer in layers])
    read = read.drop_duplicates("id").sort_values("id", key=lambda text: text.str[5:].astype(int))
    assert len(read) == len(package.tasks)
    areas = read.to_crs("EPSG:32638").area
    np.testing.assert_allclose(areas, package.tasks["area_m2"], rtol=1e-3)


# --- GPX

GPX = {"g": "http://www.topografix.com/GPX/1/1"}


def test_gpx_has_a_waypoint_and_an_outline_for_each_planned_task_in_its_order(package: Package, folder: Path) -> None:
    root = parse((folder / "survey_tasks.gpx").read_text("utf-8"))
    planned = package.tasks[package.tasks["planned"]].sort_values("plan_order")
    names = [mark.findtext("g:name", namespaces=GPX) or "" for mark in root.findall("g:wpt", GPX)]
    assert [name.split()[0] for name in names] == [str(number) for number in planned["plan_order"]]
    assert {name.split(maxsplit=1)[1] for name in names} <= {SCRIPT, "Ağdam"}
    about = root.findtext("g:metadata/g:desc", namespaces=GPX) or ""
    assert NOT_EVIDENCE in about
    assert "2024-07-31" in about
    # The schema wants metadata, then waypoints, then tracks.
    kinds = [part.tag.split("}")[1] for part in root]
    assert kinds == ["metadata"] + ["wpt"] * len(planned) + ["trk"] * len(planned)
    tracks = gpd.read_file(folder / "survey_tasks.gpx", layer="tracks").to_crs(package.grid.crs)
    areas = [shapely.polygonize(shapely.get_parts(shape)).area for shape in tracks.geometry]
    np.testing.assert_allclose(areas, planned["area_m2"], rtol=1e-3)


def test_gpx_without_a_plan_has_all_tasks_by_rank(package: Package, tmp_path: Path) -> None:
    idle = package.tasks.assign(planned=False, plan_order=pd.array([pd.NA] * len(package.tasks), dtype="Int32"))
    WRITERS["gpx"](replace(package, tasks=idle), tmp_path)
    root = parse((tmp_path / "survey_tasks.gpx").read_text("utf-8"))
    assert len(root.findall("g:wpt", GPX)) == len(idle)
    assert "No plan: no teams were entered" in (root.findtext("g:wpt/g:desc", namespaces=GPX) or "")


def test_xlsx_opens_on_a_plan_of_ten_columns_in_its_order(package: Package, folder: Path) -> None:
    sheet = pytest.importorskip("openpyxl").load_workbook(folder / "survey_tasks.xlsx").worksheets[0]
    planned = package.tasks[package.tasks["planned"]].sort_values("plan_order")
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert sheet.max_column == 10
    assert [row[0] for row in rows] == planned["plan_order"].tolist()
    assert [row[8] for row in rows] == [
        mgrs_text(*place) for place in zip(planned.latitude, planned.longitude, strict=True)
    ]
    # A wrapped row that has no height of its own prints cut off.
    assert all(sheet.row_dimensions[3 + number].height > 13 for number in range(len(rows)))
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$1:$2"


# --- STAC


def test_stac_item_is_found_by_place_and_date(package: Package, folder: Path) -> None:
    item = pystac.Item.from_dict(read_notes((folder / "stac_item.json").read_text("utf-8")))
    assert item.datetime is not None
    assert item.datetime.isoformat() == "2024-07-31T00:00:00+00:00"
    assert item.id == "azərbaycan-b-2024-07-31"
    west, south, east, north = item.bbox or []
    assert west < package.risk["longitude"].min() < package.risk["longitude"].max() < east
    assert south < package.risk["latitude"].min() < package.risk["latitude"].max() < north
    assert shapely.geometry.shape(item.geometry).bounds == (west, south, east, north)  # type: ignore[attr-defined]
    assert item.properties["mlrisk:not_evidence"] == NOT_EVIDENCE
    assert item.properties["description"].startswith(NOT_EVIDENCE)
    assert item.properties["mlrisk:not_included"] == list(package.notes.not_included)


def test_stac_assets_are_the_files_beside_it(package: Package, folder: Path) -> None:
    text = (folder / "stac_item.json").read_text("utf-8")
    item = pystac.Item.from_dict(read_notes(text))
    names = {name for key, names in NAMES.items() if key not in ("html", "stac") for name in names}
    assert {asset.href for asset in item.assets.values()} == {f"./{name}" for name in names if name in ASSETS}
    assert str(folder) not in text
    with rasterio.open(folder / "risk_map.tif") as image:
        fields = item.assets["risk_map_tif"].extra_fields
        assert fields["proj:code"] == "EPSG:32638"
        assert (tuple(fields["proj:shape"]), fields["proj:transform"]) == (image.shape, list(image.transform)[:6])
    assert item.assets["risk_map_tif"].media_type == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert all(asset.roles and asset.media_type for asset in item.assets.values())


# --- all


def test_every_format_writes_its_names_and_nothing_else(folder: Path) -> None:
    expected = sorted(name for key, names in NAMES.items() if key != "html" for name in names)
    # GDAL leaves further .aux.xml files beside what other tests read.
    left = {path.name for path in folder.glob("*.aux.xml")} - set(expected)
    assert sorted({path.name for path in folder.iterdir()} - left) == expected
    assert list(NAMES) == list(WRITERS)


@pytest.mark.slow
def test_writers_return_what_they_wrote(package: Package, tmp_path: Path) -> None:
    for key in ("parquet", "cog", "csv"):
        assert sorted(path.name for path in WRITERS[key](package, tmp_path)) == sorted(NAMES[key])


def test_text_outputs_never_use_a_forbidden_word(folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    texts = {
        path.name: path.read_text() for path in folder.iterdir() if path.suffix in {".csv", ".kml", ".qml", ".json"}
    }
    book = openpyxl.load_workbook(folder / "survey_tasks.xlsx")
    texts["xlsx"] = " ".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)
    with rasterio.open(folder / "risk_map.tif") as image:
        texts["tif"] = str([image.tags(), *(image.tags(band) for band in image.indexes)])
    with sqlite3.connect(folder / "risk_map.gpkg") as database:
        texts["gpkg"] = " ".join(database.iterdump())
    database.close()
    assert {name: FORBIDDEN.findall(text) for name, text in texts.items() if FORBIDDEN.search(text)} == {}


def test_names_of_files_never_come_from_data(folder: Path) -> None:
    assert PATH in (folder / "survey_tasks.csv").read_text("utf-8-sig")
    assert all(path.parent == folder and ".." not in path.name for path in folder.iterdir())


def test_missing_column_is_named(package: Package, tmp_path: Path) -> None:
    broken = replace(package, risk=package.risk.drop(columns="evidence"))
    with pytest.raises(InputError, match="risk has no column evidence"):
        WRITERS["parquet"](broken, tmp_path)
    with pytest.raises(InputError, match="tasks has no column district"):
        WRITERS["csv"](replace(package, tasks=package.tasks.drop(columns="district")), tmp_path)


def test_notes_state_the_sentence() -> None:
    assert Notes.NOT_EVIDENCE == "Not evidence of absence: an unranked or low-ranked cell may be contaminated."


@pytest.mark.slow
def test_importing_the_writers_loads_no_heavy_library() -> None:
    code = (
        "import sys, mlrisk.outputs.registry\n"
        "print(sorted({'bokeh', 'rasterio', 'geopandas', 'pyarrow'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_hostile_texts_are_in_the_sample(package: Package) -> None:
    assert {SCRIPT, PATH} <= set(package.tasks["district"])
    assert FORMULA in set(package.tasks["reason_1"])


def test_calendar_has_an_event_a_row_that_other_programs_read(package: Package, folder: Path) -> None:
    raw = (folder / "survey_calendar.ics").read_bytes()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    text = raw.decode().replace("\r\n ", "")
    events = [event.partition("END:VEVENT")[0] for event in text.split("BEGIN:VEVENT\r\n")[1:]]
    planned = package.tasks[package.tasks["planned"]]
    assert len(events) == len(planned)
    fields = dict(line.split(":", 1) for line in events[0].splitlines())
    # The last day of a whole-day event is the day after.
    assert (fields["DTSTART;VALUE=DATE"], fields["DTEND;VALUE=DATE"]) == ("20240805", "20240817")
    assert fields["DTSTAMP"] == "20240731T000000Z"
    assert len({event.splitlines()[0] for event in events}) == len(events)
    sheet = pytest.importorskip("openpyxl").load_workbook(folder / "survey_calendar.xlsx")["Calendar"]
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert [row[0] for row in rows] == planned["week"].tolist()
    assert rows[0][3] == "Alpha"


def test_calendar_says_what_it_lacks(package: Package, tmp_path: Path) -> None:
    entries = [entry | {"begins": "", "ends": ""} for entry in package.plan["calendar"]]
    for plan, sentence in (
        ({}, "No plan: no teams were entered."),
        ({"calendar": entries}, "No start date was entered"),
    ):
        WRITERS["calendar"](replace(package, plan=plan), tmp_path)
        sheet = pytest.importorskip("openpyxl").load_workbook(tmp_path / "survey_calendar.xlsx")["Calendar"]
        assert sentence in sheet["A1"].value
        assert "VEVENT" not in (tmp_path / "survey_calendar.ics").read_text("utf-8")


def test_tables_send_teams_for_half_days_and_check_cells_for_tenths() -> None:
    tasks = sample_package(30, 40).tasks.iloc[[0] * 6].assign(
        team_days=[0.26, 3.3, 12.74, 0.0, 0.04, 0.26], purpose=[*["survey"] * 4, *["audit"] * 2]
    )  # fmt: skip
    assert in_half_days(tasks).tolist() == [0.5, 3.5, 12.5, 0.0, 0.0, 0.3]
