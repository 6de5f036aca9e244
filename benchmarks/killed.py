"""Kill -9 at random moments of a retraining: the earlier champion must go on ranking, byte for byte."""

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
from dataclasses import dataclass
from pathlib import Path

import mlrisk
import mlrisk.commands.retrain
from benchmarks.quick import without_report
from mlrisk.settings import Config
from mlrisk.synthetic.scenario import AS_OF

QUICK = (
    "compute.threads=1", "contamination.model.n_trees=30", "contamination.members=3", "casualty.model.n_trees=10",
    "casualty.window_years=2", "validation.protocols=[leave_region_out]", "validation.folds=2",
    "ranking.explained_cells=0", "output.formats=[parquet]", "features=[front_lines, roads, incidents]",
    # Every challenger passes: a promotion, too, must be interrupted.
    "retraining.margin=1", "retraining.district_margin=1", "retraining.most_calibration_error=1",
    "retraining.most_domain_loss=1", "retraining.most_turned=1e300", "retraining.most_e=1e300",
    "retraining.most_shift=99",
    "retraining.least_found=1", "retraining.auc_margin=1", "retraining.beaten=say", "retraining.casualty_margin=1",
)  # fmt: skip
BEFORE, NOW = f"{AS_OF.year - 1}-12-31", str(AS_OF)
STEPS_AFTER_GATE = ("gate", "champions", "scores", "casualties", "reasons", "tasks", "planner package", "change report")


def started(work: Callable[[], object], log: Path) -> int:
    """Start work in a process that is forked, so that imports and kernels are loaded; returns its number.

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


@dataclass(frozen=True)
class Moment:
    """Seconds after the start of a step; steps are counted in the log, so that a busy machine does not move it far."""

    steps: int
    seconds: float


class Watch:
    """Reads the number of steps of a run, and their times, from its log."""

    def __init__(self, log: Path) -> None:
        self.log, self.starts = log, [time.monotonic()]

    def due(self, moment: Moment | None) -> bool:
        """Whether a moment has come; never where there is none."""
        count = self.log.read_text().count("\n") if self.log.exists() else 0
        self.starts += [time.monotonic()] * (count + 1 - len(self.starts))
        return (
            moment is not None
            and count >= moment.steps
            and time.monotonic() - self.starts[moment.steps] >= moment.seconds
        )

    def moment(self, second: float) -> Moment:
        """The moment that lies so many seconds after this run began."""
        starts = [start - self.starts[0] for start in self.starts]
        steps = max(number for number, start in enumerate(starts) if start <= second)
        return Moment(steps=steps, seconds=second - starts[steps])


def ended(pid: int, watch: Watch, moment: Moment | None = None) -> int | None:
    """Exit code of a process; None when it was killed because its moment came first."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if watch.due(moment):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(0.02)


class Country:
    """A country whose champion knows the records of BEFORE, and what is done with it again and again."""

    def __init__(self, folder: Path, cells: int) -> None:
        self.path = mlrisk.synthetic_country(4, cells=cells, folder=folder / "country").config_path
        self.log, self.kept = folder / "log.txt", folder / "kept"
        mlrisk.features(self.config())

    def config(self, *more: str) -> Config:
        """The quick config at NOW."""
        return mlrisk.load_config(self.path, overrides=[*QUICK, f"as_of={NOW}", *more])

    def retrain(self, moment: Moment | None = None, **settings: str) -> int | None:
        """Retrain, killed at some moment; `watch` tells of it afterwards."""
        config = self.config(*(f"{key}={value}" for key, value in settings.items()))

        def work() -> None:
            mlrisk.commands.retrain.retrain(config, progress=lambda step: print(step, flush=True))

        self.log.write_text("")
        self.watch = Watch(self.log)
        return ended(started(work, self.log), self.watch, moment)

    def ranked(self) -> str:
        """Digest of the map that is ranked now."""
        config = self.config("output.folder=check")
        if ended(started(lambda: mlrisk.rank(config), self.log), Watch(self.log)):
            sys.exit(f"rank failed: {self.log.read_text()[-800:]}")
        return self.map_in("check")

    def map_in(self, folder: str) -> str:
        """Digest of the map in a folder; that of a retraining lies in `outputs`."""
        return hashlib.sha256((self.path.parent / folder / "risk.parquet").read_bytes()).hexdigest()[:16]

    def keep(self) -> None:
        """Remember everything as it is."""
        shutil.copytree(self.path.parent, self.kept)

    def reset(self) -> None:
        """Everything as it was kept; artifacts are found by their absolute path, so the folder stays where it is."""
        shutil.rmtree(self.path.parent)
        shutil.copytree(self.kept, self.path.parent)


def main() -> None:
    """Kill as often as asked; print after each kill which version ranks and whether a new run succeeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=int, default=2_500)
    arguments = parser.parse_args()
    without_report()
    rng = random.Random(arguments.seed)  # noqa: S311 moments, no secrets
    with tempfile.TemporaryDirectory() as scratch:
        country = Country(Path(scratch), arguments.cells)
        if country.retrain(as_of=BEFORE):
            sys.exit(country.log.read_text())
        country.keep()
        before, start = country.ranked(), time.monotonic()
        code = country.retrain()
        seconds, whole = time.monotonic() - start, country.watch
        after = country.map_in("outputs")
        print(f"a whole retraining takes {seconds:.0f} s, exit {code}; the map changes: {before != after}", flush=True)
        good = 0
        for _ in range(arguments.kills):
            second = rng.uniform(0.02, 0.98) * seconds
            good += _one(country, whole.moment(second), before, after)
        print(f"{good} of {arguments.kills} good")


def _one(country: Country, moment: Moment, before: str, after: str) -> bool:
    """One kill of a whole retraining, the map of the model that ranks afterwards, and a new run to its end."""
    country.reset()
    code = country.retrain(moment)
    steps = country.log.read_text().split("\n")[:-1]
    last = steps[-1] if steps else "start"
    ranks = country.ranked()
    again = country.retrain()
    last_line = (country.log.read_text().split("\n")[:-1] or [""])[-1]
    fine = again == 0 and country.map_in("outputs") == after
    fine = fine and (ranks == before or (ranks == after and (code is not None or last in STEPS_AFTER_GATE)))
    which = {before: "that of before", after: "the new one"}.get(ranks, "ANOTHER")
    how = "killed" if code is None else "ended"
    print(
        f"{how} {moment.seconds:.1f} s into '{last}': the map is {which}, then retrained, exit {again} ({last_line}): "
        f"{'good' if fine else 'WRONG'}",
        flush=True,
    )
    return fine


if __name__ == "__main__":
    main()
