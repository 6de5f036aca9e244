"""The chain features <- models <- training <- mlrisk, and what may never stand in the code."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The house: packages in the order of the chain, rooms in the order in which they stand. A room imports only rooms
# before it, of its own package and of packages before that. `models` is one room; `train` and `version` are modules.
ROOMS = {
    "features": ("base", "sources", "geometry", "relief", "as_of", "families", "table"),
    "models": (),
    "training": (
        "settings", "evidence", "validation", "registry", "contamination", "casualty", "reporting", "train",
        "retraining",
    ),
    "mlrisk": (
        "version", "risk_map", "settings", "ranking", "planning", "outputs", "followup", "synthetic", "intake",
        "commands", "cli",
    ),
}  # fmt: skip
CHAIN = tuple(ROOMS)
LINES_OF_A_MODULE, LINES_OF_A_FUNCTION, FIELDS_BY_POSITION = 300, 60, 4
MODULES = sorted(path for package in CHAIN for path in (ROOT / package).rglob("*.py"))


def _module(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or within a function; submodules of a room by their full name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                below = ROOT / Path(*module.split("."), alias.name)
                is_module = below.is_dir() or below.with_suffix(".py").is_file()
                names.add(f"{module}.{alias.name}" if is_module else module)
    return names


def floor_of(module: str) -> tuple[int, int] | None:
    """Place of a module: number of its package and of its room; None outside the packages.

    >>> floor_of("features.base.grid"), floor_of("training.train"), floor_of("numpy")
    ((0, 0), (2, 7), None)
    """
    package, *rest = module.split(".")
    if package not in ROOMS:
        return None
    rooms = ROOMS[package]
    if not rest or not rooms:
        return CHAIN.index(package), -1
    assert rest[0] in rooms, f"{module} stands outside the rooms of {package}: {', '.join(rooms)}"
    return CHAIN.index(package), rooms.index(rest[0])


def upward(module: str, imported: Iterable[str]) -> list[str]:
    """What a module imports from rooms that stand after its own."""
    own = floor_of(module)
    return sorted(name for name in imported if own and (floor_of(name) or own) > own)


def circles(arrows: Mapping[str, set[str]]) -> list[str]:
    """The first circle of modules that import each other, empty where there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(arrows.get(module, ())):
            if found := walk(other, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := walk(module, []))), [])


def test_there_are_modules_to_look_at():
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(CHAIN)
    standing = {".".join(_module(path, ROOT).split(".")[:2]) for path in MODULES}
    assert {f"{package}.{room}" for package, rooms in ROOMS.items() for room in rooms} <= standing


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_the_rooms(path):
    module = _module(path, ROOT)
    # Names that a package exports to its users are loaded on first use; no module of mlrisk imports them from there.
    if module == "mlrisk":
        return
    assert not upward(module, _imports(path)), f"{module} imports up the house"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_other_rooms_import_from_the_room(path):
    """A name that a room hands on is imported from the room: its modules may be rearranged without a word."""
    own = _module(path, ROOT).split(".")[:2]
    past = []
    for node in ast.walk(ast.parse(path.read_text())):
        parts = (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []
        if len(parts) < 3 or parts[:2] == own:
            continue
        public = getattr(import_module(".".join(parts[:2])), "__all__", ())
        modules = {file.stem for file in (ROOT / parts[0] / parts[1]).glob("*.py")}
        past += [alias.name for alias in node.names if alias.name in public and alias.name not in modules]
    assert not past, f"{path}: import {', '.join(past)} from the room"


def test_no_circle():
    arrows = {_module(path, ROOT): _imports(path) - {_module(path, ROOT)} for path in MODULES}
    rooms = {module: {name for name in names if name in arrows} for module, names in arrows.items()}
    assert not circles(rooms)


def test_every_room_says_what_it_is_for_and_what_it_hands_on():
    for package, rooms in ROOMS.items():
        for room in rooms:
            folder = ROOT / package / room
            if folder.is_dir():
                house = import_module(f"{package}.{room}")
                assert house.__doc__, room
                assert all(getattr(house, name) is not None for name in house.__all__), room


def test_the_test_sees_an_upward_arrow_a_circle_and_a_module_outside():
    assert upward("features.base.grid", {"features.sources", "numpy"}) == ["features.sources"]
    assert upward("models.ranker", {"training.train", "features.table"}) == ["training.train"]
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert not circles({"a": {"b", "c"}, "b": {"c"}})
    with pytest.raises(AssertionError, match="stands outside the rooms"):
        floor_of("features.heap")


def too_large(source: str, modules: int = LINES_OF_A_MODULE) -> list[str]:
    """Modules and functions that fit no head, and values of many fields that can be built by position."""
    lines = source.count("\n")
    faults = [f"{lines} lines, at most {modules}"] if lines > modules else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LINES_OF_A_FUNCTION:
                faults.append(f"{node.name}: {length} lines, at most {LINES_OF_A_FUNCTION}")
        if isinstance(node, ast.ClassDef):
            count = sum(isinstance(part, ast.AnnAssign) for part in node.body)
            for mark in node.decorator_list:
                call = mark if isinstance(mark, ast.Call) else None
                name = ast.unparse(call.func if call else mark).rpartition(".")[2]
                by_name = call is not None and any(word.arg == "kw_only" for word in call.keywords)
                if name == "dataclass" and count > FIELDS_BY_POSITION and not by_name:
                    faults.append(f"{node.name}: {count} fields, more than {FIELDS_BY_POSITION} need kw_only=True")
    return faults


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_functions_and_values_are_small(path):
    assert not too_large(path.read_text())


def test_the_test_sees_a_long_module_a_long_function_and_a_value_by_position():
    assert too_large("x = 1\n" * 301) == ["301 lines, at most 300"]
    assert too_large("def f():\n" + "    x = 1\n" * 60) == ["f: 61 lines, at most 60"]
    fields = "".join(f"    {name}: int\n" for name in "abcde")
    for mark in ("@dataclass", "@dataclass(frozen=True)", "@dataclasses.dataclass"):
        assert too_large(f"{mark}\nclass A:\n{fields}") == ["A: 5 fields, more than 4 need kw_only=True"]
    assert not too_large(f"@dataclass(kw_only=True)\nclass A:\n{fields}")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_pickles_or_calls_out(path):
    forbidden = {"pickle", "joblib", "dill", "requests", "urllib.request", "http.client", "socket"}
    assert not _imports(path) & forbidden


def test_models_know_nothing_of_files_and_tracking():
    for path in (ROOT / "models").glob("*.py"):
        assert not _imports(path) & {"pathlib", "mlflow", "os", "geopandas", "rasterio"}


def test_only_the_command_line_prints_or_exits():
    for path in MODULES:
        if _module(path, ROOT).startswith("mlrisk.cli."):
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
        "from mlrisk.cli import main\n"
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
