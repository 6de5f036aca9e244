"""Real, messy data: counted as it is, and ranked better than the simple rules; skipped where it is absent."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlrisk
from tests.support.paths import DATA, ROOT

real = pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not beside this checkout (../shared/data)")


# The model beside the simple rules; intervals and learned baselines are not looked at here.
LITTLE_JUDGED = (
    "validation.baselines=[distance to the line, distance to an incident]",
    "validation.draws=10",
    "validation.picture_dpi=30",
)


def config(country: str, folder: Path, *overrides: str):
    """The config that we ship, on larger cells and smaller models so that the suite stays quick."""
    return mlrisk.load_config(
        ROOT / "configs" / f"{country}.yaml",
        DATA / country,
        [
            f"tracking.uri=sqlite:///{folder}/mlflow.db",
            f"output.folder={folder}/out",
            "compute.threads=1",
            *LITTLE_JUDGED,
            *overrides,
        ],
    )


def model_and_rules(metrics: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row a fold, one column a ranking."""
    judged = metrics[(metrics["protocol"] == "leave_region_out") & (metrics["fold"] != "mean")]
    return judged.pivot_table(index="fold", columns="ranking", values=column)


@real
def test_check_counts_the_bosnian_records_as_they_are(tmp_path):
    reports = {report.source: report for report in mlrisk.check(config("bosnia", tmp_path)).reports}
    assert reports["hazard_areas"].set_aside == {"no geometry": 1547, "duplicate": 1}
    assert reports["hazard_areas"].repaired == {"invalid polygon": 321}
    assert reports["land_release"].set_aside["no geometry"] == 54
    assert reports["incidents"].set_aside == {"duplicate": 202}


@real
def test_bosnia_beats_the_simple_rules_on_the_half_it_has_not_seen(tmp_path):
    quick = (
        "grid.cell_size_m=1000",
        "contamination.model.n_trees=150",
        "contamination.members=3",
        "casualty.model.n_trees=20",
        "casualty.members=3",
        "validation.protocols=[leave_region_out]",
        "validation.explained_cells=0",
    )
    trained = mlrisk.train(config("bosnia", tmp_path, *quick))
    auc = model_and_rules(trained.metrics, "roc_auc")
    assert set(auc.index) == {"west", "east"}
    assert (auc["mlrisk"] > 0.75).all()
    assert (auc["mlrisk"] > auc["distance to the line"]).all()
    assert (auc["mlrisk"] > auc["distance to an incident"]).all()
    recall = model_and_rules(trained.metrics, "recall_10")
    assert (recall["mlrisk"] > recall["distance to the line"]).all()


@real
def test_colombia_leaves_each_municipality_out_and_ranks_both_departments(tmp_path):
    quick = (
        "contamination.model.n_trees=60",
        "contamination.members=3",
        "casualty.model.n_trees=20",
        "casualty.members=3",
        "validation.protocols=[leave_region_out, random]",
        "validation.explained_cells=0",
        "output.formats=[parquet, html]",
    )
    trained, ranking = mlrisk.run(config("colombia", tmp_path, *quick))
    judged = trained.metrics[trained.metrics["protocol"] == "leave_region_out"]
    assert len(set(judged["fold"]) - {"mean"}) >= 15
    assert "SONSON" in set(judged["fold"])
    auc = model_and_rules(trained.metrics, "roc_auc")["mlrisk"].mean()
    optimistic = trained.metrics.query("protocol == 'random' and ranking == 'mlrisk'")["roc_auc"].mean()
    assert 0.55 < auc < optimistic
    risk = ranking.package.risk
    # 7,019 cells of Antioquia and 1,628 of Caldas; two centres can share a cell of the metric grid.
    assert 8_300 < len(risk) <= 8_647
    assert risk["contamination"].notna().all()
    evidence = risk["evidence"].value_counts()
    assert evidence["unknown"] > 1_628
    assert np.isclose(evidence["found"], 1_132, rtol=0.05)


@real
def test_a_missing_minus_sign_in_the_colombian_events_is_reported(tmp_path):
    overrides = ("sources.incidents={path: events_1990_2013.csv, columns: {year: AÑO, longitude: lon, latitude: lat}}",)
    reports = {report.source: report for report in mlrisk.check(config("colombia", tmp_path, *overrides)).reports}
    assert reports["incidents"].set_aside["longitude sign"] == 1
