"""Training for retraining benchmarks without unneeded parts: pictures and learned baselines."""

from functools import partial

import pandas as pd

import training.contamination.judging
import training.reporting.recording
import training.train
from training.reporting import Report
from training.reporting.tables import ReportInput, compute
from training.validation import BASELINES

KEPT = ("random order", "distance to the line")


def without_report() -> None:
    """Train without the report, its card and all but two baselines; no decision and no map depends on them."""
    few = {name: BASELINES[name] for name in KEPT}
    judge = partial(training.contamination.judging.judge_contamination, baselines=few)
    setattr(training.train, "judge_contamination", judge)  # noqa: B010 a patch of another module
    bare = ReportInput(title="", as_of="", question="", table=pd.DataFrame())
    setattr(training.train, "run_report", lambda *_: Report(bare, compute(bare), ()))  # noqa: B010 the same
    setattr(training.reporting.recording, "model_card", lambda *_: "")  # noqa: B010 the same; it tells what the report holds
