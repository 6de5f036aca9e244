"""Seconds and memory of `mlrisk check` on registers of a whole country, at a quarter of their size and in full.

    python -m benchmarks.check --folder FOLDER

300,000 segments of road, 100,000 hazard polygons and 2,000,000 accidents at the full size, on 40,000 cells. The files
are written first; only the command is timed, as a process of its own.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

UTM, SIDE_M = "EPSG:32638", 100_000.0
CORNER_M = np.array([400_000.0, 4_300_000.0])
FULL = {"roads": 300_000, "hazard_areas": 100_000, "incidents": 2_000_000}
CONFIG = """name: registers
as_of: 2024-07-31
grid: {crs: "EPSG:32638", cell_size_m: 500, area: area.gpkg}
sources:
  roads: roads.gpkg
  hazard_areas: hazards.gpkg
  incidents: {path: incidents.csv, crs: "EPSG:32638", columns: {longitude: easting, latitude: northing}}
"""


def write_registers(folder: Path, share: float) -> None:
    """The three registers at a share of their full size, and the config that reads them."""
    rng = np.random.default_rng(5)
    count = {name: int(share * full) for name, full in FULL.items()}
    start = rng.uniform(0, SIDE_M, (count["roads"], 1, 2)) + CORNER_M
    steps = rng.normal(0, 60, (count["roads"], 8, 2)).cumsum(axis=1)
    roads = shapely.linestrings(start + steps)
    gpd.GeoDataFrame({"road_class": ["track"] * len(roads)}, geometry=roads, crs=UTM).to_file(folder / "roads.gpkg")
    turn = np.linspace(0, 2 * np.pi, 13)[None, :]
    centre = rng.uniform(0, SIDE_M, (count["hazard_areas"], 2)) + CORNER_M
    radius = rng.uniform(20, 120, (count["hazard_areas"], 13))
    radius[:, -1] = radius[:, 0]
    ring = np.stack([centre[:, :1] + radius * np.cos(turn), centre[:, 1:] + radius * np.sin(turn)], axis=2)
    days = pd.to_datetime("1995-01-01") + pd.to_timedelta(rng.integers(0, 10_000, count["hazard_areas"]), "D")
    hazards = {"record_id": np.arange(len(ring)), "hazard_type": "SHA", "hazard_status": "open", "report_date": days}
    gpd.GeoDataFrame(hazards, geometry=shapely.polygons(ring), crs=UTM).to_file(folder / "hazards.gpkg")
    place = rng.uniform(0, SIDE_M, (count["incidents"], 2)) + CORNER_M
    days = pd.to_datetime("1995-01-01") + pd.to_timedelta(rng.integers(0, 10_000, count["incidents"]), "D")
    pd.DataFrame(
        {"id": np.arange(len(place)), "easting": place[:, 0].round(1), "northing": place[:, 1].round(1),
         "date": days.strftime("%Y-%m-%d"), "killed": rng.integers(0, 2, len(place))}
    ).to_csv(folder / "incidents.csv", index=False)  # fmt: skip
    area = [shapely.box(*CORNER_M, *(CORNER_M + SIDE_M))]
    gpd.GeoDataFrame(geometry=area, crs=UTM).to_file(folder / "area.gpkg")
    (folder / "registers.yaml").write_text(CONFIG, encoding="utf-8")


def main() -> int:
    """Print seconds, core-seconds and the most memory of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    for share in (0.25, 1.0):
        folder = parser.parse_args().folder / f"{share:g}"
        folder.mkdir(parents=True, exist_ok=True)
        write_registers(folder, share)
        line = [sys.executable, "-c", "from mlrisk.cli import main; main()", "check", str(folder / "registers.yaml")]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
        core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        sizes = ", ".join(f"{int(share * full):,} {name}" for name, full in FULL.items())
        print(f"{sizes}: exit {done.returncode}, {seconds:.1f} s, {core:.1f} core-s, {after.ru_maxrss / 1e6:.2f} GB")
        if done.returncode:
            print(done.stderr[-2000:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
