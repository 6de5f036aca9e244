"""`import mlrisk`: light, and its names are those of the interface."""

import subprocess
import sys

import mlrisk
from mlrisk.commands.rank import rank
from mlrisk.followup.verification import verify

NAMES = {
    "Country", "__version__", "check", "evaluate", "evidence", "features", "load_config", "load_risk_map",
    "open_country", "rank", "retrain", "run", "synthetic_country", "train", "verify", "write_features",
}  # fmt: skip
HEAVY = ("numpy", "pandas", "geopandas", "lightgbm", "mlflow", "numba", "shap", "rich", "pydantic")


def test_dir_lists_the_functions_of_the_interface():
    assert set(dir(mlrisk)) >= NAMES
    assert set(mlrisk.__all__) == NAMES
    assert all(callable(getattr(mlrisk, name)) for name in NAMES - {"__version__"})


def test_a_name_is_the_function_of_its_room():
    assert mlrisk.rank is rank
    assert mlrisk.verify is verify


def test_import_and_help_load_nothing_heavy():
    code = (
        "import sys, mlrisk, mlrisk.cli\n"
        "try:\n    mlrisk.cli.app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
