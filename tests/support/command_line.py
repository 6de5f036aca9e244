"""The command line as its user runs it, in a process of its own or in this one."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from mlrisk.cli import main
from tests.support.paths import ROOT

# A small model, because tests concern the chain and not the quality of the map.
QUICK = (
    "contamination.model.n_trees=40", "contamination.members=3", "casualty.model.n_trees=30", "casualty.window_years=4",
    "casualty.members=3", "casualty.fewest_accidents=20", "casualty.judged_years=1", "validation.folds=3",
    "validation.protocols=[leave_region_out]", "compute.threads=1",
    "ranking.explained_cells=300", "output.task_sheets=2", "validation.draws=10", "validation.picture_dpi=30",
    "validation.baselines=[random order, distance to the line]",
)  # fmt: skip


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", "from mlrisk.cli import main; main()", *map(str, arguments)]
    # Without the width of a terminal, which the readline of a test run leaves to programs that it starts.
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, env=env, check=False)


def command_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same command in this process: imports of a new one take as long as a small run."""
    out, error, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
        patch.setattr(sys, "argv", ["mlrisk", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), error.getvalue())
