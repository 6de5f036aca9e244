"""What the configuration says of values that YAML or pydantic do not take."""

from pathlib import Path

import pytest

from features.base import ConfigError
from mlrisk.settings import load_config

PLAIN = "name: a\nas_of: 2024-07-31\ngrid: {crs: 'EPSG:32638', cell_size_m: 250, area: a.geojson}\n"


def refused(folder: Path, text: str, *overrides: str) -> str:
    file = folder / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_config(file, overrides=overrides)
    return str(refusal.value)


@pytest.mark.parametrize("word", ["yes", "no", "on", "false"])
def test_a_truth_value_for_a_text_needs_quotes(tmp_path: Path, word: str) -> None:
    message = refused(tmp_path, f"{PLAIN}sources: {{roads: {{path: r.csv, layer: {word}}}}}\n")
    assert "sources.roads.layer" in message
    assert "put it in quotes" in message


def test_a_number_for_a_text_needs_quotes(tmp_path: Path) -> None:
    message = refused(tmp_path, f"{PLAIN}sources: {{roads: {{path: r.csv, layer: 2019}}}}\n")
    assert "sources.roads.layer (2019)" in message
    assert "put it in quotes" in message


def test_a_list_is_called_a_list(tmp_path: Path) -> None:
    message = refused(tmp_path, f"{PLAIN}sources: {{}}\noutput: {{formats: 3}}\n")
    assert "output.formats" in message
    assert "a list, such as [a, b]" in message
    assert "tuple" not in message


def test_an_override_is_read_by_the_same_rules(tmp_path: Path) -> None:
    message = refused(tmp_path, f"{PLAIN}sources: {{}}\n", "seed=010")
    assert "--set (seed=010)" in message
    assert "put it in quotes" in message


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("as_of: 31.07.2024", "as_of ('31.07.2024'): must be a day, written as 2024-07-31"),
        ("as_of: 2024", "as_of (2024): must be a day, written as 2024-07-31"),
        ("ranking: {explore_share: yes}", "ranking.explore_share (True): yes, no, true and false are truth values"),
        ("ranking: {tasks: 5}", "ranking.tasks (5): must be a mapping with any of the keys "),
        ("as_of: 0", "as_of (0): must be a day, written as 2024-07-31"),
        ("as_of: '0'", "as_of ('0'): must be a day, written as 2024-07-31"),
        ("sources: {roads: [a.gpkg, b.gpkg]}", "several files are {path: [a, b]}"),
        ("sources: [a.gpkg]", "sources: must be a mapping: a source and its path in each line"),
        ("name: ../x", "name ('../x'): must begin with a small letter"),
        ('sources: {roads: "C:\\data\\a.gpkg"}', "in double quotes a backslash begins a code"),
        ("sources: {hazard_areas: {path: a.gpkg, values: {hazard_type: no}}}", "hazard_type: false: yes, no, on, off"),
        ("sources: {survey: {path: a.csv, values: {outcome: {a: yes}}}}", "outcome: true: yes, no, on, off"),
        ("\tname: a", "indent with blanks, not with tabs"), ("---\nname: a", "delete the line ---"),
    ],
)  # fmt: skip
def test_messages_say_what_would_do(tmp_path: Path, line: str, why: str) -> None:
    lines = dict(zip(("name", "as_of", "grid"), PLAIN.splitlines(), strict=True)) | {"sources": "sources: {}"}
    lines[line.split(":", maxsplit=1)[0]] = line
    assert why in refused(tmp_path, "\n".join(lines.values()))
