"""Files come into a folder all or none; what a killed process left is put right by the next."""

import json
import os
import subprocess
import sys

import pytest

from mlrisk.outputs.scratch import EARLIER, FILES, LOCK, MOVES, move_in, remove_abandoned, scratch_folder
from tests.support.paths import ROOT

NAMES = ["a.txt", "b.txt", "c.txt", "summary.json"]


def written(scratch, text="new"):
    for name in NAMES:
        (scratch / name).write_text(text)


@pytest.fixture
def folder(tmp_path):
    """An output folder with an earlier map of three files and one of the user's own."""
    made = tmp_path / "outputs"
    made.mkdir()
    for name in ("a.txt", "b.txt", "summary.json", "mine.txt"):
        (made / name).write_text("old")
    return made


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def beside(folder):
    return [path.name for path in folder.parent.iterdir() if path != folder]


def test_all_files_come_in_and_others_stay(folder):
    with scratch_folder(folder) as scratch:
        written(scratch)
        move_in(scratch, folder, NAMES)
    assert contents(folder) == dict.fromkeys(NAMES, "new") | {"mine.txt": "old"}
    assert beside(folder) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_in_the_place_of_a_file_leaves_the_earlier_map_whole(folder, name):
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    before = contents(folder)
    with scratch_folder(folder) as scratch:
        written(scratch)
        with pytest.raises(OSError, match=f"a folder stands where {name} goes"):
            move_in(scratch, folder, NAMES)
    assert contents(folder) == before
    assert beside(folder) == []


def test_a_move_that_fails_half_way_is_undone(folder):
    before = contents(folder)
    with scratch_folder(folder) as scratch:
        written(scratch)
        (scratch / "c.txt").unlink()
        with pytest.raises(FileNotFoundError):
            move_in(scratch, folder, NAMES)
    assert contents(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("renames", range(8))
def test_a_process_that_is_killed_while_it_moves_is_undone_by_the_next(folder, renames):
    """Killed for real, after so many renames of three files out and four in."""
    before = contents(folder)
    code = f"""
import os, pathlib, signal
from mlrisk.outputs.scratch import move_in, scratch_folder
from pathlib import Path
folder, names, left = Path({str(folder)!r}), {NAMES!r}, {renames}
real = pathlib.Path.replace
def counted(self, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return real(self, target)
pathlib.Path.replace = counted
with scratch_folder(folder) as scratch:
    for name in names:
        (scratch / name).write_text("new")
    move_in(scratch, folder, names)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    killed = done.returncode < 0
    assert killed == (renames < 7)
    remove_abandoned(folder)
    assert contents(folder) == (before if killed else dict.fromkeys(NAMES, "new") | {"mine.txt": "old"})
    assert beside(folder) == []


def test_the_scratch_of_a_living_process_and_of_the_user_stay(folder):
    (folder.parent / ".outputs-mine").mkdir()
    with scratch_folder(folder) as scratch:
        written(scratch)
        code = "from pathlib import Path; from mlrisk.outputs.scratch import remove_abandoned; "
        code += f"remove_abandoned(Path({str(folder)!r}))"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        assert len(list(scratch.iterdir())) == len(NAMES)
    assert beside(folder) == [".outputs-mine"]


def test_moves_that_were_cut_while_they_were_written_down_moved_nothing(folder):
    root = folder.parent / ".outputs-dead"
    (root / FILES).mkdir(parents=True)
    (root / EARLIER).mkdir()
    (root / LOCK).touch()
    (root / MOVES).write_text(json.dumps(NAMES)[:7])
    before = contents(folder)
    remove_abandoned(folder)
    assert contents(folder) == before
    assert not os.path.lexists(root)
