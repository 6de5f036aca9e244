"""What a retraining saw: the mark of files and settings, and the days for which it holds."""

import json
import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

import mlrisk
from features.base.records import known_at
from features.sources import opening as sources
from features.sources.digests import digest_files
from training.evidence.fingerprint import files_digest, fingerprint
from training.evidence.verdicts import open_inputs, open_ledger
from training.retraining import last_run
from training.retraining.last_run import LastRun, known_days, last_run_path, mark_of, read_last_run, write_last_run

pytestmark = pytest.mark.slow

SEEN = LastRun(
    mark="mark", since=date(2024, 1, 31), until=date(2024, 3, 1), champion="2", champion_run="b", known="3",
    known_run="c", decision="refused", inputs={"dem": "a" * 64}, notes=("a note",),
)  # fmt: skip


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=1_000, folder=tmp_path_factory.mktemp("country"))


def config_of(country, *overrides):
    return mlrisk.load_config(country.config_path, overrides=overrides)


def test_a_mark_moves_with_files_and_settings_and_not_with_the_date(country):
    mark = marked(config_of(country))
    assert mark == marked(config_of(country, "as_of=2019-01-01"))
    settings = ("seed=8", "ranking.policy=search", "validation.folds=3", "output.formats=[csv]")
    others = [marked(config_of(country, text)) for text in settings]
    assert len({mark, *others}) == len(settings) + 1
    config = config_of(country)
    paths = [country.folder / path for path in named(config)]
    assert len(paths) > 5
    for path in paths:
        before = path.read_bytes()
        # A file of the same length and time is another one all the same.
        status = path.stat()
        path.write_bytes(bytes([before[0] ^ 1]) + before[1:])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert marked(config) != mark, path
        path.write_bytes(before)
    assert marked(config) == mark


def test_a_file_of_the_planning_is_one_of_the_files(country, tmp_path):
    layer = tmp_path / "flood.geojson"
    layer.write_text("{}")
    config = config_of(country, f"ranking.masks=[{{reason: flood, area: {layer}}}]")
    before = files_digest(config)
    assert before not in ("", files_digest(config_of(country)))
    layer.write_text("{ }")
    assert files_digest(config) != before


def marked(config):
    return mark_of(config, files_digest(config))


def named(config):
    """Files that the synthetic country's config names, found in its text."""
    text = (config.home_folder / "config.yaml").read_text()
    return sorted(path.name for path in config.home_folder.iterdir() if path.suffix != ".yaml" and path.name in text)


def test_terms_and_the_program_are_in_the_mark(country, monkeypatch):
    terms = country.folder / "terms.yaml"
    terms.write_text("incidents: {}")
    config = config_of(country, "sources.incidents={path: incidents.csv, terms: terms.yaml}")
    before = files_digest(config)
    terms.write_text("incidents: {}  # other words")
    assert before not in ("", files_digest(config))
    mark = marked(config)
    monkeypatch.setattr(last_run, "program_digest", lambda *_: "another program")
    assert marked(config) != mark


def test_other_units_of_casualties_are_news(country):
    units = country.folder / "units.gpkg"
    shutil.copy(country.folder / "area.gpkg", units)
    config = config_of(country, "casualty.units={path: units.gpkg}")
    inputs = open_inputs(config)
    ledger = open_ledger(config, inputs)
    before = fingerprint(config, inputs, ledger)
    assert fingerprint(config, inputs, ledger) == before
    gpd.read_file(units).buffer(-500).to_file(units)
    assert fingerprint(config, inputs, ledger) != before


def test_a_file_that_is_replaced_while_it_is_read_counts_as_what_was_read(country, monkeypatch):
    config = config_of(country)
    path = country.folder / "incidents.csv"
    before = path.read_bytes()
    first = open_inputs(config).digests["incidents"]
    read = sources.read_vector

    def replaced_meanwhile(name, *rest):
        table = read(name, *rest)
        if name == "incidents":
            path.write_bytes(before + b"\n")
        return table

    monkeypatch.setattr(sources, "read_vector", replaced_meanwhile)
    assert open_inputs(config).digests["incidents"] == first
    assert digest_files((path,)) != first
    path.write_bytes(before)


def test_what_cannot_be_read_has_no_mark(country):
    config = config_of(country, "sources.incidents.path=missing.gpkg")
    assert files_digest(config) == mark_of(config, "") == ""


@pytest.mark.parametrize(
    ("mark", "day", "holds"),
    [
        ("mark", "2024-01-31", True),
        ("mark", "2024-02-29", True),
        ("mark", "2024-03-01", False),
        ("mark", "2024-01-30", False),
        ("other", "2024-01-31", False),
        ("", "2024-01-31", False),
    ],
)
def test_it_holds_from_its_day_until_more_becomes_known(mark, day, holds):
    assert SEEN.holds(mark, date.fromisoformat(day)) is holds


def test_without_an_end_it_holds_for_ever():
    assert SEEN.model_copy(update={"until": None}).holds("mark", date(2124, 1, 1))
    assert SEEN.model_copy(update={"since": None}).holds("mark", date(1924, 1, 1))
    assert not SEEN.model_copy(update={"mark": ""}).holds("", date(2024, 2, 1))


def test_the_next_day_on_which_more_is_known(country):
    config = config_of(country)
    inputs = open_inputs(config)
    ledger = open_ledger(config, inputs)

    def known(day):
        counts = [len(known_at(table, day)) for table in inputs.sources.vectors.values()]
        return (*counts, int((ledger.entries.records["known_from"] <= pd.Timestamp(day)).sum()))

    day = date(2018, 6, 30)
    for _ in range(5):
        since, until = known_days(inputs, ledger, day)
        assert since is not None
        assert until is not None
        assert since <= day < until
        eve = until - timedelta(days=1)
        assert known(since) == known(day) == known(eve)
        assert known_days(inputs, ledger, eve) == known_days(inputs, ledger, since) == (since, until)
        day = until
    assert known(day) != known(date(2018, 6, 30))
    assert known_days(inputs, ledger, date(2200, 1, 1))[1] is None
    assert known_days(inputs, ledger, date(1800, 1, 1))[0] is None


def test_it_is_read_as_it_was_written_and_a_broken_one_is_none(country, tmp_path):
    config = config_of(country).model_copy(update={"home_folder": tmp_path})
    assert read_last_run(config) is None
    write_last_run(config, SEEN)
    assert read_last_run(config) == SEEN
    assert [path.name for path in tmp_path.iterdir()] == [last_run_path(config).name]
    whole = json.loads(last_run_path(config).read_text())
    broken = [{**whole, key: value} for key, value in (("since", 3.5), ("inputs", None), ("notes", 3), ("more", 1))]
    for text in ("", "{", "[]", "{}", '"text"', *map(json.dumps, broken)):
        Path(last_run_path(config)).write_text(text)
        assert read_last_run(config) is None, text


def test_where_it_cannot_be_written_nothing_is_left(country, tmp_path, monkeypatch):
    config = config_of(country).model_copy(update={"home_folder": tmp_path})
    write_last_run(config, SEEN)

    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(Path, "replace", refuse)
    write_last_run(config, SEEN)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(Path, "unlink", refuse)
    write_last_run(config, SEEN)
