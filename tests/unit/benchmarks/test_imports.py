"""Every module of the benchmarks imports: a renamed function breaks a test and not a measurement years later."""

from importlib import import_module

import pytest

from tests.support.paths import ROOT

FOLDER = ROOT / "benchmarks"
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in FOLDER.rglob("*.py")
)


def test_there_are_benchmarks():
    assert {"benchmarks.casualties", "benchmarks.planning.seasons", "benchmarks.speed.measure"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_imports(name):
    assert import_module(name).__doc__
