"""Temporary folders are removed at the end of their block, or by the next process where theirs was killed."""

import signal
import subprocess
import sys

import pytest

from features.base import temporary_folder
from features.base.temporary_folders import PREFIX, remove_abandoned
from tests.support.paths import ROOT

KILLED = (
    "import os, pathlib, signal\n"
    "from features.base import temporary_folder\n"
    "with temporary_folder(pathlib.Path({place!r})) as folder:\n"
    "    (folder / 'record.txt').write_text('x')\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
)


def test_a_folder_is_gone_after_its_block():
    with temporary_folder() as folder:
        (folder / "a.txt").write_text("x")
        assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert not folder.parent.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX")
def test_that_of_a_killed_process_is_removed_and_that_of_a_living_one_stays(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED.format(place=str(tmp_path))], cwd=ROOT, check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(PREFIX)
    with temporary_folder(tmp_path) as folder:
        remove_abandoned(tmp_path)
        assert list(tmp_path.iterdir()) == [folder.parent]
    assert not list(tmp_path.iterdir())
