"""Twelve months of twenty records each through `mlrisk retrain`: honest, reversed from a month on, and corrected.

Each month twenty cells are surveyed on a synthetic country, nine tenths by the champion's ranking and one tenth by a
draw. From `TURNED` on the results are written down turned round, everywhere or in the district with most of them; in
`CORRECTED` the file is put right. `--batch 240` makes one round of a year's records.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio

import mlrisk
from benchmarks.quick import without_report
from benchmarks.retraining import QUICK, START, country_of
from mlrisk.commands.retrain import decide_about_records
from mlrisk.settings import Config
from training.evidence import district_names, open_inputs

MONTHS, RECORDS, TURNED, CORRECTED = 12, 20, 4, 8
SEEDS = (51, 52, 53)
AUDITED = 0.1
WAYS = ("honest", "everywhere", "district")
TURN = {"found": "searched", "searched": "found"}


def months(
    seed: int, folder: Path, how: str, cells: int, batch: int, more: Sequence[str] = (), last: int = MONTHS
) -> list[dict[str, object]]:
    """One row for each round: the decision and the quarantine; `how` is honest, everywhere or district."""
    path = country_of(seed, cells, folder, accidents=False)
    nothing = {"longitude": [0.0], "latitude": [0.0], "outcome": ["unknown"], "date": ["1990-01-01"]}
    pd.DataFrame(nothing).to_csv(folder / "survey.csv", index=False)
    rng = np.random.default_rng(seed)
    inputs = open_inputs(_config(path, 0, more))
    grid = inputs.grid
    with rasterio.open(folder / "truth.tif") as file:
        true = file.read(file.descriptions.index("contaminated_ever") + 1)[grid.mask] > 0
    districts = district_names(grid, inputs.sources.vectors["districts"])
    surveyed = np.zeros(grid.n_cells, dtype=bool)
    results, rows, here, ranked = pd.DataFrame(), [], "", None
    step = max(1, round(batch / RECORDS))
    for month in range(0, last + 1, step):
        if month:
            chosen, fresh = _surveyed(rng, ranked, surveyed, true, month, batch)
            surveyed[chosen] = True
            fresh["district"] = districts[chosen]
            if how == "district" and not here and month >= TURNED:
                here = str(fresh.loc[fresh["district"] != "", "district"].mode()[0])
            wrong = how != "honest" and month >= TURNED and (step > 1 or month < CORRECTED)
            turned = fresh["district"].eq(here) if here else pd.Series(data=True, index=fresh.index)
            fresh["written"] = fresh["outcome"].where(~(turned & wrong), fresh["outcome"].map(TURN))
            results = pd.concat([results, fresh], ignore_index=True)
            if month == CORRECTED and how != "honest":
                results["written"] = results["outcome"]
            _write(folder, results)
        started = time.monotonic()
        done = mlrisk.retrain(_config(path, month, more))
        ranked = mlrisk.load_risk_map(folder / "outputs").set_index("cell_id").loc[grid.cell_ids()].reset_index()
        if how == "honest" and done.decision.quarantine:
            # Somebody looks at the rows, which are right, and says so: the next month goes on from there.
            named_rows = [one for text in done.decision.quarantine for one in text.split(" ")]
            decide_about_records(_config(path, month, more), named_rows, (), "operator")
        wrong_now = len(results) and (results["written"] != results["outcome"]).sum()
        named = _named(done.decision.quarantine)
        rows.append(
            {
                "seed": seed, "how": how, "month": month, "decision": done.decision.kind,
                "champion": done.decision.champion, "records": len(results), "wrong": int(wrong_now),
                "turned_in": here, "failed": ",".join(c.name for c in done.decision.checks if not c.passed),
                "named": len(named), "named_wrong": _wrong(named, results), "next": done.next_step,
                "seconds": round(time.monotonic() - started, 1),
            }
        )  # fmt: skip
        print(json.dumps(rows[-1]), flush=True)
        for check in done.decision.checks:
            print("   ", check.verdict, check.name, check.text, flush=True)
    return rows


def _config(path: Path, month: int, more: Sequence[str]) -> Config:
    day = pd.Timestamp(START) + pd.DateOffset(months=month)
    return mlrisk.load_config(path, overrides=[*QUICK, *more, f"as_of={day.date()}"])


def _surveyed(
    rng: np.random.Generator, ranked: pd.DataFrame, surveyed: np.ndarray, true: np.ndarray, month: int, batch: int
) -> tuple[np.ndarray, pd.DataFrame]:
    """The cells of a month and their results; the draw carries its probability."""
    land = np.flatnonzero(ranked["evidence"].eq("unknown").to_numpy() & ~surveyed)
    drawn = rng.permutation(land)[: round(AUDITED * batch)]
    order = land[np.argsort(-ranked["contamination_score"].to_numpy()[land], kind="stable")]
    best = order[~np.isin(order, drawn)][: batch - len(drawn)]
    chosen = np.concatenate([drawn, best])
    day = (pd.Timestamp(START) + pd.DateOffset(months=month) - pd.DateOffset(days=10)).date()
    by_chance = np.arange(len(chosen)) < len(drawn)
    return chosen, pd.DataFrame(
        {
            "longitude": ranked["longitude"].to_numpy()[chosen], "latitude": ranked["latitude"].to_numpy()[chosen],
            "outcome": np.where(true[chosen], "found", "searched"), "date": str(day), "recorded_date": str(day),
            "inclusion_prob": np.where(by_chance, len(drawn) / len(land), np.nan),
            "chosen_by": np.where(by_chance, "chance", "model"),
        }
    )  # fmt: skip


def _write(folder: Path, results: pd.DataFrame) -> None:
    results.drop(columns=["outcome", "district"]).rename(columns={"written": "outcome"}).to_csv(
        folder / "survey.csv", index=False
    )


def _named(quarantine: Sequence[str]) -> list[int]:
    """Rows of the survey file that are named, from 1 on."""
    texts = [text.removeprefix("survey:") for one in quarantine for text in one.split(" ") if "survey:" in text]
    spans = [span.split("-") for text in texts for span in text.split(",")]
    return [row for span in spans for row in range(int(span[0]), int(span[-1]) + 1)]


def _wrong(named: Sequence[int], results: pd.DataFrame) -> int:
    odd = np.flatnonzero((results["written"] != results["outcome"]).to_numpy()) + 1 if len(results) else np.zeros(0)
    return int(np.isin(odd, named).sum())


def main() -> None:
    """Run the ways and seeds, and count what was refused when."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument(
        "--ways", nargs="+", default=["honest", "everywhere"], choices=["honest", "everywhere", "district"]
    )
    parser.add_argument("--cells", type=int, default=2_500)
    parser.add_argument("--batch", type=int, default=RECORDS, help="records a round; 240 is a year's")
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the config")
    arguments = parser.parse_args()
    without_report()
    rows: list[dict[str, object]] = []
    for seed in arguments.seeds:
        for how in arguments.ways:
            with tempfile.TemporaryDirectory() as scratch:
                rows += months(
                    seed, Path(scratch), how, arguments.cells, arguments.batch, arguments.set, arguments.months
                )
    table = pd.DataFrame(rows)
    for (how, seed), part in table.groupby(["how", "seed"], sort=False):
        refused = part.loc[part["decision"].eq("refused"), "month"].tolist()
        print(f"{how}, seed {seed}: refused in months {refused or 'none'}; {part['decision'].value_counts().to_dict()}")


if __name__ == "__main__":
    main()
