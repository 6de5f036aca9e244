"""Measurement of cost: seconds, core-seconds, peak memory; and the machine."""

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
import rasterio

PACKAGES = ("numpy", "scipy", "numba", "shapely", "rasterio", "geopandas")
# 4,000 x 4,000 cells of float32.
FLOOR_BYTES = 64_000_000

Made = TypeVar("Made")


@dataclass(frozen=True)
class Cost:
    """`core_seconds` counts all threads and the tools started; `peak_mb` is this process alone, tools not counted."""

    seconds: float
    core_seconds: float
    peak_mb: float


NOTHING = Cost(0.0, 0.0, 0.0)


def measured(work: Callable[[], Made]) -> tuple[Made, Cost]:
    """The result of the work and its cost; the peak is that of the process since its start."""
    before, started = sum(os.times()[:4]), time.perf_counter()
    result = work()
    seconds, cores = time.perf_counter() - started, sum(os.times()[:4]) - before
    return result, Cost(seconds, cores, peak_mb())


def peak_mb() -> float:
    """Highest resident memory of this process so far, in megabytes (10**6 bytes)."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    # macOS counts in bytes, the others in units of 1,024.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def copy_floor_seconds() -> float:
    """Median time to copy 64 MB from one array into another, a lower bound for a feature of 16 million cells."""
    source = np.ones(FLOOR_BYTES // 4, dtype=np.float32)
    target = np.zeros_like(source)
    return float(np.median([measured(lambda: np.copyto(target, source))[1].seconds for _ in range(15)]))


def machine() -> dict[str, str]:
    """The machine and the relevant versions, by name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    facts = {
        "machine": f"{platform.system()} {platform.machine()} {model or platform.processor()}".strip(),
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "GDAL of rasterio": rasterio.__gdal_version__,
    }
    if shutil.which("gdalinfo"):
        version_line = subprocess.run(["gdalinfo", "--version"], capture_output=True, text=True, check=True)
        facts["GDAL tools"] = version_line.stdout.partition(",")[0].removeprefix("GDAL ").strip()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {**facts, "commit": commit.stdout.strip() or "unknown"}
