"""Kills and signals over run, rank, retrain, import and promote: map and champion stay whole; see README.md here."""

import argparse
import collections
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import mlrisk
from benchmarks.killed import BEFORE, NOW, QUICK
from benchmarks.quick import without_report
from mlrisk.cli import main as command_line

COMMANDS = ("rank", "run", "retrain", "import", "promote")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
ENDED = {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130, "SIGHUP": 129}
# What differs from run to run is here alone.
DIFFERS = "summary.json"
TARGET = "contamination"


@dataclass(frozen=True)
class State:
    """What a command must leave whole: the digest of every file of the map, and the versions that rank."""

    files: tuple[tuple[str, str], ...]
    champions: tuple[tuple[str, str], ...]

    def same_map(self, other: "State") -> bool:
        """Whether the same versions rank and every file that both maps have is the same.

        A retraining that was stopped after its promotion has written no report of changes.
        """
        ours, theirs = dict(self.files), dict(other.files)
        same = all(theirs.get(name, digest) == digest for name, digest in ours.items())
        return self.champions == other.champions and same and "risk.parquet" in ours


class Project:
    """A country with a map, a champion, a challenger and an export of another store."""

    def __init__(self, folder: Path, cells: int) -> None:
        self.home, self.kept, self.log, self.temp = (folder / name for name in ("country", "kept", "log", "temp"))
        self.temp.mkdir()
        self.config_path = mlrisk.synthetic_country(4, cells=cells, folder=self.home).config_path
        settings = [part for text in QUICK for part in ("--set", text)]
        config, now = str(self.config_path), ["--set", f"as_of={NOW}"]
        export, models = str(folder / "other.zip"), ["models", "import", config, str(folder / "other.zip")]
        for words in (
            ["train", config, *settings, "--set", f"as_of={BEFORE}", "--set", "seed=8"],
            ["models", "export", config, TARGET, "1", export],
        ):
            self.must(words)
        shutil.rmtree(self.home)
        mlrisk.synthetic_country(4, cells=cells, folder=self.home)
        for seed in (1, 9):
            self.must(["train", config, *settings, "--set", f"as_of={BEFORE}", "--set", f"seed={seed}"])
        self.next = ["rank", config, *settings, *now]
        self.must(self.next)
        self.commands = {
            "rank": self.next,
            "run": ["run", config, *settings, *now, "--set", "seed=7"],
            "retrain": ["retrain", config, *settings, *now],
            "import": [*models, "--unsigned", "--by", "a benchmark"],
            "promote": ["models", "promote", config, TARGET, "2", "--by", "a benchmark"],
        }
        shutil.copytree(self.home, self.kept)

    def must(self, words: Sequence[str]) -> float:
        """Run a command to its end; its seconds. Exits where it fails."""
        began = time.monotonic()
        if self.ran(words):
            sys.exit(f"{words[0]} failed: {self.log.read_text()[-800:]}")
        return time.monotonic() - began

    def ran(self, words: Sequence[str], name: str = "", second: float = float("inf")) -> int:
        """Exit code of a command in a process of its own, which gets the signal of that name after so many seconds."""
        pid = os.fork()
        if not pid:
            self._become(words)
        began = time.monotonic()
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if name and time.monotonic() - began >= second:
                os.kill(pid, getattr(signal, name))
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            time.sleep(0.005)

    def _become(self, words: Sequence[str]) -> None:
        code = 1
        try:
            os.environ["TMPDIR"] = tempfile.tempdir = str(self.temp)
            # A shell lets what it starts in the background ignore it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            with self.log.open("w") as file:
                for number in (1, 2):
                    os.dup2(file.fileno(), number)
                sys.argv = ["mlrisk", *words]
                command_line()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        except BaseException:  # noqa: BLE001, S110 a forked child must not return into its parent's code
            pass
        finally:
            os._exit(code)

    def reset(self) -> None:
        """Everything as it was kept; artifacts are found by their absolute path, so the folder stays where it is."""
        shutil.rmtree(self.home)
        shutil.copytree(self.kept, self.home)

    def state(self) -> State:
        """The map and the versions that rank."""
        folder = self.home / "outputs"
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != DIFFERS]
        digests = tuple((path.name, hashlib.sha256(path.read_bytes()).hexdigest()[:12]) for path in files)
        # Opened for writing, as by the next command: what a killed one left half done is undone then.
        with closing(sqlite3.connect(next(self.home.glob("*.db")))) as store:
            rows = store.execute("select name, version from registered_model_aliases where alias = 'champion'")
            return State(digests, tuple(sorted((str(name), str(version)) for name, version in rows)))

    def scratch(self) -> list[str]:
        """Names of hidden files in the project and in its outputs, and of all in the folder for temporary files.

        Locks and what a retraining has seen stay: they are files of the store.
        """
        hidden = [path for place in (self.home, self.home / "outputs") for path in place.glob(".*")]
        kept = (".lock", ".lock.holder", ".seen.json")
        left = [path for path in hidden if not path.name.endswith(kept)]
        return [path.name for path in (*left, *self.temp.iterdir())]


@dataclass(frozen=True)
class Whole:
    """A command that nobody disturbs: its seconds, what it leaves, and the map that is ranked after it."""

    seconds: float
    left: State
    ranked: State


def whole(project: Project, words: Sequence[str]) -> Whole:
    """Run a command to its end, and rank."""
    project.reset()
    seconds, left = project.must(words), project.state()
    project.must(project.next)
    return Whole(seconds, left, project.state())


def one(
    project: Project, words: Sequence[str], name: str, second: float, before: Whole, after: Whole
) -> tuple[bool, str]:
    """Interrupt a command; whether it ended before the signal came, and what is wrong (empty: nothing)."""
    project.reset()
    began = time.monotonic()
    code = project.ran(words, name, second)
    late = time.monotonic() - began - second
    # Before Python hears of signals the process ends by them: a shell sees the same code.
    code = 128 - code if code < 0 and name != "SIGKILL" else code
    interrupted = code == ENDED[name]
    now = project.state()
    wrong = []
    if code not in (ENDED[name], 0):
        wrong.append(f"exit {code}")
    if interrupted and name != "SIGKILL" and late > 1.5:
        wrong.append(f"ended {late:.1f} s after the signal")
    if now.files not in (before.left.files, after.left.files):
        wrong.append("the map is neither the earlier nor the new one")
    again = project.ran(project.next)
    then = project.state()
    if again or not (then.same_map(before.ranked) or then.same_map(after.ranked)):
        wrong.append(f"the next ranking ends with {again} and {then.champions}")
    if project.scratch():
        wrong.append(f"scratch: {', '.join(project.scratch())}")
    return interrupted, "; ".join(wrong)


def main() -> None:
    """Interrupt each command as often as asked, in turn; print what was wrong, and counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=40, help="interruptions of each command")
    parser.add_argument("--commands", nargs="+", default=COMMANDS, choices=COMMANDS)
    parser.add_argument("--cells", type=int, default=1_600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60, help="no further one begins after them")
    chosen = parser.parse_args()
    without_report()
    draw = random.Random(chosen.seed)  # noqa: S311 moments, no secrets
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), chosen.cells)
        before = Whole(0.0, project.state(), project.state())
        wholes = {name: whole(project, words) for name, words in project.commands.items()}
        for name, known in wholes.items():
            moved = "another version ranks after it" if known.left.champions != before.left.champions else "as before"
            print(f"{name}: {known.seconds:.1f} s; {moved}", flush=True)
        ends, counts, bad = time.monotonic() + 60 * chosen.minutes, collections.Counter[tuple[str, str]](), 0
        for _ in range(chosen.times):
            for name, words in ((name, project.commands[name]) for name in chosen.commands):
                if time.monotonic() > ends:
                    break
                sign = draw.choice(SIGNALS)
                second = draw.uniform(0.0, wholes[name].seconds)
                interrupted, wrong = one(project, words, sign, second, before, wholes[name])
                counts[name, sign if interrupted else "ended before"] += 1
                bad += bool(wrong)
                if sum(counts.values()) % 20 == 0:
                    print(f"{sum(counts.values())} so far, wrong: {bad}", flush=True)
                if wrong:
                    print(f"{name}, {sign} after {second:.2f} s: {wrong}", flush=True)
        for name in project.commands:
            print(f"{name}: " + ", ".join(f"{sign} {counts[name, sign]}" for sign in (*SIGNALS, "ended before")))
        print(f"{sum(counts.values())} in all, wrong: {bad}")


if __name__ == "__main__":
    main()
