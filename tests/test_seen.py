"""What a retraining saw: the mark of files and settings, and the days for which it holds."""

import os
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import mlrisk
from features.records import known_at
from training.inputs import open_inputs
from training.ledger import Ledger
from training.seen import Seen, files_digest, mark_of, next_known, read_seen, seen_path, write_seen

SEEN = Seen("mark", "2024-01-31", "2024-03-01", "2", "3", "refused", {"dem": "a" * 64}, ("a note",))


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
        told = path.stat()
        path.write_bytes(bytes([before[0] ^ 1]) + before[1:])
        os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
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
    assert Seen("mark", "2024-01-31", "", "2", "3", "", {}, ()).holds("mark", date(2124, 1, 1))
    assert not Seen("", "2024-01-31", "", "2", "3", "", {}, ()).holds("", date(2124, 1, 1))


def test_the_next_day_on_which_more_is_known(country):
    config = config_of(country)
    inputs = open_inputs(config)
    ledger = Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, config.data_folder)

    def known(day):
        counts = [len(known_at(table, day)) for table in inputs.sources.vectors.values()]
        return (*counts, int((ledger.entries.records["known_from"] <= pd.Timestamp(day)).sum()))

    day = date(2018, 6, 30)
    for _ in range(5):
        until = date.fromisoformat(next_known(inputs, ledger, day))
        assert until > day
        eve = until - timedelta(days=1)
        assert known(eve) == known(day)
        assert next_known(inputs, ledger, eve) == str(until)
        day = until
    assert known(day) != known(date(2018, 6, 30))
    assert next_known(inputs, ledger, date(2200, 1, 1)) == ""


def test_it_is_read_as_it_was_written_and_a_broken_one_is_none(country, tmp_path):
    config = config_of(country).model_copy(update={"home_folder": tmp_path})
    assert read_seen(config) is None
    write_seen(config, SEEN)
    assert read_seen(config) == SEEN
    assert [path.name for path in tmp_path.iterdir()] == [seen_path(config).name]
    for text in ("", "{", "[]", "{}", '{"notes": 3}', '"text"'):
        Path(seen_path(config)).write_text(text)
        assert read_seen(config) is None, text
