"""What `mlrisk check` says of files that hold less than they seem to: one sentence, the right exit code, no trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CONFIG = """name: damaged
as_of: 2024-07-31
grid: {crs: "EPSG:32638", cell_size_m: 250, area: area.geojson}
sources: {incidents: incidents.csv}
"""
RING = [[46.70, 39.75], [46.78, 39.75], [46.78, 39.80], [46.70, 39.80], [46.70, 39.75]]
ROWS = [f"{number},46.7{number},39.77,2019-05-1{number},ok" for number in range(1, 8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shape = {"type": "Polygon", "coordinates": [RING]}
    (tmp_path / "area.geojson").write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": shape}))
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "incidents.csv").write_text("\n".join(["id,longitude,latitude,date,notes", *ROWS]) + "\n")
    return tmp_path


def check(folder: Path, *arguments: object) -> tuple[int, str]:
    line = [sys.executable, "-c", "from mlrisk.cli import main; main()", "check", folder / "config.yaml", *arguments]
    done = subprocess.run([*map(str, line)], capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_the_report_goes_into_a_folder_that_is_made_and_names_each_file(folder: Path) -> None:
    code, text = check(folder, "--json", folder / "new" / "report.json", "--set", "as_of=2099-01-01")
    assert code == 0
    assert "incidents.csv" in text
    assert "as_of (2099-01-01) lies in the future" in text
    report = json.loads((folder / "new" / "report.json").read_text(encoding="utf-8"))
    assert [source["rows_kept"] for source in report["sources"]] == [1, 7]


def test_a_swallowed_row_a_pipe_and_a_key_twice_are_refused_in_one_sentence(folder: Path) -> None:
    stray = [row.replace("ok", '"12 inch') if number == 3 else row for number, row in enumerate(ROWS)]
    (folder / "incidents.csv").write_text("\n".join(["id,longitude,latitude,date,notes", *stray]) + "\n")
    code, text = check(folder)
    assert (code, "the quote that opens in line 5 never ends" in text) == (3, True)
    assert "Traceback" not in text
    (folder / "incidents.csv").unlink()
    os.mkfifo(folder / "incidents.csv")
    code, text = check(folder)
    assert (code, "a pipe, a socket or a device" in text) == (3, True)
    (folder / "config.yaml").write_text(CONFIG + "sources: {finds: finds.csv}\n")
    code, text = check(folder)
    assert (code, "'sources' is given twice, in lines 4 and 5" in text) == (2, True)
