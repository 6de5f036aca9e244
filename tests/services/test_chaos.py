"""Faults by chance while a command runs: each leaves what was there whole, and the next run puts all in order."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mlrisk
from tests.support.command_line import QUICK
from tests.support.paths import ROOT

SEED, FAULTS = 7, 10
SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
CODES = {"SIGKILL": -9, "SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130}

# What ignores a signal hands that on to what it starts, and nohup or a shell in the background ignores some.
HEEDING = (
    f"import signal\nfor name in {SIGNALS[1:]}:\n    signal.signal(getattr(signal, name), signal.SIG_DFL)\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom mlrisk.cli import main\nmain()"
)

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """A small country with a map."""
    made = mlrisk.synthetic_country(5, cells=1_600, folder=tmp_path_factory.mktemp("chaos"))
    finish(started(made, "run"))
    return made


def finish(process) -> None:
    """Wait for a command that nobody disturbs."""
    error = process.communicate()[1]
    assert process.returncode == 0, error


def started(country, command) -> "subprocess.Popen[str]":
    settings = [part for text in QUICK for part in ("--set", text)]
    line = [sys.executable, "-c", HEEDING, command, str(country.config_path), *settings]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def outputs(country) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (country.folder / "outputs").iterdir() if path.is_file()}


def beside(country) -> list[str]:
    return [path.name for path in country.folder.iterdir() if path.name.startswith(".outputs-")]


def wait_for(process, word: str) -> None:
    """Wait until the log of a command has its first line."""
    for line in process.stderr:
        if word in line:
            return


@pytest.mark.parametrize("name", SIGNALS[1:])
def test_a_command_that_is_asked_to_end_ends_within_a_second(country, name):
    before = outputs(country)
    process = started(country, "rank")
    wait_for(process, "scores")
    asked = time.monotonic()
    process.send_signal(getattr(signal, name))
    error = process.communicate(timeout=30)[1]
    assert time.monotonic() - asked < 1.5
    assert process.returncode == CODES[name]
    assert [line for line in error.splitlines() if line.startswith("mlrisk: ")] == error.splitlines()[-1:]
    assert "stopped" in error
    assert "Traceback" not in error
    assert outputs(country) == before
    assert beside(country) == []


def test_faults_by_chance_leave_the_map_whole_and_no_scratch(country):
    chance = random.Random(SEED)  # noqa: S311 faults, no secrets
    before = outputs(country)
    for number in range(FAULTS):
        name = chance.choice(SIGNALS)
        process = started(country, "rank")
        time.sleep(chance.uniform(0.5, 12))
        process.send_signal(getattr(signal, name))
        process.communicate(timeout=60)
        after = outputs(country)
        # Before a program listens to signals, and while Python ends, it ends by them: a shell sees the same code.
        assert process.returncode in (CODES[name], 0, -getattr(signal, name)), (number, name)
        # The map is the earlier one or, where the run had ended, the new one, of which the summary alone differs.
        assert set(after) == set(before), (number, name)
        assert all(after[file] == before[file] for file in before if file != "summary.json"), (number, name)
    finish(started(country, "rank"))
    assert beside(country) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_takes_no_more_fails_the_run_and_not_the_map(country):
    before = outputs(country)
    settings = [part for text in QUICK for part in ("--set", text)]
    for most in (10_000, 60_000):
        code = (
            "import resource, signal\n"
            "from mlrisk.cli import main\n"
            "from mlrisk.outputs import registry\n"
            "real = registry.scratch_folder\n"
            "def limited(folder):\n"
            f"    resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
            "    return real(folder)\n"
            "registry.scratch_folder = limited\n"
            "main()"
        )
        line = [sys.executable, "-c", code, "rank", str(country.config_path), *settings]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "could not be written whole" in done.stderr
        assert "Traceback" not in done.stderr
        assert outputs(country) == before
        assert beside(country) == []


def test_a_bare_environment_makes_the_same_map(country, tmp_path):
    """No home, no language and a mask that takes rights away."""
    before = outputs(country)
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    settings = [part for text in QUICK for part in ("--set", text)]
    line = [sys.executable, "-c", "from mlrisk.cli import main; main()", "rank", str(country.config_path), *settings]
    done = subprocess.run(
        line, cwd=ROOT, capture_output=True, text=True, check=False, umask=0o077,
        env={name: value for name, value in bare.items() if Path(value) != tmp_path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    after = outputs(country)
    assert set(after) == set(before)
    assert all(after[file] == before[file] for file in before if file != "summary.json")
