"""Two runs at once, and trouble with disks and databases."""

import errno
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.base.errors import MlriskError
from tests.support.paths import ROOT
from training.registry.lock import BusyError, holder_path, only_one
from training.registry.store_errors import TrackingError, store_errors

HOLD = """
import sys, time
from pathlib import Path
from training.registry.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    line = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_a_second_run_is_refused_and_told_by_whom(tmp_path, holder):
    with (
        pytest.raises(BusyError, match=f"another retraining runs .process {holder.pid} since"),
        only_one(tmp_path / "lock"),
    ):
        pass


@pytest.mark.slow
def test_a_second_run_waits_if_it_may(tmp_path, holder):
    started = time.monotonic()
    with pytest.raises(BusyError), only_one(tmp_path / "lock", 0.5):
        pass
    assert time.monotonic() - started >= 0.5
    holder.kill()
    # Whoever is killed holds no lock.
    with only_one(tmp_path / "lock", 5):
        assert str(os.getpid()) in holder_path(tmp_path / "lock").read_text()
    with only_one(tmp_path / "lock"):
        pass


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full: free some space"),
        (OSError(errno.EROFS, "Read-only file system"), "give another one in tracking.uri"),
        (PermissionError(errno.EACCES, "Permission denied"), "no write access"),
        (sqlite3.OperationalError("database is locked"), "another program holds it"),
        (
            RuntimeError("(sqlite3.OperationalError) attempt to write a readonly database"),
            "give this user write access",
        ),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), "the disk is full"),
    ],
)
def test_trouble_is_told_with_what_would_do(error, advice):
    with pytest.raises(TrackingError, match=advice), store_errors("postgresql://a:secret@host/db"):
        raise error


def test_no_password_is_told_and_other_errors_pass():
    with pytest.raises(TrackingError) as raised, store_errors("postgresql://a:secret@host/db"):
        raise OSError(errno.ENOSPC, "x")
    assert "secret" not in str(raised.value)
    with pytest.raises(ZeroDivisionError), store_errors("x"):
        raise ZeroDivisionError
    with pytest.raises(MlriskError, match="mine"), store_errors("x"):
        raise MlriskError("mine")


def test_a_lock_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MlriskError, match="cannot be written"), only_one(tmp_path / "file" / "lock"):
        pass


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_stops_the_audit_log_with_advice(tmp_path):
    from tests.support.sample_dataset import config_of
    from training.registry.decision_log import log_path, read_lines, write_line

    config = config_of().model_copy(update={"home_folder": tmp_path})
    write_line(config, "first", "Anna", versions={"small.contamination": "1"})
    with log_path(config).open("a") as file:
        file.write('{"cut": ')
    assert [line["who"] for line in read_lines(config)] == ["Anna"]
    write_line(config, "promoted", "Berta")
    assert [line["who"] for line in read_lines(config)] == ["Anna", "Berta"]
    full = config.model_copy(update={"name": "full"})
    log_path(full).symlink_to("/dev/full")
    with pytest.raises(MlriskError, match="the disk is full"):
        write_line(full, "first", "Anna")
