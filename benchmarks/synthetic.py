"""The chain against the truth of synthetic countries; see README.md here."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio

import mlrisk
from features.as_of import Snapshot
from features.table import feature_table
from training.evidence import contamination_context, open_inputs
from training.validation import judge
from training.validation.baselines import feature_scores


def judged(seed: int, cells: int, folder: Path) -> dict[str, float]:
    """Figures of one country: recall of true contamination by area, and predicted over expected casualties."""
    country = mlrisk.synthetic_country(seed, cells=cells, folder=folder / f"seed-{seed}")
    config = mlrisk.load_config(country.config_path)
    started = time.monotonic()
    _, ranking = mlrisk.run(config)
    seconds = time.monotonic() - started
    risk, grid = ranking.package.risk, ranking.package.grid
    with rasterio.open(country.truth_raster) as truth:
        true = truth.read(truth.descriptions.index("contaminated_at_as_of") + 1)[grid.mask] > 0
        surveyed = truth.read(truth.descriptions.index("surveyed") + 1)[grid.mask] > 0
    inputs = open_inputs(config)
    table = feature_table(grid, Snapshot(inputs.sources, contamination_context(config)), config.features)
    scores = {"mlrisk": risk["contamination_score"].to_numpy()} | feature_scores(table.names, table.values)
    for where, cell in (("all land", np.ones(len(risk), dtype=bool)), ("unsurveyed land", ~surveyed)):
        for ranking_name, score in scores.items():
            figures = judge(score[cell], true[cell])
            print(
                f"seed {seed}  {where:16s} {ranking_name:24s} AUC {figures['roc_auc']:.3f}  "
                f"PR {figures['pr_auc']:.3f} (base {figures['base_rate']:.3f})  recall 5 / 10 / 20 % of area "
                f"{figures['recall_5']:.3f} / {figures['recall_10']:.3f} / {figures['recall_20']:.3f}"
            )
    facts = json.loads(country.truth_json.read_text())
    expected, predicted = facts["expected_casualties_next_year"], float(risk["casualties_per_year"].sum())
    held = float(risk["contamination"].mean()), float(true.mean())
    print(
        f"seed {seed}  casualties: predicted {predicted:.1f}, truth {expected:.1f}, ratio {predicted / expected:.3f}; "
        f"mean contamination {held[0]:.3f}, true share {held[1]:.3f}; out of domain {(~risk['in_domain']).mean():.3f}; "
        f"{len(risk):,} cells in {seconds:.0f} s"
    )
    return {"ratio": predicted / expected}


def main() -> None:
    """Judge each seed in a scratch folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--cells", type=int, default=40_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            judged(seed, arguments.cells, Path(scratch))


if __name__ == "__main__":
    main()
