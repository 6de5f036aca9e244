"""Code that does the same on every machine, and nothing to the process that other threads would notice."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT

PACKAGES = ("features", "models", "training", "mlrisk")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# Methods and functions of text files; `read_text` of a store of model versions takes the name of a run before that.
TEXT_METHODS = {"read_text": 0, "write_text": 1}
# These change the whole process: the other threads of a program that imports mlrisk would be changed with it.
PROCESS_WIDE = {"redirect_stdout", "redirect_stderr", "chdir", "basicConfig", "setlocale"}


def _calls(source: str) -> Iterator[tuple[ast.Call, str, bool]]:
    """Every call in a source text, the last part of the name called, and whether it is a method."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node, node.func.attr, True
            elif isinstance(node.func, ast.Name):
                yield node, node.func.id, False


def _is_text_mode(call: ast.Call, at: int) -> bool:
    given = [word.value for word in call.keywords if word.arg == "mode"] or call.args[at : at + 1]
    return not given or (isinstance(given[0], ast.Constant) and "b" not in str(given[0].value))


def without_encoding(source: str) -> list[int]:
    """Lines that read or write text in the encoding that the machine happens to have.

    >>> without_encoding("path.write_text(text)"), without_encoding("path.write_text(text, encoding='utf-8')")
    ([1], [])
    >>> without_encoding("open(path)"), without_encoding("path.open('rb')"), without_encoding("rasterio.open(path)")
    ([1], [], [])
    """
    lines = []
    for call, name, method in _calls(source):
        if any(word.arg == "encoding" for word in call.keywords):
            continue
        library = method and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "rasterio"
        opened = name == "open" and not library and _is_text_mode(call, 0 if method else 1)
        if opened or (method and len(call.args) == TEXT_METHODS.get(name, -1)):
            lines.append(call.lineno)
    return lines


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_files_name_their_encoding(path):
    assert without_encoding(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_changes_the_process_of_the_caller(path):
    named = {name for _, name, _ in _calls(path.read_text(encoding="utf-8"))}
    assert named & PROCESS_WIDE == set()
