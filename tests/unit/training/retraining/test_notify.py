"""A decision reaches a file that a webhook can send, and a command."""

import json
import sys

from tests.support.sample_dataset import config_of
from training.retraining.check import Check
from training.retraining.decision import REFUSED, UNCHANGED, Decision
from training.retraining.notify import notify
from training.retraining.settling import next_step

REFUSAL = Decision(
    kind=REFUSED, champion="1", before="1", challenger="2", quarantine=("survey:3-5",),
    checks=(Check(name="memory", passed=False, text="turned round"),),
)  # fmt: skip


def asked(folder, **notify):
    return config_of(retraining={"notify": notify}).model_copy(update={"home_folder": folder})


def test_a_refusal_is_written_with_its_reason_and_next_step(tmp_path):
    step = next_step(config_of(sources={"survey": "results.csv"}), REFUSAL)
    copy = f"import sys; open({str(tmp_path / 'copy')!r}, 'w').write(sys.stdin.read())"
    config = asked(tmp_path, file="decision.json", command=[sys.executable, "-c", copy])
    assert notify(config, REFUSAL, step) == ()
    message = json.loads((tmp_path / "decision.json").read_text())
    assert message == json.loads((tmp_path / "copy").read_text())
    assert message["reasons"] == ["memory: turned round"]
    assert message["quarantine"] == ["survey:3-5"]
    assert "rows 3-5 of results.csv" in message["text"]
    assert "--reject survey:3-5" in message["text"]


def test_what_cannot_be_sent_is_a_note_and_nothing_new_is_no_message(tmp_path):
    config = asked(tmp_path, file="none/decision.json", command=["/no/such/program"])
    failed = notify(config, REFUSAL, "")
    assert [note.split(" ")[0] for note in failed] == ["retraining.notify.file", "retraining.notify.command"]
    broken = asked(tmp_path, command=[sys.executable, "-c", "raise SystemExit(3)"])
    assert "ended with 3" in notify(broken, REFUSAL, "")[0]
    unchanged = Decision(kind=UNCHANGED, champion="1", before="1", challenger="1")
    assert notify(asked(tmp_path, file="x.json"), unchanged, "") == ()
    assert not (tmp_path / "x.json").exists()
