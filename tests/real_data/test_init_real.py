"""Real files under numbers for names: what `mlrisk init` makes of them."""

import shutil

import pytest

from mlrisk.commands import init
from tests.support.paths import DATA

real = pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not beside this checkout (../shared/data)")

# What each file is, by hand; None is what no source takes.
EXPECTED = {
    "bosnia": {
        "boundary_line.geojson": {"front_lines"},
        "conflict_events.csv": {"conflict_events"},
        "dem.tif": {"dem"},
        "entities.geojson": {"area"},
        "incidents.geojson": {"incidents"},
        "municipalities.geojson": {"districts"},
        "north/cleared_areas.geojson": {"land_release"},
        "north/lifted_minefields.geojson": {"finds"},
        "north/suspected_areas.geojson": {"hazard_areas"},
        "places.csv": set(),
        "roads.geojson": {"roads"},
        "settlement_control.csv": {"control_points"},
        "settlements_1991.csv": {"settlements"},
    },
    "colombia": {
        "cells_antioquia.csv": {"area", "survey", "covariates"},
        "cells_caldas_unlabelled.csv": {"area", "covariates"},
        "dem.tif": {"dem"},
        "events_1990_2013.csv": {"incidents", "finds"},
        "places.csv": {"settlements"},
        "roads.geojson": {"roads"},
        "victims_1990_2013.csv": set(),
    },
    "karabakh": {
        "area.geojson": {"area"},
        "dem.tif": {"dem"},
        "lines.geojson": {"front_lines"},
        "roads.geojson": {"roads"},
        "towns.csv": {"settlements"},
    },
}


@real
@pytest.mark.parametrize("country", EXPECTED)
def test_files_under_numbers_are_recognised(country, tmp_path):
    names = {}
    for number, file in enumerate(sorted(EXPECTED[country])):
        given = DATA / country / file
        names[f"{number}{given.suffix}"] = file
        shutil.copyfile(given, tmp_path / f"{number}{given.suffix}")
    proposal = init(tmp_path, country).proposal
    found: dict[str, set[str]] = {file: set() for file in names.values()}
    for one in proposal.findings:
        found[names[one.look.path]].add(one.source)
    assert found == EXPECTED[country]
    assert not proposal.unread
