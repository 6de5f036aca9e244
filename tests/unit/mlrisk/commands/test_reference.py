"""The reference pages are those of the code, and no key, source column or output column is without a meaning."""

import json

from features.sources import COLUMN_TEXTS, SCHEMAS
from mlrisk.commands.rank import RISK_COLUMNS
from mlrisk.commands.reference import config_keys, pages
from mlrisk.outputs import RISK_COLUMN_TEXTS
from mlrisk.settings import Config
from tests.support.paths import ROOT


def test_the_pages_in_the_docs_are_those_of_the_code():
    for name, text in pages().items():
        page = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        assert page == text, "run `python -m mlrisk.commands.reference docs/reference`"


def test_every_config_key_has_a_meaning():
    rows = list(config_keys())
    assert not [key for key, _, _, text in rows if not text]
    assert {"ranking.assets.NAME.works", "sources.dem", "validation.protocols"} <= {key for key, *_ in rows}


def test_every_source_column_has_a_meaning():
    columns = {column for schema in SCHEMAS.values() for column in schema.columns}
    assert columns == set(COLUMN_TEXTS)


def test_every_column_of_the_map_has_a_meaning():
    assert set(RISK_COLUMNS) <= set(RISK_COLUMN_TEXTS)


def test_the_schema_for_editors_names_every_section():
    schema = json.loads(json.dumps(Config.model_json_schema()))
    assert {"name", "as_of", "grid", "sources", "ranking", "output"} <= set(schema["properties"])
