"""One measurement in a process of its own, so that its peak of memory is its own.

`python -m benchmarks.speed.case '{"case": ..., ...}'` prints one line of JSON; `benchmarks.features` starts it.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed import oracles, peers
from benchmarks.speed.country import make_country
from benchmarks.speed.measure import Cost, copy_floor_seconds, measured

Answer = dict[str, Any]


def make(given: Answer) -> Answer:
    """Write the country and the exact answers beside it, unless they are there."""
    folder, truth = Path(given["folder"]), Path(given["folder"]) / "answers.npz"
    config = make_country(folder, given["side"], given["dem_crs"])
    if given["answers"] and not truth.is_file():
        np.savez(truth, allow_pickle=False, **oracles.answers(folder, given["side"]))
    return {"config": str(config)}


def floor(_given: Answer) -> Answer:
    """Seconds to copy 64 MB."""
    return {"seconds": copy_floor_seconds()}


def peer(given: Answer) -> Answer:
    """A stage with good-practice tools."""
    source, stage = peers.STAGES[given["stage"]]
    folder = Path(given["folder"])
    shapes = np.empty(0) if source is None else oracles.geometry(folder, source)
    task = peers.Task(
        folder=folder, side=given["side"], threads=given["threads"], observers=given["observers"], shapes=shapes
    )
    result, cost = measured(lambda: stage(task))
    return _stage_answer(given, result, cost)


def ours(given: Answer) -> Answer:
    """The same stage with the functions of `features`."""
    from benchmarks.speed import ours as own

    stage = own.STAGES[given["stage"]]
    (inputs, snapshot), opening = measured(lambda: own.opened(Path(given["config"]), stage.sources))
    own.warm_up(inputs.grid, snapshot, stage.make)
    result, cost = measured(
        lambda: own.run_stage(given["stage"], inputs.grid, snapshot, given["tile_cells"], given["threads"])
    )
    return {**_stage_answer(given, result, cost), "open_seconds": opening.seconds}


def whole(given: Answer) -> Answer:
    """All families over the whole grid."""
    from benchmarks.speed import ours as own
    from features.families import FAMILIES
    from features.table import feature_table

    families = given.get("families") or tuple(FAMILIES)
    (inputs, snapshot), opening = measured(lambda: own.opened(Path(given["config"])))
    _, warm = measured(
        lambda: own.warm_up(inputs.grid, snapshot, lambda tile, again: feature_table(tile, again, families))
    )
    columns, cost = measured(
        lambda: own.run_families(inputs.grid, snapshot, families, given["tile_cells"], given["threads"])
    )
    before = {"open_seconds": opening.seconds, "open_peak_mb": opening.peak_mb, "warm_seconds": warm.seconds}
    return {**asdict(cost), **before, "columns": columns, "cells": inputs.grid.mask.size}


def by_family(given: Answer) -> Answer:
    """Each family alone on one core; all in this process, so only the seconds are reported."""
    from benchmarks.speed import ours as own
    from features.families import FAMILIES
    from features.table import feature_table

    inputs, snapshot = own.opened(Path(given["config"]))
    found = {}
    for family in FAMILIES:
        own.warm_up(inputs.grid, snapshot, lambda tile, again, family=family: feature_table(tile, again, [family]))
        fresh = own.afresh(snapshot)
        columns, cost = measured(
            lambda fresh=fresh, family=family: own.run_families(inputs.grid, fresh, [family], given["tile_cells"], 1)
        )
        found[family] = {"columns": columns, "seconds": cost.seconds, "core_seconds": cost.core_seconds}
    return {"families": found, "cells": inputs.grid.mask.size}


def _stage_answer(given: Answer, result: peers.Result, cost: Cost) -> Answer:
    """Cost of the whole stage, and the errors at the sample."""
    truth = np.load(Path(given["folder"]) / "answers.npz")
    errors = {}
    for name, array in result.arrays.items():
        row, column = oracles.sample_cells(given["side"], len(truth[name]))
        apart = np.abs(array[row, column] - truth[name])
        valued = np.isfinite(apart)
        error = apart[valued] if valued.any() else np.array([np.nan])
        errors[name] = {
            "mean": float(error.mean()),
            "p99": float(np.quantile(error, 0.99)),
            "max": float(error.max()),
            "missing": int((~valued).sum()),
            "greatest_answer": float(truth[name].max()),
        }
    costs = {
        "seconds": cost.seconds + result.left_out.seconds,
        "core_seconds": cost.core_seconds + result.left_out.core_seconds,
        "peak_mb": cost.peak_mb,
    }
    return {**costs, "remark": result.remark, "errors": errors}


CASES: dict[str, Callable[[Answer], Answer]] = {
    "make": make,
    "floor": floor,
    "peer": peer,
    "ours": ours,
    "whole": whole,
    "by_family": by_family,
}


def main() -> None:
    """Run the case of the one argument."""
    given = json.loads(sys.argv[1])
    try:
        answer = CASES[given["case"]](given)
    except peers.SkippedError as error:
        answer = {"skipped": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
