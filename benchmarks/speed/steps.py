"""The cost of each step of a command, watched from outside."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread


@dataclass(frozen=True)
class StepCost:
    """What a step took; `core_seconds` with finished children, `peak_gb` of the process alone (NaN without /proc)."""

    name: str
    seconds: float
    core_seconds: float
    peak_gb: float


class Watch:
    """The cost of each step of a process that says `{"step": NAME}` on standard error when one begins."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.steps: list[StepCost] = []
        self.name, self.peak_gb = "start", float("nan")
        self.began = time.monotonic(), 0.0
        self.lines: list[str] = []

    def read(self) -> None:
        """Follow the lines of the process to their end."""
        for line in self.process.stderr or ():
            self.lines.append(line)
            if line.startswith("{") and "step" in (said := json.loads(line)):
                self.end_step(self.core_seconds(), said["step"])

    def end_step(self, core_seconds: float, following: str) -> None:
        """Note the step that ends, and begin the next one."""
        self.look()
        now = time.monotonic(), core_seconds
        self.steps.append(StepCost(self.name, now[0] - self.began[0], now[1] - self.began[1], self.peak_gb))
        self.name, self.began, self.peak_gb = following, now, float("nan")
        mark = Path(f"/proc/{self.process.pid}/clear_refs")
        if mark.exists():
            mark.write_text("5", encoding="ascii")  # resets the mark of the most memory

    def look(self) -> None:
        """Keep the most memory since the step began, as long as the process lives."""
        status = Path(f"/proc/{self.process.pid}/status")
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.exists() else None
        if found:
            self.peak_gb = int(found[1]) * 1024 / 1e9

    def core_seconds(self) -> float:
        """CPU seconds of the process and of its finished children, all threads."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return float("nan")
        return sum(map(int, stat.read_text(encoding="utf-8").rpartition(")")[2].split()[11:15])) / os.sysconf(
            "SC_CLK_TCK"
        )


def watched(command: Sequence[str], threads: int, log: Path) -> list[StepCost]:
    """Run a command on so many threads and return the cost of its steps; exits with its last lines if it fails."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env=os.environ | limits) as process,
    ):
        watch = Watch(process)
        reader = Thread(target=watch.read)
        reader.start()
        while reader.is_alive():
            watch.look()
            reader.join(0.1)
        # Only this call tells what the process used up to its end.
        _, code, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{''.join(watch.lines[-20:])}")
    watch.end_step(used.ru_utime + used.ru_stime, "")
    return watch.steps
