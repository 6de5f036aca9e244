"""Ten years of survey, results and `mlrisk retrain` on synthetic countries, one year of them poisoned.

Beside it stand two references on the same land: the map of year 0, never retrained, and in the last year a model
trained with the whole truth of all land but the reserve.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
from numpy.typing import NDArray

import mlrisk
from benchmarks.quick import without_report
from features.base import RULED_OUT_BY
from mlrisk.settings import Config
from mlrisk.synthetic.scenario import AS_OF
from training.evidence import district_names, open_inputs
from training.validation import judge

SEEDS = (41, 42, 43)
YEARS, POISONED = 10, 6
# About two years after the war: few records exist, and most ordnance has not been found.
START = date(AS_OF.year - 8, 12, 31)
# Of the land that may be surveyed, each year; a tenth of it is drawn by chance and carries its inclusion probability.
SURVEYED, AUDITED = 0.04, 0.1
# Squares that no team surveys in the ten years: the same unsurveyed land judges every year's map.
RESERVE, RESERVE_BLOCK_M = 0.3, 2_000
BUDGET = 0.1
QUICK = (
    "compute.threads=1", "contamination.model.n_trees=60", "contamination.members=3", "casualty.model.n_trees=10",
    "casualty.window_years=2", "validation.protocols=[leave_region_out]", "validation.folds=3",
    # Blocks as small as the country, which is some 15 km wide.
    "contamination.block_m=2000", "ranking.explained_cells=0", "output.formats=[parquet]",
    "features=[front_lines, roads, settlements, incidents, access, land_use]",
)  # fmt: skip


def cut_records(folder: Path, accidents: bool) -> None:
    """Leave out records of the years after START, because results come from the simulated survey.

    `accidents` go on happening if asked for, and are known as they are recorded.
    """
    for name in ("finds.csv", "conflict_events.csv", *(() if accidents else ("incidents.csv",))):
        table = pd.read_csv(folder / name, dtype=str)
        table[~_later(table)].to_csv(folder / name, index=False)
    for name in ("hazard_areas", "land_release"):
        table = gpd.read_file(folder / f"{name}.gpkg")
        kept = table[~_later(table.rename(columns={"created": "record_date"}))]
        (folder / f"{name}.gpkg").unlink()
        pyogrio.write_dataframe(kept, folder / f"{name}.gpkg", layer=name, driver="GPKG")


def _later(table: pd.DataFrame) -> pd.Series:
    late = pd.Series(data=False, index=table.index)
    for column in set(RULED_OUT_BY) & set(table):
        late |= pd.to_datetime(table[column], errors="coerce") > pd.Timestamp(START)
    return late


def country_of(seed: int, cells: int, folder: Path, accidents: bool) -> Path:
    """A synthetic country with an empty survey file; returns its config."""
    country = mlrisk.synthetic_country(seed, cells=cells, folder=folder)
    cut_records(folder, accidents)
    with country.config_path.open("a") as file:
        file.write("  survey: survey.csv\n")
    return country.config_path


def ten_years(
    seed: int, cells: int, folder: Path, more: Sequence[str] = (), accidents: bool = False
) -> list[dict[str, object]]:
    """One row for each year: the decision with its reasons, and the recall of the ranking map; `more` are settings."""
    path = country_of(seed, cells, folder, accidents)
    nothing = {"longitude": [0.0], "latitude": [0.0], "outcome": ["unknown"], "date": ["1990-01-01"]}
    _write(folder, pd.DataFrame(nothing))
    rng = np.random.default_rng(seed)
    inputs = open_inputs(_config(path, 0, more))
    grid, ids = inputs.grid, inputs.grid.cell_ids()
    block = np.unique(np.floor(grid.centres_m() / RESERVE_BLOCK_M), axis=0, return_inverse=True)[1].reshape(-1)
    reserve = np.isin(block, rng.permutation(block.max() + 1)[: round(RESERVE * (block.max() + 1))])
    with rasterio.open(folder / "truth.tif") as file:
        true = file.read(file.descriptions.index("contaminated_ever") + 1)[grid.mask] > 0
    districts = district_names(grid, inputs.sources.vectors["districts"])
    surveyed = np.zeros(grid.n_cells, dtype=bool)
    results, rows, map_now, first = pd.DataFrame(), [], None, None
    for year in range(YEARS + 1):
        poison = ""
        if year:
            chosen, drawn = _survey(rng, map_now, surveyed | reserve, grid.n_cells)
            surveyed[chosen] = True
            fresh = _results(map_now, chosen, drawn, true, year)
            if year == POISONED + 1:
                # The authority inspected the refused records and corrected its file.
                results["outcome"] = results["honest"]
            if year == POISONED:
                poison, fresh["outcome"] = _turned(fresh["outcome"], districts[chosen])
            results = pd.concat([results, fresh], ignore_index=True)
            _write(folder, results)
        started = time.monotonic()
        done = mlrisk.retrain(_config(path, year, more))
        map_now = mlrisk.load_risk_map(folder / "outputs").set_index("cell_id").loc[ids].reset_index()
        unknown = map_now["evidence"].eq("unknown").to_numpy()
        score = map_now["contamination_score"].to_numpy()
        first = score if first is None else first
        figures = {
            name: judge(kind[cell], true[cell])
            for name, kind, cell in (
                ("reserve", score, reserve & unknown), ("unsurveyed", score, unknown),
                ("never_retrained", first, reserve & unknown),
            )
        }  # fmt: skip
        if year == YEARS:
            of_truth = _trained_on_truth(path, folder, map_now, np.flatnonzero(~reserve), true, more)
            figures["whole_truth"] = judge(of_truth[reserve & unknown], true[reserve & unknown])
        rows.append(
            {
                "seed": seed, "year": year, "decision": done.decision.kind, "poisoned": poison,
                "champion": done.decision.champion, "surveyed": int(surveyed.sum()),
                **{f"{name}_recall_10": round(f["recall_10"], 3) for name, f in figures.items()},
                **{f"{name}_roc_auc": round(f["roc_auc"], 3) for name, f in figures.items()},
                "base": round(figures["unsurveyed"]["base_rate"], 3), "seconds": round(time.monotonic() - started, 1),
                "why": "; ".join(done.decision.reasons) or next(iter(done.decision.notes[-1:]), ""),
            }
        )  # fmt: skip
        print(json.dumps(rows[-1]), flush=True)
        for check in done.decision.checks:
            print("   ", check.verdict, check.name, check.text, flush=True)
    return rows


def _turned(outcome: pd.Series, here: np.ndarray) -> tuple[str, pd.Series]:
    """The district with most of the results, and the results with those of that district turned round."""
    district = max(set(here) - {""}, key=lambda name: int((here == name).sum()))
    return district, outcome.where(here != district, outcome.map({"found": "searched", "searched": "found"}))


def _config(path: Path, year: int, more: Sequence[str]) -> Config:
    as_of = date(START.year + year, START.month, START.day)
    return mlrisk.load_config(path, overrides=[*QUICK, *more, f"as_of={as_of}"])


def _survey(
    rng: np.random.Generator, risk: pd.DataFrame, closed: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best-ranked unknown cells, and a few drawn by chance with their probability (NaN for the chosen ones)."""
    open_land = np.flatnonzero(risk["evidence"].eq("unknown").to_numpy() & ~closed)
    number = round(SURVEYED * size)
    audit = rng.permutation(open_land)[: round(AUDITED * number)]
    order = np.argsort(-risk["contamination_score"].to_numpy()[open_land], kind="stable")
    best = [cell for cell in open_land[order] if cell not in set(audit)][: number - len(audit)]
    chance = np.concatenate([np.full(len(audit), len(audit) / len(open_land)), np.full(len(best), np.nan)])
    return np.concatenate([audit, np.array(best, dtype=np.int64)]), chance


def _results(
    risk: pd.DataFrame,
    chosen: NDArray[np.int64],
    drawn: NDArray[np.float64],
    true: NDArray[np.bool_],
    year: int,
) -> pd.DataFrame:
    outcome = np.where(true[chosen], "found", "searched")
    done = f"{START.year + year}-10-15"
    return pd.DataFrame(
        {
            "longitude": risk["longitude"].to_numpy()[chosen], "latitude": risk["latitude"].to_numpy()[chosen],
            "chosen_by": np.where(np.isfinite(drawn), "chance", "model"),
            "outcome": outcome, "honest": outcome, "date": done, "recorded_date": done, "inclusion_prob": drawn,
        }
    )  # fmt: skip


def _trained_on_truth(
    path: Path, folder: Path, risk: pd.DataFrame, cells: NDArray[np.int64], true: NDArray[np.bool_], more: Sequence[str]
) -> NDArray[np.float64]:
    """The scores of the last year's land after a first training on the truth of these cells."""
    drawn = np.full(len(cells), np.nan)
    _write(folder, _results(risk, cells, drawn, true, YEARS).assign(chosen_by="people"))
    text = path.read_text().replace("\nname: ", "\nname: truth-", 1)
    text = text if "truth-" in text else text.replace("name: ", "name: truth-", 1)
    other = path.with_name("truth.yaml")
    other.write_text(text)
    config = _config(other, YEARS, (*more, "output.folder=truth"))
    mlrisk.train(config)
    mlrisk.rank(config)
    ranked = mlrisk.load_risk_map(folder / "truth").set_index("cell_id").loc[risk["cell_id"]]
    return np.asarray(ranked["contamination_score"])


def _write(folder: Path, results: pd.DataFrame) -> None:
    results.drop(columns="honest", errors="ignore").to_csv(folder / "survey.csv", index=False)


def main() -> None:
    """Run the seeds; print the first against the last year, and the outcome of the poisoned one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--cells", type=int, default=3_600)
    parser.add_argument("--csv", type=Path, default=None)
    parser.add_argument("--accidents", action="store_true", help="accidents go on happening in the ten years")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the config")
    arguments = parser.parse_args()
    without_report()
    tables = []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            tables.append(
                pd.DataFrame(ten_years(seed, arguments.cells, Path(scratch), arguments.set, arguments.accidents))
            )
    table = pd.concat(tables, ignore_index=True)
    for seed, rows in table.groupby("seed"):
        first, last = rows[rows["year"] == 1].iloc[0], rows[rows["year"] == YEARS].iloc[0]
        print(
            f"seed {seed}: recall at 10 % on land unsurveyed in all years {first['reserve_recall_10']} -> "
            f"{last['reserve_recall_10']}, on all land unsurveyed then {first['unsurveyed_recall_10']} -> "
            f"{last['unsurveyed_recall_10']}; poisoned year {rows.set_index('year')['decision'][POISONED]}; "
            f"decisions {rows['decision'].value_counts().to_dict()}"
        )
    table["gain"] = table["reserve_recall_10"] - table["never_retrained_recall_10"]
    for year, rows in table.groupby("year"):
        figures = [
            f"{name} {rows[column].mean():.3f}"
            for name, column in (
                ("retrained", "reserve_recall_10"), ("never", "never_retrained_recall_10"),
                ("trained on the truth", "whole_truth_recall_10"),
            )
            if column in rows and rows[column].notna().all()
        ]  # fmt: skip
        error = rows["gain"].std(ddof=1) / np.sqrt(len(rows))
        print(
            f"year {year}, {len(rows)} seeds: {', '.join(figures)}; gain {rows['gain'].mean():+.3f} (s.e. {error:.3f})"
        )
    if arguments.csv:
        table.to_csv(arguments.csv, index=False)


if __name__ == "__main__":
    main()
