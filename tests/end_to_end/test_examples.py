"""Every script of examples/ runs on a small country and prints the promised output."""

import runpy
import sys

import geopandas as gpd
import pytest
import yaml

import mlrisk
from mlrisk.outputs.geoparquet import write_parquet
from tests.support.command_line import QUICK
from tests.support.paths import ROOT
from tests.support.sample_package import sample_package

EXAMPLES = ROOT / "examples"
FEW = (
    *QUICK, "features=[front_lines, incidents, roads]", "output.formats=[parquet]", "validation.folds=2",
    "contamination.model.n_trees=10", "casualty.model.n_trees=5", "casualty.contamination_every_years=0",
    "ranking.explained_cells=0", "validation.explained_cells=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def config_path(tmp_path_factory):
    """A small country whose config asks for quick models."""
    country = mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country"))
    tree = yaml.safe_load(country.config_path.read_text())
    for setting in FEW:
        keys, _, value = setting.partition("=")
        *parts, last = keys.split(".")
        branch = tree
        for part in parts:
            branch = branch.setdefault(part, {})
        branch[last] = yaml.safe_load(value)
    country.config_path.write_text(yaml.safe_dump(tree))
    return country.config_path


@pytest.fixture
def output_of(monkeypatch, capsys):
    """What a script prints."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_sources_are_checked(config_path, output_of):
    text = output_of("check_sources.py", config_path)
    assert "incidents: " in text
    assert "kept; set aside: " in text
    assert "'unknown': " in text


def test_features_are_a_table(config_path, output_of):
    text = output_of("feature_table.py", config_path, "front_lines", "roads")
    assert "front_line_distance_m" in text
    assert "incident_distance_m" not in text


def test_a_map_is_learned_judged_and_drawn(config_path, output_of, tmp_path):
    text = output_of("train_and_judge.py", config_path)
    assert "distance to the line" in text
    assert ".contamination version 1 (champion)" in text
    text = output_of("rank_and_plot.py", config_path, tmp_path / "ranks.png")
    assert " cells ranked; " in text
    assert (tmp_path / "ranks.png").read_bytes().startswith(b"\x89PNG")
    # The notebooks share what was trained here.
    text = output_of("explore_a_country.py", config_path)
    assert " features of " in text
    assert "where found and searched land differ most" in text
    text = output_of("a_model_of_your_own.py", config_path)
    assert {"mine", "mlrisk", "random"} <= set(text.split())
    assert "without accidents: " in text
    assert "log-odds that each feature adds:" in output_of("why_this_cell.py", config_path)
    assert "2 nts teams, 1 dogs: " in output_of("plan_a_season.py", config_path)


def test_a_map_is_held_against_later_finds(output_of, tmp_path):
    write_parquet(sample_package(), tmp_path)
    cells = mlrisk.load_risk_map(tmp_path)
    # A find where evidence is open already is none that the map has to answer for.
    first = cells[cells["status"].ne("evidence_open")].nsmallest(30, "rank")
    found = gpd.GeoDataFrame({"date": "2025-03-01"}, index=first.index, geometry=first.geometry)
    found.to_crs(4326).to_file(tmp_path / "found.geojson")
    text = output_of("verify_map.py", tmp_path, tmp_path / "found.geojson")
    assert "30 cells with later finds on new land" in text
    assert "missed, in the lower half of the ranking: 0" in text


def test_every_script_is_run_here_and_named_in_its_list():
    listed = (EXAMPLES / "README.md").read_text()
    own = (ROOT / "tests" / "end_to_end" / "test_examples.py").read_text()
    scripts = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert len(scripts) == 9
    assert all(f"[{name}]({name})" in listed and f'output_of("{name}"' in own for name in scripts)
