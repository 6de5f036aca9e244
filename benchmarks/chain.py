"""The chain of a config by step: seconds, core-seconds, peak memory, and plain LightGBM as the floor; see README.md."""

import argparse
import re
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lightgbm as lgb
import numpy as np

import mlrisk
from mlrisk.settings import Config

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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


@dataclass(eq=False)
class Steps:
    """What each step of a command took; a value of it is the progress of the command."""

    rows: list[tuple[str, float, float, float]] = field(default_factory=list)
    name: str = ""
    began: tuple[float, float] = (0.0, 0.0)

    def __call__(self, step: str) -> None:
        """End the step before, and begin this one."""
        now = time.monotonic(), core_seconds()
        if self.name:
            self.rows.append((self.name, now[0] - self.began[0], now[1] - self.began[1], peak_gb()))
            print("| {} | {:.1f} | {:.1f} | {:.2f} |".format(*self.rows[-1]), flush=True)
        else:
            peak_gb()
        self.name, self.began = step, now

    def total(self) -> tuple[float, float, float]:
        """Seconds, core-seconds and peak of all steps."""
        columns = np.array([row[1:] for row in self.rows])
        return float(columns[:, 0].sum()), float(columns[:, 1].sum()), float(columns[:, 2].max())


def plain_lightgbm(config: Config) -> int:
    """Fit as many plain trees on the labelled cells of the table, and score all cells; their number."""
    country = mlrisk.open_country(config)
    table, labels = country.features(), country.labels()
    known = labels["found"].notna().to_numpy()
    steps = Steps()
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
    print("| step | seconds | core-seconds | peak GB |\n| --- | --- | --- | --- |")
    steps = Steps()
    if chosen.rank:
        mlrisk.rank(config, progress=steps)
    else:
        mlrisk.run(config, steps)
    steps("")
    print("| all | {:.1f} | {:.1f} | {:.2f} |".format(*steps.total()))
    if chosen.floor:
        plain_lightgbm(config)


if __name__ == "__main__":
    main()
