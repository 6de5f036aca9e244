"""mlrisk beside what an analyst would do without it, on the same country: cost and recall; see README.md.

`mlrisk run` and `benchmarks.analyst` run one after the other as processes of their own, each on one thread unless
--threads says more, with nothing kept from earlier runs. Recall is the share of truly contaminated cells of unknown
land (no find, no accident, no area on record by as_of) within the first 10 % of that land. The peer needs rasterstats
and folium, which mlrisk does not: give the Python of an environment that has them by `--peer-python`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from rasterio.features import rasterize

import mlrisk
from benchmarks.independent_country import write_independent
from benchmarks.planning.land import truth_of
from benchmarks.speed.report import table
from benchmarks.speed.steps import StepCost, watched
from features.as_of import Snapshot
from features.base import Flags, Floats, Grid
from mlrisk.settings import Config
from training.evidence import block_names, contamination_context, open_inputs
from training.validation import bounds, figures_on_draws, gains
from training.validation.block_bootstrap import FiguresOnDraws

AREAS, EVENTS = ("hazard_areas", "land_release"), ("finds", "incidents")
NEEDED = ("rasterstats", "folium", "geopandas", "rasterio", "scipy", "sklearn", "shap", "yaml", "pyarrow")
# The steps of both chains by what they are for; each step counts in the first row whose names hold it.
PURPOSES = {
    "start, sources, evidence": ("start", "sources", "evidence", "champions"),
    "features": ("features",),
    "model, its validation": ("model and validation", "validation", "contamination model"),
    "casualty model, casualties": ("casualty model", "casualties"),
    "report, record": ("report", "record"),
    "scores of all cells": ("scores",),
    "reasons": ("reasons",),
    "plan": ("plan",),
    "files of the map": ("map", "planner package"),
}
FOLDERS = {"output.folder": "outputs", "compute.cache": "cache"}
OURS, PEER, LINE = "mlrisk", "peer", "distance to the line"
MODELS = {"peer, boosting": "boosting", "peer, forest": "forest"}
COMPARED = (*MODELS, LINE)
# Rules of the field: a column of risk.parquet, and whether more or less of it is surveyed first.
RULES = {
    LINE: ("front_line_distance_m", -1),
    "distance to an accident": ("incident_distance_m", -1),
    "density of accidents": ("incident_density_2km_per_km2", 1),
}


def costs_of(name: str, command: Sequence[str], threads: int, folder: Path) -> list[StepCost]:
    """The cost of a chain, read from the folder where it already ran there."""
    kept = folder / f"cost-{name}.json"
    if kept.exists():
        return [StepCost(**row) for row in json.loads(kept.read_text(encoding="utf-8"))]
    steps = watched(command, threads, folder / f"{name}.log")
    kept.write_text(json.dumps([asdict(one) for one in steps], indent=1), encoding="utf-8")
    return steps


def absent(python: str) -> str:
    """What the peer's Python lacks, as a sentence; empty if it has everything."""
    code = f"import importlib.util as u; print(*[n for n in {NEEDED!r} if u.find_spec(n) is None])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"--peer-python ({python}) does not start: {error}"
    missing = done.stdout.split()
    if not missing:
        return ""
    return f"--peer-python ({python}) lacks {', '.join(missing)}: pip install them into an environment of its own"


def run_both(
    config_path: Path, data: Path | None, folder: Path, chosen: argparse.Namespace
) -> dict[str, list[StepCost]]:
    """Cost of both chains on the files of a config; what they write goes into the folder."""
    place = [] if data is None else ["--data", str(data)]
    tracking = f"tracking.uri=sqlite:///{(folder / 'mlflow.db').resolve()}"
    threads = chosen.threads
    # A cache of its own: features and baselines of an earlier run of the same files would cost nothing.
    places = [f"{key}={(folder / name).resolve()}" for key, name in FOLDERS.items()]
    settings = (f"compute.threads={threads}", tracking, *places, *chosen.sets)
    program = [sys.executable, "-c", "import sys; from mlrisk.cli import main; sys.exit(main())"]
    ours = [*program, "run", str(config_path), *place, *(word for one in settings for word in ("--set", one))]
    peer = [chosen.peer_python, "-m", "benchmarks.analyst.chain", str(config_path), str(folder / "peer"), *place]
    peer += ["--threads", str(threads), "--explained", str(chosen.explained)]
    return {name: costs_of(name, line, threads, folder) for name, line in ((OURS, ours), (PEER, peer))}


def unknown_land(config: Config) -> tuple[Grid, dict[str, Flags]]:
    """The grid, and two lists of its cells without a find or accident by as_of, flags in `grid.cell_ids()` order.

    In the first no area on record covers the centre of a cell, in the second none touches the cell.
    """
    inputs = open_inputs(config)
    grid, snapshot = inputs.grid, Snapshot(inputs.sources, contamination_context(config))
    areas, points = (
        [shape for name in names if name in inputs.sources.vectors for shape in snapshot.table(name).geometry]
        for names in (AREAS, EVENTS)
    )
    lands = {}
    for name, touching in (("no area covers its centre", False), ("no area touches it", True)):
        there = np.zeros(grid.shape, dtype=bool)
        for shapes, touched in ((areas, touching), (points, False)):
            if shapes:
                burnt = rasterize(shapes, grid.shape, transform=grid.transform, all_touched=touched, dtype="uint8")
                there |= burnt > 0
        lands[name] = ~there[grid.mask]
    return grid, lands


def scores_of(grid: Grid, folder: Path) -> dict[str, Floats]:
    """Every ranking by name, more is surveyed first, in `grid.cell_ids()` order."""
    risk = pd.read_parquet(folder / "outputs" / "risk.parquet")
    risk = risk.set_index("cell_id").loc[grid.cell_ids()]
    other = pd.read_parquet(folder / "peer" / "peer.parquet")
    places = [
        list(map(tuple, np.round(xy, 1))) for xy in (other[["easting_m", "northing_m"]].to_numpy(), grid.centres_m())
    ]
    position = {place: number for number, place in enumerate(places[0])}
    rows = [position[place] for place in places[1]]
    scores = {OURS: risk["contamination_score"]} | {
        name: other[column].to_numpy()[rows] for name, column in MODELS.items()
    }
    scores |= {name: sign * risk[column] for name, (column, sign) in RULES.items() if column in risk}
    return {name: np.nan_to_num(np.asarray(one, dtype=float), nan=-np.inf) for name, one in scores.items()}


def country_of(seed: int, folder: Path, chosen: argparse.Namespace) -> tuple[Path, Flags]:
    """Write a country; its config and which cells of its grid (rows, columns) are contaminated, in cell order."""
    if chosen.independent:
        world = write_independent(seed, folder)
        return folder / "config.yaml", world.contaminated.ravel()
    country = mlrisk.synthetic_country(seed, cells=chosen.cells, folder=folder)
    grid = open_inputs(mlrisk.load_config(country.config_path)).grid
    return country.config_path, truth_of(country.truth_raster, grid)["contaminated_at_as_of"].to_numpy() > 0


def by_purpose(steps: Iterable[StepCost]) -> dict[str, StepCost]:
    """Costs added up by what the steps are for, and of all."""
    steps = list(steps)
    of = {name: purpose for purpose, names in PURPOSES.items() for name in names}
    sums = {}
    for purpose in (*PURPOSES, "all"):
        mine = [one for one in steps if purpose in ("all", of.get(one.name))]
        if mine:
            seconds, cores = sum(one.seconds for one in mine), sum(one.core_seconds for one in mine)
            sums[purpose] = StepCost(purpose, seconds, cores, float(np.nanmax([one.peak_gb for one in mine])))
    return sums


def cost_table(costs: Mapping[str, Sequence[StepCost]]) -> str:
    """Both chains side by side, by what the steps are for."""
    sums = {name: by_purpose(steps) for name, steps in costs.items()}
    rows = []
    for purpose in (*PURPOSES, "all"):
        cells = [
            text
            for name in (OURS, PEER)
            for one in [sums[name].get(purpose)]
            for text in (
                ("", "", "") if one is None else (f"{one.seconds:.0f}", f"{one.core_seconds:.1f}", f"{one.peak_gb:.2f}")
            )
        ]
        rows.append([purpose, *cells])
    side = ("s", "core-s", "peak GB")
    return table(("step", *(f"{name}, {part}" for name in (OURS, PEER) for part in side)), rows)


def recall_text(figures: FiguresOnDraws) -> str:
    """Recall at 10 % with its 90 % range."""
    ends = bounds({"recall": figures.drawn["recall_10"]})
    return f"{figures.figures['recall_10']:.3f} ({ends['recall_low']:.2f} to {ends['recall_high']:.2f})"


def gain_text(gain: Mapping[str, float]) -> str:
    """A difference of recalls at 10 % with its 90 % range."""
    one, low, high = (gain[f"recall_10_gain{end}"] for end in ("", "_low", "_high"))
    return f"{one:+.3f} ({low:+.2f} to {high:+.2f})"


def judged(
    scores: Mapping[str, Floats], grid: Grid, unknown: Flags, true: Flags, seed: int, block_m: float
) -> dict[str, FiguresOnDraws]:
    """Figures of every ranking on unknown land, all on the same draws of blocks."""
    block = np.unique(block_names(grid.centres_m()[unknown], block_m), return_inverse=True)[1]
    return {
        name: figures_on_draws(one[unknown], true[unknown], block, seed, draws=1_000) for name, one in scores.items()
    }


def mean_gain(ours: Sequence[FiguresOnDraws], other: Sequence[FiguresOnDraws]) -> str:
    """The mean over countries of the gain at 10 %; each country is drawn by itself."""
    apart = [mine.figures["recall_10"] - its.figures["recall_10"] for mine, its in zip(ours, other, strict=True)]
    drawn = [mine.drawn["recall_10"] - its.drawn["recall_10"] for mine, its in zip(ours, other, strict=True)]
    ends = bounds({"gain": np.mean(drawn, axis=0)})
    return f"{np.mean(apart):+.3f} ({ends['gain_low']:+.2f} to {ends['gain_high']:+.2f})"


def compared(chosen: argparse.Namespace, folder: Path) -> None:
    """Run and judge both chains on each country, and print the tables."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    every: dict[str, list[dict[str, FiguresOnDraws]]] = {}
    for seed in chosen.seeds:
        place = folder / f"{'independent' if chosen.independent else 'seed'}-{seed}"
        place.mkdir(parents=True, exist_ok=True)
        config_path, true = country_of(seed, place, chosen)
        costs = run_both(config_path, None, place, chosen)
        grid, lands = unknown_land(mlrisk.load_config(config_path))
        print(f"\nseed {seed}: {grid.n_cells:,} cells\n\n{cost_table(costs)}", flush=True)
        scores = scores_of(grid, place)
        for land, unknown in lands.items():
            figures = judged(scores, grid, unknown, true, seed, chosen.block_m)
            every.setdefault(land, []).append(figures)
            beside = (gain_text(gains(figures[OURS], figures[name])) for name in COMPARED)
            facts = f"{seed}: {int(true[unknown].sum())} of {int(unknown.sum()):,}"
            rows.setdefault(land, []).append((facts, *(recall_text(one) for one in figures.values()), *beside))
    for land, lines in rows.items():
        print(f"\nRecall at 10 %, cells without find or accident, and {land}:\n\n{recall_table(lines, every[land])}")


def recall_table(rows: Sequence[tuple[str, ...]], every: Sequence[Mapping[str, FiguresOnDraws]]) -> str:
    """A row for each country and their mean."""
    mean = (f"{np.mean([one[name].figures['recall_10'] for one in every]):.3f}" for name in every[0])
    apart = (mean_gain([one[OURS] for one in every], [one[name] for one in every]) for name in COMPARED)
    head = ("seed: with EO, of cells", *every[0], *(f"{OURS} minus {name}" for name in COMPARED))
    return table(head, [*rows, ("mean", *mean, *apart)])


def main() -> None:
    """Compare on each seed, or on the files of a config, of which there is no truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[4, 5, 6])
    parser.add_argument("--cells", type=int, default=10_000, help="of a synthetic country")
    parser.add_argument(
        "--independent", action="store_true", help="the countries of `independent_country`, 6,400 cells"
    )
    parser.add_argument("--config", type=Path, help="a config instead of seeds: cost alone")
    parser.add_argument("--data", type=Path, help="folder of its source paths")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter with rasterstats and folium")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sets",
        metavar="KEY=VALUE",
        help="for mlrisk, whose cost is then another",
    )
    parser.add_argument("--explained", type=int, default=2_000, help="the first so many cells that the peer explains")
    parser.add_argument("--block-m", type=float, default=2_500, help="side of the blocks that are drawn for ranges")
    parser.add_argument("--folder", type=Path, help="keeps everything; a chain that ran there is not run again")
    chosen = parser.parse_args()
    problem = absent(chosen.peer_python)
    if problem:
        sys.exit(problem)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if chosen.config is None:
            compared(chosen, folder)
        else:
            print(cost_table(run_both(chosen.config, chosen.data, folder, chosen)))


if __name__ == "__main__":
    main()
