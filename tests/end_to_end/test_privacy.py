"""Canaries: names, birth dates and addresses in an input appear in no output, log, artifact or error message."""

import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest

import mlrisk
from tests.support.command_line import command_here
from tests.support.paths import ROOT

CANARIES = ("Zyxwvuta Qanareva", "ID-CANARY-7731", "1987-01-23-CANARY", "Canary Lane 99", "0555-CANARY-PHONE")
COLUMNS = ("victim_name", "identity_number", "birth_date", "home_address", "phone")
QUICK = (
    "contamination.model.n_trees=20", "contamination.members=3", "casualty.model.n_trees=10", "compute.threads=1",
    "casualty.window_years=3", "casualty.members=3", "casualty.judged_years=1", "validation.folds=2",
    "validation.protocols=[leave_region_out]", "casualty.contamination_every_years=9",
    "validation.explained_cells=100", "ranking.explained_cells=200", "output.task_sheets=2", "validation.draws=10",
    "validation.picture_dpi=30", "validation.baselines=[random order]",
)  # fmt: skip


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """A synthetic country whose accidents, settlements and hazard areas carry personal columns."""
    made = mlrisk.synthetic_country(3, cells=1_600, folder=tmp_path_factory.mktemp("canary"))
    path = made.folder / "incidents.csv"
    table = pd.read_csv(path, dtype=str)
    table.assign(**dict(zip(COLUMNS, CANARIES, strict=True))).to_csv(path, index=False)
    areas = gpd.read_file(made.folder / "hazard_areas.gpkg")
    named = areas.assign(reported_by=CANARIES[0], home_address=CANARIES[3])
    (made.folder / "hazard_areas.gpkg").unlink()
    named.to_file(made.folder / "hazard_areas.gpkg", layer="hazard_areas")
    return made


def output_of(country, *arguments: object) -> str:
    line = [sys.executable, "-c", "from mlrisk.cli import main; main()", *map(str, arguments)]
    settings = [part for text in QUICK for part in ("--set", text)]
    result = subprocess.run([*line, *settings], capture_output=True, text=True, cwd=ROOT, check=False)
    return f"{result.returncode}\n{result.stdout}{result.stderr}"


def canaries_in(content: bytes) -> list[str]:
    # GeoPackage and SQLite keep text as it is; spreadsheets and Parquet are compressed, so they are read besides.
    return [canary for canary in CANARIES if canary.encode() in content]


def test_no_personal_value_leaves_the_program(country):
    inputs = set(country.folder.rglob("*"))
    text = output_of(country, "check", country.config_path) + output_of(country, "run", country.config_path)
    assert text.startswith("0\n")
    assert "risk.parquet" in text
    assert not canaries_in(text.encode())
    written = [path for path in country.folder.rglob("*") if path.is_file() and path not in inputs]
    assert {"risk.parquet", "report.html", "summary.json", "mlflow.db"} <= {path.name for path in written}
    for path in written:
        assert not canaries_in(path.read_bytes()), path
    risk = mlrisk.load_risk_map(country.folder / "outputs")
    assert not set(COLUMNS) & set(risk.columns)
    assert not canaries_in(risk.drop(columns="geometry").to_csv().encode())
    book = country.folder / "outputs" / "survey_tasks.xlsx"
    for sheet in pd.read_excel(book, sheet_name=None, header=None, engine="openpyxl").values():
        assert not canaries_in(sheet.to_csv().encode())


@pytest.mark.parametrize(
    "setting",
    [
        "sources.incidents={path: incidents.csv, columns: {killed: deaths}}",
        "sources.incidents={path: incidents.csv, columns: {killed: victim_name, date: birth_date}}",
        "sources.incidents={path: incidents.csv, columns: {longitude: home_address}}",
        "sources.incidents={path: incidents.csv, values: {activity: {x: y}}, columns: {activity: victim_name}}",
    ],
)
def test_no_error_message_quotes_a_personal_value(country, setting):
    text = output_of(country, "check", country.config_path, "--set", setting)
    assert not canaries_in(text.encode())


RECORD = (CANARIES[0], "1987-01-23", CANARIES[3], "46.7", "39.9", CANARIES[4])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("source", ["incidents", "finds", "conflict_events", "covariates", "settlements"])
def test_a_table_without_names_shows_no_record(country, source, separator):
    """The first line of such a table is a person; it was printed as the names that the table has."""
    path = country.folder / "nameless.csv"
    path.write_text("\n".join(separator.join(RECORD) for _ in range(3)), encoding="utf-8")
    spec = "{path: nameless.csv}" if source != "covariates" else "[{path: nameless.csv}]"
    text = output_here("check", country.config_path, "--set", f"sources.{source}={spec}")
    assert text.startswith("3\n"), text
    assert not [word for word in (*CANARIES, "1987-01-23") if word in text]


@pytest.mark.parametrize("columns", ["{killed: description}", "{longitude: description}", "{activity: description}"])
def test_names_within_free_text_stay_in_the_file(country, columns):
    """A column that a config maps to one of ours by mistake shows how its values are written, and none of them."""
    path = country.folder / "texts.csv"
    table = pd.read_csv(country.folder / "incidents.csv", dtype=str)
    words = f"{CANARIES[0]}, born {CANARIES[2]}, of {CANARIES[3]}"
    table.assign(description=words, **{"Narrative / Təsvir": words}).to_csv(path, index=False)
    setting = f"sources.incidents={{path: texts.csv, columns: {columns}}}"
    assert not canaries_in(output_here("check", country.config_path, "--set", setting).encode())


def output_here(*arguments: object) -> str:
    done = command_here(*arguments)
    return f"{done.returncode}\n{done.stdout}{done.stderr}"
