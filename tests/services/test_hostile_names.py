"""500 hostile names through every writer, and its tables opened in LibreOffice: no cell of theirs is a formula."""

import random
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlrisk.outputs.registry import WRITERS
from mlrisk.risk_map.package import Package
from tests.support.sample_package import sample_package

pytestmark = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")

NAMES = 500
# What a reader of tables may skip before it sees a formula, the signs that begin one, and what could follow.
SKIPPED = (
    "", " ", "\t", "\n", "\r", "\x00", "\x0b", "\x1f", "\u00a0", "\u00ad", "\u200b", "\u200e", "\u202e",
    "\u2060", "\u3000", "\ufeff", "\ufffe", "\uffff", "\u0300", "'", '"', ";", ",",
)  # fmt: skip
STARTS = tuple(
    sign for sign in map(chr, range(0x11000)) if unicodedata.normalize("NFKC", sign).strip()[:1] in tuple("=+-@")
)
CALLS = (
    "1+1", "SUM(1;2)", 'HYPERLINK("http://example.invalid")', "cmd|' /C calc'!A0", 'WEBSERVICE("http://a.invalid")',
    'DDE("a";"b";"c")', "A1", "'file:///etc/passwd'#$A.A1",
)  # fmt: skip
# Sixth to thirteenth token of the CSV filter: formulas are run, as by a user who lets them.
CSV_FILTER = "Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1,true"
FILTERS = {".csv": CSV_FILTER, ".dbf": "dBase:UTF-8"}
FORMULA = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}formula"


def hostile_names(seed: int = 5) -> list[str]:
    """Different texts that some spreadsheet could run, each with a number in it."""
    draw = random.Random(seed)  # noqa: S311 a draw of texts
    return [
        "".join(draw.choices(SKIPPED, k=draw.randint(0, 3))) + draw.choice(STARTS) + draw.choice(CALLS) + f"+{number}"
        for number in range(NAMES)
    ]


@pytest.fixture(scope="module")
def package() -> Package:
    """Names in each column of text of each table, so that every name is somewhere in the tasks."""
    package, names = sample_package(120, 160), hostile_names()

    def named(table, columns):
        given = iter(names * (1 + len(columns) * len(table) // len(names)))
        return table.assign(**{name: [next(given) for _ in range(len(table))] for name in columns})

    twice = pd.concat([package.tasks, package.tasks], ignore_index=True)
    twice = twice.assign(task_id=np.arange(1, len(twice) + 1, dtype=np.int32))
    tasks = named(twice, ("district", "team", "access_note", "reason_1", "reason_2", "reason_3", "reason_1_az"))
    assert 7 * len(tasks) >= NAMES
    return replace(
        package,
        tasks=tasks,
        risk=named(package.risk, ("reason_1", "reason_2", "reason_3")),
        hazards=named(package.hazards, ("hazard_type", "hazard_status")),
        layers={"settlements": named(package.layers["settlements"], ("name",))},
        notes=replace(package.notes, country=names[0], not_included=tuple(names[:9]), warnings=tuple(names[9:19])),
    )


def formulas_of(file: Path, folder: Path) -> list[str]:
    """The formulas of a table as LibreOffice has them after opening it."""
    options = [f"--infilter={FILTERS[file.suffix]}"] if file.suffix in FILTERS else []
    profile = f"-env:UserInstallation=file://{folder}/profile"
    line = ["soffice", profile, "--headless", *options, "--convert-to", "fods", "--outdir", str(folder), str(file)]
    subprocess.run(line, check=True, capture_output=True, timeout=300)
    tree = ET.parse(folder / f"{file.stem}.fods")  # noqa: S314 written by LibreOffice from our own file
    cells = [cell.get(FORMULA) for cell in tree.iter() if cell.get(FORMULA)]
    assert len(list(tree.iter())) > NAMES
    return [str(cell) for cell in cells]


def opens_dbase() -> bool:
    """Whether Calc has the driver of dBase tables, which Debian packs apart (libreoffice-base-drivers)."""
    return any(Path(shutil.which("soffice") or "").resolve().parent.glob("libdbase*"))


def test_a_raw_name_would_be_run(tmp_path: Path) -> None:
    raw = tmp_path / "raw.csv"
    raw.write_text("\n".join(["name", *(f"={number}+1" for number in range(NAMES))]), encoding="utf-8")
    assert len(formulas_of(raw, tmp_path)) == NAMES


def test_no_name_is_a_formula_in_any_table_that_a_writer_writes(package: Package, tmp_path: Path) -> None:
    written = [path for writer in WRITERS.values() for path in writer(package, tmp_path)]
    tables = [path for path in written if path.suffix in (".csv", ".xlsx", *((".dbf",) if opens_dbase() else ()))]
    assert {path.name for path in tables} >= {"survey_tasks.csv", "survey_tasks.xlsx", "survey_calendar.xlsx"}
    for number, table in enumerate(tables):
        folder = tmp_path / f"opened_{number}"
        folder.mkdir()
        assert not formulas_of(table, folder), table.name
