"""Sixty seasons of random audit through `mlrisk.rank` and `mlrisk.verify`: drawn anew, and an interval that covers.

One model ranks one country in every season; each season draws its audit, teams find ordnance with their detection, and
the records are verified. `equal` has one kind of team, `unequal` two of different cost on the ground that they reach.
With `--fed` the results are records of the next season, in which `mlrisk retrain` ranks: no cell may be drawn again.
"""

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely

import mlrisk
from benchmarks.quick import without_report
from benchmarks.retraining import QUICK
from mlrisk.synthetic.scenario import AS_OF
from training.evidence import open_inputs

SEASONS = 60
WORKS = "works: [non_technical_survey]"
TEAMS = {
    "equal": (f"ranking.assets.dogs={{number: 60, {WORKS}}}",),
    "unequal": (
        f"ranking.assets.dogs={{number: 30, {WORKS}, greatest_road_m: 800}}",
        f"ranking.assets.deminers={{number: 900, {WORKS}}}",
    ),
}
NOTHING = {"longitude": [0.0], "latitude": [0.0], "outcome": ["unknown"], "date": ["1990-01-01"]}
AUDIT = ("ranking.audit_share=0.3", "ranking.explore_share=0", "ranking.plan.working_days=150")


def seasons(seed: int, way: str, number: int, cells: int, folder: Path, fed: float = 0.0) -> pd.DataFrame:
    """One row a season: cells drawn, cells drawn before, the estimate and its interval, and the truth of the frame.

    `fed` is the share of the team-days that an audit has whose results are records from then on; 0: none are.
    """
    path = mlrisk.synthetic_country(seed, cells=cells, folder=folder).config_path
    settings: tuple[str, ...] = (*QUICK, *TEAMS[way], *AUDIT)
    if fed:
        with path.open("a") as file:
            file.write("  survey: survey.csv\n")
        settings = (*settings, f"ranking.audit_share={fed}", "retraining.beaten=say")
        pd.DataFrame(NOTHING).to_csv(folder / "survey.csv", index=False)
    config = mlrisk.load_config(path, overrides=settings)
    mlrisk.train(config)
    grid = open_inputs(config).grid
    with rasterio.open(folder / "truth.tif") as file:
        true = file.read(file.descriptions.index("contaminated_at_as_of") + 1)[grid.mask] > 0
    rng, before, rows = np.random.default_rng(seed), np.zeros(grid.n_cells, dtype=bool), []
    decision = ""
    for season in range(number):
        day = (pd.Timestamp(AS_OF) + pd.DateOffset(months=season if fed else 0)).date()
        now = mlrisk.load_config(path, overrides=(*settings, f"ranking.audit_season=s{season}", f"as_of={day}"))
        if fed:
            decision = mlrisk.retrain(now).decision.kind
        else:
            mlrisk.rank(now)
        risk = mlrisk.load_risk_map(folder / "outputs").set_index("cell_id").loc[grid.cell_ids()].reset_index()
        drawn = risk["purpose"].eq("audit").to_numpy()
        frame = risk["inclusion_prob"].gt(0).to_numpy()
        hit = drawn & true & (rng.random(len(drawn)) < risk["season_detection"].to_numpy())
        found, searched = _written(folder, risk, hit, drawn, grid.cell_size_m)
        audit = mlrisk.verify(folder / "outputs", found, searched).audit["all"]
        rows.append(
            {
                "season": season, "drawn": int(drawn.sum()), "again": int((drawn & before).sum()),
                "found": int(hit.sum()), "truth": int((true & frame).sum()), "estimate": audit["estimate"],
                "low": audit["estimate_low"], "high": audit["estimate_high"],
                "kinds": int(risk.loc[frame, "inclusion_prob"].round(9).nunique()), "decision": decision,
            }
        )  # fmt: skip
        if fed:
            _recorded(folder, risk, hit, drawn, day)
        before |= drawn
        print(json.dumps(rows[-1]), flush=True)
    return pd.DataFrame(rows)


def _recorded(folder: Path, risk: gpd.GeoDataFrame, hit: np.ndarray, drawn: np.ndarray, day: date) -> None:
    """Add the audit's results to the survey of the country, known before the next season."""
    done = (pd.Timestamp(day) + pd.DateOffset(days=10)).date()
    fresh = {
        "longitude": risk["longitude"][drawn], "latitude": risk["latitude"][drawn],
        "outcome": np.where(hit[drawn], "found", "searched"), "date": done, "recorded_date": done,
        "inclusion_prob": risk["inclusion_prob"][drawn], "chosen_by": "chance",
    }  # fmt: skip
    known = pd.read_csv(folder / "survey.csv")
    pd.concat([known, pd.DataFrame(fresh)], ignore_index=True).to_csv(folder / "survey.csv", index=False)


def _written(
    folder: Path, risk: gpd.GeoDataFrame, hit: np.ndarray, drawn: np.ndarray, side_m: float
) -> tuple[Path, Path]:
    """The finds and the searched cells of a season, and one find beside the audit: verifying needs one."""
    new = risk["work"].eq("non_technical_survey").to_numpy() & risk["evidence"].ne("found").to_numpy()
    new &= risk["status"].ne("evidence_open").to_numpy()
    rank = risk["rank"].to_numpy(dtype=float, na_value=np.inf)
    best = int(np.argmin(np.where(new & ~drawn, rank, np.inf)))
    rows = np.flatnonzero(hit | (np.arange(len(hit)) == best))
    # Later than fifty seasons of a run, and not in the future, which is a mistake in a record.
    day = f"{AS_OF.year + 5}-06-30"
    places = {"longitude": risk["longitude"].to_numpy()[rows], "latitude": risk["latitude"].to_numpy()[rows]}
    pd.DataFrame({**places, "date": day}).to_csv(folder / "found.csv", index=False)
    half = side_m / 2
    east, north = (risk[name].to_numpy()[drawn] for name in ("easting_m", "northing_m"))
    squares = shapely.box(east - half, north - half, east + half, north + half)
    table = gpd.GeoDataFrame({"date": [day] * len(squares)}, geometry=squares, crs=risk.crs)
    table.to_file(folder / "searched.gpkg", driver="GPKG")
    return folder / "found.csv", folder / "searched.gpkg"


def main() -> None:
    """Run both ways and print how often the interval held the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=61)
    parser.add_argument("--seasons", type=int, default=SEASONS)
    parser.add_argument("--cells", type=int, default=2_500)
    parser.add_argument("--ways", nargs="+", default=list(TEAMS), choices=list(TEAMS))
    parser.add_argument("--fed", type=float, default=0.0, help="share of team-days of an audit whose results are kept")
    asked = parser.parse_args()
    without_report()
    for way in asked.ways:
        with tempfile.TemporaryDirectory() as scratch:
            table = seasons(asked.seed, way, asked.seasons, asked.cells, Path(scratch), asked.fed)
        inside = table["low"].le(table["truth"]) & table["truth"].le(table["high"])
        print(
            f"{way} probabilities: {len(table)} seasons, the interval holds the truth in {inside.mean():.2f}; estimate "
            f"{table['estimate'].mean():.1f} on average, truth {table['truth'].mean():.1f}; "
            f"{table['drawn'].mean():.0f} cells a season, drawn before "
            f"{table['again'].sum() / table['drawn'].sum():.2f} of them"
        )


if __name__ == "__main__":
    main()
