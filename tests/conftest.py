"""Settings for all tests and for the commands that they start."""

import os
from pathlib import Path

# Two workers share two cores: where LightGBM's threads wait for each other, a test takes ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test may read results of another test or of earlier code.
os.environ["MLRISK_CACHE"] = ""

# Run by QGIS's own Python, which has the modules that it asks for (test_opened_elsewhere.py).
collect_ignore = ["support/in_qgis.py", "support/project_in_qgis.py"]

TESTS = Path(__file__).parent
# The longest first, so that no worker is left with one of them at the end; the layers after them, the quick ones last.
LONGEST = ("end_to_end/test_chain.py", "end_to_end/test_retrain_command.py", "services/test_servers.py")
LAYERS = ("end_to_end", "services", "real_data", "integration", "contracts", "unit")


def pytest_collection_modifyitems(items):
    """Hand out the longest modules first; within a module the order stays."""

    def place(item):
        if not item.path.is_relative_to(TESTS):
            return len(LONGEST) + len(LAYERS) + 1
        name = item.path.relative_to(TESTS).as_posix()
        if name in LONGEST:
            return LONGEST.index(name)
        layer = name.partition("/")[0]
        return len(LONGEST) + (LAYERS.index(layer) if layer in LAYERS else len(LAYERS))

    items.sort(key=place)
