"""Kill -9 at random moments of a retraining: what ranked before must go on ranking, byte for byte."""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import mlrisk
import mlrisk.retraining
from benchmarks.quick import without_report
from mlrisk.config import Config
from mlrisk.synthetic.kind import AS_OF

QUICK = (
    "compute.threads=1", "contamination.model.n_trees=30", "contamination.members=3", "casualty.model.n_trees=10",
    "casualty.window_years=2", "validation.protocols=[leave_region_out]", "validation.folds=2",
    "ranking.explained_cells=0", "output.formats=[parquet]", "features=[front_lines, roads, incidents]",
    # Every challenger passes: a promotion, too, must be interrupted.
    "retraining.margin=1", "retraining.district_margin=1", "retraining.most_calibration_error=1",
    "retraining.most_domain_loss=1", "retraining.most_shift=99", "retraining.least_found=999",
)  # fmt: skip
# Kills after which a new run is let go to its end; after the others the next kill finds what was left behind.
EVERY = 5
BEFORE, NOW = f"{AS_OF.year - 1}-12-31", str(AS_OF)
STEPS_AFTER_GATE = ("gate", "champions", "scores", "casualties", "reasons", "tasks", "planner package", "change report")


def started(work: Callable[[], object], log: Path) -> int:
    """Do some work in a process of its own, forked so that imports and kernels are there; returns its number.

    The parent never opens the store, so that nothing of it is shared.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            work()
        code = 0
    except BaseException:  # noqa: BLE001 a forked child must not return into its parent's code
        with log.open("a") as file:
            traceback.print_exc(file=file)
    os._exit(code)


def ended(pid: int, seconds: float) -> int | None:
    """Exit code of a process within some seconds; None when it had to be killed by then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


class Country:
    """A country whose champion knows the records of BEFORE, and what is done with it again and again."""

    def __init__(self, folder: Path) -> None:
        self.path = mlrisk.synthetic_country(4, cells=2_500, folder=folder / "country").config_path
        self.log, self.kept = folder / "log.txt", folder / "kept"
        mlrisk.features(self.config())

    def config(self, *more: str) -> Config:
        """The quick config at NOW."""
        return mlrisk.load_config(self.path, overrides=[*QUICK, f"as_of={NOW}", *more])

    def retrain(self, seconds: float = 9e9, **settings: str) -> int | None:
        """Retrain, killed after some seconds."""
        config = self.config(*(f"{key}={value}" for key, value in settings.items()))

        def work() -> None:
            mlrisk.retraining.retrain(config, progress=lambda step: print(step, flush=True))

        return ended(started(work, self.log), seconds)

    def ranked(self) -> str:
        """Digest of the map that is ranked now."""
        config = self.config("output.folder=check")
        if ended(started(lambda: mlrisk.rank(config), self.log), 9e9):
            sys.exit(f"rank failed: {self.log.read_text()[-800:]}")
        return hashlib.sha256((self.path.parent / "check" / "risk.parquet").read_bytes()).hexdigest()[:16]

    def keep(self) -> None:
        """Remember everything as it is."""
        shutil.copytree(self.path.parent, self.kept)

    def reset(self) -> None:
        """Everything as it was kept; artifacts are found by their absolute path, so the folder stays where it is."""
        shutil.rmtree(self.path.parent)
        shutil.copytree(self.kept, self.path.parent)


def main() -> None:
    """Kill as often as asked, and say after each kill who ranks and whether a new run succeeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    without_report()
    rng = random.Random(arguments.seed)  # noqa: S311 moments, no secrets
    with tempfile.TemporaryDirectory() as scratch:
        country = Country(Path(scratch))
        if country.retrain(as_of=BEFORE):
            sys.exit(country.log.read_text())
        country.keep()
        before, begun = country.ranked(), time.monotonic()
        code = country.retrain()
        seconds, after = time.monotonic() - begun, country.ranked()
        print(f"a whole retraining takes {seconds:.0f} s, exit {code}; the map changes: {before != after}", flush=True)
        good = sum(
            _one(country, rng.uniform(0.02, 1.0) * seconds, before, after, number % EVERY == 0)
            for number in range(arguments.kills)
        )
        print(f"{good} of {arguments.kills} good")


def _one(country: Country, moment: float, before: str, after: str, whole: bool) -> bool:
    """One kill: on what the kills before left behind, but for the first of some; `whole` has a new run to its end."""
    if whole:
        country.reset()
    code = country.retrain(moment)
    steps = country.log.read_text().split("\n")[:-1]
    last = steps[-1] if steps else "start"
    ranks = country.ranked()
    again, told, fine = None, "", True
    if whole:
        again = country.retrain()
        told = (country.log.read_text().split("\n")[:-1] or [""])[-1]
        fine = again == 0 and country.ranked() == after
        country.reset()
    fine = fine and (ranks == before or (ranks == after and (code is not None or last in STEPS_AFTER_GATE)))
    which = {before: "that of before", after: "the new one"}.get(ranks, "ANOTHER")
    how = "killed" if code is None else "ended"
    print(
        f"{how} after {moment:.1f} s in '{last}': the map is {which}"
        f"{f', then retrained, exit {again} ({told})' if whole else ''}: "
        f"{'good' if fine else 'WRONG'}",
        flush=True,
    )
    return fine


if __name__ == "__main__":
    main()
