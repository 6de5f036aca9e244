"""Casualty risk on years and regions that it has not seen: two real countries, synthetic ones; see README.md here."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from scipy.stats import spearmanr

import mlrisk
from benchmarks.intensity import casualty_intensity
from mlrisk.ranking.casualty import activity_mix, recent_accidents
from mlrisk.settings import Config
from mlrisk.synthetic.country import build_country
from training.casualty import History, expected_casualties, fit_casualty, open_history, unit_blocks
from training.casualty.judging import MODEL, Outcome, forecast, forecast_years, held_out_regions
from training.evidence import open_inputs
from training.settings import ACTIVITIES

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
COLOMBIA_YEARS = (2005, 2007, 2009, 2011)
SYNTHETIC_SEEDS = (21, 22, 23, 24, 25, 26)
SYNTHETIC_CELLS = 40_000
HORIZON = 2
COARSE_M = 2_000.0
# Land of the register as known before the first judged year.
HULL_UNTIL, HULL_RATIO, HULL_AROUND_M = 2004, 0.1, 10_000
COLOMBIA = """\
name: colombia-casualties
as_of: 2013-12-31
grid: {crs: "EPSG:9377", cell_size_m: 5000, area: AREA}
sources:
  incidents: # one row a place, month and activity; coordinates of mixed precision
    path: victims_1990_2013.csv
    columns: {year: year, longitude: longitudcabecera, latitude: latitudcabecera, activity: Actividad}
  finds: # arsenals, military clearance, ordnance, production, suspected minefields
    path: events_1990_2013.csv
    where: TIPO_EVENTO IN ('3', '4', '6', '7', '8')
    columns: {year: AÑO, longitude: lon, latitude: lat}
  conflict_events: # seizures: where armed groups were
    path: events_1990_2013.csv
    where: TIPO_EVENTO = '5'
    columns: {year: AÑO, longitude: lon, latitude: lat}
features: [incidents, finds, conflict_events]
contamination: {block_m: 50000}
casualty:
  unit_m: 5000
  contamination_every_years: 0 # no land of the whole country was labelled
  kernel_bandwidths_m: [2500, 15000]
compute: {threads: 1}
"""
ACTIVITY_NAMES = {"travel": "unauthorised_travel"}


def colombia_config(data: Path, folder: Path, overrides: Sequence[str]) -> Config:
    """The whole country in squares of 5 km, as far as events had reached before the first judged year."""
    events = pd.read_csv(data / "colombia" / "events_1990_2013.csv")
    events = events[(events["AÑO"] <= HULL_UNTIL) & events["lon"].between(-80, -66)]
    points = gpd.GeoSeries(gpd.points_from_xy(events["lon"], events["lat"]), crs="EPSG:4326").to_crs("EPSG:9377")
    hull = shapely.concave_hull(shapely.MultiPoint(list(points)), ratio=HULL_RATIO).buffer(HULL_AROUND_M)
    area = folder / "area.gpkg"
    gpd.GeoSeries([hull], crs="EPSG:9377").to_file(area)
    path = folder / "colombia.yaml"
    path.write_text(COLOMBIA.replace("AREA", str(area)), encoding="utf-8")
    return mlrisk.load_config(path, data / "colombia", overrides)


def colombia(data: Path, years: Sequence[int], folder: Path, overrides: Sequence[str]) -> Iterator[Outcome]:
    """Models trained up to the end of each year and judged on the two years after it."""
    config = colombia_config(data, folder, overrides)
    history = open_history(config, open_inputs(config))
    if history is None:
        return
    for year in years:
        start = date(year, 12, 31)
        happened = history.accidents.between(start, date(year + HORIZON, 12, 31)) & ~history.accidents.deminer
        chosen = history.accidents.chosen(happened)
        observed = history.accidents_by_unit(chosen, np.ones(len(chosen)))
        outcome = forecast(config, history, start, observed, HORIZON)
        if outcome is not None:
            yield outcome


def bosnia(data: Path, overrides: Sequence[str]) -> Iterator[Outcome]:
    """Undated incidents, a region left out; each unit's features leave out its own block's incidents."""
    config = mlrisk.load_config(ROOT / "configs" / "bosnia.yaml", data / "bosnia", overrides)
    history = open_history(config, open_inputs(config))
    if history is not None:
        yield from held_out_regions(config, history)


def synthetic(seed: int, cells: int, folder: Path, overrides: Sequence[str]) -> dict[str, object]:
    """Expected casualties of the next year against the true rates of the country."""
    started = time.monotonic()
    country = mlrisk.synthetic_country(seed, cells=cells, folder=folder / f"seed-{seed}")
    config = mlrisk.load_config(country.config_path, overrides=overrides)
    inputs = open_inputs(config)
    history = open_history(config, inputs)
    rows = None if history is None else history.rows(config.as_of)
    if history is None or rows is None:
        raise RuntimeError(f"seed {seed} has no accidents")
    now = history.moment(config.as_of)
    model = fit_casualty(config, rows, now, unit_blocks(config, history), config.casualty.members)
    expected, low, high = expected_casualties(model, now, config.compute.threads)
    with rasterio.open(country.truth_raster) as truth:
        band = truth.read(truth.descriptions.index("casualties_per_year") + 1)
    true = history.units.total(band[inputs.grid.mask].astype(np.float64))
    facts = json.loads(country.truth_json.read_text())
    mix = activity_mix(config, recent_accidents(config, history.accidents))
    shares = {ACTIVITY_NAMES.get(name, name): share for name, share in facts["activity_shares"].items()}
    apart = max(abs(mix[number] - shares.get(name, 0.0)) for number, name in enumerate(ACTIVITIES))
    some, inside, top = true > 0, (low <= true) & (true <= high), expected >= np.quantile(expected, 0.9)
    least, greatest = model.total_interval()
    # The truth has ties at zero: no order without ties can have a higher correlation with it than this.
    most = float(np.sqrt(1 - (1 - some.mean()) ** 3))
    before = history.units.total(casualty_intensity(build_country(seed, cells, inputs.grid.cell_size_m)))
    coarse = np.unique(np.floor(history.units.centres_m / COARSE_M), axis=0, return_inverse=True)[1].reshape(-1)
    return {
        "seed": seed, "expected": float(expected.sum()), "truth": float(true.sum()),
        "ratio": float(expected.sum() / true.sum()), "total_low": least, "total_high": greatest,
        "sum_low": float(low.sum()), "sum_high": float(high.sum()), "units": len(true),
        "covered": float(inside.mean()), "covered_where_any": float(inside[some].mean()),
        "covered_top": float(inside[top].mean()), "top_ratio": float(expected[top].sum() / true[top].sum()),
        "accidents": model.accidents, "is_index": model.is_index, "shape": model.spread.shape,
        "belief": model.spread.belief, **_years(config, history),
        "rank_correlation_intensity": float(spearmanr(expected, before)[0]),
        "rank_correlation": float(spearmanr(expected, true)[0]),
        "intensity_rank_correlation": float(spearmanr(before, true)[0]),
        "rank_correlation_where_any": float(spearmanr(expected[some], true[some])[0]),
        "most_possible": most,
        "rank_correlation_2_km": float(
            spearmanr(np.bincount(coarse, weights=expected), np.bincount(coarse, weights=true))[0]
        ),
        "units_without_danger": float(1 - some.mean()), "activity_points_apart": 100 * float(apart),
        "seconds": time.monotonic() - started,
    }  # fmt: skip


def _years(config: Config, history: History) -> dict[str, object]:
    """Each forward year's skill over the best of the baselines that state counts, and recall at 5 % beside the best."""
    figures: dict[str, object] = {}
    for number, outcome in enumerate(forecast_years(config, history), start=1):
        table = pd.DataFrame(outcome.rows()).set_index("ranking")
        others = table.drop(index=MODEL)
        figures[f"skill_year_{number}"] = float(table.loc[MODEL, ["skill_over_constant", "skill_over_kernels"]].min())
        figures[f"recall_5_year_{number}"] = float(table.loc[MODEL, "recall_5"])
        figures[f"best_recall_5_year_{number}"] = float(others["recall_5"].max())
    return figures


def main() -> None:
    """Judge the cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    cases = ("colombia", "bosnia", "synthetic")
    parser.add_argument("--cases", nargs="*", default=list(cases), choices=cases)
    parser.add_argument("--years", type=int, nargs="*", default=list(COLOMBIA_YEARS), help="Colombia: trained to")
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SYNTHETIC_SEEDS))
    parser.add_argument("--cells", type=int, default=SYNTHETIC_CELLS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of every config")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    results: dict[str, list[dict[str, object]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for case in arguments.cases:
            if case != "synthetic" and not (arguments.data / case).is_dir():
                print(f"{case}: skipped, its data are not in {arguments.data}")
                continue
            if case == "synthetic":
                results[case] = [synthetic(n, arguments.cells, Path(scratch), arguments.set) for n in arguments.seeds]
            else:
                made = (
                    colombia(arguments.data, arguments.years, Path(scratch), arguments.set)
                    if case == "colombia"
                    else bosnia(arguments.data, arguments.set)
                )
                results[case] = [row for outcome in made for row in outcome.rows()]
            print(f"{case}\n{pd.DataFrame(results[case]).round(3).to_string(index=False)}", flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
