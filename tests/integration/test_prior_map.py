"""A country without labels gets a map by rules of the field, which says so in every output."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import mlrisk
from features.base import ConfigError
from mlrisk.cli.text.explain import cell_parts
from mlrisk.cli.text.parts import Table
from mlrisk.cli.text.rank import ranked_map
from mlrisk.commands import run
from mlrisk.commands.explain_cell import explain_cell
from mlrisk.ranking.prior import NOT_LEARNED, prior_champions
from mlrisk.settings import RankingSettings
from training.evidence import open_inputs

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


def test_a_plan_on_a_map_without_probabilities_promises_no_number_of_finds(config, tmp_path):
    teams = RankingSettings.model_validate(config.ranking.model_dump() | {"assets": {"nts_teams": {"number": 1}}})
    ranking = mlrisk.rank(moved(config.model_copy(update={"ranking": teams}), tmp_path))
    assert np.isnan(ranking.package.plan["totals"]["expected_found_cells"])
    assert any(
        "expected: finds unknown, casualties unknown" in part for part in ranked_map(ranking) if isinstance(part, str)
    )
    page = (tmp_path / "map.html").read_text()
    assert "how many cells hold EO is not known" in page
    assert "about 0 cells with EO" not in page
    assert json.loads((tmp_path / "summary.json").read_text())["plan"]["totals"]["expected_found_cells"] is None


def test_a_cell_is_explained_in_words_of_the_rules(config, ranking):
    risk = mlrisk.load_risk_map(ranking.folder)
    first = int(risk.loc[risk["rank"] == 1, "cell_id"].iloc[0])
    story = explain_cell(config, first)
    parts = cell_parts(story)
    text = " ".join(part if isinstance(part, str) else " ".join((part.title, *part.header)) for part in parts)
    assert "rules of the field, not learned here" in text
    assert not re.search(r"log-odds|resampled|model|nan", text)
    (table,) = (part for part in parts if isinstance(part, Table) and part.title.startswith("points of 100"))
    points = sum(float(row[1]) for row in table.rows)
    turns = sum(
        rule.weight * rule.turn for rule in prior_champions(config, open_inputs(config)).contamination.ranker.rules
    )
    score = risk.loc[risk["cell_id"] == first, "contamination_score"].iloc[0]
    assert points == pytest.approx(100 * (score - turns), abs=0.2)


def test_kept_families_give_the_same_map(config, ranking, tmp_path, caplog):
    kept = config.model_copy(update={"compute": config.compute.model_copy(update={"cache": str(tmp_path / "kept")})})
    for number in (1, 2):
        caplog.clear()
        with caplog.at_level("INFO", "features.table.build"):
            again = mlrisk.rank(moved(kept, tmp_path / str(number)))
        assert (again.folder / "risk.parquet").read_bytes() == (ranking.folder / "risk.parquet").read_bytes()
    assert "computed: none" in caplog.text


def moved(config, folder):
    return config.model_copy(update={"output": config.output.model_copy(update={"folder": folder})})


def test_without_a_feature_of_a_rule_there_is_no_map(config):
    rules = {name: rule.model_copy(update={"weight": 0.0}) for name, rule in config.prior.items()}
    with pytest.raises(ConfigError, match=r"ranking.policy \(prior\) needs a feature of prior"):
        run(config.model_copy(update={"prior": rules}))
