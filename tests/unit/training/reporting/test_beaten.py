"""The report, its JSON and the card open with any baseline that ranks better than the model."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.support.sample_held_out import sample_report
from training.reporting.beaten import beaten_by
from training.reporting.report import report_of


def row(ranking, protocol="leave_region_out", **figures):
    return {"protocol": protocol, "ranking": ranking, **figures}


def gain(value, low, high, name="recall_10_gain"):
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def test_only_a_lead_whose_interval_leaves_out_zero_counts():
    pooled = pd.DataFrame(
        [
            row("mlrisk"),
            row("distance to the line", **gain(-0.03, -0.07, -0.004)),
            row("random order", **gain(0.3, 0.2, 0.4)),
            row("nearest accident", **gain(-0.03, -0.07, 0.004), **gain(-0.04, -0.06, -0.02, "roc_auc_gain")),
            row("density", protocol="random", **gain(-0.3, -0.4, -0.2)),
            row("forest", **gain(np.nan, np.nan, np.nan)),
        ]
    )
    sentences = beaten_by(pooled, "mlrisk")
    assert [text.split(": ")[1].split(",")[0] for text in sentences] == ["distance to the line", "nearest accident"]
    assert sentences[0].endswith("leave_region_out, recall at 10 % of area by 0.03 (0.00 to 0.07)")
    assert "ROC AUC by 0.04 (0.02 to 0.06)" in sentences[1]
    assert beaten_by(pd.DataFrame(), "mlrisk") == ()


@pytest.mark.slow
def test_the_report_and_its_json_say_it_before_anything_else():
    source = sample_report()
    lost = {
        name: replace(cells, score=np.random.default_rng(0).normal(size=len(cells.score)))
        for name, cells in source.held_out.items()
    }
    made = report_of(replace(source, held_out=lost, draws=40))
    assert any("distance to the line" in text for text in made.beaten)
    texts = made.texts()
    assert re.findall(r"<h2>(.*?)</h2>", texts["report.html"])[0] == "A baseline beats the model"
    assert next(iter(json.loads(texts["report.json"]))) == "beaten_by"
    assert report_of(replace(source, draws=40)).beaten == ()
