"""Nothing is new and the map is today's: each condition alone makes a retraining look closer or rank anew."""

import json
import subprocess
import sys
from datetime import date
from types import SimpleNamespace

import pytest

import mlrisk
from features.base.errors import ConfigError
from mlrisk.commands.map_state import PROGRAM, is_current, read_map_record
from training.retraining.last_run import LastRun, write_last_run
from training.retraining.short_cut import RetrainSession, nothing_new, unchanged_decision
from training.settings import program_digest
from training.settings.provenance import public_settings

DAY = date(2024, 2, 1)
SEEN = LastRun(
    mark="mark", since=date(2024, 1, 31), until=date(2024, 3, 1), champion="2", champion_run="b", known="3",
    known_run="c", decision="refused", inputs={"dem": "d"}, notes=("new records since 2024-01-01: none",),
)  # fmt: skip


class OneStore:
    """Numbers of champions, and rows by name and number."""

    def __init__(self, **changes):
        self.ranking = {"contamination": "2", "casualty": "2"} | changes.get("champions", {})
        self.runs = {"2": "b", "3": "c"} | changes.get("runs", {})
        self.decision = changes.get("decision", "refused")
        self.digest = changes.get("digest", "m")

    def number(self, name, alias):
        assert alias == "champion"
        return self.ranking[name.rsplit(".", 1)[1]]

    def champions(self, country):
        return {f"{country}.{target}": number for target, number in self.ranking.items()}


def row_of(store, name, number):
    if number not in store.runs:
        raise ConfigError(f"no version {number}")
    tags = {"decision": store.decision if number == "3" else "", "digest": store.digest}
    return SimpleNamespace(name=name, number=number, run_id=store.runs[number], tags=tags)


@pytest.fixture(scope="module")
def made_country(tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=1_000, folder=tmp_path_factory.mktemp("country"))


@pytest.fixture
def config(made_country, tmp_path, monkeypatch):
    for module in ("training.retraining.short_cut", "mlrisk.commands.map_state"):
        monkeypatch.setattr(f"{module}.row_of", row_of)
    found = mlrisk.load_config(made_country.config_path, overrides=[f"as_of={DAY}"])
    return found.model_copy(update={"home_folder": tmp_path})


def session(mark="mark", files="f", **store):
    return RetrainSession(OneStore(**store), (), files, mark)


def test_nothing_is_new_where_all_is_as_it_was_left(config):
    write_last_run(config, SEEN)
    known, seen = nothing_new(config, session())
    assert (known.number, seen) == ("3", SEEN)
    decision = unchanged_decision(config, session(), None)
    assert (decision.kind, decision.champion, decision.before, decision.challenger) == ("unchanged", "2", "2", "3")
    assert decision.notes[0] == SEEN.notes[0]
    # Whoever signs is not answered by a glance.
    assert unchanged_decision(config, session(), "Anna") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"mark": "another"},
        {"mark": ""},
        {"champions": {"contamination": "3"}},
        {"champions": {"contamination": None}},
        {"runs": {"2": "of another store"}},
        {"runs": {"3": "of another store"}},
        {"decision": "promoted"},
        {"decision": ""},
    ],
)
def test_one_change_is_enough_to_look_closer(config, changed):
    write_last_run(config, SEEN)
    assert nothing_new(config, session(**changed)) is None


def test_a_version_that_is_gone_and_another_day_are_looked_at(config):
    assert nothing_new(config, session()) is None
    write_last_run(config, SEEN.model_copy(update={"known": "9"}))
    assert nothing_new(config, session()) is None
    write_last_run(config, SEEN.model_copy(update={"until": DAY}))
    assert nothing_new(config, session()) is None


@pytest.fixture
def written(config, tmp_path):
    """An output folder that says how its map was made."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "risk.parquet").write_bytes(b"a map")
    summary = {
        "as_of": str(DAY),
        "models": [{"name": f"{config.name}.{t}", "number": "2", "digest": "m"} for t in ("contamination", "casualty")],
        "inputs": [{"source": "dem", "digest": "d"}],
        "files": "f",
        "program": program_digest(*PROGRAM),
        "written": {"risk.parquet": 5},
        "settings": json.loads(json.dumps(public_settings(config), default=str)),
    }
    return folder, summary


def current(written, config, seen=SEEN, summary=None, **changed):
    folder, summary_record = written
    (folder / "summary.json").write_text(json.dumps(summary_record | (summary or {})))
    return is_current(read_map_record(folder), config, session(**changed), seen)


def test_a_map_of_today_is_not_made_again(written, config):
    assert current(written, config)
    # What has no say in the map may differ.
    other = config.model_copy(update={"retraining": config.retraining.model_copy(update={"margin": 0.5})})
    assert current(written, other)
    assert current(written, config, summary={"as_of": "2024-02-29"})
    # A sheet that a team has filled in.
    (written[0] / "survey_tasks.xlsx").write_bytes(b"more than there was")
    assert current(written, config, summary={"written": {"risk.parquet": 5, "survey_tasks.xlsx": 3}})
    (written[0] / "survey_tasks.xlsx").write_bytes(b"")
    assert not current(written, config, summary={"written": {"risk.parquet": 5, "survey_tasks.xlsx": 3}})


@pytest.mark.parametrize(
    "changed",
    [
        {"seen": None},
        {"seen": SEEN.model_copy(update={"inputs": {"dem": "another"}})},
        {"files": "another"},
        {"files": ""},
        {"champions": {"contamination": "3"}},
        {"champions": {"casualty": "3"}},
        {"champions": {"casualty": None}},
        {"digest": "of another store"},
        {"summary": {"as_of": "2023-12-31"}},
        {"summary": {"as_of": "2024-03-01"}},
        {"summary": {"program": "another"}},
        {"summary": {"models": []}},
        {"summary": {"models": None}},
        {"summary": {"settings": {}}},
        {"summary": {"inputs": None}},
        {"summary": {"written": {"risk.parquet": 4}}},
        {"summary": {"written": {"risk.parquet": 5, "map.html": 8}}},
    ],
)
def test_one_change_is_enough_for_another_map(written, config, changed):
    assert not current(written, config, **changed)


def test_another_setting_makes_another_map(written, config):
    other = config.model_copy(update={"ranking": config.ranking.model_copy(update={"policy": "search"})})
    assert not current(written, other)


def test_without_a_summary_there_is_no_map(written):
    assert read_map_record(written[0]) is None


def test_a_run_with_nothing_new_waits_for_no_model_and_no_writer():
    heavy = "{'lightgbm', 'sklearn', 'matplotlib', 'bokeh', 'shap'}"
    code = f"import sys, mlrisk.commands.retrain, mlrisk.cli.text.retrain; sys.exit(str({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == "set()"
