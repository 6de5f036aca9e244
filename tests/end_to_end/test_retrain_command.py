"""`mlrisk retrain` as its operator runs it: twice, with newer results, refused, and rolled back."""

import json
import time

import pytest

import mlrisk
from tests.support.command_line import QUICK, command, command_here
from training.registry.decision_log import read_lines
from training.registry.promotion import promote
from training.registry.store import Store
from training.retraining.decision import FIRST, PROMOTED, UNCHANGED
from training.retraining.last_run import last_run_path

FEW = (
    *QUICK, "features=[front_lines, incidents, roads]", "output.formats=[parquet, gpkg]", "validation.folds=2",
    "contamination.model.n_trees=15", "casualty.model.n_trees=5", "ranking.explained_cells=0",
)  # fmt: skip
LOOSE = (
    "margin=1",
    "district_margin=1",
    "most_shift=99",
    "most_calibration_error=1",
    "most_domain_loss=1",
    "beaten=say",
)
BEFORE, NOW = "as_of=2020-12-31", "as_of=2021-12-31"


def retrain(country, *more, run=command_here):
    line = [part for text in (*FEW, *more) for part in ("--set", text)]
    return run("retrain", country.config_path, *line)


def champions(config):
    names = (f"{config.name}.contamination", f"{config.name}.casualty")
    return {name: Store.of(config).number(name, "champion") for name in names}


def steps_of(run):
    return [json.loads(line)["step"] for line in run.stderr.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=2_500, folder=tmp_path_factory.mktemp("country"))


def test_the_operator_s_year(country):
    outputs = country.folder / "outputs"
    first = retrain(country, BEFORE, run=command)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"{FIRST}: version 1 ranks")
    old = (outputs / "risk.parquet").read_bytes()
    assert steps_of(first)[-1] == "done"

    refused = retrain(country, NOW, "retraining.most_calibration_error=0", "retraining.margin=0", "retraining.doubt=0")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "FAILED" in refused.stdout
    changes = json.loads((outputs / "changes.json").read_text())
    assert (changes["decision"], changes["version_now"], changes["challenger"]) == ("refused", "1", "2")
    assert changes["reasons"]
    assert changes["expected_and_found"][0]["district"] == "all"
    # The old model on new evidence: nothing moved because of a model.
    assert changes["moved_by_reason"]["changed model"] == 0

    promoted = retrain(country, NOW, *(f"retraining.{text}" for text in LOOSE))
    assert promoted.returncode == 0, promoted.stderr
    assert promoted.stdout.startswith(f"{PROMOTED}: version 3 ranks from now on, version 1 did before")
    new = (outputs / "risk.parquet").read_bytes()
    assert new != old
    again = retrain(country, NOW, *(f"retraining.{text}" for text in LOOSE))
    assert again.stdout.startswith(f"{UNCHANGED}: version 3 goes on ranking"), again.stdout + again.stderr
    assert (outputs / "risk.parquet").read_bytes() == new
    # The run knows that nothing is new before it opens a source; without the record of the last run it reads them.
    assert steps_of(again) == ["store"]
    config = mlrisk.load_config(country.config_path, overrides=[*FEW, NOW])
    last_run_path(config).unlink()
    closer = retrain(country, NOW, *(f"retraining.{text}" for text in LOOSE))
    assert closer.stdout == again.stdout
    assert steps_of(closer) == ["store", "sources", "news"]
    assert (outputs / "risk.parquet").read_bytes() == new

    assert [line["what"] for line in read_lines(config)] == [FIRST, "refused", PROMOTED]
    # Rolled back, the champion of before makes the map of before; forward again, that of now.
    start = time.process_time()
    back = command_here("models", "rollback", country.config_path, "--by", "Anna")
    assert back.returncode == 0, back.stderr
    assert time.process_time() - start < 5
    assert set(champions(config).values()) == {"1"}
    at_first = mlrisk.load_config(country.config_path, overrides=[*FEW, BEFORE])
    mlrisk.rank(at_first)
    assert (outputs / "risk.parquet").read_bytes() == old
    promote(Store.of(config), config, dict.fromkeys(champions(config), "3"), "Anna")
    # Nothing new to learn from, but the map of another setting or of another champion is another map.
    anew = retrain(country, NOW, *(f"retraining.{text}" for text in LOOSE))
    assert anew.stdout.startswith(f"{UNCHANGED}: version 3 goes on ranking")
    assert (outputs / "risk.parquet").read_bytes() == new
    other = retrain(country, NOW, *(f"retraining.{text}" for text in LOOSE), "ranking.policy=search")
    assert other.stdout.startswith(f"{UNCHANGED}: version 3 goes on ranking")
    assert json.loads((outputs / "summary.json").read_text())["policy"] == "search"
    # A file that was cut is refused, and a map that somebody makes of it says so first.
    finds = country.folder / "finds.csv"
    lines = finds.read_text().splitlines(keepends=True)
    finds.write_text("".join(lines[: len(lines) // 3]))
    mlrisk.rank(config)
    first_warning = json.loads((outputs / "summary.json").read_text())["warnings"][0]
    assert first_warning.startswith("records that the champion learned from and that are gone: finds ")
    cut = retrain(country, NOW, *(f"retraining.{text}" for text in LOOSE))
    assert (cut.returncode, "FAILED" in cut.stdout) == (4, True)
