"""YAML: nothing is lost or changed on the way from the file to the settings."""

import os
from pathlib import Path

import pytest

from features.base import ConfigError, parse_yaml, read_yaml


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("name: a\nsources:\n  incidents: a.csv\n  incidents: b.csv\n", "'incidents' is given twice, in lines 3 and 4"),
        ("sources: {a: 1}\nname: x\nsources: {b: 1}\n", "'sources' is given twice, in lines 1 and 3"),
        ("values: {'010': found, 010: searched}", "'010' is given twice"),
    ],
)
def test_a_key_given_twice_is_refused_with_its_lines(tmp_path: Path, text: str, lines: str) -> None:
    with pytest.raises(ConfigError, match=lines):
        read_yaml(written(tmp_path, text), "config")


def test_keys_are_what_is_written() -> None:
    tree = parse_yaml("{yes: 1, NO: 2, 010: 3, 1_00: 4, 1.0: 5, null: 6, 2019-01-01: 7, 0x10: 8, 12:30: 9}", "values")
    assert list(tree) == ["yes", "NO", "010", "1_00", "1.0", "null", "2019-01-01", "0x10", "12:30"]


def test_merged_mappings_give_way_to_the_own_key() -> None:
    assert parse_yaml("a: &a {p: 1, q: 2}\nb: {<<: *a, p: 3}", "config")["b"] == {"p": 3, "q": 2}


@pytest.mark.parametrize("value", ["010", "0x1F", "12:30", "-017", "1:30.5", "2024-13-45", "2024-02-30", "9" * 5000])
def test_values_that_yaml_changes_are_refused_with_their_line(value: str) -> None:
    with pytest.raises(ConfigError, match="line 2, column 4: "):
        parse_yaml(f"a: 1\nb: {value}", "config")


@pytest.mark.parametrize(("value", "number"), [("0", 0), ("-5", -5), ("1_000", 1000), ("1.5", 1.5), ("+3", 3)])
def test_plain_numbers_stay_numbers(value: str, number: float) -> None:
    assert parse_yaml(f"a: {value}", "config") == {"a": number}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: " + "[" * 3000, "nested too deep"),
        ("a: &x [*x]", "refers to itself"),
        ("? [1, 2]\n: x", "a key must be a word or a number"),
        ("a: b: c", "line 1, column 5"),
        ("a: !!python/object:os.system x", "line 1, column 4"),
    ],
)
def test_what_is_no_config_says_why(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_yaml(text, "config")


def test_references_that_multiply_are_refused_before_they_are_followed() -> None:
    lines = ["a0: &a0 [1, 1]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    with pytest.raises(ConfigError, match="more than 200,000 values"):
        parse_yaml("\n".join(lines), "config")


@pytest.mark.parametrize(("encoding", "why"), [("utf-16", "is in UTF-16"), ("cp1254", "line 2")])
def test_another_encoding_is_named(tmp_path: Path, encoding: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"{why}.*save it as UTF-8"):
        read_yaml(written(tmp_path, "a: 1\nname: Ağdam\n".encode(encoding)), "config")


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="pipe, a socket or a device"):
        read_yaml(tmp_path / "config.yaml", "config")
