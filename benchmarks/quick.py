"""What retraining benchmarks leave out of every training: pictures that nobody looks at, and learned baselines."""

from functools import partial

import training.contamination.judging
import training.reporting.recording
import training.train
from training.validation import BASELINES

KEPT = ("random order", "distance to the line")


def without_report() -> None:
    """Train without the report, its card and all but two baselines; no decision and no map depends on them."""
    few = {name: BASELINES[name] for name in KEPT}
    judge = partial(training.contamination.judging.judge_contamination, baselines=few)
    setattr(training.train, "judge_contamination", judge)  # noqa: B010 a patch of another module
    texts = {"report.html": "", "report.json": "{}"}
    setattr(training.train, "run_report", lambda *_: dict(texts))  # noqa: B010 the same
    setattr(training.reporting.recording, "model_card", lambda *_: "")  # noqa: B010 the same; it tells what the report holds
