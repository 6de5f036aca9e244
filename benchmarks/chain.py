"""The chain of a config by step: seconds, core-seconds, peak memory, and plain LightGBM as the floor; see README.md."""

import argparse
import re
import resource
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lightgbm as lgb
import numpy as np

import mlrisk
from mlrisk.settings import Config

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
LINE = "| {} | {:.1f} | {:.1f} | {:.2f} | {:.2f} |"


def core_seconds() -> float:
    """CPU seconds of this process and of its finished children, all threads."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_gb() -> float:
    """The most memory since the last call, in GB; NaN where the system does not say."""
    if not CLEAR.exists():
        return float("nan")
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    CLEAR.write_text("5")  # resets the mark
    return int(found[1]) / 1e6 if found else float("nan")


class Held(threading.Thread):
    """The most memory that belongs to no file, in GB, looked at twenty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = float("nan")

    def run(self) -> None:
        """Look until the process ends."""
        while STATUS.exists():
            found = re.search(r"RssAnon:\s+(\d+) kB", STATUS.read_text())
            self.most = np.fmax(self.most, int(found[1]) / 1e6 if found else np.nan)
            time.sleep(0.05)

    def taken(self) -> float:
        """The most since the last call."""
        most, self.most = self.most, float("nan")
        return float(most)


@dataclass(eq=False)
class Steps:
    """What each step of a command took; a value of it is the progress of the command."""

    held: Held
    rows: list[tuple[str, float, float, float, float]] = field(default_factory=list)
    name: str = ""
    began: tuple[float, float] = (0.0, 0.0)

    def __call__(self, step: str) -> None:
        """End the step before, and begin this one."""
        now = time.monotonic(), core_seconds()
        if self.name:
            used = now[0] - self.began[0], now[1] - self.began[1]
            self.rows.append((self.name, *used, peak_gb(), self.held.taken()))
            print(LINE.format(*self.rows[-1]), flush=True)
        else:
            peak_gb()
            self.held.taken()
        self.name, self.began = step, now

    def total(self) -> tuple[float, float, float, float]:
        """Seconds, core-seconds and both peaks of all steps."""
        columns = np.array([row[1:] for row in self.rows])
        return *columns[:, :2].sum(axis=0).tolist(), *np.nanmax(columns[:, 2:], axis=0).tolist()


def plain_lightgbm(config: Config, steps: Steps) -> int:
    """Fit as many plain trees on the labelled cells of the table, and score all cells; their number."""
    country = mlrisk.open_country(config)
    table, labels = country.features(), country.labels()
    known = labels["found"].notna().to_numpy()
    steps("plain LightGBM on the same table")
    model = lgb.LGBMClassifier(n_estimators=config.contamination.model.n_trees, n_jobs=1, verbosity=-1)
    values = table.to_numpy(dtype=np.float32)
    model.fit(values[known], labels["found"].to_numpy(dtype=bool, na_value=False)[known])
    scores = model.predict_proba(values)[:, 1]
    steps("")
    return len(scores)


def main(words: Sequence[str] | None = None) -> None:
    """Run the chain of a config and print a row for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    parser.add_argument("--rank", action="store_true", help="rank alone, with what is there")
    parser.add_argument("--floor", action="store_true", help="also plain LightGBM on the same table")
    chosen = parser.parse_args(words)
    config = mlrisk.load_config(chosen.config, chosen.data, chosen.sets)
    print("| step | seconds | core-seconds | peak GB | of it in no file |\n| --- | --- | --- | --- | --- |")
    held = Held()
    held.start()
    steps = Steps(held)
    if chosen.rank:
        mlrisk.rank(config, progress=steps)
    else:
        mlrisk.run(config, steps)
    steps("")
    print(LINE.format("all", *steps.total()))
    if chosen.floor:
        plain_lightgbm(config, Steps(held))


if __name__ == "__main__":
    main()
