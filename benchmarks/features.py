"""Speed, memory and accuracy of the feature families compared with good-practice tools; see README.md here."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed import report
from benchmarks.speed.country import CRS_NAME, DEGREES
from benchmarks.speed.measure import machine
from benchmarks.speed.peers import STAGES
from training.settings import ComputeSettings

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("stages", "whole", "families")
SIDES = ("peer", "ours")
SCALE_SIDES = (1000, 2000, 4000, 8000)

Answer = dict[str, Any]


def run_case(case: str, arguments: argparse.Namespace, side: int, **more: Any) -> Answer:
    """The result of a case measured in a separate process."""
    given = {
        "case": case,
        "side": side,
        "folder": str((arguments.folder / f"{side}").resolve()),
        "dem_crs": arguments.dem_crs,
        "threads": arguments.threads,
        "tile_cells": arguments.tile_cells,
        **more,
    }
    command = [sys.executable, "-m", "benchmarks.speed.case", json.dumps(given)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    answer: Answer = json.loads(done.stdout.splitlines()[-1])
    return answer


def stages(arguments: argparse.Namespace, config: str) -> dict[str, dict[str, list[Answer]]]:
    """Every comparable stage with good-practice tools and with mlrisk, in turn."""
    found: dict[str, dict[str, list[Answer]]] = {stage: {"peer": [], "ours": []} for stage in STAGES}
    for sides in found.values():
        for side in set(SIDES) - set(arguments.sides):
            sides[side].append({"skipped": "not asked for"})
    more = {"config": config, "observers": arguments.observers}
    for _ in range(arguments.repeat):
        for stage, sides in found.items():
            for side in arguments.sides:
                answer = run_case(side, arguments, arguments.cells, stage=stage, **more)
                sides[side].append(answer)
                outcome = answer.get("skipped") or f"{answer['seconds']:.2f} s"
                print(f"{stage} {side}: {outcome}", file=sys.stderr, flush=True)
    return found


def whole(arguments: argparse.Namespace, side: int, config: str) -> list[Answer]:
    """All families over the whole country of this side."""
    runs = [run_case("whole", arguments, side, config=config) for _ in range(arguments.repeat)]
    print(f"all families, {side} x {side}: {report.spread(runs)} s", file=sys.stderr, flush=True)
    return runs


def benchmark(arguments: argparse.Namespace) -> Answer:
    """Measure the requested cases, print each table as soon as it is ready, and return every figure."""
    sides = arguments.scale_sides if arguments.scale else []
    parts = [] if arguments.scale else arguments.parts
    results: Answer = {"machine": machine(), "arguments": {key: str(value) for key, value in vars(arguments).items()}}
    print(report.machine_table(results["machine"]), flush=True)
    results["copy_floor_seconds"] = floor = run_case("floor", arguments, arguments.cells)["seconds"]
    print(f"\nCopying 64 MB takes {floor:.4f} s; {arguments.threads} threads, tiles of {arguments.tile_cells} cells.")
    configs = {
        side: run_case("make", arguments, side, answers="stages" in parts)["config"]
        for side in sides or [arguments.cells]
    }
    if "stages" in parts:
        results["stages"] = found = stages(arguments, configs[arguments.cells])
        print(f"\n{report.stages_table(found)}\n\n{report.errors_table(found)}", flush=True)
    if "whole" in parts or sides:
        runs = {side * side: whole(arguments, side, config) for side, config in configs.items()}
        results["whole"] = runs
        print(f"\n{report.whole_table(runs, floor)}", flush=True)
    if "families" in parts:
        config = configs[arguments.cells]
        results["families"] = alone = [
            run_case("by_family", arguments, arguments.cells, config=config) for _ in range(arguments.repeat)
        ]
        print(f"\n{report.families_table(alone)}", flush=True)
    return results


def main() -> None:
    """Read the arguments, measure, and write the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=4000, help="side of the country in cells of 30 m")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each case; the tables show medians")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what is measured")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES, help="good practice, ours, or both in turn")
    parser.add_argument("--scale", action="store_true", help="instead: all families at several sizes")
    parser.add_argument("--scale-sides", type=int, nargs="+", default=SCALE_SIDES, help="those sizes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tile-cells", type=int, default=ComputeSettings().tile_cells)
    parser.add_argument("--observers", type=int, default=20, help="runs of gdal_viewshed, scaled to all front lines")
    parser.add_argument(
        "--dem-crs", choices=(CRS_NAME, DEGREES), default=CRS_NAME, help="CRS of the DEM that ours reads"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "benchmark", help="the made country; kept")
    parser.add_argument("--json", type=Path, help="file for every figure")
    arguments = parser.parse_args()
    results = benchmark(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
