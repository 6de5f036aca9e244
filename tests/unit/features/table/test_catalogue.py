"""The catalogue in the docs is the one of the code."""

import subprocess
import sys

import pytest

from features.families.registry import FAMILIES
from features.table.catalogue import catalogue
from tests.support.paths import ROOT


def test_the_page_in_the_docs_is_that_of_the_code():
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert page == catalogue(), "run `python -m features.table.catalogue > docs/features.md`"


@pytest.mark.slow
def test_the_module_writes_the_page():
    line = [sys.executable, "-W", "error", "-m", "features.table.catalogue"]
    assert subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=True).stdout == catalogue()


def test_every_feature_stands_in_it_once_with_its_unit():
    lines = catalogue().splitlines()
    for module in FAMILIES.values():
        for info in module.features:
            rows = [line for line in lines if line.startswith(f"| `{info.name}` |")]
            assert len(rows) == 1, info.name
            assert f" {info.unit} |" in rows[0]
