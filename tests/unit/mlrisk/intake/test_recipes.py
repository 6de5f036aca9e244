"""Every recipe of the documentation is YAML that the settings accept."""

import re

import pytest

from features.base import parse_yaml
from features.sources import SourcesSettings
from tests.support.paths import ROOT

RECIPES = sorted((ROOT / "docs/howto/recipes").glob("*.md"))
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_recipes_are_sources_that_are_known(page):
    blocks = [parse_yaml(text, page.name) for text in BLOCK.findall(page.read_text(encoding="utf-8"))]
    assert blocks
    for block in blocks:
        SourcesSettings.model_validate(block["sources"])
