"""Seconds, memory and sizes of the planner package, and how soon map.html answers; see README.md here.

python -m benchmarks.package bosnia --ranked FOLDER --data ../shared/data/bosnia
python -m benchmarks.package million
python -m benchmarks.package page MAP.html ...
python -m benchmarks.package pins MAP.html ...
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd

from benchmarks.speed.measure import peak_mb
from mlrisk.outputs.registry import WRITERS
from mlrisk.risk_map import Package
from mlrisk.settings.config import OPTIONAL_FORMATS

MILLION = 1_000, 1_160


def bosnia(ranked: Path, data: Path) -> Package:
    """The package of a finished ranking of configs/bosnia.yaml, read back from its folder, in two languages."""
    import mlrisk
    from mlrisk.commands.map_columns import context_layers, known_hazards
    from tests.support.sample_package import sample_package
    from training.evidence import open_inputs

    config = mlrisk.load_config(Path("configs/bosnia.yaml"), data=data)
    inputs = open_inputs(config)
    risk = pd.DataFrame(gpd.read_parquet(ranked / "risk.parquet").drop(columns="geometry"))
    tasks = gpd.read_file(ranked / "risk_map.gpkg", layer="survey_tasks")
    empty = sample_package(20, 20)
    # In the order of the grid, whatever the writer made of it.
    risk = risk.set_index("cell_id").loc[inputs.grid.cell_ids()].reset_index()
    return replace(
        empty,
        grid=inputs.grid,
        risk=risk,
        tasks=tasks.assign(**{f"reason_{place}_az": tasks[f"reason_{place}"] for place in (1, 2, 3)}),
        hazards=known_hazards(config, inputs.sources),
        layers=context_layers(config, inputs.sources),
        notes=replace(empty.notes, country="bosnia", inputs=inputs.digests),
    )


def million() -> Package:
    """About a million cells with the tasks of a ranked twentieth."""
    from tests.support.sample_package import sample_package

    return sample_package(*MILLION)


def written(package: Package, folder: Path, names: list[str]) -> None:
    """Write the formats; print what each takes and gives."""
    print(f"{len(package.risk):,} cells, {len(package.tasks):,} tasks; before {peak_mb() / 1e3:.2f} GB")
    wall, core = time.monotonic(), time.process_time()
    for name in names:
        started, cores = time.monotonic(), time.process_time()
        files = WRITERS[name](package, folder)
        size = sum(path.stat().st_size for path in files) / 1e6
        seconds = f"{time.monotonic() - started:6.1f} s {time.process_time() - cores:6.1f} core-s"
        print(f"{name:8s} {seconds} {size:7.2f} MB  peak {peak_mb() / 1e3:.2f} GB", flush=True)
    page = folder / "map.html"
    size = page.stat().st_size / 1e6 if page.exists() else 0.0
    print(
        f"all      {time.monotonic() - wall:6.1f} s {time.process_time() - core:6.1f} core-s, "
        f"peak {peak_mb() / 1e3:.2f} GB; map.html {size:.2f} MB"
    )


def opened(page: Path, times: int = 5) -> None:
    """Print how long after navigation the page answers, at desktop and at phone width, in headless Chromium."""
    from tests.support.headless import Browser

    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(Path(profile))
        for width, height in ((1280, 900), (390, 844)):
            ready, clicked = [], []
            for _ in range(times):
                browser.open(page, width, height)
                ready.append(browser.run("performance.getEntriesByName('ready')[0].startTime") / 1000)
                started = time.monotonic()
                browser.run("document.querySelector('#tasks tbody tr').click()")
                browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
                clicked.append(time.monotonic() - started)
            median, most = sorted(ready)[times // 2], max(ready)
            print(
                f"{page.name} {page.stat().st_size / 1e6:.2f} MB at {width} px: answers after {median:.2f} s (most "
                f"{most:.2f}); a click is drawn {sorted(clicked)[times // 2]:.2f} s later"
            )
        browser.close()


def pins(page: Path) -> None:
    """Print how many of the first twenty pins open another task than their own, by clicks up to 8 px beside them."""
    from tests.support.headless import Browser
    from tests.support.map_clicks import OFFSETS, wrong_pins

    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(Path(profile))
        browser.open(page)
        for number in range(browser.run("document.querySelectorAll('[name=work]').length")):
            browser.run(f"document.querySelector('[name=work][value=\"{number}\"]').click()")
            clicked, wrong = wrong_pins(browser, 20)
            print(
                f"{page.name}, list {number + 1}: {clicked} pins, {len(OFFSETS)} clicks each, wrong: {wrong or 'none'}"
            )
        browser.close()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["bosnia", "million", "page", "pins"])
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--ranked", type=Path, default=Path("outputs"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/bosnia"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--formats", nargs="+", default=[name for name in WRITERS if name not in OPTIONAL_FORMATS])
    arguments = parser.parse_args()
    if arguments.what in ("page", "pins"):
        for page in arguments.pages:
            (opened if arguments.what == "page" else pins)(page.resolve())
        return
    package = million() if arguments.what == "million" else bosnia(arguments.ranked, arguments.data)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        written(package, folder, arguments.formats)


if __name__ == "__main__":
    main()
