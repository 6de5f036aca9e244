"""The reference pages are those of the code, and no key, source column or output column is without a meaning."""

import json

from features.sources import COLUMN_TEXTS, SCHEMAS
from mlrisk.commands.rank import RISK_COLUMNS
from mlrisk.commands.reference import config_keys, outputs_page, pages
from mlrisk.outputs import RISK_COLUMN_TEXTS, SHEET_TEXTS, plan_sheet, survey_calendar
from mlrisk.outputs.registry import WRITERS
from mlrisk.settings import Config
from tests.support.file_columns import columns_without_a_page
from tests.support.paths import ROOT
from tests.support.sample_package import sample_package
from tests.support.sample_plan import plain_land, plan_of, settings_of


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


def test_every_column_layer_and_band_of_every_file_has_a_line(tmp_path):
    for name in ("parquet", "cog", "gpkg", "csv", "fgdb"):
        WRITERS[name](sample_package(24, 30), tmp_path)
    assert columns_without_a_page(tmp_path, outputs_page()) == {}


def test_every_column_that_a_plan_gives_its_tasks_has_a_line():
    tasks = plan_of(plain_land(), settings_of("authority")).tasks
    page = outputs_page()
    assert [name for name in tasks.columns if name != "geometry" and f"`{name}`" not in page] == []


def test_every_heading_of_the_printed_sheets_has_a_meaning():
    headings = {title for module in (plan_sheet, survey_calendar) for title, _ in module.COLUMNS}
    assert headings == set(SHEET_TEXTS)


def test_the_schema_for_editors_names_every_section():
    schema = json.loads(json.dumps(Config.model_json_schema()))
    assert {"name", "as_of", "grid", "sources", "ranking", "output"} <= set(schema["properties"])
