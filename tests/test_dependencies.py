"""What is declared is what is imported, and what is built holds what it should."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions

import pytest

from tests.support.paths import ROOT

PACKAGES = ("features", "models", "training", "mlrisk")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Named by an option and never imported by us: the drivers behind a tracking.uri and a compute.scheduler.
OPTIONAL = {"distributed", "psycopg"}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def declared():
    lines = PROJECT["project"]["dependencies"]
    return {normal(re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0]) for line in lines}


def imported():
    """Third-party modules of the four packages by the first part of their name."""
    names = set()
    for path in (
        path for package in PACKAGES for path in (ROOT / package).rglob("*.py*") if path.suffix in {".py", ".pyi"}
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(str(node.module).partition(".")[0])
    return names - set(sys.stdlib_module_names) - set(PACKAGES)


def test_every_import_is_declared_and_every_dependency_is_imported():
    of_module = {module: {normal(name) for name in names} for module, names in packages_distributions().items()}
    needed = {module: of_module[module] for module in imported() - OPTIONAL}
    undeclared = sorted(module for module, names in needed.items() if not names & declared())
    assert undeclared == []
    unused = declared() - {name for names in needed.values() for name in names}
    assert unused == set()


def test_every_bound_says_why():
    text = (ROOT / "pyproject.toml").read_text()
    block = text.partition("dependencies = [\n")[2].partition("\n]")[0]
    bare = [line for line in block.splitlines() if "#" not in line]
    assert bare == []


def test_no_address_of_a_registry_is_written_down():
    for path in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run", "CITATION.cff"):
        assert not re.search("https?:", (ROOT / path).read_text()), path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The names in the wheel and in the source distribution, without the folder that the latter begins with."""
    folder = tmp_path_factory.mktemp("dist")
    line = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        inside = set(wheel.namelist())
    with tarfile.open(next(folder.glob("*.tar.gz"))) as source:
        return inside, {name.partition("/")[2] for name in source.getnames()}


def tracked(*folders):
    line = ["git", "-C", str(ROOT), "ls-files", *folders]
    return set(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout knows which files are tracked")
def test_the_wheel_holds_the_packages_and_the_source_distribution_all_that_is_tested(built):
    wheel, source = built
    # `mlrisk init` copies this one, which stands among the configs, beside a config that needs it.
    ours = tracked(*PACKAGES) | {"mlrisk/intake/imsma_core.yaml"}
    assert {path for path in wheel if ".dist-info/" not in path} == ours
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel
    assert any(path.endswith("/languages/az.yaml") for path in wheel)
    assert any(path.endswith("/assets/page.js") for path in wheel)
    assert any(path.endswith("/__init__.pyi") for path in wheel)
    assert any(path.endswith(".dist-info/licenses/LICENSE") for path in wheel)
    assert tracked(*PACKAGES, "tests", "examples", "configs", "docs") | {"LICENSE", "CHANGELOG.md"} <= source
