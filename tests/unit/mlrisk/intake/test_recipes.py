"""Every recipe of the documentation reads files in the layout that it is for."""

import re
import shutil
from pathlib import Path

import pyproj
import pytest
import shapely

from features.base import Grid, parse_yaml
from features.sources import SourcesSettings, open_sources
from tests.support.open_data_files import EAST, NORTH, SOUTH, WEST
from tests.support.paths import ROOT
from tests.support.recipe_files import columns_of, written

RECIPES = sorted((ROOT / "docs/howto/recipes").glob("*.md"))
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
BLOCKS = [
    # GDAL indexes an extract of OpenStreetMap anew for every source.
    pytest.param(text, id=f"{page.stem}-{number}", marks=[pytest.mark.slow] if ".osm.pbf" in text else [])
    for page in RECIPES
    for number, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
]
UTM = pyproj.CRS("EPSG:32638")
TO_UTM = pyproj.Transformer.from_crs(4326, UTM, always_xy=True)
GRID = Grid.from_area(shapely.box(*TO_UTM.transform_bounds(WEST, SOUTH, EAST, NORTH)), UTM, 1000)


@pytest.mark.parametrize("text", BLOCKS)
def test_the_lines_of_a_recipe_read_its_files(text: str, tmp_path: Path) -> None:
    settings = SourcesSettings.model_validate(parse_yaml(text, "recipe")["sources"])
    given = [(name, getattr(settings, name)) for name in SourcesSettings.model_fields]
    specs = [(name, spec) for name, found in given for spec in (found if name == "covariates" else [found]) if spec]
    assert specs
    for name, spec in specs:
        shared = [(other, one) for other, one in specs if set(one.paths) & set(spec.paths)]
        others = {key: value for other, one in shared for key, value in columns_of(other, one).items()}
        written(tmp_path, name, spec, others)
        if spec.terms is not None:
            shutil.copy(ROOT / "configs/terms" / spec.terms, tmp_path)
    reports = open_sources(settings, GRID, tmp_path).reports
    records = [report for report in reports if report.rows_read]
    assert len(reports) == len(specs)
    assert all(report.rows_kept for report in records), [report for report in records if not report.rows_kept]
