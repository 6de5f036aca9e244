"""Registered versions opened in an environment without mlrisk: mlflow, lightgbm, numpy, pandas and scikit-learn.

python -m venv /tmp/plain && /tmp/plain/bin/pip install mlflow lightgbm numpy pandas scikit-learn  # of constraints.txt
python -m benchmarks.elsewhere --python /tmp/plain/bin/python
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

import mlrisk
from benchmarks.killed import QUICK
from benchmarks.quick import without_report
from features.as_of import Snapshot
from features.table import grid_feature_table
from mlrisk.ranking import load_champions
from training.casualty import expected_casualties, open_history
from training.casualty.fitting import unit_table
from training.evidence import contamination_context, open_inputs
from training.registry import Store

MOST_APART = 1e-9
# Enough accidents for counts: with few of them the map spreads the same total by its index.
COUNTED = ("casualty.window_years=6", "casualty.fewest_accidents=10")
PLAIN = """
import json, sys
from importlib.metadata import distributions
import mlflow.pyfunc, numpy, pandas
mlflow.set_tracking_uri(sys.argv[1])
for target in ("contamination", "casualty"):
    model = mlflow.pyfunc.load_model(f"models:/{sys.argv[2]}.{target}@champion")
    numpy.save(f"{target}.npy", model.predict(pandas.read_parquet(f"{target}.parquet")))
ours = sorted(n for n in sys.modules if n.split(".")[0] in ("features", "models", "training", "mlrisk"))
there = {d.name for d in distributions()}
absent = [n for n in ("geopandas", "shapely", "numba", "rasterio", "mlrisk") if n not in there]
print(json.dumps({"modules of ours": ours, "not installed there": absent, "python": sys.version.split()[0]}))
"""


def main() -> None:
    """Train on a small country, let both champions predict in that environment, and compare with the map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the other environment")
    arguments = parser.parse_args()
    without_report()
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(int(not asked(Path(scratch), arguments.python)))


def asked(folder: Path, python: str) -> bool:
    """Whether predictions of both models in that environment differ from the map by no more than MOST_APART."""
    country = mlrisk.synthetic_country(4, cells=2_500, folder=folder / "country")
    config = mlrisk.load_config(country.config_path, overrides=[*QUICK, *COUNTED])
    mlrisk.train(config)
    risk = mlrisk.rank(config).package.risk
    champions, inputs = load_champions(config), open_inputs(config)
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    table = grid_feature_table(inputs.grid, snapshot, config.features, config.compute.tile_cells)
    pd.DataFrame(table.frame()).to_parquet(folder / "contamination.parquet")
    history = open_history(config, inputs)
    if history is None or champions.casualty is None or champions.casualty.is_index:
        sys.exit("too few accidents for counts")
    # The map uses the scores that are stored with the model, and the ranking model for other cells.
    kept = pd.Series(champions.casualty.scores, index=champions.casualty.scored_cells)
    score = kept.reindex(inputs.grid.cell_ids()).to_numpy()
    history.score = lambda _: np.where(np.isfinite(score), score, expit(risk["contamination_score"].to_numpy()))
    now = history.moment(config.as_of)
    unit_table(now).to_parquet(folder / "casualty.parquet")
    line = [python, "-W", "ignore", "-c", PLAIN, Store.of(config).uri, config.name]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    here = risk["contamination"].to_numpy()
    units = history.units.total(risk["casualties_per_year"].to_numpy())
    model = expected_casualties(champions.casualty, now, 1)[0]
    apart = {
        "contamination, map": np.abs(np.load(folder / "contamination.npy") - here).max(),
        "casualties of a unit, model": np.abs(np.load(folder / "casualty.npy") - model).max(),
        "casualties of a unit, map": np.abs(np.load(folder / "casualty.npy") - units).max(),
    }
    print(done.stdout.splitlines()[-1])
    print(json.dumps({name: float(value) for name, value in apart.items()}))
    return max(apart.values()) < MOST_APART and json.loads(done.stdout.splitlines()[-1])["modules of ours"] == []


if __name__ == "__main__":
    main()
