"""For all tests, and for the commands that they start."""

import os

# Two workers share two cores: where LightGBM's threads wait for each other, a test takes ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Run by QGIS's own Python, which has the modules that it asks for (test_opened_elsewhere.py).
collect_ignore = ["support/in_qgis.py"]
