"""The ledger as files: every row, the state of the cells, what it is not, and the same bytes again."""

import json
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyproj
import pytest
from shapely.geometry import box
from typer.testing import CliRunner

import mlrisk
from features.base import NOT_EVIDENCE
from features.base.errors import ConfigError
from features.base.grid import Grid
from features.sources.opening import Sources
from mlrisk.cli.app import app
from mlrisk.outputs import evidence_ledger as audit
from mlrisk.outputs.evidence_ledger import CELL_COLUMNS, COLUMNS, write_ledger
from training.evidence.ledger import Ledger
from training.settings.config import DeclaredArea, LabelSettings

UTM = pyproj.CRS("EPSG:32638")
AREA = box(500_000, 4_400_000, 501_000, 4_401_000)
GRID = Grid.from_area(AREA, UTM, 250)
AS_OF = date(2024, 6, 30)
NOTES = {"as_of": str(AS_OF), "country": "nowhere", "inputs": {"finds": "abc"}, "not_evidence": NOT_EVIDENCE}


@pytest.fixture
def ledger() -> Ledger:
    release = gpd.GeoDataFrame(
        {
            "record_id": ["=cmd|' /C calc'!A0", "LR-2"],
            "release_type": ["cleared", "cancelled"],
            "end_date": pd.to_datetime(["2023-05-01", "2025-05-01"]),
        },
        geometry=[box(500_000, 4_400_000, 500_500, 4_400_250), box(500_500, 4_400_500, 500_600, 4_400_600)],
        crs=UTM,
    )
    declared = DeclaredArea(weight=0.3, reason="survey of 2020, all of it")
    labels = LabelSettings(declared_searched=(declared,))
    return Ledger.build(
        GRID,
        Sources(grid=GRID, vectors={"land_release": release}, rasters={}, covariates=(), reports=()),
        labels,
        Path(),
    )


def test_every_record_of_every_cell_is_a_row_and_the_notes_go_with_it(ledger, tmp_path):
    made = write_ledger(ledger, ledger.at(AS_OF), NOTES, tmp_path / "evidence.parquet")
    rows, cells = (pd.read_parquet(file) for file in made.files)
    assert list(rows) == list(COLUMNS)
    assert list(cells) == list(CELL_COLUMNS)
    assert rows["source"].tolist() == ["land_release"] * 3 + ["config"] * 16
    # North comes first: the release of 2025 is in the books and not known.
    assert rows["known"].tolist()[:3] == [False, True, True]
    assert cells["state"].eq("searched").all()
    assert cells["released"].sum() == 2
    for file in made.files:
        noted = json.loads(pq.read_schema(file).metadata[b"mlrisk"])
        assert noted["not_evidence"] == NOT_EVIDENCE
        assert noted["inputs"] == {"finds": "abc"}


def test_a_csv_says_what_it_is_not_and_runs_no_formula(ledger, tmp_path):
    made = write_ledger(ledger, ledger.at(AS_OF), NOTES, tmp_path / "evidence.csv")
    text = made.files[0].read_bytes().decode("utf-8-sig")
    assert "'=cmd" in text
    assert not any(field.startswith("=") for line in text.splitlines() for field in line.split(","))
    table = pd.read_csv(made.files[0])
    assert table["note"].str.startswith(NOT_EVIDENCE).all()
    assert table["event_date"].dropna().tolist() == ["2025-05-01", "2023-05-01", "2023-05-01"]
    assert json.loads(made.files[2].read_text())["as_of"] == "2024-06-30"


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_the_same_ledger_gives_the_same_bytes_in_chunks_of_any_size(ledger, tmp_path, monkeypatch, ending):
    first = write_ledger(ledger, ledger.at(AS_OF), NOTES, tmp_path / "a" / f"e.{ending}")
    again = write_ledger(ledger, ledger.at(AS_OF), NOTES, tmp_path / "b" / f"e.{ending}")
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in again.files]
    monkeypatch.setattr(audit, "ROWS_AT_A_TIME", 2)
    small = write_ledger(ledger, ledger.at(AS_OF), NOTES, tmp_path / "c" / f"e.{ending}")
    read = pd.read_parquet if ending == "parquet" else pd.read_csv
    for one, other in zip(first.files[:2], small.files[:2], strict=True):
        pd.testing.assert_frame_equal(read(one), read(other))


def test_a_country_without_records_has_an_empty_ledger(tmp_path):
    empty = Ledger.build(
        GRID, Sources(grid=GRID, vectors={}, rasters={}, covariates=(), reports=()), LabelSettings(), Path()
    )
    made = write_ledger(empty, empty.at(AS_OF), NOTES, tmp_path / "e.parquet")
    assert made.rows == 0
    assert list(pd.read_parquet(made.files[0])) == list(COLUMNS)


def test_another_ending_is_refused(ledger, tmp_path):
    with pytest.raises(ConfigError, match=r"must end in .parquet or .csv"):
        write_ledger(ledger, ledger.at(AS_OF), NOTES, tmp_path / "evidence.xlsx")


def test_the_command_reads_the_terms_beside_the_config_and_writes_where_it_is_told(tmp_path):
    data, home = tmp_path / "data", tmp_path / "home"
    data.mkdir()
    (home / "terms").mkdir(parents=True)
    (home / "terms" / "ours.yaml").write_text("land_release: {columns: {release_type: art}}")
    gpd.GeoDataFrame({}, geometry=[AREA], crs=UTM).to_file(data / "area.gpkg")
    released = gpd.GeoDataFrame({"art": ["cleared"]}, geometry=[box(500_000, 4_400_000, 500_250, 4_400_250)], crs=UTM)
    released.to_file(data / "release.gpkg")
    (home / "nowhere.yaml").write_text(
        "name: nowhere\nas_of: 2024-06-30\ngrid: {crs: EPSG:32638, cell_size_m: 250, area: area.gpkg}\n"
        "sources: {land_release: {path: release.gpkg, terms: terms/ours.yaml}}\n"
    )
    result = CliRunner().invoke(
        app, ["evidence", str(home / "nowhere.yaml"), "--data", str(data), "--out", str(tmp_path / "e.csv")]
    )
    assert result.exit_code == 0, result.output
    assert "1 rows, a cell and a record each" in result.output
    assert NOT_EVIDENCE in result.output
    assert pd.read_csv(tmp_path / "e.csv")["state"].tolist() == ["searched"]
    notes = json.loads((tmp_path / "e_notes.json").read_text())
    assert set(notes["inputs"]) == {"area", "land_release"}
    made = mlrisk.evidence(mlrisk.load_config(home / "nowhere.yaml", data))
    assert [file.name for file in made.files] == ["evidence.parquet", "evidence_cells.parquet"]
    assert made.files[0].parent == (home / "outputs").resolve()
