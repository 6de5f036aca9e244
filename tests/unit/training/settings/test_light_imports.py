"""Settings are read by every command, also by those that only print: they must not wait for compilers and GDAL."""

import subprocess
import sys

import pytest

HEAVY = ("numba", "geopandas", "rasterio", "pyproj", "shapely", "pandas", "scipy", "lightgbm")


@pytest.mark.slow
def test_settings_import_nothing_heavy():
    code = f"import sys, training.settings.config; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
