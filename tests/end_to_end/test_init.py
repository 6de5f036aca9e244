"""From a folder of open data to a config that `mlrisk check` accepts, without a line edited."""

import pytest

from mlrisk.settings import load_config
from tests.support.command_line import command_here
from tests.support.open_data_files import open_data_country


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "new_country"
    place.mkdir()
    open_data_country(place)
    return place


def test_a_country_of_open_data_goes_from_init_to_check(folder):
    done = command_here("init", folder)
    assert done.returncode == 0, done.stderr
    config = load_config(folder / "new_country.yaml")
    sources = config.sources
    assert config.grid.crs == "EPSG:32638"
    assert sources.dem.path == "new_country_dem.vrt"
    assert sources.conflict_events.columns["date"] == "date_start"
    assert sources.roads.paths == ("2.osm",)
    assert sources.roads.layer == "lines"
    assert sources.settlements.where == '"place" IS NOT NULL'
    assert sources.covariates[0].resampling == "sum"
    assert sources.districts.paths == ("7.geojson",)
    assert [area.path for area in config.grid.area] == ["6.geojson"]
    for line in ("roads", "rivers", "power_lines", "buildings", "settlements", "land_use", "conflict_events"):
        assert getattr(sources, line) is not None, line
    again = command_here("check", folder / "new_country.yaml")
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_country_of_open_data_goes_from_init_to_a_map_by_rules_of_the_field(folder):
    assert command_here("init", folder).returncode == 0
    done = command_here("run", folder / "new_country.yaml", "--set", "grid.cell_size_m=500")
    assert done.returncode == 0, done.stderr
    assert "No local evidence: rules of the field, not learned here." in done.stdout
    assert (folder / "outputs" / "new_country" / "map.html").is_file()


def test_init_never_replaces_a_config_unasked(folder):
    written = folder / "new_country.yaml"
    written.write_text("mine", encoding="utf-8")
    refused = command_here("init", folder)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert written.read_text(encoding="utf-8") == "mine"
    assert command_here("init", folder, "--force").returncode == 0
    first = written.read_bytes()
    assert command_here("init", folder, "--force").returncode == 0
    assert written.read_bytes() == first


def test_what_is_not_understood_is_listed_with_its_reason(folder):
    (folder / "notes.csv").write_text("what,when\nnothing,1993\n", encoding="utf-8")
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7 nothing")
    assert command_here("init", folder).returncode == 0
    text = (folder / "new_country.yaml").read_text(encoding="utf-8")
    assert "notes.csv: it has no geometry" in text
    assert "scan.pdf: it is a PDF" in text


def test_a_folder_of_nothing_is_refused(tmp_path):
    refused = command_here("init", tmp_path, "--name", "empty")
    assert refused.returncode == 3
    assert "nothing in" in refused.stderr
