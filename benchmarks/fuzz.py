"""Inputs damaged on purpose, sources of every kind and the config: counts of the outcomes of `mlrisk check`.

    python -m benchmarks.fuzz --cases 500 --seed 1

Every case must end within 20 s and 1 GB in one of three ways: read as before, read with another evidence and a line in
the report that says why, or refused by a message. An unexpected error, a hang, a crash, too much memory, and a change
of the evidence without a line in the report are faults: they are printed, and the exit code is 1.
"""

import argparse
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.damage import SUFFIXES, config_of, damage, make_inputs
from features.base import MlriskError
from mlrisk.settings import load_config
from training.evidence import open_inputs, open_ledger

LONGEST_S, MOST_MB = 20.0, 1000
FAULTS = ("unexpected error", "hang", "crash", "silent change", "memory")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case: its class, the last line of a message, time and memory."""

    kind: str
    message: str
    seconds: float
    megabytes: int


@dataclass(frozen=True)
class Result:
    """The number of cases in each class, and the most time and memory that one took."""

    classes: Counter[str]
    longest_s: float
    most_mb: int


def account(config: Path) -> dict[str, object]:
    """The result of `check`: the state of every cell, and the reports without digests."""
    settings = load_config(config)
    inputs = open_inputs(settings)
    current = open_ledger(settings, inputs).at(settings.as_of)
    reports = [[report.source, report.path, report.rows_read, report.rows_kept, report.repaired, report.set_aside,
                report.noted, list(report.notes)] for report in inputs.reports]  # fmt: skip
    return {"state": current.state.tolist(), "released": current.released.tolist(), "reports": reports}


def _in_child(config: Path, pipe: int) -> None:
    """Write the account of a case, or the reason why there is none, as JSON into a pipe."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    # Neither warnings nor a debugger of the caller may end a case.
    warnings.simplefilter("ignore")
    try:
        answer: dict[str, object] = {"account": account(config)}
    except MlriskError as error:
        answer = {"refused": str(error)}
    except BaseException as error:  # noqa: BLE001 that is what the campaign looks for
        answer = {"unexpected": f"{type(error).__name__}: {error}"}
    answer["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with os.fdopen(pipe, "w", encoding="utf-8") as stream:
        json.dump(answer, stream, default=str)
    os._exit(0)


def answer_of(config: Path) -> tuple[dict[str, object], float]:
    """The result of a case in a separate process, {'hang': True} or {'crash': signal}, and the seconds that it took."""
    out, pipe = os.pipe()
    began = time.monotonic()
    with warnings.catch_warnings():
        # Threads of numeric libraries are idle while a child is forked.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(out)
        _in_child(config, pipe)
    os.close(pipe)
    parts: list[bytes] = []
    while (left := LONGEST_S - (time.monotonic() - began)) > 0:
        if select.select([out], [], [], left)[0]:
            part = os.read(out, 1 << 20)
            if not part:
                break
            parts.append(part)
    else:
        os.kill(child, signal.SIGKILL)
    os.close(out)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - began
    if parts and os.WIFEXITED(status):
        return json.loads(b"".join(parts)), seconds
    return {"hang": True} if seconds >= LONGEST_S else {"crash": os.WTERMSIG(status)}, seconds


def judged(answer: dict[str, object], usual: dict[str, object], seconds: float) -> Outcome:
    """The class of a case by comparison with the account of the undamaged files of the same kinds."""
    megabytes = int(str(answer.get("mb", 0)))
    if "hang" in answer or "crash" in answer:
        kind = "hang" if "hang" in answer else "crash"
        return Outcome(kind, str(answer), seconds, megabytes)
    if "unexpected" in answer:
        return Outcome("unexpected error", str(answer["unexpected"]), seconds, megabytes)
    if megabytes > MOST_MB:
        return Outcome("memory", f"{megabytes} MB", seconds, megabytes)
    if "refused" in answer:
        return Outcome("refused", str(answer["refused"]), seconds, megabytes)
    found: Any = answer["account"]
    same = all(found[part] == usual[part] for part in ("state", "released"))
    reported = found["reports"] != usual["reports"]
    kind = "read as before" if same else "read, change reported" if reported else "silent change"
    return Outcome(kind, "", seconds, megabytes)


def campaign(cases: int, seed: int, folder: Path, show: Callable[[str], None] = lambda _: None) -> Result:
    """Run the cases one after another. `show` gets a line for each fault."""
    whole = folder / "whole"
    whole.mkdir()
    make_inputs(whole)
    usual: dict[str, Any] = {}
    for suffix in SUFFIXES:
        (whole / "config.yaml").write_text(config_of(suffix), encoding="utf-8")
        answer, _ = answer_of(whole / "config.yaml")
        if not isinstance(answer.get("account"), dict):
            raise TypeError(f"the undamaged files with hazards.{suffix} are not read: {answer}")
        usual[suffix] = answer["account"]
    classes: Counter[str] = Counter()
    longest_s, most_mb = 0.0, 0
    for number in range(cases):
        case = folder / f"case_{number}"
        shutil.copytree(whole, case)
        rng = random.Random(f"{seed}-{number}")  # noqa: S311 a campaign that can be repeated
        text = damage(case, rng)
        # The first that the damage draws.
        suffix = random.Random(f"{seed}-{number}").choice(SUFFIXES)  # noqa: S311
        answer, seconds = answer_of(case / "config.yaml")
        outcome = judged(answer, usual[suffix], seconds)
        classes[outcome.kind] += 1
        longest_s, most_mb = max(longest_s, outcome.seconds), max(most_mb, outcome.megabytes)
        if outcome.kind in FAULTS:
            show(f"case {number} (seed {seed}) {outcome.kind}: {text}: {outcome.message[:300]}")
        shutil.rmtree(case, ignore_errors=True)
    return Result(classes, longest_s, most_mb)


def main() -> int:
    """Run a campaign and print its classes; 1 where it found a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(options.cases, options.seed, Path(folder), lambda line: print(line, flush=True))
    for kind, count in result.classes.most_common():
        print(f"{kind:>20} {count:5}")
    print(f"{options.cases} cases in {time.monotonic() - began:.0f} s")
    print(f"longest case {result.longest_s:.1f} s, most memory {result.most_mb} MB")
    return int(any(result.classes[fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
