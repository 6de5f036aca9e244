"""The chain features <- models <- training <- mlrisk, and what may never stand in the code."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHAIN = ("features", "models", "training", "mlrisk")
MODULES = sorted(path for package in CHAIN for path in (ROOT / package).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def test_there_are_modules_to_look_at():
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(CHAIN)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_the_chain(path):
    level = CHAIN.index(path.relative_to(ROOT).parts[0])
    upward = {name for name in _imports(path) if name.split(".")[0] in CHAIN[level + 1 :]}
    assert not upward, f"{path.relative_to(ROOT)} imports up the chain: {upward}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_pickles_or_calls_out(path):
    forbidden = {"pickle", "joblib", "dill", "requests", "urllib.request", "http.client", "socket"}
    assert not _imports(path) & forbidden


def test_models_know_nothing_of_files_and_tracking():
    for path in (ROOT / "models").glob("*.py"):
        assert not _imports(path) & {"pathlib", "mlflow", "os", "geopandas", "rasterio"}


def test_only_the_command_line_prints_or_exits():
    for path in MODULES:
        if path.name == "cli.py":
            continue
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {call.id for call in calls if isinstance(call, ast.Name)}
        assert not names & {"print", "exit", "quit"}, path


def test_importing_mlrisk_is_light():
    code = (
        "import sys, mlrisk; heavy = {'numpy', 'pandas', 'geopandas', 'lightgbm', 'mlflow', 'rasterio', 'bokeh'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['mlrisk', '--help']\n"
        "from mlrisk.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'pydantic', 'geopandas', 'lightgbm', 'mlflow'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip().endswith("loaded []")


def test_public_functions_have_docstrings():
    bare = []
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                bare.append(f"{path.name}: {node.name}")
    assert not bare


def test_the_lock_names_no_address():
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert all("--hash" in part for part in text.replace("\\\n", " ").strip().splitlines())
