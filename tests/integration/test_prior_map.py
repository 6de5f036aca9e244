"""A country without labels gets a map by rules of the field, which says so in every output."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

import mlrisk
from features.base import ConfigError
from mlrisk.cli.text.rank import ranked_map
from mlrisk.commands import run
from mlrisk.ranking.prior import NOT_LEARNED

NO_LABELS = (
    "features=[front_lines, incidents, roads]", "ranking.policy=prior", "output.formats=[parquet, csv, gpkg, html]",
    "ranking.explained_cells=50", "contamination.labels={found: [CHA], searched: [cancelled]}",
    "sources.hazard_areas=null", "sources.land_release=null",
)  # fmt: skip


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    country = mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country"))
    return mlrisk.load_config(country.config_path, overrides=NO_LABELS)


@pytest.fixture(scope="module")
def ranking(config):
    trained, ranking = run(config)
    assert trained is None
    return ranking


def test_every_cell_is_ranked_by_the_rules_and_none_has_a_probability(ranking):
    risk = mlrisk.load_risk_map(ranking.folder)
    assert risk["rank"].notna().sum() == risk["work"].ne("none").sum()
    assert risk[["contamination", "contamination_low", "contamination_high"]].isna().all(axis=None)
    by_rank = risk[risk["rank"].notna() & risk["status"].eq("unknown")].sort_values("rank")
    assert by_rank["priority"].is_monotonic_decreasing
    assert by_rank["front_line_distance_m"].head(100).median() < by_rank["front_line_distance_m"].tail(100).median()


def test_every_output_says_that_nothing_was_learned_here(ranking):
    folder = ranking.folder
    assert json.loads((folder / "summary.json").read_text())["basis"] == NOT_LEARNED
    assert json.loads(pq.read_metadata(folder / "risk.parquet").metadata[b"mlrisk"])["basis"] == NOT_LEARNED
    assert f">{NOT_LEARNED}<" in (folder / "map.html").read_text()
    assert NOT_LEARNED in pd.read_csv(folder / "survey_tasks.csv")["note"].iloc[0]
    assert NOT_LEARNED.encode() in (folder / "risk_map.gpkg").read_bytes()
    assert NOT_LEARNED in ranked_map(ranking)


def test_without_a_feature_of_a_rule_there_is_no_map(config):
    rules = {name: rule.model_copy(update={"weight": 0.0}) for name, rule in config.prior.items()}
    with pytest.raises(ConfigError, match=r"ranking.policy \(prior\) needs a feature of prior"):
        run(config.model_copy(update={"prior": rules}))
